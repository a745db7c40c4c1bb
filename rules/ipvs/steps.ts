// All changes of one family, in the order that breaks no connection. In: observed and desired IpvsState. Out: IpvsStep[], each for one tool.
import { diffAddresses, type AddressChange } from "../addresses/addresses.ts";
import { diffSets, type SetChange } from "../ipset/diff-sets.ts";
import { chainOf, type Change } from "../iptables/diff/change.ts";
import { diffRulesets } from "../iptables/diff/diff.ts";
import { ipFromDigits } from "../net/ip.ts";
import { get, values } from "../radix/radix.ts";
import { addressPort } from "./entries.ts";
import { diffServers, type DrainView, type ServerChange } from "./diff-servers.ts";
import { setName } from "./set-names.ts";
import type { IpvsState } from "./state.ts";
import { serverKey } from "./virtual-server.ts";

/** Changes that one tool makes together. Those of iptables are put in order and batches as in iptables mode. */
export type IpvsStep =
  | { readonly tool: "ipset"; readonly changes: readonly SetChange[] }
  | { readonly tool: "iptables"; readonly changes: readonly Change[] }
  | { readonly tool: "ip"; readonly changes: readonly AddressChange[] }
  | { readonly tool: "ipvsadm"; readonly changes: readonly ServerChange[] };

/** A single change of any tool. */
export type IpvsChange = IpvsStep["changes"][number];

export type IpvsDiff = {
  /** In order; none is empty. */
  readonly steps: readonly IpvsStep[];
  /** `serverKey` of virtual servers that stay only until they are drained. */
  readonly draining: ReadonlySet<string>;
};

/**
 * What turns `observed` into `desired`: sets, the rules that look into them, addresses, virtual servers with their real servers, then
 * what goes. A node that comes from iptables mode keeps that mode's nat rules until virtual servers are there to take over. What a draining virtual server needs stays with it: its address, and the set entries by which it is known as ours.
 */
export function diffStates(observed: IpvsState, desired: IpvsState, view: DrainView): IpvsDiff {
  const { changes: servers, draining } = diffServers(observed.servers, desired.servers, view);
  const needed = neededBy(draining, observed);
  const sets = diffSets(observed.sets, desired.sets, needed.entry);
  const addresses = diffAddresses(observed.addresses, desired.addresses, needed.ip);
  // A clean-up leaves sets and rules while anything drains: the rules look into the sets, and the sets say whose the virtual servers are.
  const late = draining.size > 0 && Object.keys(desired.sets.sets).length === 0;
  const rules = late ? [] : diffRulesets(observed.ruleset, desired.ruleset);
  const isLate = lateRules(rules);
  const isOthers = seatsOfOthers(desired, view.others);
  const steps: IpvsStep[] = [
    { tool: "ipset", changes: sets.additions.filter((change) => !isOthers(change)) },
    { tool: "iptables", changes: rules.filter((change) => !isLate(change)) },
    { tool: "ip", changes: addresses.additions.filter((change) => !isOthers(change)) },
    { tool: "ipvsadm", changes: servers },
    { tool: "iptables", changes: rules.filter(isLate) },
    { tool: "ip", changes: addresses.removals },
    { tool: "ipset", changes: late ? [] : sets.removals },
  ];
  return { steps: steps.filter(({ changes }) => changes.length > 0), draining };
}

/** The chain that every connection to a Service enters, in either mode. In this one it changes with settings alone. */
const entry = "KUBE-SERVICES";

/** Which changes of rules come after virtual servers: deletions, and, where connections enter by other rules than now, all of nat. */
function lateRules(changes: readonly Change[]): (change: Change) => boolean {
  const isRewrite = (change: Change) => change.kind === "rewrite-chain" && change.table === "nat";
  const entersAnew = changes.some((change) => isRewrite(change) && chainOf(change) === entry);
  const isDeletion = ({ kind }: Change) => kind === "delete-chain" || kind === "delete-jump";
  return (change) => isDeletion(change) || (entersAnew && isRewrite(change));
}

/**
 * Which additions stand for a virtual server that is somebody else's, though a Service wants it: with them it would count as ours from then
 * on. An address that other frontends have too is added all the same.
 */
function seatsOfOthers(
  { servers }: IpvsState,
  others: ReadonlySet<string>,
): (change: SetChange | AddressChange) => boolean {
  const wanted = [...others].flatMap((key) => get(servers, key) ?? []);
  if (wanted.length === 0) return () => false;
  const shared = new Set(values(servers).flatMap((server) => (others.has(serverKey(server)) ? [] : [server.ip])));
  const seats = new Set(
    wanted.flatMap((server) => [addressPort(server.ip, server), ...(shared.has(server.ip) ? [] : [server.ip])]),
  );
  return (change) => {
    if (change.kind === "add-address") return seats.has(change.ip);
    if (change.kind !== "add-entry") return false;
    const [ip = "", port] = change.entry.split(",");
    return seats.has(port === undefined ? ip : `${ip},${port}`);
  };
}

type Needed = {
  readonly entry: (set: string, entry: string) => boolean;
  readonly ip: (ip: string) => boolean;
};

function neededBy(draining: ReadonlySet<string>, { family }: IpvsState): Needed {
  const entries = new Set<string>();
  const ips = new Set<string>();
  const nodePortSets = { t: setName("NODE-PORT-TCP", family), u: setName("NODE-PORT-UDP", family) };
  for (const key of draining) {
    const width = family === 4 ? 8 : 32;
    const ip = ipFromDigits(key.slice(0, width));
    const letter = key.charAt(width);
    const port = parseInt(key.slice(width + 1), 16);
    ips.add(ip);
    entries.add(ip);
    entries.add(addressPort(ip, { protocol: letter === "t" ? "TCP" : letter === "u" ? "UDP" : "SCTP", port }));
    if (letter === "t" || letter === "u") entries.add(`${nodePortSets[letter]} ${port}`);
  }
  return {
    entry: (set, entry) => {
      if (entries.has(`${set} ${entry}`)) return true;
      const [ip = "", port] = entry.split(",");
      return entries.has(port === undefined ? ip : `${ip},${port}`);
    },
    ip: (ip) => ips.has(ip),
  };
}
