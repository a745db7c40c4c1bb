// Tests of src/manifest/json-list.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { splitJsonList } from "../../../src/manifest/json-list.ts";
import { loadSources } from "../../../src/manifest/load.ts";
import { parseSource } from "../../../src/manifest/parse.ts";

/** The items as text; undefined where the text is not split. */
const split = (text: string) => splitJsonList(text)?.items.map(({ start, end }) => text.slice(start, end));

describe("is split:", () => {
  test.each([
    ["a List", '{"kind":"List","items":[1,{"a":2}]}', ["1", '{"a":2}']],
    ["a typed one", '{"kind":"ServiceList","items":[{}]}', ["{}"]],
    ["with odd spacing", ' {\r\n"items" :\t[ 1 ,\n2\t] , "kind" : "List" }\n', ["1", "2"]],
    ["with nothing in it", '{"kind":"List","items":[]}', []],
    ["with nothing but space in it", '{"kind":"List","items":[ \n ]}', []],
    [
      "with brackets and quotes in strings",
      '{"kind":"List","items":["]}\\"","\\\\",["]"]]}',
      ['"]}\\""', '"\\\\"', '["]"]'],
    ],
    [
      "with items in other places",
      '{"metadata":{"items":[9]},"kind":"List","items":[{"items":[1]}]}',
      ['{"items":[1]}'],
    ],
    ["with what is not JSON among its items", '{"kind":"List","items":[{"a" 1},2]}', ['{"a" 1}', "2"]],
  ])("%s", (_, text, expected) => {
    expect(split(text)).toEqual(expected);
  });

  test("and its kind and apiVersion are told", () => {
    const text = '{"apiVersion":"v1","items":[{"kind":"Other"}],"kind":"PodList"}';
    expect(splitJsonList(text)).toMatchObject({ kind: "PodList", apiVersion: "v1" });
    expect(splitJsonList('{"kind":"List","items":[]}')?.apiVersion).toBeUndefined();
  });
});

describe("is not split:", () => {
  test.each([
    ["nothing", ""],
    ["an array", '[{"kind":"List","items":[]}]'],
    ["a kind that does not end in List", '{"kind":"Service","items":[1]}'],
    ["a kind that is no text", '{"kind":["List"],"items":[1]}'],
    ["no kind", '{"items":[1]}'],
    ["no items", '{"kind":"List"}'],
    ["items that are no array", '{"kind":"List","items":{"a":1}}'],
    ["items twice", '{"kind":"List","items":[1],"items":[2]}'],
    ["items twice, once no array", '{"kind":"List","items":[1],"items":null}'],
    ["items that do not end", '{"kind":"List","items":[1'],
    ["a broken head", '{"kind":"List",,"items":[1]}'],
    ["more than one value", '{"kind":"List","items":[1]} {"kind":"List","items":[2]}'],
    ["YAML", "kind: List\nitems: [1]\n"],
  ])("%s", (_, text) => {
    expect(splitJsonList(text)).toBeUndefined();
  });
});

describe("for any list", () => {
  const indent = fc.constantFrom(undefined, 1, "\t", "  ");
  const keys = fc.dictionary(
    fc.string().filter((key) => !["kind", "items", "__proto__"].includes(key)),
    fc.jsonValue(),
    { maxKeys: 3 },
  );
  const lists = fc
    .tuple(fc.array(fc.jsonValue(), { maxLength: 6 }), keys, keys, indent)
    .map(([items, before, after, space]) =>
      JSON.stringify({ ...before, kind: "List", items, ...after }, undefined, space),
    );

  test("each item parses to what it is in the whole", () => {
    fc.assert(
      fc.property(lists, (text) => {
        const whole = JSON.parse(text) as { readonly items: readonly unknown[] };
        expect(split(text)?.map((item) => JSON.parse(item) as unknown)).toEqual(whole.items);
      }),
      { numRuns: 500 },
    );
  });

  test("parseSource gives the items, and no problems but those without", () => {
    fc.assert(
      fc.property(lists, (text) => {
        const { items } = JSON.parse(text) as { readonly items: readonly unknown[] };
        const { documents, problems } = parseSource({ name: "f", text });
        expect(problems).toEqual([]);
        expect(documents.map(({ value }) => value)).toEqual(items.filter((item) => item !== null));
      }),
    );
  });

  test("nothing throws or goes on for ever, whatever is cut out of it", () => {
    fc.assert(
      fc.property(lists, fc.nat(), fc.nat(5), (text, at, length) => {
        const from = at % text.length;
        const cut = text.slice(0, from) + text.slice(from + length);
        for (const item of split(cut) ?? []) expect(cut).toContain(item);
      }),
      { numRuns: 500 },
    );
  });
});

describe("through the whole of loading", () => {
  const service = (name: string, port: number | string = 80) => `{
  "apiVersion": "v1",
  "kind": "Service",
  "metadata": {"name": "${name}"},
  "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": ${port}}]}
}`;
  const list = (...items: readonly string[]) =>
    `{"apiVersion": "v1", "kind": "List", "items": [\n${items.join(",\n")}\n]}`;
  const load = (text: string) => {
    const { objects, problems } = loadSources([{ name: "f.json", text }]);
    return {
      names: objects.services.map(({ name }) => name),
      places: problems.map(({ problem, source }) => `${problem.code} ${source?.line}:${source?.column}`),
    };
  };

  test.each([
    ["sound items", list(service("a"), service("b")), ["a", "b"], []],
    [
      "a broken item loses no other, and its error has its line",
      list(service("a"), service("b", '"a" "b"'), service("c")),
      ["a", "c"],
      ["not-yaml-or-json 12:61"],
    ],
    ["an item with a wrong value has its line", list(service("a"), service("b", 70000)), ["a"], ["out-of-range 12:49"]],
    ["an item that is no object", list(service("a"), "5", service("c")), ["a", "c"], ["not-an-object 8:1"]],
    ["a List in a List", list(service("a"), list(service("b"))), ["a", "b"], []],
    ["items twice", `${list(service("a")).slice(0, -1)}, "items": [${service("b")}]}`, ["b"], []],
  ])("%s", (_, text, names, places) => {
    expect(load(text)).toEqual({ names, places });
  });

  test("items of a typed list take its kind", () => {
    const item = '{"metadata": {"name": "a"}, "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 80}]}}';
    expect(load(`{"apiVersion": "v1", "kind": "ServiceList", "items": [${item}]}`)).toEqual({
      names: ["a"],
      places: [],
    });
  });
});
