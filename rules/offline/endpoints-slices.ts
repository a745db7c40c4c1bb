// Reads v1 Endpoints as EndpointSlices. In: Endpoints. Out: for each subset and family one slice.
import type { EndpointAddress, Endpoints } from "../decode/endpoints.ts";
import type { EndpointSlice, SliceEndpoint } from "../decode/endpoint-slice.ts";
import { familyOf } from "../net/ip.ts";

/** An EndpointSlice that has no name yet. */
export type NamelessSlice = Omit<EndpointSlice, "name">;

/** Slices of the Service that has the Endpoints' name. Source: kubernetes pkg/controller/endpointslicemirroring. */
export function buildEndpointsSlices(endpoints: Endpoints): readonly NamelessSlice[] {
  return endpoints.subsets.flatMap((subset) => {
    const all = [
      ...subset.addresses.map((address) => sliceEndpoint(address, true)),
      ...subset.notReadyAddresses.map((address) => sliceEndpoint(address, false)),
    ];
    return ([4, 6] as const).flatMap((family) => {
      const own = all.filter(({ ip }) => ip !== undefined && familyOf(ip) === family);
      if (own.length === 0) return [];
      return [
        {
          namespace: endpoints.namespace,
          service: endpoints.name,
          addressType: family === 4 ? ("IPv4" as const) : ("IPv6" as const),
          ports: subset.ports,
          endpoints: own,
          leftToOthers: false,
        },
      ];
    });
  });
}

function sliceEndpoint(address: EndpointAddress, ready: boolean): SliceEndpoint {
  const { ip, nodeName, hostname, pod } = address;
  return {
    ip,
    nodeName,
    ready,
    serving: ready,
    terminating: false,
    zoneHints: [],
    nodeHints: [],
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod === undefined ? {} : { pod }),
  };
}
