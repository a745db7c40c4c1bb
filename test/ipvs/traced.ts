// What the tracer says of packets that are sent. In: what the tools on the node print, attempts. Out: the same words in which outcomes are told.
import type { Family } from "../../rules/index.ts";
import { parseFirewalls } from "../../rules/trace/firewall.ts";
import { buildTracer, type Tracer } from "../../rules/trace/trace.ts";
import { fateOf, nodeOfLab, packetOf, type Probe } from "../packets/agreement.ts";
import type { Attempt } from "../packets/rows.ts";
import type { Bed } from "./bed.ts";
import { nodeIps } from "../guest/guest-lab.ts";
import { anIp } from "../make/objects.ts";

/** What comes of an attempt by the rules, sets, addresses and virtual servers alone; undefined where the network would not show it. */
export type Foretell = (attempt: Attempt) => string | undefined;

/** Reads the node once. */
export async function foretellOf({ kernel, lab }: Bed): Promise<Foretell> {
  const parts = [
    await kernel.rules.readRules(4),
    await kernel.rules.readRules(6),
    await kernel.readSets(),
    await kernel.readAddresses(),
    await kernel.readServers(),
  ];
  const { firewalls, problems } = parseFirewalls(parts.join("\n"));
  if (problems.length > 0)
    throw new Error(`cannot read what the tools printed: ${JSON.stringify(problems.slice(0, 3))}`);
  const node = { ...nodeOfLab, localIps: nodeIps.map(anIp), routeLocalnet: false };
  const tracers = new Map<Family, Tracer>();
  for (const family of [4, 6] as const) {
    const firewall = firewalls[family];
    if (firewall !== undefined) tracers.set(family, buildTracer(firewall, node));
  }
  return ({ sending: { from, to, port, protocol = "TCP" } }) => {
    const family = to.includes(":") ? 6 : 4;
    const probe: Probe = { family, service: "", from, source: lab.address(from, family), to, port, protocol };
    const branches = tracers.get(family)?.trace(packetOf(probe)) ?? [];
    const fates = branches.map((branch) => fateOf(branch, probe));
    if (fates.some(({ isSeen }) => !isSeen)) return undefined;
    const sorted = (found: readonly (string | undefined)[]) => [...new Set(found.flatMap((each) => each ?? []))].sort();
    const servers = sorted(fates.map(({ server }) => server));
    // Pods' interfaces have no address to masquerade with; the tracer does not say which one the kernel takes instead.
    const masquerade = lab.address("node", family);
    const clients = sorted(
      fates.map(({ server, client }) => (server === undefined ? undefined : (client ?? masquerade))),
    );
    const parts = [
      ...(servers.length > 0 ? [`${servers.join(", ")} to ${clients.join(", ")}`] : []),
      ...(fates.some(({ server, refused }) => server === undefined && refused) ? ["refused"] : []),
      ...(fates.some(({ server, refused }) => server === undefined && !refused) ? ["no answer"] : []),
    ];
    return parts.join(" and ");
  };
}
