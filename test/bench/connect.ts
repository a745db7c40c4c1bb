// Row "connect": how long a TCP connect takes, from a pod and from the node itself. In: Scale. Out: Figures of median times, against a node without rules.
import type { Variant } from "../../src/kernel/kernel.ts";
import { clientPodIp, clusterIp, nodeIp, podCidr, podIp, podPort, podsIp, servicePort, type Size } from "./cluster.ts";
import { median, type Figure } from "./figure.ts";
import { openLine, type Place } from "./namespaces.ts";
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

/** Where a connection comes from. Most come from pods; the node's own pass OUTPUT, and are masqueraded. */
const clients = ["pod", "node"] as const;
type Client = (typeof clients)[number];

type Node = Wanted & {
  readonly places: readonly Place[];
  readonly from: Readonly<Record<Client, Place>>;
  readonly target: Target;
  readonly took: Readonly<Record<Client, number[]>>;
};

type Target = { readonly ip: string; readonly port: number };

/** A node with its rules, and a server behind every pod address. */
async function openNode(wanted: Wanted): Promise<Node> {
  const { pod: client, node, far } = await openLine({ nodeIp, podsIp, podCidr, clientPodIp });
  await far.call("listen", podPort);
  const { rules, oneRule } = wanted;
  const pod = podIp({ services: 1, endpoints: 1 }, 0, 0);
  if (oneRule !== undefined) {
    const match = `-d ${clusterIp(0)}/32 -p tcp -m tcp --dport ${servicePort}`;
    const rule = (chain: string) => `-A ${chain} ${match} -j DNAT --to-destination ${pod}:${podPort}\n`;
    const script = `*nat\n${rule("PREROUTING")}${rule("OUTPUT")}COMMIT\n`;
    await node.call("restore", { variant: oneRule, scripts: [script] });
  }
  if (rules !== undefined) await subject(node, rules).load();
  const last = (rules?.size.services ?? 1) - 1;
  const isDirect = rules === undefined && oneRule === undefined;
  const target = isDirect ? { ip: pod, port: podPort } : { ip: clusterIp(last), port: servicePort };
  const took = { pod: [], node: [] };
  return { ...wanted, places: [client, node, far], from: { pod: client, node }, target, took };
}

/** Short turns: what else the machine does hits all alike. */
async function connectInTurns(nodes: readonly Node[], scale: Scale): Promise<void> {
  const [turns, count] = scale === "quick" ? [5, 50] : [40, 100];
  for (let turn = -1; turn < turns; turn++) {
    for (const node of nodes) {
      for (const client of clients) {
        const took = await node.from[client].call("connect", { ...node.target, count });
        // The first turn warms up caches and Node's compiler.
        if (turn >= 0) node.took[client].push(...took);
      }
    }
  }
}

function figuresOf(nodes: readonly Node[], services: number): Figure[] {
  const of = (name: string, client: Client) => median(nodes.find((node) => node.name === name)?.took[client] ?? []);
  const figure = (
    client: Client,
    name: string,
    against: { readonly ours: string; readonly other: string },
  ): Figure => ({
    name: `TCP connect from ${client === "pod" ? "a pod" : "the node"} ${name}`,
    unit: "us",
    ours: of(against.ours, client),
    baseline: { value: of(against.other, client), what: whatItIs(against.other) },
  });
  const target = { kind: "slower-at-most" as const, times: 1.3 };
  return variants.flatMap((variant) =>
    clients.flatMap((client): Figure[] => {
      const last = `to the last Service, ${sizeText(services)}, iptables-${variant}`;
      const wide = `to a Service of 1,000 endpoints, iptables-${variant}`;
      const [ours, one, many] = [`ours ${variant}`, `one rule ${variant}`, `wide ${variant}`];
      return [
        figure(client, `through a single DNAT rule, iptables-${variant}`, { ours: one, other: "none" }),
        { ...figure(client, last, { ours, other: "none" }), target },
        figure(client, `${last}, against one rule`, { ours, other: one }),
        figure(client, `${last}, against kube-proxy's`, { ours, other: `baseline ${variant}` }),
        { ...figure(client, wide, { ours: many, other: "none" }), target },
        figure(client, `${wide}, against one rule`, { ours: many, other: one }),
      ];
    }),
  );
}

function whatItIs(node: string): string {
  return node === "none" ? "no rules" : node.startsWith("one rule") ? "one DNAT rule" : "kube-proxy's layout";
}
