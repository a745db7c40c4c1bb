// Whether packets fare as the tracer says. In: a lab, a Situation. Out: Disagreement[], and the smallest situation that has one.
import type { Family, Ip } from "../../rules/index.ts";
import { renderRule } from "../../rules/iptables/text/render-rule.ts";
import { isServed, servicePorts } from "../../rules/model/model.ts";
import { hostCidr } from "../../rules/net/cidr.ts";
import { hostPort, isLoopback } from "../../rules/net/ip.ts";
import { parseFirewalls } from "../../rules/trace/firewall.ts";
import type { Packet, TraceNode } from "../../rules/trace/packet.ts";
import { buildTracer, type Branch, type Tracer } from "../../rules/trace/trace.ts";
import type { Lab, Sent } from "../lab/lab.ts";
import { defaults } from "../lab/layout.ts";
import { aCidr, anIp } from "../make/objects.ts";
import { applyTo, desire, kernelOf, routeLocalnet, texts, type Situation } from "./harness.ts";
import { smaller } from "./random-situations.ts";

/** What one client sends to one address and port. */
export type Probe = {
  readonly family: Family;
  readonly service: string;
  readonly from: string;
  readonly source: string;
  readonly to: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
};

export type Disagreement = {
  readonly probe: Probe;
  readonly traced: string;
  readonly seen: string;
  /** The rules that took part in each branch. */
  readonly walk: readonly string[];
};

/** `reads` stands between what iptables-save prints and what the tracer is given; `only` leaves probes out. */
export type CheckSettings = {
  readonly reads?: (text: string) => string;
  readonly only?: (probe: Probe) => boolean;
};

export type Checked = { readonly connections: number; readonly disagreements: readonly Disagreement[] };

/** Applies the situation and sends, from every kind of client to every frontend, what the tracer is asked about. */
export async function check(lab: Lab, situation: Situation, settings: CheckSettings = {}): Promise<Checked> {
  await lab.reset();
  await applyTo(lab, situation);
  const tracers = { 4: await tracerOf(lab, 4, settings), 6: await tracerOf(lab, 6, settings) };
  const chains = chainsOf(lab, situation, settings);
  const checked = await Promise.all(chains.map((chain) => runChain(lab, chain, tracers)));
  return {
    connections: checked.reduce((sum, { connections }) => sum + connections, 0),
    disagreements: checked.flatMap(({ disagreements }) => disagreements),
  };
}

/** The situation with as much taken away as still disagrees on the same packet, in at most `mostTries` tries; and how it disagrees. */
export async function smallest(
  lab: Lab,
  found: { readonly situation: Situation; readonly disagreement: Disagreement },
  settings: CheckSettings = {},
): Promise<typeof found> {
  const same = (a: Probe) => JSON.stringify(a) === JSON.stringify(found.disagreement.probe);
  let best = found;
  let tries = 0;
  for (let candidates = smaller(best.situation); ;) {
    const next = candidates.next();
    if (next.done === true || tries++ >= mostTries) return best;
    const [disagreement] = (await check(lab, next.value, { ...settings, only: same })).disagreements;
    if (disagreement === undefined) continue;
    best = { situation: next.value, disagreement };
    candidates = smaller(best.situation);
  }
}

const mostTries = 60;

/** All that is needed to see it again: the objects, the configuration, what was sent, the walk. */
export function tell(situation: Situation, { probe, traced, seen, walk }: Disagreement): string {
  const { manifest, config } = texts(situation);
  const { from, source, to, port, protocol } = probe;
  const sent = `${protocol} from ${from} (${source}) to ${hostPort(anIp(to), port)}`;
  return [sent, `traced: ${traced}`, `seen:   ${seen}`, ...walk, manifest, config].join("\n");
}

/** Probes that must come one after the other, since with session affinity each depends on those before. */
type Chain = { readonly probes: readonly Probe[]; readonly sticky: boolean };

const clients = ["pod-a", "pod-b", "outside", "outside-b", "remote-b", "node"] as const;

