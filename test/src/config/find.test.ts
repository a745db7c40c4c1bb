import { describe, expect, test } from "@jest/globals";
import { findConfiguration, positionInFile } from "../../../src/config/find.ts";

const one = "kind: KubeProxyConfiguration\nmode: a\n";
const inBlock =
  "kind: ConfigMap\ndata:\n  other: '{'\n  config.conf: |\n    kind: KubeProxyConfiguration\n    mode: a\n";
const inQuotes = `kind: ConfigMap\ndata:\n  "x": ${JSON.stringify(one)}\n`;

/** The mode of the configuration that is found and where line 2, column 1 of it is in the file; or the code and place of the refusal. */
function found(text: string): string {
  const result = findConfiguration(text);
  if (!("document" in result)) return `${result.code} ${result.position.line}:${result.position.column}`;
  const { line, column } = positionInFile(result, { line: 2, column: 1 });
  return `${(result.document.value as { mode?: string }).mode} ${line}:${column}`;
}

describe("findConfiguration", () => {
  test.each([
    ["the file itself", one, "a 2:1"],
    ["JSON", '{"kind": "KubeProxyConfiguration",\n"mode": "a"}', "a 2:1"],
    ["one document among others", `kind: ClusterConfiguration\n---\n${one}---\n- x\n`, "a 2:1"],
    ["a literal block of a ConfigMap", inBlock, "a 6:5"],
    ["a quoted text of a ConfigMap, located at its field", inQuotes, "a 3:3"],
    ["a ConfigMap among others", `a: 1\n---\n${inBlock}`, "a 8:5"],
    [
      "the second document inside a ConfigMap",
      "kind: ConfigMap\ndata:\n  x: |\n    a: 1\n    ---\n    kind: KubeProxyConfiguration\n",
      "undefined 5:5",
    ],
  ])("finds %s", (_title, text, expected) => {
    expect(found(text)).toBe(expected);
  });

  test.each([
    ["an empty file", "", "no-configuration 1:1"],
    ["a list", "- 1\n", "no-configuration 1:1"],
    ["text", "hello", "no-configuration 1:1"],
    ["a file of other documents", "kind: A\n---\nkind: B\n", "no-configuration 1:1"],
    ["a ConfigMap without it", "kind: ConfigMap\ndata: {a: b}\n", "no-configuration 1:1"],
    ["a ConfigMap without data", "kind: ConfigMap\ndata: 3\n", "no-configuration 1:1"],
    ["another kind", "a: 1\nkind: KubeletConfiguration\n", "wrong-kind 2:1"],
    ["no kind", "\na: 1\n", "wrong-kind 2:1"],
    ["broken text", "a: 1\n b: 2\n", "not-yaml-or-json 2:3"],
    [
      "broken config.conf of a ConfigMap, at the place in the file",
      "kind: ConfigMap\ndata:\n  config.conf: |\n    a: 1\n     b: 2\n",
      "not-yaml-or-json 5:7",
    ],
    ["two, at the second", `${one}---\n${one}`, "several-configurations 4:1"],
    ["one here and one in a ConfigMap", `${one}---\n${inBlock}`, "several-configurations 8:5"],
  ])("refuses %s", (_title, text, expected) => {
    expect(found(text)).toBe(expected);
  });
});
