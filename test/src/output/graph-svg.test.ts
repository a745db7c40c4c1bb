// Tests of src/output/graph-svg.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Graph } from "../../../rules/graph/graph.ts";
import { escapeXml, renderSvg } from "../../../src/output/graph-svg.ts";
import { aGraph, hostileTexts, someGraphs } from "./a-graph.ts";
import { anyString } from "../../make/any-string.ts";

type Element = { readonly name: string; readonly attributes: ReadonlyMap<string, string>; text: string };

/** Reads XML strictly, without comments, CDATA and the like, which we do not write. Anything that is not well-formed throws. */
function readXml(xml: string): Element[] {
  if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(xml)) throw new Error("not a character of XML");
  const elements: Element[] = [];
  const open: Element[] = [];
  const token = /<(\/?)([a-z]+)((?: [A-Za-z:-]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
  let at = 0;
  for (let found = token.exec(xml); found !== null; found = token.exec(xml)) {
    at = token.lastIndex;
    const [, closing, name = "", attributes = "", empty, text] = found;
    if (text !== undefined) {
      const inside = open.at(-1);
      if (inside === undefined && text.trim() !== "") throw new Error("text outside the document");
      if (inside !== undefined) inside.text += decode(text);
    } else if (closing === "/") {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing`);
    } else {
      if (elements.length > 0 && open.length === 0) throw new Error("two documents");
      const pairs = [...attributes.matchAll(/([A-Za-z:-]+)="([^"]*)"/g)].map(
        ([, key = "", value = ""]) => [key, decode(value)] as const,
      );
      if (new Set(pairs.map(([key]) => key)).size !== pairs.length) throw new Error("an attribute is there twice");
      const element = { name, attributes: new Map(pairs), text: "" };
      elements.push(element);
      if (empty !== "/") open.push(element);
    }
  }
  if (at !== xml.length || open.length > 0) throw new Error(`not well-formed at ${xml.slice(at, at + 40)}`);
  return elements;
}

function decode(text: string): string {
  return text.replaceAll(/&([^;]*);?/g, (whole, name: string) => {
    const found = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" }[name];
    if (found === undefined || !whole.endsWith(";")) throw new Error(`no entity: ${whole}`);
    return found;
  });
}

/** Throws for anything but shapes and text, and for a reference to anything outside. */
function expectHarmless(elements: readonly Element[]): void {
  const names = new Set(elements.map(({ name }) => name));
  expect(
    [...names].filter((name) => !["svg", "title", "defs", "marker", "path", "rect", "g", "text"].includes(name)),
  ).toEqual([]);
  const attributes = elements.flatMap((element) => [...element.attributes]);
  expect(attributes.filter(([key]) => /^on|href|^style$|^src$/.test(key))).toEqual([]);
  const urls = attributes
    .filter(([key, value]) => key !== "xmlns" && /url|:\/\//.test(value))
    .map(([, value]) => value);
  expect(urls.filter((value) => value !== "url(#arrow)")).toEqual([]);
}

const countOf = (graph: Graph) => graph.parts.flatMap(({ nodes }) => nodes).length;
const textsOf = (elements: readonly Element[]) =>
  elements.filter(({ name }) => name === "text").map(({ text }) => text);

describe("is well-formed and harmless, and holds all text of the graph:", () => {
  test.each(someGraphs)("%s", (_, graph) => {
    const elements = readXml(renderSvg("title", [graph]));
    expectHarmless(elements);
    const texts = textsOf(elements);
    for (const { lines } of graph.parts.flatMap(({ nodes }) => nodes))
      for (const line of lines) expect(texts).toContain(line);
    expect(elements.filter(({ attributes }) => attributes.has("marker-end"))).toHaveLength(
      graph.parts.flatMap(({ edges }) => edges).length,
    );
    expect(countOf(graph)).toBeGreaterThan(0);
  });
});

describe("no text gets out of its element:", () => {
  const shape = (text: string) =>
    readXml(renderSvg(text, [aGraph(text)]))
      .map(({ name }) => name)
      .filter((name) => name !== "text");

  test.each(hostileTexts.map((text) => [text]))("%j", (text) => {
    const elements = readXml(renderSvg(text, [aGraph(text)]));
    expectHarmless(elements);
    expect(shape(text)).toEqual(shape("plain"));
  });

  test("whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(anyString(), fc.string()), (text) => {
        expect(shape(text)).toEqual(shape("plain"));
      }),
      { numRuns: 50 },
    );
  });
});

test.each([
  [`<a href="x">&'`, "&lt;a href=&quot;x&quot;&gt;&amp;&#39;"],
  ["a\u0000b\n\u009f\ud800\ufffe", "a?b????"],
  ["é 漢 😀", "é 漢 😀"],
])("%j is written as %s", (text, expected) => {
  expect(escapeXml(text)).toBe(expected);
});

test("has a title, a background, and a view box that is its size", () => {
  const [svg, title, ...others] = readXml(renderSvg("Service default/web", [aGraph()]));
  expect([svg?.name, title?.name, title?.text]).toEqual(["svg", "title", "Service default/web"]);
  const [width, height] = [svg?.attributes.get("width"), svg?.attributes.get("height")];
  expect(svg?.attributes.get("viewBox")).toBe(`0 0 ${width ?? ""} ${height ?? ""}`);
  const background = others.find(({ name }) => name === "rect");
  expect([background?.attributes.get("width"), background?.attributes.get("height")]).toEqual([width, height]);
});

test("parts of two families say which they are of", () => {
  const texts = textsOf(readXml(renderSvg("x", [aGraph(), { ...aGraph(), family: 6 }])));
  expect(texts).toEqual(expect.arrayContaining(["default/plain (IPv4)", "default/plain (IPv6)"]));
});

test.each(someGraphs)("is the same each time: %s", (_, graph) => {
  expect(renderSvg("x", [graph])).toBe(renderSvg("x", [structuredClone(graph)]));
});
