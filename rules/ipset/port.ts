// The port part of an entry, as ipset spells it. In: text such as `tcp:80`, `icmp:echo-request`, `gre:0`. Out: protocol and ports, or undefined.

/** Ports `first` to `last` (0 to 65535, in order) of a protocol, named as `protocolName` does. */
export type Ports = { readonly protocol: string; readonly first: number; readonly last: number };

/**
 * The one name of an IP protocol: a number (1 to 255) or any name or alias of /etc/protocols in, its first name there out (`58` and
 * `icmpv6` are `ipv6-icmp`); numbers without a name stay. Undefined for what is neither. Source: /etc/protocols of Debian 12.
 */
export function protocolName(text: string): string | undefined {
  const known = names.get(text) ?? names.get(text.toLowerCase());
  return known ?? (/^[1-9]\d{0,2}$/.test(text) && Number(text) <= 255 ? text : undefined);
}

/**
 * Whether the kernel keeps a port for the protocol: that of the transport header, or `type * 256 + code` of ICMP. Others have port 0.
 * Source: Linux net/netfilter/ipset/ip_set_getport.c.
 */
export function hasPorts(protocol: string): boolean {
  return withPorts.has(protocol) || protocol in icmpTypes;
}

/**
 * `[proto:]port[-port]`, TCP if no protocol is said; `icmp:type/code` or the name of both; `proto:0` for protocols without ports. A range
 * may be said backwards. Names of services are refused: ipset save prints numbers. Source: ipset(8), hash:ip,port.
 */
export function parsePorts(text: string): Ports | undefined {
  const colon = text.indexOf(":");
  const protocol = colon < 0 ? "tcp" : protocolName(text.slice(0, colon));
  const rest = text.slice(colon + 1);
  if (protocol === undefined) return undefined;
  if (!hasPorts(protocol)) return rest === "0" ? { protocol, first: 0, last: 0 } : undefined;
  const range = protocol in icmpTypes ? parseIcmp(protocol, rest) : parseRange(rest);
  return range && { protocol, ...range };
}

type Range = { readonly first: number; readonly last: number };

function parseRange(text: string): Range | undefined {
  const [from = "", to = from, ...rest] = text.split("-", 3);
  const [first, last] = [wholeNumber(from, 0xffff), wholeNumber(to, 0xffff)];
  if (first === undefined || last === undefined || rest.length > 0) return undefined;
  return { first: Math.min(first, last), last: Math.max(first, last) };
}

function parseIcmp(protocol: string, text: string): Range | undefined {
  const [type, code, ...rest] = (icmpTypes[protocol]?.get(text) ?? text)
    .split("/", 3)
    .map((each) => wholeNumber(each, 0xff));
  if (type === undefined || code === undefined || rest.length > 0) return undefined;
  return { first: type * 256 + code, last: type * 256 + code };
}

function wholeNumber(text: string, most: number): number | undefined {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= most ? Number(text) : undefined;
}

const withPorts: ReadonlySet<string> = new Set(["tcp", "udp", "udplite", "sctp"]);

/** Names of ICMP types and codes. Source: `ipset help hash:ip,port` of ipset 7.17, and what it makes of each. */
const icmpTypes: Readonly<Record<string, ReadonlyMap<string, string>>> = {
  icmp: pairs(
    "echo-reply 0/0 pong 0/0 network-unreachable 3/0 host-unreachable 3/1 protocol-unreachable 3/2 port-unreachable 3/3",
    "fragmentation-needed 3/4 source-route-failed 3/5 network-unknown 3/6 host-unknown 3/7 network-prohibited 3/9",
    "host-prohibited 3/10 TOS-network-unreachable 3/11 TOS-host-unreachable 3/12 communication-prohibited 3/13",
    "host-precedence-violation 3/14 precedence-cutoff 3/15 source-quench 4/0 network-redirect 5/0 host-redirect 5/1",
    "TOS-network-redirect 5/2 TOS-host-redirect 5/3 echo-request 8/0 ping 8/0 router-advertisement 9/0",
    "router-solicitation 10/0 ttl-zero-during-transit 11/0 ttl-zero-during-reassembly 11/1 ip-header-bad 12/0",
    "required-option-missing 12/1 timestamp-request 13/0 timestamp-reply 14/0 address-mask-request 17/0",
    "address-mask-reply 18/0",
  ),
  "ipv6-icmp": pairs(
    "no-route 1/0 communication-prohibited 1/1 address-unreachable 1/3 port-unreachable 1/4 packet-too-big 2/0",
    "ttl-zero-during-transit 3/0 ttl-zero-during-reassembly 3/1 bad-header 4/0 unknown-header-type 4/1 unknown-option 4/2",
    "echo-request 128/0 ping 128/0 echo-reply 129/0 pong 129/0 router-solicitation 133/0 router-advertisement 134/0",
    "neighbour-solicitation 135/0 neigbour-solicitation 135/0 neighbour-advertisement 136/0 neigbour-advertisement 136/0",
    "redirect 137/0",
  ),
};

function pairs(...lines: readonly string[]): ReadonlyMap<string, string> {
  const words = lines.join(" ").split(" ");
  return new Map(words.flatMap((name, at) => (at % 2 === 0 ? [[name, words[at + 1] ?? ""] as const] : [])));
}

/** Number, name and aliases, aliases in lower case. */
const protocols = [
  "1 icmp, 2 igmp, 3 ggp, 4 ipencap ip-encap, 5 st, 6 tcp, 8 egp, 9 igp, 12 pup, 17 udp, 20 hmp, 22 xns-idp, 27 rdp, 29 iso-tp4",
  "33 dccp, 36 xtp, 37 ddp, 38 idpr-cmtp, 41 ipv6, 43 ipv6-route, 44 ipv6-frag, 45 idrp, 46 rsvp, 47 gre, 50 esp ipsec-esp",
  "51 ah ipsec-ah, 57 skip, 58 ipv6-icmp icmpv6, 59 ipv6-nonxt, 60 ipv6-opts, 73 rspf cphb, 81 vmtp, 88 eigrp, 89 ospf ospfigp",
  "93 ax.25, 94 ipip, 97 etherip, 98 encap, 103 pim, 108 ipcomp, 112 vrrp, 115 l2tp, 124 isis, 132 sctp, 133 fc",
  "135 mobility-header ipv6-mh mh, 136 udplite, 137 mpls-in-ip, 138 manet, 139 hip, 140 shim6, 141 wesp, 142 rohc, 143 ethernet",
];

const names: ReadonlyMap<string, string> = new Map(
  protocols
    .flatMap((line) => line.split(", "))
    .flatMap((entry) => {
      const [number = "", name = "", ...aliases] = entry.split(" ");
      return [number, name, ...aliases].map((each) => [each, name] as const);
    }),
);
