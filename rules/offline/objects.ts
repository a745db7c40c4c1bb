// What goes into offline resolution. In: nothing. Out: the types of its two inputs.
import type { Endpoints } from "../decode/endpoints.ts";
import type { EndpointSlice } from "../decode/endpoint-slice.ts";
import type { Node } from "../decode/node.ts";
import type { Pod } from "../decode/pod.ts";
import type { Service } from "../decode/service.ts";
import type { Workload } from "../decode/workload.ts";
import type { Cidr } from "../net/cidr.ts";

/** What the files hold, in any order, each object (kind, namespace, name) once. */
export type OfflineObjects = {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly endpoints: readonly Endpoints[];
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly workloads: readonly Workload[];
};

/** Where made-up values come from. Of several ranges of a family the first with room is used; the first of all is primary. */
export type PlaceholderRanges = {
  readonly serviceCidrs: readonly Cidr[];
  readonly podCidrs: readonly Cidr[];
  readonly nodePorts: { readonly low: number; readonly high: number };
};
