// The ways to a Service's endpoints, from rules of anyone's making. In: Dump, which Services. Out: Graph.
import type { Dump, DumpChain } from "../iptables/text/parse-dump.ts";
import { plus, toNumber, type Fraction } from "../trace/fraction.ts";
import { chainWays, type ChainWays, type Goal } from "./chain-ways.ts";
import { collapse } from "./collapse.ts";
import type { Unsaid } from "./conditions.ts";
import { openGroup, type Groups } from "./endpoint-chains.ts";
import { findFrontends, type DumpFrontend, type Subject } from "./frontends.ts";
import type { Graph, GraphEdge, GraphNode, GraphPart } from "./graph.ts";
import { percent } from "../trace/percent.ts";

/**
 * A part for each Service port in `subject` that a rule leads to or refuses. Chains that only find the frontend (the dispatch) and those that
 * only choose among endpoints are not shown; shares are exact, and those out of a chain add up to 1. Nodes and edges come in an
 * order that depends on the rules alone. No parts: the rules do not name it.
 */
export function buildGraph(dump: Dump, subject: Subject): Graph {
  const chains = dump.tables.get("nat")?.chains ?? new Map<string, DumpChain>();
  const parts = [...findFrontends(dump, subject)].map(([servicePort, frontends]) =>
    buildPart(servicePort, frontends, chains),
  );
  return { family: dump.family, parts };
}

/** Chains of a Service port that are shown, in the order in which traffic meets them. */
type ShownChain = { readonly chain: DumpChain; readonly read: ChainWays };

type Part = {
  readonly frontends: readonly DumpFrontend[];
  readonly shown: ReadonlyMap<string, ShownChain>;
  readonly groups: Groups;
};

type Edge = {
  readonly from: string;
  readonly goal: Goal;
  readonly share: Fraction | undefined;
  readonly words: readonly string[];
};

function buildPart(
  servicePort: string,
  frontends: readonly DumpFrontend[],
  chains: ReadonlyMap<string, DumpChain>,
): GraphPart {
  const unsaid: Unsaid = { protocol: frontends[0]?.protocol };
  const groups: Groups = { chains, unsaid, opened: new Map() };
  const part: Part = { frontends, shown: showChains(frontends, groups), groups };
  const raw = [...frontends.flatMap((frontend) => frontendEdges(frontend, groups)), ...chainEdges(part)];
  const { nodes: endpoints, nodeOf } = collapse(reachedBy(raw));
  const nodes = [
    ...frontends.map(frontendNode),
    ...[...part.shown.values()].map((each) => chainNode(each, raw)),
    ...endpoints,
    ...endNodes(raw),
  ];
  const edges = inOrder(mergeEdges(raw, nodeOf), nodes);
  return { servicePort, nodes, edges: edges.map((edge) => withoutCertainty(edge, edges)) };
}

/** Breadth first from the frontends, so that a chain stands after those that lead to it, as far as that goes. */
function showChains(frontends: readonly DumpFrontend[], groups: Groups): Map<string, ShownChain> {
  const shown = new Map<string, ShownChain>();
  const queue = frontends.flatMap(({ ways }) => ways.map(({ chain }) => chain));
  for (let at = 0; at < queue.length; at++) {
    const name = queue[at] ?? "";
    const chain = groups.chains.get(name);
    if (chain === undefined || shown.has(name) || openGroup(name, groups) !== undefined) continue;
    const read = chainWays(chain, groups, groups.unsaid);
    shown.set(name, { chain, read });
    for (const { goal } of read.ways) if (goal.kind === "chain") queue.push(goal.name);
  }
  return shown;
}

function frontendEdges(frontend: DumpFrontend, groups: Groups): Edge[] {
  const from = `frontend ${frontend.key}`;
  const refused = frontend.ways.length === 0 ? frontend.refusals.slice(0, 1) : [];
  return [
    ...frontend.ways.flatMap(({ chain, words }): Edge[] => {
      const said = [...words, ...frontend.masquerades];
      const group = openGroup(chain, groups);
      if (group === undefined) return [{ from, goal: { kind: "chain", name: chain }, share: undefined, words: said }];
      return [...group.chances].map(([to, share]) => ({ from, goal: { kind: "endpoint", to }, share, words: said }));
    }),
    ...refused.map(({ text }): Edge => ({ from, goal: { kind: "verdict", text }, share: undefined, words: [] })),
  ];
}

function chainEdges(part: Part): Edge[] {
  return [...part.shown.values()].flatMap(({ chain, read }) =>
    read.ways.flatMap(({ goal, share, words }): Edge[] => {
      const from = `chain ${chain.name}`;
      if (goal.kind !== "return") return [{ from, goal, share, words }];
      const ends = refusalsAfter(chain.name, part);
      return ends.map((text) => ({ from, goal: { kind: "verdict", text }, share, words }));
    }),
  );
}

/** What the filter table does with what a chain lets go on untranslated: it is told by the frontends that lead there. */
function refusalsAfter(chain: string, { frontends }: Part): string[] {
  const direct = frontends.filter(({ ways }) => ways.some((way) => way.chain === chain));
  const guards = chain.startsWith("KUBE-FW-");
  const texts = (direct.length > 0 ? direct : frontends).map(
    ({ refusals }) => (refusals.find(({ guard }) => guard === guards) ?? refusals[0])?.text ?? "not translated",
  );
  const [first = "not translated", ...others] = [...new Set(texts)];
  return [others.length === 0 ? first : [first, ...others].join(", or ")];
}

