// Tests of rules/explain/reason/parting-reason.ts.
import { expect, test } from "@jest/globals";
import { renderPartingReason } from "../../../../rules/explain/reason/parting-reason.ts";

test("both sources, the outcome and the rules of each are named", () => {
  const sentence = renderPartingReason({
    code: "sources-part",
    first: "the manifests",
    second: "live",
    outcome: { end: "dropped", first: "0%", second: "100%" },
    stops: { first: undefined, second: { where: "filter FORWARD line 7", text: "-A FORWARD -j DROP" } },
  });
  for (const word of [
    "The manifests and live part",
    "0% of the packets by the manifests",
    "100% by live",
    "its end",
    `filter FORWARD line 7, "-A FORWARD -j DROP"`,
  ])
    expect(sentence).toContain(word);
});
