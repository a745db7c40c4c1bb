// Reads what a cluster's API server has. In: Api, a node's name. Out: Loaded, decoded objects as manifests would give them.
import { never } from "../../rules/never.ts";
import type { Problem } from "../../rules/problem.ts";
import type { EndpointSlice } from "../../rules/decode/endpoint-slice.ts";
import { decodeNode, type Node } from "../../rules/decode/node.ts";
import type { Service } from "../../rules/decode/service.ts";
import type { Loaded } from "../manifest/load.ts";
import { ApiError } from "../watch/api-error.ts";
import type { Api } from "../watch/api.ts";
import { endpointSlices, oneNode, serviceCidrs, services, type Resource } from "../watch/resources.ts";
import { listOnce } from "./list.ts";
import type { RecordedKind } from "./trim.ts";

export type ReadClusterOptions = {
  /** The only Node that is asked for; without it all are. Must be a name that a Node can have. */
  readonly nodeName: string | undefined;
  /** Told each object as the server sent it, sound or not, in no order that means anything. */
  readonly onObject?: (kind: RecordedKind, object: unknown) => void;
  /** Told of what could not be read and does not matter. */
  readonly onMissing: (text: string) => void;
};

/**
 * Lists Services and EndpointSlices as the agent does, Nodes, and ServiceCIDRs, one kind after the other. Only decoded objects are kept.
 * Throws an ApiError at the first list that fails; only ServiceCIDRs, on which no rule depends, may be refused.
 */
export async function readCluster(api: Api, options: ReadClusterOptions): Promise<Loaded> {
  const found = { services: [] as Service[], slices: [] as EndpointSlice[], nodes: [] as Node[] };
  const problems: Problem[] = [];
  let blocks = 0;
  for (const kind of kinds) {
    const take = async <T>(resource: Resource<T>, into: T[]): Promise<void> => {
      for await (const items of listOnce(api, resource))
        for (const item of items) {
          options.onObject?.(kind, item);
          const decoded = resource.decode(item);
          problems.push(...decoded.problems);
          if (decoded.value !== undefined) into.push(decoded.value);
        }
    };
    switch (kind) {
      case "Node":
        await take(options.nodeName === undefined ? allNodes : oneNode(options.nodeName), found.nodes);
        break;
      case "Service":
        await take(services, found.services);
        break;
      case "EndpointSlice":
        await take(endpointSlices, found.slices);
        break;
      case "ServiceCIDR":
        blocks = await countServiceCidrs(api, options);
        break;
      default:
        return never(kind);
    }
  }
  return {
    objects: { ...found, endpoints: [], pods: [], workloads: [] },
    problems: problems.map((problem) => ({ problem, source: undefined })),
    skipped: new Map(blocks === 0 ? [] : [["ServiceCIDR", blocks]]),
    locate: (problem) => ({ problem, source: undefined }),
  };
}

/** What most likely may not be read first, so that nobody waits for the long lists before hearing it. */
const kinds: readonly RecordedKind[] = ["Node", "ServiceCIDR", "Service", "EndpointSlice"];

const allNodes: Resource<Node> = { name: "nodes", path: "/api/v1/nodes", selectors: {}, decode: decodeNode };

async function countServiceCidrs(api: Api, { onObject, onMissing }: ReadClusterOptions): Promise<number> {
  let count = 0;
  try {
    for await (const items of listOnce(api, serviceCidrs)) {
      for (const item of items) onObject?.("ServiceCIDR", item);
      count += items.length;
    }
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    onMissing(`${error.message}; no rule depends on them, so it goes on without`);
  }
  return count;
}