/** The sources that lead to each endpoint, as one text. */
function reachedBy(edges: readonly Edge[]): Map<string, string> {
  const sources = new Map<string, Set<string>>();
  for (const { from, goal } of edges) {
    if (goal.kind !== "endpoint") continue;
    const known = sources.get(goal.to) ?? new Set();
    sources.set(goal.to, known.add(from));
  }
  return new Map([...sources].map(([to, from]) => [to, [...from].sort().join(" ")]));
}

function goalId(goal: Goal, nodeOf: ReadonlyMap<string, string>): string {
  switch (goal.kind) {
    case "chain":
      return `chain ${goal.name}`;
    case "endpoint":
      return nodeOf.get(goal.to) ?? "";
    case "verdict":
      return `verdict ${goal.text}`;
    case "again":
    case "return":
      return "again";
  }
}

/** One edge between two nodes: shares are added, what is said of each way is said of the whole in lines of its own. */
function mergeEdges(raw: readonly Edge[], nodeOf: ReadonlyMap<string, string>): GraphEdge[] {
  const merged = new Map<string, { from: string; to: string; shares: Fraction[]; words: Set<string> }>();
  for (const { from, goal, share, words } of raw) {
    const to = goalId(goal, nodeOf);
    const key = `${from}\n${to}`;
    const edge = merged.get(key) ?? { from, to, shares: [], words: new Set() };
    merged.set(key, edge);
    if (share !== undefined) edge.shares.push(share);
    if (words.length > 0) edge.words.add(words.join(", "));
  }
  return [...merged.values()].map(({ from, to, shares, words }) => {
    const share = shares.length === 0 ? undefined : shares.reduce(plus);
    return { from, to, share, words: [...eachOf(shares, to), ...atMost([...words])] };
  });
}

/** Of endpoints that are put together, how likely each is, where that is the same. */
function eachOf(shares: readonly Fraction[], to: string): string[] {
  if (!to.startsWith("endpoints ")) return [];
  const sizes = shares.map(toNumber);
  const [first] = shares;
  if (first === undefined || Math.max(...sizes) - Math.min(...sizes) > 1e-6 * Math.max(...sizes)) return [];
  return [`${percent(first)} each`];
}

const mostWords = 6;

function atMost(words: readonly string[]): string[] {
  if (words.length <= mostWords) return [...words];
  return [...words.slice(0, mostWords - 1), `and ${words.length - mostWords + 1} more`];
}

/** By the node they come from; those to endpoints by address, after the others, which stay in the order of the rules. */
function inOrder(edges: readonly GraphEdge[], nodes: readonly GraphNode[]): GraphEdge[] {
  const index = new Map(nodes.map(({ id }, at) => [id, at]));
  const place = (id: string) => index.get(id) ?? 0;
  const last = ({ to }: GraphEdge) => (to.startsWith("endpoint") ? place(to) : -1);
  return edges.toSorted((a, b) => place(a.from) - place(b.from) || last(a) - last(b));
}

/** A share that leaves no choice is only worth saying of endpoints. */
function withoutCertainty(edge: GraphEdge, edges: readonly GraphEdge[]): GraphEdge {
  if (edge.share === undefined || edge.to.startsWith("endpoint")) return edge;
  const choices = edges.filter(({ from, share }) => from === edge.from && share !== undefined);
  return choices.length > 1 ? edge : { ...edge, share: undefined };
}

function frontendNode({ key, kind, at }: DumpFrontend): GraphNode {
  return { id: `frontend ${key}`, kind: "frontend", lines: [kind, at] };
}

function chainNode({ chain, read }: ShownChain, edges: readonly Edge[]): GraphNode {
  const own = edges.filter(({ from }) => from === `chain ${chain.name}`);
  const seconds = own.flatMap(({ goal }) =>
    goal.kind === "again" && goal.seconds !== undefined ? [goal.seconds] : [],
  );
  return {
    id: `chain ${chain.name}`,
    kind: "chain",
    lines: [
      chain.name,
      ...jobOf(chain),
      ...[...new Set(seconds)].map((each) => `remembers clients for ${each} s`),
      ...atMost(read.masquerades),
    ],
  };
}

/** What a chain is for, by kube-proxy's names. Source: kube-proxy's iptables proxier. */
function jobOf({ name }: DumpChain): string[] {
  if (name.startsWith("KUBE-SVC-")) return ["picks an endpoint"];
  if (name.startsWith("KUBE-SVL-")) return ["picks an endpoint on this node"];
  if (name.startsWith("KUBE-EXT-")) return ["external traffic"];
  if (name.startsWith("KUBE-FW-")) return ["checks the source"];
  return [];
}

/** Nodes for what is neither frontend nor chain nor endpoint. */
function endNodes(edges: readonly Edge[]): GraphNode[] {
  const again = edges.some(({ goal }) => goal.kind === "again");
  const verdicts = new Set(edges.flatMap(({ goal }) => (goal.kind === "verdict" ? [goal.text] : [])));
  return [
    ...(again ? [{ id: "again", kind: "again" as const, lines: ["the same endpoint", "as before"] }] : []),
    ...[...verdicts].map((text): GraphNode => ({ id: `verdict ${text}`, kind: "verdict", lines: [text] })),
  ];
}