function chainsOf(lab: Lab, situation: Situation, { only = () => true }: CheckSettings): Chain[] {
  return desire(situation).builds.flatMap(({ model }) =>
    servicePorts(model).flatMap((port, index) =>
      clients.flatMap((from, which): Chain[] => {
        const protocol = port.protocol;
        // Both protocols would be twice as many; this way each Service has both, from half of the clients each.
        if (protocol === "SCTP" || (index + which) % 2 === 0) return [];
        const { family } = model.view;
        const addresses = port.frontends
          .filter((frontend) => isServed(model, frontend))
          .flatMap((frontend) => addressesOf(lab, frontend.ip, { from, family }).map((to) => ({ to, frontend })));
        const probes = addresses
          .map(({ to, frontend }): Probe => {
            const source = isLoopback(to) ? to : lab.address(from, family);
            return { family, service: port.name, from, source, to, port: frontend.port, protocol };
          })
          .filter(only);
        if (port.affinitySeconds !== undefined) return [{ probes, sticky: true }];
        return probes.map((probe) => ({ probes: [probe], sticky: false }));
      }),
    ),
  );
}

/** Node ports at the node's address, and for the node itself at loopback too. */
function addressesOf(lab: Lab, ip: Ip | undefined, { from, family }: Pick<Probe, "from" | "family">): Ip[] {
  if (ip !== undefined) return [ip];
  const loopback = family === 4 ? "127.0.0.1" : "::1";
  return [lab.address("node", family), ...(from === "node" ? [loopback] : [])].map(anIp);
}

/** A tracer of what the kernel's own tool prints. */
export async function tracerOf(
  lab: Lab,
  family: Family,
  { reads = (text) => text }: CheckSettings = {},
): Promise<Tracer> {
  const { firewalls, problems } = parseFirewalls(reads(await lab.save(family)));
  const firewall = firewalls[family];
  if (firewall === undefined || problems.length > 0)
    throw new Error(`cannot read what iptables-save printed: ${problems.map(({ text }) => text).join("; ")}`);
  const localnet = await kernelOf(lab).readSysctl(routeLocalnet);
  return buildTracer(firewall, { ...nodeOfLab, routeLocalnet: localnet === "1" });
}

/** The lab's node, as the tracer must know it. */
export const nodeOfLab: Omit<TraceNode, "routeLocalnet"> = {
  localIps: defaults.node.map(anIp),
  interfaces: [
    ...Object.values(defaults.pods).map((addresses, index) => ({
      name: `pod${index}`,
      blocks: addresses.map((ip) => hostCidr(anIp(ip))),
    })),
    { name: "eth0", blocks: ["0.0.0.0/0", "::/0"].map(aCidr) },
  ],
};

async function runChain(lab: Lab, { probes, sticky }: Chain, tracers: Readonly<Record<Family, Tracer>>) {
  const lists = new Map<string, Set<string>>();
  const runs: Promise<Run>[] = [];
  for (const probe of probes) {
    const recent = lists.get(probe.source) ?? new Set<string>();
    lists.set(probe.source, recent);
    // The first one is remembered where there is affinity, and the second one comes again.
    for (const count of sticky ? [1, 2] : [undefined]) {
      const branches = tracers[probe.family].trace({ ...packetOf(probe), recent: new Set(recent) });
      const run = runProbe(lab, { probe, branches, count });
      runs.push(run);
      if (branches.every(({ remembered }) => remembered.length === 0)) break;
      for (const list of (await run).remembered) recent.add(list);
    }
  }
  const done = await Promise.all(runs);
  return {
    connections: done.reduce((sum, { connections }) => sum + connections, 0),
    disagreements: done.flatMap(({ disagreement }) => disagreement ?? []),
  };
}

type Run = {
  readonly connections: number;
  readonly disagreement: Disagreement | undefined;
  /** Lists that the client is in now. */
  readonly remembered: readonly string[];
};

type Attempt = { readonly probe: Probe; readonly branches: readonly Branch[]; readonly count: number | undefined };

async function runProbe(lab: Lab, { probe, branches, count }: Attempt): Promise<Run> {
  const fates = branches.map((branch) => fateOf(branch, probe));
  if (fates.some(({ isSeen }) => !isSeen)) return { connections: 0, disagreement: undefined, remembered: [] };
  const attempts = count ?? (fates.length > 1 ? 4 : 1);
  const sent = await lab.send({ ...probe, count: attempts, timeoutMs: timeoutFor(fates) });
  const told = { probe, traced: fatesText(fates), seen: sentText(sent), walk: branches.map(walkText) };
  const remembered = branches.flatMap((branch, index) => {
    const server = fates[index]?.server;
    return server !== undefined && server in sent.answered ? branch.remembered : [];
  });
  return { connections: attempts, disagreement: agrees(sent, fates, attempts) ? undefined : told, remembered };
}

