// Where the nodes and edges of a graph go on paper. In: GraphPart. Out: Layout, in pixels.
import * as dagre from "@dagrejs/dagre";
import { edgeLines, type GraphEdge, type GraphNode, type GraphPart } from "../../rules/graph/graph.ts";

export type Point = { readonly x: number; readonly y: number };

/** Whole pixels from the top left; the top left of all is at 0, 0. */
export type Layout = {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
};

export type Box = Point & { readonly width: number; readonly height: number };
/** `x` and `y` are the middle of the box. */
export type PlacedNode = Box & { readonly node: GraphNode };
/** `points` lead from the border of one node to that of the other. */
export type PlacedEdge = {
  readonly edge: GraphEdge;
  readonly points: readonly Point[];
  readonly label: (Box & { readonly lines: readonly string[] }) | undefined;
};

/** Sizes of text, estimated: fonts with all characters of one width are 0.6 em wide or a little less. */
export const fontSize = 12;
export const characterWidth = 7.3;
export const lineHeight = 16;

/** How wide text is on paper. */
export function textWidth(text: string): number {
  return Math.ceil(Array.from(text).length * characterWidth);
}

/** The part of dagre that is used. Its own types name files without endings, which TypeScript does not find from an ES module. */
type Size = { readonly width: number; readonly height: number };
type Way = { readonly points?: readonly Point[]; readonly x?: number; readonly y?: number };
type DagreGraph = {
  readonly setGraph: (settings: Readonly<Record<string, string | number>>) => unknown;
  /** Takes the label over and writes the place into it. */
  readonly setNode: (id: string, label: Size) => unknown;
  readonly setEdge: (from: string, to: string, label: Size & { labelpos?: "c"; weight?: number }) => unknown;
  readonly node: (id: string) => Partial<Box>;
  readonly edge: (from: string, to: string) => Way;
};
type Library = {
  readonly Graph: new (options: { directed: boolean }) => DagreGraph;
  readonly layout: (graph: DagreGraph) => void;
};
const library = dagre as unknown as Library;

/** Left to right: frontends in the first column, endpoints and verdicts in the last. The same part gives the same layout. */
export function layoutPart({ nodes, edges }: GraphPart): Layout {
  const graph = new library.Graph({ directed: true });
  graph.setGraph({ rankdir: "LR", nodesep: 14, edgesep: 18, ranksep: 60, marginx: 0, marginy: 0 });
  const ids = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
  const idOf = (id: string) => ids.get(id) ?? "";
  for (const node of nodes) graph.setNode(idOf(node.id), sizeOf(node));
  for (const edge of edges) graph.setEdge(idOf(edge.from), idOf(edge.to), { ...labelSize(edge), labelpos: "c" });
  addColumnEnds(graph, nodes, idOf);
  library.layout(graph);
  const placed = nodes.map((node): PlacedNode => ({ node, ...boxOf(graph.node(idOf(node.id))) }));
  const unrouted = edges.map((edge) => placeEdge(edge, graph.edge(idOf(edge.from), idOf(edge.to))));
  const places = new Map(placed.map((each) => [each.node.id, each]));
  const columns = columnsOf([...placed, ...unrouted.flatMap(({ label }) => label ?? [])]);
  const ways = unrouted.map((way) => ({ ...way, points: alongLevels(way, places, columns) }));
  return crop(placed, ways, isUpsideDown(placed) ? -1 : 1);
}

/** Nodes of no size before the first column and behind the last hold the columns together; they are cut off again. */
function addColumnEnds(graph: DagreGraph, nodes: readonly GraphNode[], idOf: (id: string) => string): void {
  const tie = { width: 0, height: 0, weight: 50 };
  for (const end of ["first", "last"]) graph.setNode(end, { width: 0, height: 0 });
  for (const { id, kind } of nodes) {
    if (kind === "frontend") graph.setEdge("first", idOf(id), { ...tie });
    else if (kind !== "chain") graph.setEdge(idOf(id), "last", { ...tie });
  }
}

function sizeOf({ lines }: GraphNode): Size {
  return { width: Math.max(...lines.map(textWidth)) + 20, height: lines.length * lineHeight + 12 };
}

