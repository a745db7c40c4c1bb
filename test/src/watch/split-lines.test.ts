// Tests of src/watch/split-lines.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { splitLines } from "../../../src/watch/split-lines.ts";
import { bodyOf, chunksOf, collect } from "./chunks.ts";

test("gives back any values, however the bytes are cut", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.json({ stringUnit: "binary" })), fc.array(fc.nat(9)), async (lines, cuts) => {
      const text = lines.map((line) => `${line}\n`).join("");
      const { items } = await collect(splitLines(bodyOf(chunksOf(Buffer.from(text), cuts))));
      expect(items).toEqual(lines.map((line) => JSON.parse(line) as unknown));
    }),
  );
});

test.each([
  ["what follows the last newline is dropped", '{"a":1}\n{"a":', [{ a: 1 }]],
  ["so it is where it is whole", '{"a":1}\n{"a":2}', [{ a: 1 }]],
  ["empty lines mean nothing", '\n{"a":1}\r\n \n', [{ a: 1 }]],
  ["nothing gives nothing", "", []],
])("%s", async (_, text, items) => {
  expect((await collect(splitLines(bodyOf(chunksOf(Buffer.from(text), [3]))))).items).toEqual(items);
});

test("all lines that end in one chunk come together", async () => {
  const chunks = ["1\n2\n3", "4\n", "5\n6\n"].map((text) => Buffer.from(text));
  expect((await collect(splitLines(bodyOf(chunks)))).groups).toEqual([[1, 2], [34], [5, 6]]);
});

test("a line that is no JSON is refused", async () => {
  await expect(collect(splitLines(bodyOf(chunksOf(Buffer.from("<html>\n"), []))))).rejects.toThrow(SyntaxError);
});
