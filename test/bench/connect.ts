// Row "connect": how long a TCP connect takes on a node. In: Scale. Out: Figures of median times, against a node without rules.
import type { Variant } from "../../src/kernel/kernel.ts";
import { clusterIp, nodeIp, podCidr, podIp, podPort, podsIp, servicePort, type Size } from "./cluster.ts";
import { median, type Figure } from "./figure.ts";
import { openPair, type Place } from "./namespaces.ts";
import { sizeOf, sizeText, type Row, type Scale } from "./row.ts";
import { subject, type Layout } from "./subject.ts";

export const connect: Row = { name: "connect", title: "TCP connect", needsKernel: true, measure };

async function measure(scale: Scale): Promise<Figure[]> {
  const services = scale === "quick" ? 1000 : 10_000;
  const wide: Size = { services: 10, endpoints: 1000 };
  const ours = { layout: "ours" as const, size: sizeOf(services) };
  const baseline = { layout: "baseline-in-parts" as const, size: sizeOf(services) };
  const wanted: Wanted[] = [
    { name: "none" },
    ...variants.map((variant) => ({ name: `one rule ${variant}`, oneRule: variant })),
    ...variants.map((variant) => ({ name: `ours ${variant}`, rules: { ...ours, variant } })),
    ...variants.map((variant) => ({
      name: `wide ${variant}`,
      rules: { layout: "ours" as const, variant, size: wide },
    })),
    ...variants.map((variant) => ({ name: `baseline ${variant}`, rules: { ...baseline, variant } })),
  ];
  const nodes: Node[] = [];
  try {
    for (const each of wanted) nodes.push(await openNode(each));
    await connectInTurns(nodes, scale);
    return figuresOf(nodes, services);
  } finally {
    for (const { places } of nodes) for (const place of places) await place.close();
  }
}

const variants = ["nft", "legacy"] as const;

type Wanted = {
  readonly name: string;
  /** Nothing but one rule that translates the one address: what connection tracking and translation cost by themselves. */
  readonly oneRule?: Variant;
  readonly rules?: { readonly layout: Layout; readonly variant: Variant; readonly size: Size };
};

type Node = Wanted & { readonly places: readonly Place[]; readonly target: Target; readonly took: number[] };

type Target = { readonly ip: string; readonly port: number };

/** A node with its rules, and a server behind every pod address. */
async function openNode(wanted: Wanted): Promise<Node> {
  const { here, there } = await openPair({ nodeIp, podsIp, podCidr });
  await there.call("listen", podPort);
  const { rules, oneRule } = wanted;
  const pod = podIp({ services: 1, endpoints: 1 }, 0, 0);
  if (oneRule !== undefined) {
    const match = `-d ${clusterIp(0)}/32 -p tcp -m tcp --dport ${servicePort}`;
    const script = `*nat\n-A OUTPUT ${match} -j DNAT --to-destination ${pod}:${podPort}\nCOMMIT\n`;
    await here.call("restore", { variant: oneRule, scripts: [script] });
  }
  if (rules !== undefined) await subject(here, rules).load();
  const last = (rules?.size.services ?? 1) - 1;
  const isDirect = rules === undefined && oneRule === undefined;
  const target = isDirect ? { ip: pod, port: podPort } : { ip: clusterIp(last), port: servicePort };
  return { ...wanted, places: [here, there], target, took: [] };
}

/** Short turns: what else the machine does hits all alike. */
async function connectInTurns(nodes: readonly Node[], scale: Scale): Promise<void> {
  const [turns, count] = scale === "quick" ? [5, 50] : [40, 100];
  for (let turn = -1; turn < turns; turn++) {
    for (const node of nodes) {
      const took = await node.places[0]?.call("connect", { ...node.target, count });
      // The first turn warms up caches and Node's compiler.
      if (turn >= 0) node.took.push(...(took ?? []));
    }
  }
}

function figuresOf(nodes: readonly Node[], services: number): Figure[] {
  const of = (name: string) => median(nodes.find((node) => node.name === name)?.took ?? []);
  const figure = (name: string, ours: string, against: { readonly node: string; readonly what: string }): Figure => ({
    name: `TCP connect ${name}`,
    unit: "us",
    ours: of(ours),
    baseline: { value: of(against.node), what: against.what },
  });
  const none = { node: "none", what: "no rules" };
  const target = { kind: "slower-at-most" as const, times: 1.3 };
  return variants.flatMap((variant): Figure[] => {
    const last = `to the last Service, ${sizeText(services)}, iptables-${variant}`;
    const wide = `to a Service of 1,000 endpoints, iptables-${variant}`;
    const one = { node: `one rule ${variant}`, what: "one DNAT rule" };
    const baseline = { node: `baseline ${variant}`, what: "kube-proxy's layout" };
    return [
      figure(`through a single DNAT rule, iptables-${variant}`, one.node, none),
      { ...figure(last, `ours ${variant}`, none), target },
      figure(`${last}, against one rule`, `ours ${variant}`, one),
      figure(`${last}, against kube-proxy's`, `ours ${variant}`, baseline),
      { ...figure(wide, `wide ${variant}`, none), target },
      figure(`${wide}, against one rule`, `wide ${variant}`, one),
    ];
  });
}
