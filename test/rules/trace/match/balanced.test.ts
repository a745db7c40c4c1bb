// Tests of rules/trace/match/balanced.ts.
import { expect, test } from "@jest/globals";
import { answerOf, aTraveller } from "../a-trace.ts";

const taken = aTraveller({ balanced: true });
const later = aTraveller({ state: "ESTABLISHED", isFirst: false });

test.each([
  ["-m ipvs --ipvs", aTraveller(), false],
  ["-m ipvs --ipvs", taken, true],
  ["-m ipvs --ipvs", later, undefined],
  ["-m ipvs ! --ipvs", aTraveller(), true],
  ["-m ipvs ! --ipvs", taken, false],
  ["-m ipvs --vaddr 10.96.0.1 --vport 80", aTraveller(), false],
  ["-m ipvs ! --vaddr 10.96.0.1", aTraveller(), false],
  ["-m ipvs --vaddr 10.96.0.1", taken, undefined],
  ["-m ipvs --vaddr 10.96.0.1", later, undefined],
])("%s", (words, traveller, expected) => {
  expect(answerOf(words, traveller)).toBe(expected);
});
