// A kernel that refuses what a test says, on top of the fake one. In: which lines, how it says so. Out: Kernel.
import { parseRuleset, renderRuleset, type Cluster, type Family, type View } from "../../../rules/index.ts";
import { createFakeKernel, type FakeKernel, type FakeOptions } from "../../../src/kernel/fake.ts";
import type { Restored } from "../../../src/kernel/kernel.ts";
import { aView, rulesetOf } from "../../make/node.ts";

/** What the tool says of a refusal: its line, as for most of them; the last line, as iptables-legacy for what only the kernel finds; nothing. */
export type Naming = "line" | "commit" | "nothing";

/** May be changed while a test runs. */
export type Refusal = { lines: RegExp | undefined; naming: Naming; throws: boolean };

export type StrictKernel = FakeKernel & {
  readonly refusal: Refusal;
  /** Whether each call since the last `take` read or wrote, in order. */
  readonly take: () => readonly ("read" | "scan" | "write" | "refused")[];
};

/** Refuses a script with a line that matches, whole. */
export function aKernel(refusal: Partial<Refusal> = {}, options: FakeOptions = {}): StrictKernel {
  const fake = createFakeKernel(options);
  const rules: Refusal = { lines: undefined, naming: "line", throws: false, ...refusal };
  let seen: ("read" | "scan" | "write" | "refused")[] = [];
  const judge = (script: string): Restored => {
    const lines = script.split("\n");
    const at = rules.lines === undefined ? -1 : lines.findIndex((line) => rules.lines?.test(line));
    if (at < 0) return { ok: true };
    const named = { line: at + 1, commit: lines.indexOf("COMMIT") + 1, nothing: undefined }[rules.naming];
    return { ok: false, message: `refused${named === undefined ? "" : ` at line ${named}`}`, line: named };
  };
  return {
    ...fake,
    refusal: rules,
    readRules: (family) => {
      seen.push("read");
      return fake.readRules(family);
    },
    scanRules: (family, take) => {
      seen.push("scan");
      return fake.scanRules(family, take);
    },
    restore: async (family, script) => {
      const judged = judge(script);
      const result = judged.ok ? await fake.restore(family, script) : judged;
      if (!result.ok && rules.throws) throw new Error("the tool was killed");
      seen.push(result.ok ? "write" : "refused");
      return result;
    },
    take: () => {
      const taken = seen;
      seen = [];
      return taken;
    },
  };
}

/** What is ours in the kernel, in canonical form. */
export async function rulesIn(kernel: FakeKernel, family: Family = 4): Promise<string> {
  return renderRuleset(parseRuleset(await kernel.readRules(family), family));
}

/** What should be there. */
export function rulesOf(cluster: Cluster, view: View = aView()): string {
  return renderRuleset(rulesetOf(cluster, view));
}
