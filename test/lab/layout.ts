// Lays a network out. In: options. Out: hosts, and the ip(8) batches and sysctls that make their namespaces.
import type { Family } from "../../rules/net/ip.ts";

/** Addresses by host; each host needs one of each family, and the first of a family is its primary one. */
export type LayoutOptions = {
  /** Prefix of all namespace names; at most 8 characters. */
  readonly prefix: string;
  /** The node's own addresses, all on its uplink `eth0`. */
  readonly node: readonly string[];
  /** Pods on the node: a namespace each. Their interfaces in the node's namespace are `pod0`, `pod1`, ... in this order. */
  readonly pods: Readonly<Record<string, readonly string[]>>;
  /** Everything beyond the uplink: other nodes, their pods, clients. They share one namespace. */
  readonly remotes: Readonly<Record<string, readonly string[]>>;
};

/** The network, ready to be made: first namespaces, then sysctls, then links. */
export type Layout = {
  readonly namespaces: readonly Namespace[];
  /** By host name: `node`, the pods, the remotes. */
  readonly hosts: Readonly<Record<string, Host>>;
};

/** One namespace. `batch` is the input of `ip -n NAME -batch -`; the batches must run in order, the node's comes first. */
export type Namespace = {
  readonly name: string;
  readonly sysctls: readonly string[];
  readonly batch: string;
  /** Where in it packets for the hosts come in, to be taken by a kernel thread; empty on the node. */
  readonly threaded: readonly string[];
  /** The other ends of those; empty but on the node. */
  readonly toThreaded: readonly string[];
};

/** A named party that sends and answers. */
export type Host = {
  readonly name: string;
  readonly namespace: string;
  readonly addresses: readonly string[];
  /** True where the kernel would choose another host's address as source, so that each request must name its own. */
  readonly sharesNamespace: boolean;
};

/** The name of the node among the hosts. */
export const node = "node";

/** The addresses that a layout has unless told otherwise. */
export const defaults = {
  node: ["192.168.0.2", "fd00:192::2"],
  pods: {
    "pod-a": ["10.244.0.5", "fd00:10:244::5"],
    "pod-b": ["10.244.0.6", "fd00:10:244::6"],
  },
  remotes: {
    outside: ["203.0.113.7", "2001:db8:1::7"],
    "outside-b": ["198.51.100.9", "2001:db8:2::9"],
    "node-b": ["192.168.0.3", "fd00:192::3"],
    "remote-a": ["10.244.1.5", "fd00:10:244:1::5"],
    "remote-b": ["10.244.1.6", "fd00:10:244:1::6"],
  },
} as const;

/** Lays out the network. Throws on a name or an address that ip(8) would not take. */
export function layOut(options: LayoutOptions): Layout {
  const pods = Object.entries(options.pods);
  const remotes = Object.entries(options.remotes);
  for (const name of [options.prefix, ...pods.map(([name]) => name), ...remotes.map(([name]) => name)]) checkName(name);
  const nodeNamespace = `${options.prefix}-node`;
  const outsideNamespace = `${options.prefix}-outside`;
  const podNamespace = (name: string) => `${options.prefix}-${name}`;
  const hosts = [
    { name: node, namespace: nodeNamespace, addresses: options.node, sharesNamespace: false },
    ...pods.map(([name, addresses]) => ({ name, namespace: podNamespace(name), addresses, sharesNamespace: false })),
    ...remotes.map(([name, addresses]) => ({ name, namespace: outsideNamespace, addresses, sharesNamespace: true })),
  ];
  hosts.forEach(checkHost);
  const outsideAddresses = remotes.flatMap(([, addresses]) => addresses);
  const podLinks = pods.flatMap(([name, addresses], index) =>
    podLink(`pod${index}`, index, podNamespace(name), addresses),
  );
  return {
    hosts: Object.fromEntries(hosts.map((host) => [host.name, host])),
    namespaces: [
      {
        name: nodeNamespace,
        sysctls: [
          ...everywhere,
          "net.ipv4.ip_forward=1",
          "net.ipv6.conf.all.forwarding=1",
          "net.ipv4.conf.all.send_redirects=0",
          "net.ipv4.conf.default.send_redirects=0",
        ],
        batch: lines([
          "link set lo up",
          `link add eth0 address ${mac.node} type veth peer name eth0 address ${mac.outside} netns ${outsideNamespace}`,
          ...uplink(options.node, mac.outside),
          ...podLinks,
        ]),
        threaded: [],
        toThreaded: ["eth0", ...pods.map((_, index) => `pod${index}`)],
      },
      {
        name: outsideNamespace,
        sysctls: everywhere,
        batch: lines(["link set lo up", ...uplink(outsideAddresses, mac.node)]),
        threaded: ["eth0"],
        toThreaded: [],
      },
      ...pods.map(([name, addresses]) => ({
        name: podNamespace(name),
        sysctls: everywhere,
        batch: lines(["link set lo up", ...uplink(addresses, mac.gateway)]),
        threaded: ["eth0"],
        toThreaded: [],
      })),
    ],
  };
}

