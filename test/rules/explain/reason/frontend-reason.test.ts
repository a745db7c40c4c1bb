// Tests of rules/explain/reason/frontend-reason.ts.
import { expect, test } from "@jest/globals";
import { renderFrontendReason, type FrontendReason } from "../../../../rules/explain/reason/frontend-reason.ts";
import { aCidr, anIp } from "../../../make/objects.ts";

const ip = anIp("203.0.113.7");
const service = "default/web";

test.each<[FrontendReason, string]>([
  [
    { code: "source-not-in-ranges", source: ip, service, ranges: [aCidr("192.0.2.0/24")] },
    "203.0.113.7 is in none of the loadBalancerSourceRanges of default/web (192.0.2.0/24): dropped.",
  ],
  [{ code: "not-a-node-port-address", ip, port: 30080, answering: [] }, "203.0.113.7 is not one of nodePortAddresses"],
  [{ code: "client-on-other-node", pod: "a/b", node: "node-b", here: undefined }, "this is what this node does"],
])("%j", (reason, words) => {
  expect(renderFrontendReason(reason)).toContain(words);
});

test("each cause of a rewritten or kept source has words of its own", () => {
  const rewritten = (["cluster-policy", "masquerade-all", "not-a-pod", "node-client"] as const).map((because) =>
    renderFrontendReason({ code: "masqueraded", because }),
  );
  const kept = (["local-policy", "pod-client", "pods-not-told"] as const).map((because) =>
    renderFrontendReason({ code: "source-kept", because }),
  );
  expect(new Set([...rewritten, ...kept]).size).toBe(7);
});
