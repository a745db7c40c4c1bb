// A graph as a Mermaid diagram, for pull requests and wikis. In: Graphs. Out: text of a flowchart.
import { edgeLines, type Graph, type GraphNode, type GraphPart, type NodeKind } from "../../rules/graph/graph.ts";

/** A flowchart with a subgraph for each Service port. Between ```` ```mermaid ```` and ```` ``` ```` it is drawn by GitHub and GitLab. */
export function renderMermaid(graphs: readonly Graph[]): string {
  const families = graphs.filter(({ parts }) => parts.length > 0).length;
  const parts = graphs.flatMap(({ family, parts }) =>
    parts.map((part) => ({
      part,
      heading: families > 1 ? `${part.servicePort} (IPv${family})` : part.servicePort,
    })),
  );
  const body = parts.flatMap(({ part, heading }, index) => renderPart(part, heading, index + 1));
  return ["flowchart LR", ...body, ...classes, ""].join("\n");
}

/**
 * Text inside a quoted label. Everything but letters, digits and harmless marks becomes an entity code, so no text can end the label, begin a
 * directive (`%%{`), Markdown or HTML. Control characters become `?`. Source: mermaid flowchart syntax, "Entity codes to escape characters".
 */
export function escapeMermaid(text: string): string {
  return Array.from(text)
    .map((char) => {
      if (/^[A-Za-z0-9 .,:/()%_[\]-]$/.test(char)) return char;
      const code = char.codePointAt(0) ?? 63;
      return code < 32 || code === 127 || (code >= 0xd800 && code <= 0xdfff) ? "?" : `#${code};`;
    })
    .join("");
}

/** Most edges that Mermaid draws unless it is told otherwise. Source: mermaid configuration, maxEdges. */
export const mostEdges = 500;

const shapes: Readonly<Record<NodeKind, readonly [string, string]>> = {
  frontend: ["([", "])"],
  chain: ["[", "]"],
  endpoint: ["(", ")"],
  endpoints: ["[[", "]]"],
  again: [">", "]"],
  verdict: ["{{", "}}"],
};

const classes = [
  "  classDef frontend fill:#dbeafe,stroke:#1d4ed8,color:#0f172a",
  "  classDef chain fill:#f1f5f9,stroke:#475569,color:#0f172a",
  "  classDef endpoint fill:#dcfce7,stroke:#15803d,color:#0f172a",
  "  classDef endpoints fill:#dcfce7,stroke:#15803d,color:#0f172a",
  "  classDef again fill:#fef9c3,stroke:#a16207,color:#0f172a",
  "  classDef verdict fill:#fee2e2,stroke:#b91c1c,color:#0f172a",
];

function renderPart({ nodes, edges }: GraphPart, heading: string, number: number): string[] {
  const ids = new Map(nodes.map(({ id }, index) => [id, `p${number}n${index + 1}`]));
  const idOf = (id: string) => ids.get(id) ?? "";
  return [
    `  subgraph p${number}["${escapeMermaid(heading)}"]`,
    "    direction LR",
    ...nodes.map((node) => `    ${idOf(node.id)}${renderNode(node)}`),
    ...edges.map((edge) => {
      const lines = edgeLines(edge);
      const label = lines.length === 0 ? "" : `|"${quoteLines(lines)}"|`;
      return `    ${idOf(edge.from)} -->${label} ${idOf(edge.to)}`;
    }),
    "  end",
  ];
}

function renderNode({ kind, lines }: GraphNode): string {
  const [open, close] = shapes[kind];
  return `${open}"${quoteLines(lines)}"${close}:::${kind}`;
}

function quoteLines(lines: readonly string[]): string {
  return lines.map(escapeMermaid).join("<br/>");
}
