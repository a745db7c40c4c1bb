// Turns what arrives into changes for the consumer. In: objects of lists and watches. Out: batches of ObjectChange.
import type { Problem } from "../../rules/problem.ts";
import { createHoldings, type Holdings } from "./holdings.ts";
import { readIdentity, type Identity } from "./incoming.ts";
import type { Resource } from "./resources.ts";
import type { Version } from "./version.ts";

/** One change, of the object `namespace/name` (or `name`). Times are milliseconds since 1970. */
export type ObjectChange<T> =
  | {
      readonly kind: "set";
      readonly key: string;
      readonly version: Version | undefined;
      readonly object: T;
      readonly receivedAt: number;
      /** When what changed the object happened, as the annotation `endpoints.kubernetes.io/last-change-trigger-time` says. */
      readonly triggeredAt?: number;
      readonly uid?: string;
    }
  | { readonly kind: "gone"; readonly key: string; readonly receivedAt: number };

/** Who is told. What a function here throws is logged, and stops nothing. */
export type Consumer<T> = {
  /** In the order in which they happened; all that arrived at once in one call. `gone` may name an object that was never usable. */
  readonly onChanges: (changes: readonly ObjectChange<T>[]) => void;
  /** Once, after the first full list, or when the server turned out not to have this kind. */
  readonly onSynced: () => void;
  /** An object that cannot be used. The last good state of it stays in force. Nothing is logged of it here. */
  readonly onProblem: (key: string, problems: readonly Problem[]) => void;
};

/** Where logs go; winston's Logger fits. */
export type Log = Readonly<Record<"debug" | "info" | "warn" | "error", (message: string) => unknown>>;

export type IntakeContext<T> = {
  readonly resource: Resource<T>;
  readonly consumer: Consumer<T>;
  readonly log: Log;
  readonly now: () => number;
};

/** The way in. Changes are gathered until `flush`. */
export type Intake = {
  readonly holdings: Holdings;
  /** An object that is there. Undefined where it cannot even be named. */
  readonly set: (object: unknown, isNew?: (identity: Identity) => boolean) => void;
  /** An object that is no longer there. */
  readonly gone: (object: unknown, isNew?: (identity: Identity) => boolean) => void;
  /** Reports something that is not of the API at all. */
  readonly strange: (what: string) => void;
  /** The list is complete: what it did not have is gone. */
  readonly endFill: () => void;
  readonly flush: () => void;
  readonly synced: () => void;
  /** How many objects were refused so far. */
  readonly refusals: () => number;
};

export function createIntake<T>({ resource, consumer, log, now }: IntakeContext<T>): Intake {
  const holdings = createHoldings();
  let changes: ObjectChange<T>[] = [];
  let refusals = 0;
  const guarded = (what: string, call: () => void): void => {
    try {
      call();
    } catch (error) {
      // What was not taken is told again with the next list.
      holdings.distrust();
      log.error(
        `${resource.name}: bug: ${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
  };
  const refuse = (key: string, problems: readonly Problem[]): void => {
    refusals++;
    guarded("onProblem", () => {
      consumer.onProblem(key, problems);
    });
  };
  const strange = (what: string): void => {
    const problem: Problem = { code: "not-an-object", severity: "error", object: resource.name, path: [], text: what };
    refuse("", [problem]);
  };
  const identify = (object: unknown, isNew: (identity: Identity) => boolean): Identity | undefined => {
    const identity = readIdentity(object);
    if (identity === undefined) strange("the server sent something that is no object of the API");
    return identity !== undefined && isNew(identity) ? identity : undefined;
  };
  return {
    holdings,
    strange,
    refusals: () => refusals,
    set: (object, isNew = always) => {
      const identity = identify(object, isNew);
      if (identity === undefined || !holdings.note(identity)) return;
      const { key, version, triggeredAt, uid } = identity;
      const { value, problems } = resource.decode(object);
      holdings.judge(key, value !== undefined);
      if (value === undefined) {
        refuse(key, problems);
        return;
      }
      const change = { kind: "set", key, version, object: value, receivedAt: now() } as const;
      const dated = triggeredAt === undefined ? change : { ...change, triggeredAt };
      changes.push(uid === undefined ? dated : { ...dated, uid });
    },
    gone: (object, isNew = always) => {
      const identity = identify(object, isNew);
      if (identity !== undefined && holdings.forget(identity.key))
        changes.push({ kind: "gone", key: identity.key, receivedAt: now() });
    },
    endFill: () => {
      for (const key of holdings.endFill()) changes.push({ kind: "gone", key, receivedAt: now() });
    },
    flush: () => {
      if (changes.length === 0) return;
      const batch = changes;
      changes = [];
      guarded("onChanges", () => {
        consumer.onChanges(batch);
      });
    },
    synced: () => {
      guarded("onSynced", () => {
        consumer.onSynced();
      });
    },
  };
}

const always = (): boolean => true;
