// Whether rules stand as they were written, and our jumps where they stood. In: Kernel, rulesets as they are written. Out: RulesKeeper.
import {
  chainOf,
  createCheck,
  findOvertaken,
  placesAfter,
  putBack,
  type Change,
  type Overtaken,
  type Ownership,
  type Places,
  type Ruleset,
  type Verified,
} from "../../rules/index.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Refused, Written } from "./kernel-writer.ts";

/** What a write of rules left behind: chains that rules of others lead to. */
export type LeftBehind = Pick<Extract<Written, { ok: true }>, "changes" | "left" | "leftChains">;

export type RulesKeeper = {
  /** `desired` is in force. `text`: the kernel's words from before, where it was read. */
  readonly wrote: (desired: Ruleset, written: LeftBehind, text: string | undefined) => void;
  /** Whether all of it is there, read in pieces. `fully`: chains that could not be deleted count too. */
  readonly isAsWritten: (desired: Ruleset, fully: boolean) => Promise<boolean>;
  /** What puts our jumps back, besides the changes that are `missing` since `text` was read. */
  readonly plan: (desired: Ruleset, text: string, missing: readonly Change[]) => RulesRepair;
};

export type RulesRepair = {
  readonly moves: readonly Change[];
  /** All changes were made; tells which of them are news, and why not all that is news is put right. */
  readonly done: (written: LeftBehind) => {
    readonly changes: readonly Change[];
    readonly failure: Refused | undefined;
  };
};

type State = {
  readonly owns: Ownership;
  /** Of the last check, so that the next has less to do. */
  verified: Verified;
  /** Chains that cannot be deleted, since rules of others lead to them, as `table name`. */
  left: ReadonlySet<string>;
  /** Where our jumps stand among the rules of others, as it is accepted; undefined before the first good pass. */
  places: readonly Places[] | undefined;
  /** Rules of others behind which no jump was left once. Whoever puts them first again is let be: no agent should fight another for ever. */
  readonly conceded: Set<string>;
};

/** For one family. `owns`: which chains of the kernel are taken for ours. */
export function createRulesKeeper(kernel: Kernel, owns: Ownership): RulesKeeper {
  const state: State = { owns, verified: new Map(), left: new Set(), places: undefined, conceded: new Set() };
  return {
    wrote: (desired, { changes, leftChains }, text) => {
      state.left = new Set([...state.left, ...leftChains]);
      if (text !== undefined) state.places ??= placesAfter(placesIn(state, desired, text), changes);
    },
    isAsWritten: async (desired, fully) => {
      const { verified, left } = state;
      const checking = createCheck(desired, { verified, owns, left: fully ? new Set() : left });
      await kernel.scanRules(desired.family, checking.feed);
      const checked = checking.end();
      state.verified = checked.verified;
      if (checked.differs || overtakenNow(state, checked.places).length > 0) return false;
      state.places = checked.places;
      return true;
    },
    plan: (desired, text, missing) => {
      const now = placesAfter(placesIn(state, desired, text), missing);
      const overtaken = overtakenNow(state, now);
      const moves = putBack(overtaken, state.places ?? now, now);
      return {
        moves,
        done: (written) => {
          for (const each of overtaken) for (const key of keysOf(each)) state.conceded.add(key);
          state.places = placesAfter(now, moves);
          return news(state, written);
        },
      };
    },
  };
}

/** What could not be deleted before, and still cannot, is none. */
function news(state: State, { changes, left, leftChains }: LeftBehind): ReturnType<RulesRepair["done"]> {
  const wasLeft = state.left;
  state.left = new Set(leftChains);
  const isNews = (change: Change): boolean => {
    const key = `${change.table} ${chainOf(change)}`;
    return change.kind !== "delete-chain" || !state.left.has(key) || !wasLeft.has(key);
  };
  const found = changes.filter(isNews);
  return { changes: found, failure: found.length === 0 ? undefined : left };
}

function placesIn({ owns }: State, desired: Ruleset, text: string): readonly Places[] {
  const reading = createCheck(desired, { verified: new Map(), left: new Set(), owns });
  for (const line of text.split("\n")) if (/^[*]|^-A [A-Z]+ /.test(line)) reading.feed(`${line}\n`);
  return reading.end().places;
}

function overtakenNow({ places, conceded }: State, now: readonly Places[]): Overtaken[] {
  const isNew = (each: Overtaken): boolean => keysOf(each).some((key) => !conceded.has(key));
  return findOvertaken(places ?? now, now).filter(isNew);
}

function keysOf({ table, jump, by }: Overtaken): string[] {
  return by.map((text) => `${table} ${jump.from} ${text}`);
}
