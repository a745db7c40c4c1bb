// Declares a jest block where it can run. In: a title, what this machine can do, tests. Out: a block, or a skipped one that says why.
import { describe } from "@jest/globals";
import type { Answer } from "./probe.ts";

/** Hooks of a skipped block do not run. In CI nothing may be skipped: test/run.sh fails then. */
export function describeWhere(title: string, answer: Answer, declare: () => void): void {
  if (answer.yes) describe(title, declare);
  else describe.skip(`${title} (skipped: ${answer.because})`, declare);
}