/** What the tracer is asked. */
export function packetOf({ from, source, to, port, protocol }: Probe): Packet {
  const pods = Object.keys(defaults.pods);
  const inInterface = pods.includes(from) ? `pod${pods.indexOf(from)}` : "eth0";
  return {
    source: anIp(source),
    destination: anIp(to),
    protocol: protocol.toLowerCase(),
    destinationPort: port,
    ...(from === "node" ? { origin: "node" } : { origin: "network", inInterface }),
  };
}

/** What can be seen of a branch from outside: who answers and whom it sees, or a refusal, or (neither) silence. */
type Fate = {
  readonly server: string | undefined;
  readonly client: string | undefined;
  readonly refused: boolean;
  /** Whether the lab can show it. */
  readonly isSeen: boolean;
};

/** How a branch shows in the lab, or in a network like it. Throws where it depends on what is not known. */
export function fateOf({ end, conditions }: Branch, { from, source }: Probe): Fate {
  const [open] = conditions;
  if (open !== undefined) throw new Error(`the tracer cannot tell: it depends on ${open.on}`);
  const silence: Fate = { server: undefined, client: undefined, refused: false, isSeen: true };
  switch (end.kind) {
    case "dropped":
      return silence;
    case "rejected":
      return { ...silence, refused: true };
    case "undecided":
      throw new Error(`the tracer cannot tell: it depends on ${end.on}`);
    case "delivered": {
      // Where nobody listens the node refuses; beyond it there is nobody.
      if (!end.translated) return { ...silence, refused: end.here };
      const server = hostAt(end.to);
      const client = end.source.kind === "kept" ? source : end.source.to;
      // All remotes share a namespace: a reply between two of them does not pass the node, and so is not translated back.
      const isSeen = end.source.kind === "rewritten" || !isRemote(from) || !isRemote(server);
      return { server, client, refused: false, isSeen };
    }
  }
}

function isRemote(host: string): boolean {
  return host in defaults.remotes;
}

function hostAt(ip: string): string {
  const hosts: Readonly<Record<string, readonly string[]>> = {
    node: defaults.node,
    ...defaults.pods,
    ...defaults.remotes,
  };
  const found = Object.keys(hosts).find((host) => hosts[host]?.includes(ip));
  if (found === undefined) throw new Error(`bug: no host of the lab has ${ip}`);
  return found;
}

/** Silence costs all of the time that is waited for it. What must come may be late on a busy machine. */
function timeoutFor(fates: readonly Fate[]): number {
  return fates.every(({ server, refused }) => server === undefined && !refused) ? 350 : 4000;
}

/** Every answer is one of those that were traced, seeing whom it should; refusals and silence only where they were traced. */
function agrees(sent: Sent, fates: readonly Fate[], attempts: number): boolean {
  const servers = Object.keys(sent.answered);
  const fitting = fates.filter(({ server }) => server !== undefined && servers.includes(server));
  const wantedClients = new Set(fitting.map(({ client }) => client));
  const isKnown = servers.every((name) => fitting.some(({ server }) => server === name));
  const count = Object.values(sent.answered).reduce((sum, each) => sum + each, 0);
  const silent = fates.some(({ server, refused }) => server === undefined && !refused);
  return (
    isKnown &&
    sent.clients.length === wantedClients.size &&
    sent.clients.every((client) => wantedClients.has(client)) &&
    (sent.refused === 0 || fates.some(({ refused }) => refused)) &&
    (sent.timedOut === 0 || silent) &&
    count + sent.refused + sent.timedOut === attempts
  );
}

function fatesText(fates: readonly Fate[]): string {
  const texts = fates.map(({ server, client, refused }) =>
    server === undefined ? (refused ? "refused" : "no answer") : `${server} to ${client}`,
  );
  return [...new Set(texts)].sort().join(" or ");
}

function sentText({ answered, clients: seen, refused, timedOut, failed }: Sent): string {
  const servers = Object.keys(answered).sort().join(", ");
  const parts = [
    ...(servers === "" ? [] : [`${servers} to ${seen.join(", ")}`]),
    ...(refused > 0 ? ["refused"] : []),
    ...(timedOut > 0 ? ["no answer"] : []),
    ...Object.keys(failed),
  ];
  return parts.join(" and ");
}

function walkText({ hops }: Branch): string {
  const lines = hops.map(({ table, chain, rule, does }) => {
    return `  ${table} ${chain}: ${rule === undefined ? does : renderRule(rule).trim()}`;
  });
  return ["walk:", ...lines].join("\n");
}