/** Broken at spaces into lines of at most 28 characters: labels stand in columns of their own, which must not be wide. */
function labelLines(edge: GraphEdge): string[] {
  return edgeLines(edge).flatMap((line) => {
    const lines: string[] = [];
    let current = "";
    for (const word of line.split(" ")) {
      if (current !== "" && current.length + 1 + word.length > widestLabel) {
        lines.push(current);
        current = word;
      } else current = current === "" ? word : `${current} ${word}`;
    }
    return [...lines, current];
  });
}

const widestLabel = 28;

function labelSize(edge: GraphEdge): Size {
  const lines = labelLines(edge);
  return lines.length === 0
    ? { width: 0, height: 0 }
    : { width: Math.max(...lines.map(textWidth)) + 8, height: lines.length * lineHeight };
}

function boxOf({ x = 0, y = 0, width = 0, height = 0 }: Partial<Box>): Box {
  return { x, y, width, height };
}

function placeEdge(edge: GraphEdge, placed: Way): PlacedEdge {
  const lines = labelLines(edge);
  const { x, y } = placed;
  const label =
    lines.length === 0 || x === undefined || y === undefined ? undefined : { ...labelSize(edge), x, y, lines };
  return { edge, points: placed.points ?? [], label };
}

/**
 * Lines leave a node in the middle of its right side and come in in the middle of the left one (dagre has them aim at its centre), and
 * pass each column level, so that they bend between columns only and not behind a label.
 */
function alongLevels(
  { edge, points }: PlacedEdge,
  nodes: ReadonlyMap<string, Box>,
  columns: Columns,
): readonly Point[] {
  const [from, to] = [nodes.get(edge.from), nodes.get(edge.to)];
  if (from === undefined || to === undefined) return points;
  const between = points.slice(1, -1).flatMap(({ x, y }) => {
    const half = columns.get(Math.round(x)) ?? 0;
    return [
      { x: x - half, y },
      { x: x + half, y },
    ];
  });
  return [{ x: from.x + from.width / 2, y: from.y }, ...between, { x: to.x - to.width / 2, y: to.y }];
}

/** Half the width of each column, by its middle. */
type Columns = ReadonlyMap<number, number>;

function columnsOf(boxes: readonly Box[]): Columns {
  const columns = new Map<number, number>();
  for (const { x, width } of boxes) {
    const middle = Math.round(x);
    columns.set(middle, Math.max(columns.get(middle) ?? 0, width / 2));
  }
  return columns;
}

/** dagre's order in a column depends on crossings alone, so upside down is as good: nodes should stand in the graph's order. */
function isUpsideDown(nodes: readonly PlacedNode[]): boolean {
  const frontends = steps(nodes.filter(({ node }) => node.kind === "frontend"));
  const endpoints = steps(nodes.filter(({ node }) => node.kind.startsWith("endpoint")));
  return frontends + endpoints < 0;
}

/** How many of the nodes stand below the one before, less those that stand above it. */
function steps(nodes: readonly PlacedNode[]): number {
  return nodes.slice(1).reduce((sum, { y }, index) => sum + Math.sign(y - (nodes[index]?.y ?? y)), 0);
}

/** Moves all to the top left and rounds, since the last bits of coordinates depend on the machine. `way` is -1 to turn it upside down. */
function crop(nodes: readonly PlacedNode[], edges: readonly PlacedEdge[], way: 1 | -1): Layout {
  const boxes = [...nodes, ...edges.flatMap(({ label }) => label ?? [])];
  const points = edges.flatMap((edge) => edge.points);
  const [left, right] = reach(
    boxes.map(({ x, width }) => [x, width / 2]),
    points.map(({ x }) => x),
  );
  const [top, bottom] = reach(
    boxes.map(({ y, height }) => [way * y, height / 2]),
    points.map(({ y }) => way * y),
  );
  const move = <T extends Point>(item: T): T => ({
    ...item,
    x: Math.round(item.x - left),
    y: Math.round(way * item.y - top),
  });
  return {
    width: Math.ceil(right - left),
    height: Math.ceil(bottom - top),
    nodes: nodes.map(move),
    edges: edges.map(({ edge, points: path, label }) => ({
      edge,
      points: path.map(move),
      label: label === undefined ? undefined : move(label),
    })),
  };
}

/** From the least to the greatest: of middles with what lies on each side, and of points. */
function reach(spans: readonly (readonly [number, number])[], points: readonly number[]): readonly [number, number] {
  const ends = [...spans.flatMap(([middle, half]) => [middle - half, middle + half]), ...points];
  return [Math.min(...ends), Math.max(...ends)];
}
