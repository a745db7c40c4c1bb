// Tests that wait more than they work, all at the same time. In: scenarios. Out: one jest test each, in a lab of its own, or skipped with the reason.
import { afterAll, beforeAll, describe, test } from "@jest/globals";
import { createLab, type Lab } from "../lab/lab.ts";
import { canMakeLab } from "../lab/probe.ts";
import type { Variant } from "../lab/tables.ts";
import { endAll } from "../src/commands/an-agent.ts";
import { built } from "../src/commands/cli.ts";

export type Scenario = {
  /** What is held, as of any test. */
  readonly title: string;
  readonly variant: Variant;
  readonly run: (lab: Lab) => Promise<void>;
};

/** Declares a test for each; the first one starts them all, and each waits for its own end. To be awaited at the top level of a test file. */
export async function describeTogether(title: string, scenarios: readonly Scenario[], seconds = 300): Promise<void> {
  const answers = { nft: await canMakeLab("nft"), legacy: await canMakeLab("legacy") };
  const started = new Map<Scenario, Promise<void>>();
  describe(title, () => {
    beforeAll(async () => {
      await built();
      for (const scenario of scenarios) {
        if (!answers[scenario.variant].yes) continue;
        const running = inLab(scenario);
        // Its own test says so; until then nobody waits for it.
        running.catch(() => undefined);
        started.set(scenario, running);
      }
    }, 120_000);
    afterAll(endAll);
    for (const scenario of scenarios) {
      const answer = answers[scenario.variant];
      const name = `${scenario.title} (${scenario.variant}`;
      if (answer.yes) test(`${name})`, () => started.get(scenario), seconds * 1000);
      else test.skip(`${name}; skipped: ${answer.because})`, () => undefined);
    }
  });
}

async function inLab({ variant, run }: Scenario): Promise<void> {
  const lab = await createLab({ variant });
  try {
    await run(lab);
  } finally {
    await lab.destroy();
  }
}
