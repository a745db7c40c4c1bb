// Tests of src/watch/split-items.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { splitItems } from "../../../src/watch/split-items.ts";
import { bodyOf, chunksOf, collect } from "./chunks.ts";

const split = (text: string, sizes: readonly number[] = []) =>
  collect(splitItems(bodyOf(chunksOf(Buffer.from(text), sizes))));

describe("agrees with JSON.parse", () => {
  const value = fc.jsonValue({ stringUnit: "binary" });
  const sizes = fc.array(fc.nat(20), { maxLength: 5 });
  const spaces = fc.constantFrom(undefined, 1, "\t");

  test("about any list, wherever its items stand among its fields, however it is spaced and cut", async () => {
    const list = fc.record({
      items: fc.array(value),
      before: fc.dictionary(
        fc.string().filter((key) => key !== "items"),
        value,
      ),
      after: value,
    });
    await fc.assert(
      fc.asyncProperty(list, spaces, sizes, async ({ items, before, after }, space, cuts) => {
        const text = JSON.stringify({ kind: "List", ...before, items, metadata: after }, undefined, space);
        const whole = JSON.parse(text) as Record<string, unknown>;
        const found = await split(text, cuts);
        expect(found.items).toEqual(whole["items"]);
        expect(found.end).toEqual({ ...whole, items: [] });
      }),
    );
  });

  test("about objects that have items elsewhere, or none", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom("items", "item", "itemss", "a"), value),
        sizes,
        async (given, cuts) => {
          const text = JSON.stringify({
            metadata: { items: [1, [2]], ...given },
            spec: "items",
            ...given,
            items: null,
          });
          const found = await split(text, cuts);
          expect(found.items).toEqual([]);
          expect(found.end).toEqual(JSON.parse(text));
        },
      ),
    );
  });

  test("about text that is cut short: both refuse it", async () => {
    const text = JSON.stringify({
      kind: "List",
      metadata: { resourceVersion: "1" },
      items: [{ a: ["}]"] }, { b: '"\\' }],
    });
    for (let length = 0; length < text.length; length++)
      await expect(split(text.slice(0, length), [7])).rejects.toThrow(SyntaxError);
  });
});

test.each([
  "<html></html>",
  "[]1",
  '{"items":[}]}',
  '{"items":[{]}]}',
  '{"items":[1]]}',
  '{"items":[]}{}',
  '{"items":[tru]}',
])("refuses %s", async (text) => {
  await expect(split(text)).rejects.toThrow(SyntaxError);
});

test("all items that end in one chunk come together, at once", async () => {
  const chunks = ['{"items":[{},{"a', '":1},{}', "]}"].map((text) => Buffer.from(text));
  expect((await collect(splitItems(bodyOf(chunks)))).groups).toEqual([[{}], [{ a: 1 }, {}]]);
});
