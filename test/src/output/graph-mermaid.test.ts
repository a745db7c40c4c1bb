// Tests of src/output/graph-mermaid.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { escapeMermaid, renderMermaid } from "../../../src/output/graph-mermaid.ts";
import { aGraph, hostileTexts, someGraphs } from "./a-graph.ts";
import { anyString } from "../../make/any-string.ts";

/** The few forms that lines of our flowcharts have; `label` holds no character that could end it. */
const label = String.raw`"(?:[A-Za-z0-9 .,:/()%_[\]?-]|#\d+;|<br/>)*"`;
const node = new RegExp(String.raw`^    (p\d+n\d+)(?:\(\[|\[|\(|\[\[|>|\{\{)${label}(?:\]\)|\]|\)|\]\]|\}\}):::(\w+)$`);
const edge = new RegExp(String.raw`^    (p\d+n\d+) -->(?:\|${label}\|)? (p\d+n\d+)$`);
const frame = new RegExp(
  String.raw`^(?:flowchart LR|  subgraph p\d+\[${label}\]|    direction LR|  end|  classDef (\w+) \S+|)$`,
);

/** Reads a flowchart line by line; a line of another form is an error. */
function read(text: string) {
  const nodes: string[] = [];
  const ends: string[] = [];
  const used: string[] = [];
  const classes: string[] = [];
  for (const line of text.split("\n")) {
    const [, id, kind] = node.exec(line) ?? [];
    const [, from, to] = edge.exec(line) ?? [];
    const framed = frame.exec(line);
    if (id !== undefined) {
      nodes.push(id);
      used.push(kind ?? "");
    } else if (from !== undefined) ends.push(from, to ?? "");
    else if (framed === null) throw new Error(`not a line of a flowchart: ${line}`);
    else if (framed[1] !== undefined) classes.push(framed[1]);
  }
  return { nodes, ends, used, classes };
}

describe("ids are there once, every edge's ends are declared, every class is defined:", () => {
  test.each(someGraphs)("%s", (_, graph) => {
    const { nodes, ends, used, classes } = read(renderMermaid([graph]));
    expect(nodes).toHaveLength(graph.parts.flatMap((part) => part.nodes).length);
    expect(new Set(nodes).size).toBe(nodes.length);
    expect(ends.length / 2).toBe(graph.parts.flatMap(({ edges }) => edges).length);
    expect(ends.filter((id) => !nodes.includes(id))).toEqual([]);
    expect(used.filter((kind) => !classes.includes(kind))).toEqual([]);
  });
});

describe("no text gets out of its label:", () => {
  test.each(hostileTexts.map((text) => [text]))("%j", (text) => {
    const { nodes, ends } = read(renderMermaid([aGraph(text)]));
    expect([nodes.length, ends.length]).toEqual([6, 10]);
  });

  test("whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(anyString(), fc.string()), (text) => {
        expect(read(renderMermaid([aGraph(text)])).nodes).toHaveLength(6);
      }),
    );
  });
});

test.each([
  ["10.96.0.1:80/TCP", "10.96.0.1:80/TCP"],
  ["[fd00::1]:80", "[fd00::1]:80"],
  ["33.3%", "33.3%"],
  ['"', "#34;"],
  ["#", "#35;"],
  ["<b>", "#60;b#62;"],
  ["`", "#96;"],
  ["%%{", "%%#123;"],
  ["a\nb\u007f\ud800", "a?b??"],
  ["é😀", "#233;#128512;"],
])("%j is written as %s", (text, expected) => {
  expect(escapeMermaid(text)).toBe(expected);
});

test("lines of a label are parted by <br/>", () => {
  expect(renderMermaid([aGraph("x")])).toContain(`-->|"66.7%<br/>x<br/>33.3% each"|`);
});

test("parts of two families say which they are of, those of one do not", () => {
  const six = { ...aGraph(), family: 6 as const };
  expect(renderMermaid([aGraph(), six]).match(/(?<=subgraph ).*/g)).toEqual([
    `p1["default/plain (IPv4)"]`,
    `p2["default/plain (IPv6)"]`,
  ]);
  expect(renderMermaid([{ family: 4, parts: [] }, six])).toContain(`p1["default/plain"]`);
});
