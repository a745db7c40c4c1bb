// Reads Backends as EndpointSlices of one Service. In: Service, Backends, addresses. Out: slices, placeholders, problems.
import { compare } from "./order.ts";
import { namedPortNotFound, noRange } from "./problems.ts";
import type { Backend } from "./backend.ts";
import type { NamelessSlice } from "./endpoints-slices.ts";
import type { AddressPool, Placeholder } from "./placeholder.ts";
import type { EndpointPort, SliceEndpoint } from "../decode/endpoint-slice.ts";
import type { Service, ServicePortSpec } from "../decode/service.ts";
import { familyOf, type Family } from "../net/ip.ts";
import type { Problem } from "../problem.ts";

/** Slices of one Service, what was made up for them, and what could not be. */
export type Built = {
  readonly slices: readonly NamelessSlice[];
  readonly placeholders: readonly Placeholder[];
  readonly problems: readonly Problem[];
};

/** The Service's families, and where addresses for Backends without one come from. */
export type Addresses = { readonly families: readonly Family[]; readonly take: AddressPool };

/**
 * One slice for each family and each set of port numbers: a named target port may be another number in another Pod.
 * A Backend is left out of the slices of a family that it has no address of.
 */
export function buildBackendSlices(service: Service, backends: readonly Backend[], addresses: Addresses): Built {
  const placeholders: Placeholder[] = [];
  const missing = new Set<Family>();
  const slices = groupByPorts(service, backends).flatMap(({ ports, members }) =>
    addresses.families.flatMap((family) => {
      const endpoints = members.flatMap((backend) => {
        const own = backend.ips?.find((ip) => familyOf(ip) === family);
        if (own !== undefined) return [sliceEndpoint(backend, { ip: own })];
        if (backend.ips !== undefined) return [];
        const taken = addresses.take(backend.key, family);
        if (taken === undefined) {
          missing.add(family);
          return [];
        }
        placeholders.push({ object: backend.object, field: backend.field, ...taken });
        return [sliceEndpoint(backend, { ip: taken.value, placeholder: true })];
      });
      return endpoints.length === 0 ? [] : [slice(service, family, { ports, endpoints })];
    }),
  );
  const problems = [
    ...portsNotFound(service, backends),
    ...[...missing].map((family) => noRange(service, ["spec", "selector"], `pod address of IPv${family}`)),
  ];
  return { slices, placeholders, problems };
}

type Group = { readonly ports: readonly EndpointPort[]; readonly members: readonly Backend[] };

function groupByPorts(service: Service, backends: readonly Backend[]): readonly Group[] {
  const groups = new Map<string, { ports: readonly EndpointPort[]; members: Backend[] }>();
  for (const backend of backends) {
    const ports = service.ports.flatMap((port) => {
      const number = targetOf(port, backend);
      return number === undefined ? [] : [{ name: port.name, protocol: port.protocol, port: number }];
    });
    if (ports.length === 0 && service.ports.length > 0) continue;
    const key = JSON.stringify(ports.map(({ name, protocol, port }) => [name, protocol, port]));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ports, members: [backend] });
    else group.members.push(backend);
  }
  return [...groups].sort(([a], [b]) => compare(a, b)).map(([, group]) => group);
}

function targetOf(port: ServicePortSpec, backend: Backend): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target;
  return backend.ports.find(({ name, protocol }) => name === target && protocol === port.protocol)?.port;
}

function portsNotFound(service: Service, backends: readonly Backend[]): readonly Problem[] {
  if (backends.length === 0) return [];
  return service.ports.flatMap((port, index) =>
    backends.some((backend) => targetOf(port, backend) !== undefined) ? [] : [namedPortNotFound(service, port, index)],
  );
}

function slice(service: Service, family: Family, held: Pick<NamelessSlice, "ports" | "endpoints">): NamelessSlice {
  return {
    namespace: service.namespace,
    service: service.name,
    addressType: family === 4 ? "IPv4" : "IPv6",
    ...held,
    leftToOthers: false,
  };
}

function sliceEndpoint(backend: Backend, address: Pick<SliceEndpoint, "ip" | "placeholder">): SliceEndpoint {
  const { nodeName, ready, serving, terminating, hostname, pod } = backend;
  return {
    ...address,
    nodeName,
    ready,
    serving,
    terminating,
    zoneHints: [],
    nodeHints: [],
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod === undefined ? {} : { pod }),
  };
}
