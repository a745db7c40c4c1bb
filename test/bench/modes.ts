// Row "modes": IPVS mode beside iptables mode, in a guest whose kernel has ip_vs. In: Scale. Out: Figures of loads and changes; it is emulated, so only ratios count.
import { diffStates, emptyRuleset, emptyState, remaining, type DrainView } from "../../rules/index.ts";
import { write } from "../../src/agent/kernel-writer.ts";
import type { IpvsKernel } from "../../src/ipvs/ipvs-kernel.ts";
import { writeSteps } from "../../src/ipvs/write-steps.ts";
import { guestKernel } from "../guest/guest-kernel.ts";
import { startGuest, type Guest } from "../guest/guest.ts";
import { openShell } from "../guest/shell.ts";
import { median, type Figure } from "./figure.ts";
import { after, arrived, ipvsStateOf, stateOf, type Event, type State } from "./ours.ts";
import { sizeOf, sizeText, type Row, type Scale } from "./row.ts";

export const modes: Row = { name: "modes", title: "both modes, in a guest", needsKernel: false, measure };

async function measure(scale: Scale): Promise<Figure[]> {
  const guest = await startGuest({ limitSeconds: 1200 });
  try {
    const figures: Figure[] = [];
    for (const services of scale === "quick" ? [100] : [100, 1000, 4000])
      figures.push(...(await measureSize(guest, services)));
    return figures;
  } finally {
    await guest.stop();
  }
}

/** Milliseconds that the tools take, in the guest, to bring one change of a cluster into a kernel. `from` undefined: an empty one. */
type Mode = (from: State | undefined, to: State) => Promise<number>;

/** What is measured, and what takes it back. */
const changes: readonly (readonly [name: string, there: Event, back: Event])[] = [
  ["one endpoint changes", "endpoint-moved", "endpoint-back"],
  ["one Service is added", "service-added", "service-gone"],
];

/** One cluster in both modes, each in a namespace of its own, changed in turns. */
async function measureSize(guest: Guest, services: number): Promise<Figure[]> {
  const size = sizeOf(services);
  const state = stateOf(size);
  const ipvs = await openIpvs(guest, services);
  const iptables = await openIptables(guest, services);
  const figures = [
    figureOf(`first load, ${sizeText(services)}`, [await ipvs(undefined, state)], [await iptables(undefined, state)]),
  ];
  for (const [name, there, back] of changes) {
    const times: Record<"ipvs" | "iptables", number[]> = { ipvs: [], iptables: [] };
    for (let turn = 0; turn < 7; turn++) {
      // A Service that is added is one more than there are.
      const service = there === "service-added" ? services : Math.floor(((turn + 1) * services) / 9);
      const changed = after(state, arrived(size, service, there));
      const restored = after(changed, arrived(size, service, back));
      times.ipvs.push(await ipvs(state, changed));
      times.iptables.push(await iptables(state, changed));
      await ipvs(changed, restored);
      await iptables(changed, restored);
    }
    figures.push(figureOf(`${name}, ${sizeText(services)}`, times.ipvs, times.iptables));
  }
  return figures;
}

function figureOf(name: string, ipvs: readonly number[], iptables: readonly number[]): Figure {
  return {
    name: `IPVS mode in an emulated kernel, ${name}`,
    unit: "ms",
    ours: median(ipvs),
    baseline: { value: median(iptables), what: "iptables mode, iptables-nft, same kernel" },
  };
}

/** Nobody has connections that count: what goes is gone after a second diff, which is not timed. */
const impatient: DrainView = { isDrained: () => true, excludeCidrs: [], others: new Set() };

async function openIpvs(guest: Guest, services: number): Promise<Mode> {
  const kernel = await openNamespace(guest, `ipvs-${services}`);
  return async (from, to) => {
    const desired = ipvsStateOf(to);
    let before = from === undefined ? emptyState(4) : ipvsStateOf(from);
    let took: number | undefined;
    for (;;) {
      const { steps } = diffStates(before, desired, impatient);
      if (steps.length === 0) return took ?? 0;
      const began = performance.now();
      const written = await writeSteps(kernel, 4, steps);
      took ??= performance.now() - began;
      if (!written.ok) throw new Error(`refused: ${written.refused.message}`);
      before = remaining(before, desired, steps).state;
    }
  };
}

async function openIptables(guest: Guest, services: number): Promise<Mode> {
  const { rules } = await openNamespace(guest, `iptables-${services}`);
  return async (from, to) => {
    const before = from?.build.ruleset ?? emptyRuleset(4);
    const began = performance.now();
    const written = await write(rules, before, to.build.ruleset);
    const took = performance.now() - began;
    if (!written.ok) throw new Error(`refused: ${written.refused.message}`);
    return took;
  };
}

async function openNamespace(guest: Guest, name: string): Promise<IpvsKernel> {
  const { code, stderr } = await guest.run("ip", ["netns", "add", name]);
  if (code !== 0) throw new Error(`in the guest: ${stderr}`);
  return guestKernel(openShell(guest, name));
}
