// Graphs for tests of renderers. In: the few fields that matter, or a dump's name. Out: Graph.
import { buildGraph } from "../../../rules/graph/build-graph.ts";
import type { Graph, GraphEdge, GraphNode } from "../../../rules/graph/graph.ts";
import { fraction } from "../../../rules/trace/fraction.ts";
import { aCluster, aService, aSlice, podIp } from "../../make/objects.ts";
import { dumpOfCluster, sample } from "../../rules/graph/a-dump.ts";

/** A frontend, a chain and two endpoints, with `text` wherever a graph holds text. */
export function aGraph(text = "plain"): Graph {
  const node = (id: string, kind: GraphNode["kind"]): GraphNode => ({ id: id + text, kind, lines: [id, text] });
  const edge = (from: string, to: string, fields: Partial<GraphEdge> = {}): GraphEdge => ({
    from: from + text,
    to: to + text,
    share: undefined,
    words: [],
    ...fields,
  });
  const nodes = [
    node("f", "frontend"),
    node("c", "chain"),
    node("a", "endpoint"),
    node("b", "endpoints"),
    node("v", "verdict"),
    node("g", "again"),
  ];
  const edges = [
    edge("f", "c"),
    edge("c", "a", { share: fraction(1, 3) }),
    edge("c", "b", { share: fraction(2, 3), words: [text, "33.3% each"] }),
    edge("c", "v", { words: [text] }),
    edge("c", "g"),
  ];
  return { family: 4, parts: [{ servicePort: `default/${text}`, nodes, edges }] };
}

/** Graphs of our own rules and of kube-proxy's on real nodes. */
export const someGraphs: readonly (readonly [string, Graph])[] = [
  ["one of each kind of node", aGraph()],
  ["50 endpoints", graphOf(50)],
  ["1000 endpoints", graphOf(1000)],
  ...["edge", "wall", "pier", "void"].map(
    (namespace) => [`kube-proxy's ${namespace}`, buildGraph(sample("mixed-six-services"), { namespace })] as const,
  ),
  ["kube-proxy's, with affinity", buildGraph(sample("affinity-clusterip"), { namespace: "glue" })],
];

/** `default/web` with as many endpoints. */
export function graphOf(count: number): Graph {
  const endpoints = Array.from({ length: count }, (_, index) => podIp(index));
  return buildGraph(dumpOfCluster(aCluster(aService(), aSlice({ endpoints }))), { namespace: "default" });
}

/** Text that tries to get out of a label, a line or an attribute. */
export const hostileTexts: readonly string[] = [
  `"]; click p1n1 "https://example.com"`,
  `"]\n  p9["x`,
  "a\r\nb\u2028c",
  "<script>alert(1)</script>",
  `" onload="alert(1)`,
  "</text></svg>",
  "<![CDATA[x]]>",
  "<!-- x",
  "&lt;b&gt; &amp; &#60;",
  "%%{init: {'theme':'dark'}}%%",
  "`**bold**`",
  "#quot; #35;",
  "|x|",
  "end",
  "javascript:alert(1)",
  "\u0000\u0007\u001b[31m",
  "\ud800 lone",
  "\ufffe\uffff",
  "é 漢 😀",
  "{{x}} ((y)) [z] >w]",
  "style x fill:#f00;",
];
