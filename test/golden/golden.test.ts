// Every case of this folder through the code of `rulewright golden check`, and each script through the tools that it is for.
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { checkCase } from "../../src/golden/check.ts";
import { findCases, type CaseFolder } from "../../src/golden/find.ts";
import { renderOutcome } from "../../src/golden/report.ts";
import { findTool, runTool } from "../lab/tool.ts";

const here = dirname(fileURLToPath(import.meta.url));
const cases = await findCases([here]);
const named = cases.map((folder): [string, CaseFolder] => [relative(here, folder.path), folder]);

test.each(named)("%s gives the files beside it", async (_, folder) => {
  expect(renderOutcome(await checkCase(folder), false)).toBe("");
});

const scripts = cases.flatMap(({ path, files }) =>
  [...files].filter((name) => name.endsWith(".rules")).map((name) => join(path, name)),
);

for (const variant of ["nft", "legacy"]) {
  for (const [tool, file] of [
    [`iptables-${variant}-restore`, "iptables.rules"],
    [`ip6tables-${variant}-restore`, "ip6tables.rules"],
  ] as const) {
    const restore = await restorer(tool);
    const mine = scripts
      .filter((script) => script.endsWith(`/${file}`))
      .map((script): [string, string] => [relative(here, script), script]);
    if (restore.kind === "missing") {
      describe.skip(`${tool} (skipped: ${restore.because})`, () => {
        test.each(mine)("accepts %s", () => undefined);
      });
    } else {
      describe(tool, () => {
        test.each(mine)("accepts %s", async (_, script) => {
          await restore.test(await readFile(script, "utf8"));
        });
      });
    }
  }
}

type Restorer =
  | { readonly kind: "there"; readonly test: (script: string) => Promise<unknown> }
  | { readonly kind: "missing"; readonly because: string };

/** The tool in a network namespace of its own: with what rights there are, else with those of a user namespace. */
async function restorer(tool: string): Promise<Restorer> {
  const [path, unshare] = [await findTool(tool), await findTool("unshare")];
  if (path === undefined) return { kind: "missing", because: `${tool} is not installed` };
  if (unshare === undefined) return { kind: "missing", because: "unshare is not installed" };
  // iptables-legacy's lock file is root's, and a test writes nothing that it would have to guard.
  const env = { XTABLES_LOCKFILE: "/dev/null" };
  let refusal = "";
  for (const flags of ["-n", "-Urn"]) {
    const run = (input: string) => runTool(unshare, [flags, path, "--test", "--noflush"], { input, env });
    try {
      await run("*nat\n:A - [0:0]\nCOMMIT\n");
      return { kind: "there", test: run };
    } catch (error) {
      refusal = error instanceof Error ? (error.message.split("\n").at(-1) ?? "") : String(error);
    }
  }
  return { kind: "missing", because: `unshare -n ${tool} --test does not work here: ${refusal}` };
}