/** A host's primary address of a family. */
export function primary(host: Host, family: Family): string {
  const address = host.addresses.find((address) => address.includes(":") === (family === 6));
  if (address === undefined) throw new Error(`bug: host ${host.name} has no IPv${family} address`);
  return address;
}

// Fixed link addresses, and permanent neighbour entries for them: no ARP, no neighbour discovery, so no first packet that waits.
const mac = { node: "02:00:00:00:00:02", outside: "02:00:00:00:00:01", gateway: "ee:ee:ee:ee:ee:ee" };
const podMac = (index: number) => `02:00:00:01:${byte(index >> 8)}:${byte(index & 255)}`;
const byte = (value: number) => value.toString(16).padStart(2, "0");

// The next hop everywhere, as Calico has it: it is on no interface, only in the neighbour tables.
const nextHop = { 4: "169.254.1.1", 6: "fe80::1" };

const everywhere: readonly string[] = [
  "net.ipv4.conf.all.rp_filter=0",
  "net.ipv4.conf.default.rp_filter=0",
  // A node sends redirects where a packet leaves by the interface it came by, as hairpin does; nobody shall believe them.
  "net.ipv4.conf.all.accept_redirects=0",
  "net.ipv4.conf.default.accept_redirects=0",
  "net.ipv6.conf.all.disable_ipv6=0",
  "net.ipv6.conf.default.disable_ipv6=0",
  "net.ipv6.conf.default.accept_redirects=0",
  "net.ipv6.conf.default.accept_ra=0",
  "net.ipv6.conf.default.accept_dad=0",
  "net.ipv6.conf.default.dad_transmits=0",
  // By default the kernel sends one ICMP error a second to one address: the next REJECT would look like a DROP.
  "net.ipv4.icmp_ratelimit=0",
  "net.ipv4.icmp_ratemask=0",
  "net.ipv6.icmp.ratelimit=0",
  // The limit on all of a namespace's ICMP errors; IPv6 has no other switch for it. Source: ip-sysctl, icmp_msgs_per_sec.
  "net.ipv4.icmp_msgs_per_sec=1000000",
  "net.ipv4.icmp_msgs_burst=1000000",
];

function uplink(addresses: readonly string[], nextHopMac: string): string[] {
  return [
    ...addresses.map((address) => `addr add ${hostRoute(address)} dev eth0${address.includes(":") ? " nodad" : ""}`),
    "link set eth0 up",
    ...families.flatMap((family) => [
      `neigh replace ${nextHop[family]} lladdr ${nextHopMac} dev eth0 nud permanent`,
      `route add ${family === 4 ? "0.0.0.0/0" : "::/0"} via ${nextHop[family]} dev eth0 onlink src ${firstOf(addresses, family)}`,
    ]),
  ];
}

function podLink(name: string, index: number, namespace: string, addresses: readonly string[]): string[] {
  return [
    `link add ${name} address ${mac.gateway} type veth peer name eth0 address ${podMac(index)} netns ${namespace}`,
    `link set ${name} up`,
    ...addresses.flatMap((address) => [
      `neigh replace ${address} lladdr ${podMac(index)} dev ${name} nud permanent`,
      `route add ${hostRoute(address)} dev ${name}`,
    ]),
  ];
}

const families = [4, 6] as const;

function firstOf(addresses: readonly string[], family: Family): string {
  return addresses.find((address) => address.includes(":") === (family === 6)) ?? "";
}

function hostRoute(address: string): string {
  return `${address}/${address.includes(":") ? 128 : 32}`;
}

function lines(commands: readonly string[]): string {
  return commands.map((command) => `${command}\n`).join("");
}

function checkName(name: string): void {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name))
    throw new Error(`lab: ${JSON.stringify(name)} must be lower-case letters, digits and '-'`);
}

function checkHost({ name, addresses }: Host): void {
  for (const address of addresses) {
    if (!/^[0-9a-f.:]+$/.test(address)) throw new Error(`lab: ${JSON.stringify(address)} of ${name} is not an address`);
  }
  for (const family of families) {
    if (firstOf(addresses, family) === "") throw new Error(`lab: ${name} has no IPv${family} address`);
  }
}
