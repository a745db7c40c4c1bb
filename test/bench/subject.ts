// A cluster's rules in a namespace, as one of the layouts that are compared. In: layout, variant, Size, Place. Out: Subject, to load and change.
import { renderBatch, renderScript } from "../../rules/index.ts";
import { chainsPerBatch } from "../../src/kernel/apply.ts";
import type { Variant } from "../../src/kernel/kernel.ts";
import { baselineInParts, baselineJumps, baselinePartialSync, baselineSync } from "./baseline.ts";
import type { Size } from "./cluster.ts";
import type { Place } from "./namespaces.ts";
import { after, arrived, batchesBetween, firstBatches, stateOf, type Event, type State } from "./ours.ts";
import type { Spent } from "./worker.ts";

/**
 * Whose rules: ours; kube-proxy's as kube-proxy loads them; the same in many commits, which kube-proxy cannot do, where only
 * what comes after the load is measured.
 */
export type Layout = "ours" | "baseline" | "baseline-in-parts";

export type Subject = {
  /** Loads all rules into the empty kernel. */
  readonly load: () => Promise<Spent>;
  /** Makes one change of the cluster, to the Service of that number. */
  readonly change: (event: Event, service: number) => Promise<Changed>;
};

export type Changed = Spent & { readonly lines: number };

export type SubjectOptions = { readonly layout: Layout; readonly variant: Variant; readonly size: Size };

export function subject(place: Place, options: SubjectOptions): Subject {
  return options.layout === "ours" ? ourSubject(place, options) : baselineSubject(place, options);
}

function ourSubject(place: Place, { variant, size }: SubjectOptions): Subject {
  let state: State = stateOf(size);
  const limit = chainsPerBatch(variant);
  return {
    load: () =>
      place.call("restore", { variant, scripts: firstBatches(state, limit).map((batch) => renderBatch(batch)) }),
    change: async (event, service) => {
      const next = after(state, arrived(size, service, event));
      const script = renderScript(batchesBetween(state, next, limit));
      const spent = await place.call("restore", { variant, scripts: [script] });
      state = next;
      return { ...spent, lines: lineCount(script) };
    },
  };
}

function baselineSubject(place: Place, { layout, variant, size }: SubjectOptions): Subject {
  return {
    load: async () => {
      await place.call("restore", { variant, scripts: [baselineJumps()] });
      const scripts = layout === "baseline" ? [baselineSync(size)] : baselineInParts(size);
      return place.call("restore", { variant, scripts });
    },
    change: async (event, service) => {
      const script = baselinePartialSync(size, { event, service });
      return { ...(await place.call("restore", { variant, scripts: [script] })), lines: lineCount(script) };
    },
  };
}

function lineCount(script: string): number {
  return script.trimEnd().split("\n").length;
}
