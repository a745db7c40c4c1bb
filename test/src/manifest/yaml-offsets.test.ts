// Tests of src/manifest/yaml-offsets.ts.
import { expect, test } from "@jest/globals";
import { dump, parseEvents } from "js-yaml";
import fc from "fast-check";
import type { Path } from "../../../src/manifest/json-offsets.ts";
import { yamlOffsets } from "../../../src/manifest/yaml-offsets.ts";

const text = [
  "# comment",
  "kind: Service",
  "spec:",
  "  ports:",
  "  - name: a",
  "    port: 80",
  "  - {name: b, port: 81}",
  '  "quoted key": x',
  "  block: |",
  "    text: no key",
  "    ---x",
  "  empty:",
  "base: &base",
  "  inner: 1",
  "alias: *base",
  "merged:",
  "  <<: *base",
].join("\n");
const offsetOf = yamlOffsets(text, parseEvents(text, {}));

test.each([
  [[], "kind: Service"],
  [["spec"], "spec:"],
  [["spec", "ports"], "ports:"],
  [["spec", "ports", 0], "name: a"],
  [["spec", "ports", 0, "port"], "port: 80"],
  [["spec", "ports", 1], "{name"],
  [["spec", "ports", 1, "port"], "port: 81"],
  [["spec", "ports", 7, "port"], "ports:"],
  [["spec", "quoted key"], '"quoted key"'],
  [["spec", "block", "text"], "block: |"],
  [["spec", "empty", "x"], "empty:"],
  [["alias", "inner"], "inner: 1"],
  [["merged", "inner"], "merged:"],
  [["missing"], "kind: Service"],
] as [Path, string][])("finds %j", (path, expected) => {
  const at = offsetOf(path);
  expect(text.slice(at, at + expected.length)).toBe(expected);
});

test.each(["- 1\n-\n- 3", "[1, , 3]", "&a [*a]", "", "...", "a: 1\n...\n"])("does not fail on %j", (odd) => {
  let events;
  try {
    events = parseEvents(odd, {});
  } catch {
    return;
  }
  const find = yamlOffsets(odd, events);
  for (const path of [[], [0], [1], [0, 0, 0], ["a"]] as Path[]) expect(find(path)).toBeGreaterThanOrEqual(0);
});

test("finds every key that js-yaml writes", () => {
  const json = fc.jsonValue({ maxDepth: 3, stringUnit: "grapheme-ascii" });
  fc.assert(
    fc.property(json, fc.constantFrom(-1, 0, 2), (value, flowLevel) => {
      const yaml = dump(value, { flowLevel, noRefs: true });
      const find = yamlOffsets(yaml, parseEvents(yaml, {}));
      const visit = (each: unknown, path: Path): void => {
        const key = path.at(-1);
        if (typeof key === "string" && /^[a-z]+$/.test(key))
          expect(yaml.slice(find(path)).replace(/^["']/, "").startsWith(key)).toBe(true);
        else expect(find(path)).toBeGreaterThanOrEqual(0);
        if (Array.isArray(each))
          each.forEach((item, index) => {
            visit(item, [...path, index]);
          });
        else if (typeof each === "object" && each !== null)
          for (const [name, item] of Object.entries(each)) visit(item, [...path, name]);
      };
      visit(value, []);
    }),
  );
});
