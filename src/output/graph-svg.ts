// A graph as a picture. In: title, Graphs. Out: SVG that stands alone.
import type { Graph, NodeKind } from "../../rules/graph/graph.ts";
import {
  fontSize,
  layoutPart,
  lineHeight,
  textWidth,
  type Layout,
  type PlacedEdge,
  type PlacedNode,
  type Point,
} from "./graph-layout.ts";

/**
 * One SVG document: parts below each other, each under its Service port's name. It has a background of its own, so that it reads the same on
 * light and dark pages, and neither scripts nor references to anything outside. The same graphs give the same bytes.
 */
export function renderSvg(title: string, graphs: readonly Graph[]): string {
  const families = graphs.filter(({ parts }) => parts.length > 0).length;
  const blocks = graphs.flatMap(({ family, parts }) =>
    parts.map((part) => ({
      heading: families > 1 ? `${part.servicePort} (IPv${family})` : part.servicePort,
      layout: layoutPart(part),
    })),
  );
  let top = margin;
  let width = 0;
  const body: string[] = [];
  for (const { heading, layout } of blocks) {
    body.push(renderBlock(heading, layout, top));
    top += headingHeight + layout.height + margin;
    width = Math.max(width, layout.width, textWidth(heading) * 1.2);
  }
  return document(title, { width: Math.ceil(width) + 2 * margin, height: top }, body);
}

/**
 * Text as SVG holds it, in elements and in attributes. What XML 1.0 cannot hold at all becomes `?`. Source: XML 1.0, 2.2 Char.
 */
export function escapeXml(text: string): string {
  return Array.from(text)
    .map(
      (char) =>
        entities[char] ?? (/^[\t\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]$/u.test(char) ? char : "?"),
    )
    .join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const margin = 24;
const headingHeight = 30;

const colours: Readonly<Record<NodeKind, { readonly fill: string; readonly line: string }>> = {
  frontend: { fill: "#dbeafe", line: "#1d4ed8" },
  chain: { fill: "#f1f5f9", line: "#475569" },
  endpoint: { fill: "#dcfce7", line: "#15803d" },
  endpoints: { fill: "#dcfce7", line: "#15803d" },
  again: { fill: "#fef9c3", line: "#a16207" },
  verdict: { fill: "#fee2e2", line: "#b91c1c" },
};

function document(
  title: string,
  { width, height }: { width: number; height: number },
  body: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${fontSize}">`,
    `<title>${escapeXml(title)}</title>`,
    `<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" fill="#475569"/></marker></defs>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

function renderBlock(heading: string, layout: Layout, top: number): string {
  return [
    `<g transform="translate(${margin} ${top})">`,
    `<text y="14" font-size="14" font-weight="bold" fill="#0f172a">${escapeXml(heading)}</text>`,
    `<g transform="translate(0 ${headingHeight})">`,
    ...layout.edges.map(renderEdge),
    ...layout.edges.flatMap(renderLabel),
    ...layout.nodes.map(renderNode),
    "</g>",
    "</g>",
  ].join("\n");
}

function renderNode({ node, x, y, width, height }: PlacedNode): string {
  const { fill, line } = colours[node.kind];
  const round = node.kind === "frontend" || node.kind === "verdict" ? Math.round(height / 3) : 4;
  const rect = (by: number) =>
    `<rect x="${x - width / 2 + by}" y="${y - height / 2 + by}" width="${width}" height="${height}" rx="${round}" fill="${fill}" stroke="${line}"/>`;
  // Several endpoints look like a pile.
  const behind = node.kind === "endpoints" ? rect(3) : "";
  const weight = node.kind === "frontend" ? 1 : 0;
  return `<g>${behind}${rect(0)}${renderLines(node.lines, { x, y }, weight)}</g>`;
}

/** Lines of text around a middle; line number `strong` is bold. */
function renderLines(lines: readonly string[], { x, y }: Point, strong?: number): string {
  const first = y - ((lines.length - 1) * lineHeight) / 2 + 4;
  return lines
    .map((line, index) => {
      const weight = index === strong && lines.length > 1 ? ` font-weight="bold"` : "";
      return `<text x="${x}" y="${first + index * lineHeight}" text-anchor="middle" fill="#0f172a"${weight}>${escapeXml(line)}</text>`;
    })
    .join("");
}

function renderEdge({ points }: PlacedEdge): string {
  return `<path d="${pathOf(points)}" fill="none" stroke="#475569" marker-end="url(#arrow)"/>`;
}

/** Through all points, level at each, so that a line meets its label and the sides of nodes straight on. */
function pathOf(points: readonly Point[]): string {
  const [first, ...others] = points;
  if (first === undefined) return "";
  let last = first;
  const curves = others.map((point) => {
    const middle = Math.round((last.x + point.x) / 2);
    const curve = `C ${middle} ${last.y} ${middle} ${point.y} ${point.x} ${point.y}`;
    last = point;
    return curve;
  });
  return [`M ${first.x} ${first.y}`, ...curves].join(" ");
}

function renderLabel({ label }: PlacedEdge): string[] {
  if (label === undefined) return [];
  const { x, y, width, height, lines } = label;
  const back = `<rect x="${x - width / 2}" y="${y - height / 2}" width="${width}" height="${height}" fill="#ffffff"/>`;
  return [`<g>${back}${renderLines(lines, { x, y })}</g>`];
}
