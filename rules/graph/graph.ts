// What becomes of a Service's traffic, as a picture without its places. In: GraphEdge. Out: the types of graphs, the lines on an edge.
import type { Family } from "../net/ip.ts";
import type { Fraction } from "../trace/fraction.ts";
import { percent } from "../trace/percent.ts";

/** The ways to endpoints in one family's rules, a part for each Service port. */
export type Graph = { readonly family: Family; readonly parts: readonly GraphPart[] };

/** One Service port (`namespace/name[:port]`). No edge leads from one part to another. */
export type GraphPart = {
  readonly servicePort: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
};

/**
 * `id` tells it from the other nodes of its part; it and `lines` may hold any text of the dump. `endpoints` are the members (`ip:port`)
 * of a node that stands for several.
 */
export type GraphNode = {
  readonly id: string;
  readonly kind: NodeKind;
  readonly lines: readonly string[];
  readonly endpoints?: readonly string[];
};

export type NodeKind =
  /** What clients connect to: an address and port, or a node port. */
  | "frontend"
  | "chain"
  | "endpoint"
  /** Several endpoints of one address block. */
  | "endpoints"
  /** The endpoint that the client had before (session affinity). */
  | "again"
  /** Where traffic ends that reaches no endpoint. */
  | "verdict";

/**
 * Leads from one node's id to another's. `share` is the chance that a connection which no condition takes elsewhere goes this way; undefined
 * on edges that have a condition, or no choice beside them. `words` say conditions and what is done on the way, a line each.
 */
export type GraphEdge = {
  readonly from: string;
  readonly to: string;
  readonly share: Fraction | undefined;
  readonly words: readonly string[];
};

/** What stands on an edge, a line each; nothing on one that always leads on. May hold any text of the dump. */
export function edgeLines({ share, words }: GraphEdge): string[] {
  return [...(share === undefined ? [] : [percent(share)]), ...words];
}
