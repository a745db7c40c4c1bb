// Which kernel settings a node needs. In: Configuration, the host. Out: Sysctl[].
import type { Configuration } from "../config/schema.ts";

/** One value that the kernel is to have. */
export type Sysctl = {
  /** A name below /proc/sys, with slashes; or a path below /sys, from its root. */
  readonly name: string;
  readonly value: number;
  /** `raise`: a value that is larger already is left. */
  readonly change: "set" | "raise";
  /** Which field or feature asks for it. */
  readonly why: string;
};

/** What the settings depend on besides the configuration. */
export type Host = {
  /** CPUs, as the kernel counts them. */
  readonly cores: number;
  /** Whether node ports are served on 127.0.0.0/8: `needsRouteLocalnet` of any view. */
  readonly routeLocalnet: boolean;
};

/** A full table of this size takes about 320 MB; more CPUs are no reason for more. Source: kubernetes#137002, in 1.36. */
const mostEntries = 1_048_576;

/**
 * The settings in the order in which they are to be made. A 0 in the configuration leaves the system's value. Source: kube-proxy's
 * server_linux.go and conntrack.go (limits, timeouts), iptables/proxier.go (route_localnet).
 */
export function sysctlsFor(config: Configuration, host: Host): Sysctl[] {
  const { conntrack } = config;
  const max = conntrackMax(config, host);
  // Less than a second leaves the system's value too: a timeout of 0 would end every connection at once.
  const given = (name: string, value: number, why: string): Sysctl[] =>
    value >= 1 ? [{ name, value: Math.floor(value), change: "set", why }] : [];
  return [
    ...given("net/ipv4/conf/all/route_localnet", Number(host.routeLocalnet), "node ports on 127.0.0.0/8"),
    ...given("net/netfilter/nf_conntrack_max", max, `conntrack.maxPerCore and min, for ${host.cores} CPUs`),
    // The table of hashes is the whole host's. A quarter keeps its chains at four entries.
    ...(max > 0
      ? [{ name: hashSize, value: Math.floor(max / 4), change: "raise" as const, why: "a quarter of nf_conntrack_max" }]
      : []),
    ...given(
      conntrackName("tcp_timeout_established"),
      conntrack.tcpEstablishedTimeoutSeconds,
      "conntrack.tcpEstablishedTimeout",
    ),
    ...given(
      conntrackName("tcp_timeout_close_wait"),
      conntrack.tcpCloseWaitTimeoutSeconds,
      "conntrack.tcpCloseWaitTimeout",
    ),
    ...given(conntrackName("tcp_be_liberal"), Number(conntrack.tcpBeLiberal), "conntrack.tcpBeLiberal"),
    ...given(conntrackName("udp_timeout"), conntrack.udpTimeoutSeconds, "conntrack.udpTimeout"),
    ...given(conntrackName("udp_timeout_stream"), conntrack.udpStreamTimeoutSeconds, "conntrack.udpStreamTimeout"),
  ];
}

/** Buckets of the connection table. Only the host's first network namespace may write it. */
export const hashSize = "/sys/module/nf_conntrack/parameters/hashsize";

/** 0 leaves what is there. */
function conntrackMax({ conntrack: { maxPerCore, min } }: Configuration, { cores }: Host): number {
  return maxPerCore === 0 ? 0 : Math.min(mostEntries, Math.max(min, maxPerCore * cores));
}

function conntrackName(name: string): string {
  return `net/netfilter/nf_conntrack_${name}`;
}
