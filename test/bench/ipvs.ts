// Row "ipvs": a change of one endpoint from cluster state to batches in IPVS mode, without a kernel. In: Scale. Out: Figures of lines and median times.
import { diffStates, type DrainView } from "../../rules/index.ts";
import { renderStep } from "../../src/ipvs/write-steps.ts";
import { median, type Figure } from "./figure.ts";
import { after, arrived, ipvsBuildOf, stateOf } from "./ours.ts";
import { sizeOf, sizeText, type Row } from "./row.ts";

export const ipvs: Row = {
  name: "ipvs",
  title: "cluster state to batches in IPVS mode",
  needsKernel: false,
  measure: (scale) => Promise.resolve(measureIpvs(scale === "quick" ? 1000 : 10_000)),
};

/** Nothing is drained yet, as when an endpoint has just gone. */
const view: DrainView = { isDrained: () => false, excludeCidrs: [], others: new Set() };

/** Each turn replaces an endpoint of another Service. */
export function measureIpvs(services: number): Figure[] {
  const size = sizeOf(services);
  let state = stateOf(size);
  let build = ipvsBuildOf(state);
  const [times, lines]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < Math.min(300, services); turn++) {
    const news = arrived(size, (turn * 7919) % services, "endpoint-moved");
    const start = performance.now();
    const next = after(state, news);
    const nextBuild = ipvsBuildOf(next, build);
    const { steps } = diffStates(build.state, nextBuild.state, view);
    const script = steps.flatMap((step) => renderStep(step, 4, 1000)).join("");
    times.push(performance.now() - start);
    lines.push(script.split("\n").length - 1);
    [state, build] = [next, nextBuild];
  }
  const name = `one endpoint changes, IPVS mode, ${sizeText(services)}`;
  return [
    {
      name: `${name}: lines for all tools`,
      unit: "lines",
      ours: Math.max(...lines),
      target: { kind: "at-most", value: 9 },
    },
    {
      name: `${name}: to batches`,
      unit: "ms",
      ours: median(times),
      note: "with iptables mode's rules, which are made beside",
    },
  ];
}
