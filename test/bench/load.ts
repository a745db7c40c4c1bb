// Row "load": all rules into an empty kernel. In: Scale. Out: Figures of restore time, ours and kube-proxy's layout.
import type { Variant } from "../../src/kernel/kernel.ts";
import { median, type Figure, type Target } from "./figure.ts";
import { openPlace } from "./namespaces.ts";
import { sizeOf, sizeText, type Row, type Scale } from "./row.ts";
import { subject, type Layout } from "./subject.ts";
import type { Spent } from "./worker.ts";

export const load: Row = { name: "load", title: "first load", needsKernel: true, measure };

async function measure(scale: Scale): Promise<Figure[]> {
  const quick = scale === "quick";
  const nft = await inTurn(quick ? [100, 300] : [100, 1000, 10_000, 50_000], (services) => absolute("nft", services));
  const nftPair = await versus({ variant: "nft", services: quick ? 300 : 2000, repeats: 1 }, 15);
  const legacy = await versus({ variant: "legacy", services: quick ? 1000 : 10_000, repeats: 5 }, 4);
  return [...nft, nftPair, legacy];
}

/** Targets that hold for a size alone, in seconds. */
const mostSeconds: Readonly<Record<number, number>> = { 10_000: 3, 50_000: 15 };

async function absolute(variant: Variant, services: number): Promise<Figure> {
  const repeats = services > 10_000 ? 1 : 3;
  const spent = await inTurn(Array<Layout>(repeats).fill("ours"), (layout) => loadOnce(layout, variant, services));
  const most = mostSeconds[services];
  return figureOf(
    { variant, services },
    { ours: spent, ...(most === undefined ? {} : { target: { kind: "at-most", value: most } }) },
  );
}

/** Ours and the baseline in turns. */
async function versus(
  what: { readonly variant: Variant; readonly services: number; readonly repeats: number },
  times: number,
): Promise<Figure> {
  const ours: Spent[] = [];
  const baseline: Spent[] = [];
  for (let turn = 0; turn < what.repeats; turn++) {
    ours.push(await loadOnce("ours", what.variant, what.services));
    baseline.push(await loadOnce("baseline", what.variant, what.services));
  }
  return figureOf(what, { ours, baseline, target: { kind: "faster", times } });
}

async function loadOnce(layout: Layout, variant: Variant, services: number): Promise<Spent> {
  const place = await openPlace();
  try {
    return await subject(place, { layout, variant, size: sizeOf(services) }).load();
  } finally {
    await place.close();
  }
}

function figureOf(
  { variant, services }: { readonly variant: Variant; readonly services: number },
  found: { readonly ours: readonly Spent[]; readonly baseline?: readonly Spent[]; readonly target?: Target },
): Figure {
  const wall = (spent: readonly Spent[]) => median(spent.map(({ wallMs }) => wallMs)) / 1000;
  const cpu = (spent: readonly Spent[]) => `CPU ${(median(spent.map(({ cpuMs }) => cpuMs)) / 1000).toFixed(2)} s`;
  const { ours, baseline, target } = found;
  const what = baseline === undefined ? undefined : `kube-proxy's layout, ${cpu(baseline)}`;
  return {
    name: `first load, ${sizeText(services)}, iptables-${variant}${baseline === undefined ? "" : ", in turns with the baseline"}`,
    unit: "s",
    ours: wall(ours),
    note: cpu(ours),
    ...(baseline === undefined || what === undefined ? {} : { baseline: { value: wall(baseline), what } }),
    ...(target === undefined ? {} : { target }),
  };
}

async function inTurn<In, Out>(list: readonly In[], step: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  for (const item of list) results.push(await step(item));
  return results;
}
