// Which kernel settings IPVS mode needs besides. In: the section ipvs, the kernel's release. Out: Sysctl[].
import type { IpvsSection } from "../config/sections.ts";
import type { Sysctl } from "./sysctls-for.ts";

/**
 * In the order in which they are to be made. Those of `net/ipv4/vs` are there once ip_vs is loaded, each network namespace having its own.
 * `release` as `uname -r` prints it. Source: kube-proxy ipvs NewProxier; ipvs-sysctl.rst.
 *
 * `expire_nodest_conn` could harm what is open, so this was weighed. A real server is taken away once its connections are over, or had
 * their time; UDP has no end that could be waited for. From then on a packet of a connection to it is dropped without a word where this is
 * 0, for as long as the client goes on: a resolver that keeps its port hears nothing for minutes. With 1 the connection is forgotten, so the
 * next datagram goes to another endpoint, and a TCP client is reset and knows. What 0 would save is a connection whose real server is taken
 * away by somebody and put back before the next packet; nobody but a fault does that, since one that comes back while it drains was not away.
 */
export function ipvsSysctls({ strictArp }: Pick<IpvsSection, "strictArp">, release: string): Sysctl[] {
  const set = (name: string, value: number, why: string): Sysctl => ({ name, value, change: "set", why });
  return [
    set("net/ipv4/vs/conntrack", 1, "mode ipvs: rules see and masquerade connections of virtual servers"),
    // A client that takes a port again goes to the old real server, also one that drains; else each such connection waits a second (#70747).
    // From 5.9 on the kernel does neither. Older than 4.1 has no such setting.
    ...(isBetween(release, [4, 1], [5, 9])
      ? [
          set(
            "net/ipv4/vs/conn_reuse_mode",
            0,
            "mode ipvs: no delay where a client takes a port again, before Linux 5.9",
          ),
        ]
      : []),
    set("net/ipv4/vs/expire_nodest_conn", 1, "mode ipvs: connections to endpoints that are gone end"),
    set("net/ipv4/vs/expire_quiescent_template", 1, "mode ipvs: clients with affinity leave endpoints that drain"),
    set("net/ipv4/ip_forward", 1, "mode ipvs: endpoints are on other devices"),
    ...(strictArp
      ? [
          set("net/ipv4/conf/all/arp_ignore", 1, "ipvs.strictARP"),
          set("net/ipv4/conf/all/arp_announce", 2, "ipvs.strictARP"),
        ]
      : []),
  ];
}

type Version = readonly [major: number, minor: number];

/** From `first` to before `end`; a release that cannot be read is taken for a newer one. */
function isBetween(release: string, first: Version, end: Version): boolean {
  const found = /^(\d+)\.(\d+)/.exec(release);
  if (found === null) return false;
  const at = Number(found[1]) * 1000 + Number(found[2]);
  const number = ([major, minor]: Version) => major * 1000 + minor;
  return at >= number(first) && at < number(end);
}
