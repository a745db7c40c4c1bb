// Row "update": a change of one Service from cluster state to script, without a kernel. In: Scale. Out: Figures of median times.
import { renderScript } from "../../rules/index.ts";
import { median, type Figure } from "./figure.ts";
import { after, arrived, batchesBetween, stateOf } from "./ours.ts";
import { sizeOf, sizeText, type Row } from "./row.ts";

export const update: Row = {
  name: "update",
  title: "cluster state to script",
  needsKernel: false,
  measure: (scale) => Promise.resolve(measureUpdates(scale === "quick" ? [100, 1000] : [100, 1000, 10_000, 50_000])),
};

/** Sizes in ascending order; each is compared with the first. */
export function measureUpdates(sizes: readonly number[]): Figure[] {
  const found = sizes.map((services) => ({ services, ms: median(updateTimes(services)) }));
  const [first] = found;
  return found.map(({ services, ms }): Figure => {
    const name = `update of one Service to script, ${sizeText(services)}`;
    if (first === undefined || services === first.services) return { name, unit: "ms", ours: ms };
    const baseline = { value: first.ms, what: `ours, ${sizeText(first.services)}` };
    const target =
      services === 10_000 ? { kind: "at-most" as const, value: 2 } : { kind: "slower-at-most" as const, times: 3 };
    return { name, unit: "ms", ours: ms, baseline, target };
  });
}

/** Milliseconds of updates of Services all over the cluster; each replaces one endpoint. */
function updateTimes(services: number): number[] {
  const size = sizeOf(services);
  let state = stateOf(size);
  globalThis.gc?.();
  const times: number[] = [];
  const moved = new Set<number>();
  for (let turn = 0; turn < warmUp + 500; turn++) {
    const service = (turn * 7919) % services;
    // Of a Service that was changed already, the endpoint comes back.
    const isBack = moved.delete(service);
    if (!isBack) moved.add(service);
    const news = arrived(size, service, isBack ? "endpoint-back" : "endpoint-moved");
    const start = performance.now();
    const next = after(state, news);
    const script = renderScript(batchesBetween(state, next, 1000));
    times.push(performance.now() - start);
    if (script === "") throw new Error(`bug: update ${turn} of Service ${service} changed nothing`);
    state = next;
  }
  return times.slice(warmUp);
}

const warmUp = 300;
