// Tests of src/output/graph-layout.ts.
import { describe, expect, test } from "@jest/globals";
import type { GraphPart } from "../../../rules/graph/graph.ts";
import { layoutPart, textWidth, type Box } from "../../../src/output/graph-layout.ts";
import { aGraph, graphOf, someGraphs } from "./a-graph.ts";

const parts = someGraphs.flatMap(([name, { parts: all }]) =>
  all.map((part) => [`${name}: ${part.servicePort}`, part] as const),
);
const meet = (a: Box, b: Box) =>
  Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < (a.height + b.height) / 2;
const pairs = <T>(list: readonly T[]) => list.flatMap((a, index) => list.slice(index + 1).map((b) => [a, b] as const));
const onlyPart = (all: readonly GraphPart[]): GraphPart => {
  const [part] = all;
  if (part === undefined) throw new Error("bug: no part");
  return part;
};

describe.each(parts)("%s", (_, part) => {
  const layout = layoutPart(part);
  const labels = layout.edges.flatMap(({ label }) => label ?? []);

  test("nothing lies on anything else", () => {
    for (const [a, b] of pairs<Box>([...layout.nodes, ...labels])) expect(meet(a, b)).toBe(false);
  });

  test("all lies inside, text has room, coordinates are whole", () => {
    for (const { x, y, width, height } of [...layout.nodes, ...labels]) {
      expect(Math.min(x - width / 2, y - height / 2)).toBeGreaterThanOrEqual(-1);
      expect(x + width / 2).toBeLessThanOrEqual(layout.width + 1);
      expect(y + height / 2).toBeLessThanOrEqual(layout.height + 1);
      expect([x, y].every(Number.isInteger)).toBe(true);
    }
    for (const { node, width } of layout.nodes)
      for (const line of node.lines) expect(textWidth(line)).toBeLessThan(width);
    for (const { points } of layout.edges)
      for (const { x, y } of points) expect([x, y].every(Number.isInteger)).toBe(true);
  });

  test("edges lead from left to right, from side to side of their nodes", () => {
    const boxes = new Map(layout.nodes.map((placed) => [placed.node.id, placed]));
    for (const { edge, points } of layout.edges) {
      const [from, to] = [boxes.get(edge.from), boxes.get(edge.to)];
      if (from === undefined || to === undefined) throw new Error("bug: an end is not placed");
      expect(Math.abs((points[0]?.x ?? 0) - (from.x + from.width / 2))).toBeLessThanOrEqual(1);
      expect(Math.abs((points.at(-1)?.x ?? 0) - (to.x - to.width / 2))).toBeLessThanOrEqual(1);
      const xs = points.map(({ x }) => x);
      expect(xs).toEqual(xs.toSorted((a, b) => a - b));
    }
  });

  test("frontends stand in one column, what they end at in another, to the right of all", () => {
    const middles = (kinds: readonly string[]) =>
      new Set(layout.nodes.filter(({ node }) => kinds.includes(node.kind)).map(({ x }) => x));
    expect(middles(["frontend"]).size).toBe(1);
    expect(middles(["endpoint", "endpoints", "again", "verdict"]).size).toBe(1);
    const [first] = middles(["frontend"]);
    const [last] = middles(["endpoint", "endpoints", "again", "verdict"]);
    for (const x of middles(["chain"])) expect((first ?? 0) < x && x < (last ?? 0)).toBe(true);
  });
});

test("endpoints of one chain stand in order of address", () => {
  const { nodes } = layoutPart(onlyPart(graphOf(9).parts));
  const heights = nodes.filter(({ node }) => node.kind === "endpoint").map(({ y }) => y);
  expect(heights).toHaveLength(9);
  expect(heights).toEqual(heights.toSorted((a, b) => a - b));
});

test("long lines on edges are broken, long words are not", () => {
  const part = onlyPart(aGraph("a word and some more words than one line may hold").parts);
  const lines = layoutPart(part).edges.flatMap(({ label }) => label?.lines ?? []);
  expect(lines).toContain("a word and some more words");
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(28);
  const long = "x".repeat(60);
  expect(layoutPart(onlyPart(aGraph(long).parts)).edges.flatMap(({ label }) => label?.lines ?? [])).toContain(long);
});
