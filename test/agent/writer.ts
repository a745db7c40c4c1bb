// A process that writes one cluster after another into the kernel, as an agent does, until it is killed. In: a WriterOrder as its argument.
// Out: a line on standard output before and after each write, so that whoever kills it can choose the moment.
import { writeSync } from "node:fs";
import type { Family } from "../../rules/index.ts";
import { createProxier } from "../../src/agent/proxier.ts";
import { openKernel } from "../../src/kernel/tools.ts";
import type { Variant } from "../lab/tables.ts";
import { wantedAt } from "./churn.ts";

/** Passes to the clusters of `churn.ts`, from `step` on; up to `last`, or without end. */
export type WriterOrder = {
  readonly variant: Variant;
  readonly seed: number;
  readonly families: readonly Family[];
  readonly step: number;
  readonly last?: number;
};

const { variant, seed, families, step: first, last } = JSON.parse(process.argv[2] ?? "") as WriterOrder;
const say = (line: string): void => void writeSync(1, `${line}\n`);
const tools = await openKernel(variant);
const kernel: typeof tools = {
  ...tools,
  restore: async (family, script) => {
    const restored = tools.restore(family, script);
    say("begin");
    const result = await restored;
    say("end");
    return result;
  },
};
const proxiers = families.map((family) => ({ family, proxier: createProxier(kernel) }));
for (let step = first; last === undefined || step <= last; step++) {
  for (const { family, proxier } of proxiers) {
    for (let isGood = false; !isGood;) {
      const { failure } = await proxier.sync(wantedAt({ seed, step }, family));
      isGood = failure === undefined;
      if (failure !== undefined) say(`refused: ${failure.message.replace(/\s+/g, " ")}`);
    }
  }
}
