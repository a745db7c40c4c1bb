// Many endpoints as few nodes. In: endpoints, each with the chains that lead to it. Out: nodes, and the node of each endpoint.
import { networkOf } from "../net/cidr.ts";
import { familyOf, ipDigits, parseIp, type Ip } from "../net/ip.ts";
import type { GraphNode } from "./graph.ts";

/** Most endpoint nodes of a Service port: what can be read at a glance. */
export const mostEndpointNodes = 12;

/** `nodes` in order of address; `nodeOf` leads from `ip:port` to a node's id. */
export type Collapsed = { readonly nodes: readonly GraphNode[]; readonly nodeOf: ReadonlyMap<string, string> };

/**
 * A node for each endpoint, up to 12. More are put together by address block, all blocks of one length: /24 (IPv6: /64), which is what a
 * node's pods usually have, where that gives 2 to 12 nodes, else the longest that gives no more than 12. Endpoints that
 * different chains lead to (`reachedBy`, by endpoint) are never put together, so that every edge to a node is to all of it. A block with
 * one endpoint is that endpoint. What is no `ip:port` is put together as one.
 */
export function collapse(reachedBy: ReadonlyMap<string, string>): Collapsed {
  const endpoints = [...reachedBy].map(([to, by]) => readEndpoint(to, by)).sort((a, b) => (a.order < b.order ? -1 : 1));
  const nodes =
    endpoints.length <= mostEndpointNodes
      ? endpoints.map(({ to }) => endpointNode(to))
      : chooseBlocks(endpoints).map(blockNode);
  const members = nodes.flatMap((node) => (node.endpoints ?? node.lines).map((to) => [to, node.id] as const));
  return { nodes, nodeOf: new Map(members) };
}

type Endpoint = {
  readonly to: string;
  readonly by: string;
  readonly ip: Ip | undefined;
  readonly port: string;
  readonly order: string;
};

function readEndpoint(to: string, by: string): Endpoint {
  const found = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(to);
  const ip = parseIp(found?.[1] ?? found?.[2] ?? "");
  const port = found?.[3] ?? "";
  return { to, by, ip, port, order: ip === undefined ? `~${to}` : `${ipDigits(ip)} ${port.padStart(5, "0")}` };
}

type Block = { readonly name: string; readonly by: string; readonly members: readonly Endpoint[] };

function chooseBlocks(endpoints: readonly Endpoint[]): Block[] {
  const first = endpoints.find(({ ip }) => ip !== undefined)?.ip;
  const [width, usual] = first === undefined || familyOf(first) === 4 ? [32, 24] : [128, 64];
  const blocks = blocksOf(endpoints, usual);
  if (blocks.length >= 2 && blocks.length <= mostEndpointNodes) return blocks;
  let best = blocksOf(endpoints, 0);
  for (let bits = 1; bits <= width; bits++) {
    const next = blocksOf(endpoints, bits);
    if (next.length > mostEndpointNodes) break;
    best = next;
  }
  return best;
}

/** In order of each block's first endpoint. */
function blocksOf(endpoints: readonly Endpoint[], bits: number): Block[] {
  const blocks = new Map<string, Block & { readonly members: Endpoint[] }>();
  for (const endpoint of endpoints) {
    const { ip, by } = endpoint;
    const name = ip === undefined ? "other targets" : networkOf(ip, Math.min(bits, familyOf(ip) === 4 ? 32 : 128));
    const key = `${name} ${by}`;
    const block = blocks.get(key) ?? { name, by, members: [] };
    blocks.set(key, block);
    block.members.push(endpoint);
  }
  return [...blocks.values()];
}

function endpointNode(to: string): GraphNode {
  return { id: `endpoint ${to}`, kind: "endpoint", lines: [to] };
}

function blockNode({ name, by, members }: Block): GraphNode {
  const [only, ...others] = members;
  if (only !== undefined && others.length === 0) return endpointNode(only.to);
  const ports = new Set(members.map(({ port }) => port));
  const at = ports.size === 1 && only?.port !== "" ? ` at port ${only?.port ?? ""}` : "";
  return {
    id: `endpoints ${name} ${by}`,
    kind: "endpoints",
    lines: [name, `${members.length} endpoints${at}`],
    endpoints: members.map(({ to }) => to),
  };
}
