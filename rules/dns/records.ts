// The DNS records of one Service. In: the Service with its slices, the cluster's DNS zone. Out: DnsRecord[], in a fixed order.
import type { EndpointSlice } from "../decode/endpoint-slice.ts";
import type { Service } from "../decode/service.ts";
import type { ClusterService } from "../model/cluster.ts";
import { familyOf, ipDigits, parseIp, type Ip } from "../net/ip.ts";

/** One record. Names, also those in values, are fully qualified and end with a dot. */
export type DnsRecord = {
  readonly name: string;
  readonly type: "A" | "AAAA" | "SRV" | "CNAME" | "PTR";
  /** An address, a name, or for SRV `priority weight port target`. */
  readonly value: string;
};

/**
 * The records that cluster DNS has for a Service: its name, its named ports (SRV), its endpoints' names, then the way back (PTR).
 * Each once, and the same whatever the order of the slices. `zone` is a domain, e.g. `cluster.local`; a dot at its end is allowed.
 * None without a Service, before it has a cluster IP, or for an `externalName` that is no host name.
 *
 * The labels by which kube-proxy leaves a Service to others mean nothing here: its records are the same.
 *
 * Source: kubernetes/dns docs/specification.md. What that leaves to the server is as CoreDNS does it: an endpoint without hostname is
 * called by its address with dashes; SRV has priority 0 and 100 divided by the number of addresses as weight; SRV of a headless
 * Service has the endpoint's port. PTR of endpoints without hostname hangs on the server's version and is left out.
 */
export function dnsRecords({ service, slices }: ClusterService, zone: string): readonly DnsRecord[] {
  if (service === undefined) return [];
  const name = `${service.name}.${service.namespace}.svc.${zone.replace(/\.$/, "")}.`;
  if (service.type === "ExternalName") return externalRecords(name, service.externalName ?? "");
  if (service.clusterIps === "none") return endpointRecords(name, publishedEndpoints(service, slices));
  return clusterIpRecords(name, service.ports, service.clusterIps);
}

/** An address is no host name: CoreDNS gives no answer then. */
function externalRecords(name: string, externalName: string): readonly DnsRecord[] {
  const host = externalName.replace(/\.$/, "");
  const isHostName = host.length <= 253 && hostName.test(host) && parseIp(host) === undefined;
  return isHostName ? [{ name, type: "CNAME", value: `${host}.` }] : [];
}

const hostName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function clusterIpRecords(name: string, ports: Service["ports"], ips: readonly Ip[]): readonly DnsRecord[] {
  const served = ips.flatMap((ip) => ports.map((port) => ({ ...port, ip, target: name })));
  return [
    ...ips.map((ip) => addressRecord(name, ip)),
    ...portRecords(name, served),
    ...ips.map((ip) => reverse(ip, name)),
  ];
}

/** One address of a headless Service, and what DNS calls it. */
type Published = {
  readonly ip: Ip;
  readonly hostname: string | undefined;
  readonly ports: EndpointSlice["ports"];
};

/**
 * The ready endpoints, by address, or all where the Service publishes those that are not ready: the API asks that of every agent.
 * Controllers mark them ready themselves; slices from elsewhere may not.
 */
function publishedEndpoints(service: Service, slices: readonly EndpointSlice[]): readonly Published[] {
  const found = slices.flatMap(({ endpoints, ports }) =>
    endpoints.flatMap(({ ip, ready, hostname }) =>
      ip === undefined || !(ready || service.publishNotReadyAddresses)
        ? []
        : [{ ip, hostname, ports, order: `${familyOf(ip)} ${ipDigits(ip)} ${hostname ?? ""}` }],
    ),
  );
  return found.sort((a, b) => compare(a.order, b.order));
}

function endpointRecords(name: string, published: readonly Published[]): readonly DnsRecord[] {
  const endpoints = published.map((each) => ({
    ...each,
    target: `${each.hostname ?? each.ip.replaceAll(/[.:]/g, "-")}.${name}`,
  }));
  return once([
    ...endpoints.map(({ ip }) => addressRecord(name, ip)),
    ...portRecords(
      name,
      endpoints.flatMap(({ ports, ...each }) => ports.map((port) => ({ ...port, ...each }))),
    ),
    ...endpoints.map(({ ip, target }) => addressRecord(target, ip)),
    ...endpoints.flatMap(({ ip, hostname, target }) => (hostname === undefined ? [] : [reverse(ip, target)])),
  ]);
}

/** One port at one address. All ports of a slice come without number where it means every port: there is nothing to tell then. */
type Served = {
  readonly name: string;
  readonly protocol: string;
  readonly port: number | undefined;
  readonly ip: Ip;
  readonly target: string;
};

/** By the record's name, then as given. Ports without name have no record. */
function portRecords(service: string, served: readonly Served[]): readonly DnsRecord[] {
  const byName = new Map<string, Map<string, { readonly port: number; readonly target: string }>>();
  for (const { name, protocol, port, ip, target } of served) {
    if (name === "" || port === undefined) continue;
    const key = `_${name}._${protocol.toLowerCase()}.${service}`;
    const held = byName.get(key) ?? new Map<string, { readonly port: number; readonly target: string }>();
    byName.set(key, held.set(`${ip} ${port} ${target}`, { port, target }));
  }
  return once(
    [...byName]
      .sort(([a], [b]) => compare(a, b))
      .flatMap(([name, held]) => {
        const weight = Math.max(1, Math.floor(100 / held.size));
        return [...held.values()].map(({ port, target }): DnsRecord => ({
          name,
          type: "SRV",
          value: `0 ${weight} ${port} ${target}`,
        }));
      }),
  );
}

function addressRecord(name: string, ip: Ip): DnsRecord {
  return { name, type: familyOf(ip) === 4 ? "A" : "AAAA", value: ip };
}

function reverse(ip: Ip, target: string): DnsRecord {
  const name =
    familyOf(ip) === 4
      ? `${ip.split(".").reverse().join(".")}.in-addr.arpa.`
      : `${Array.from(ipDigits(ip)).reverse().join(".")}.ip6.arpa.`;
  return { name, type: "PTR", value: target };
}

function once(records: readonly DnsRecord[]): readonly DnsRecord[] {
  return [...new Map(records.map((record) => [`${record.name} ${record.type} ${record.value}`, record])).values()];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
