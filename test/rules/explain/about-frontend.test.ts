// Tests of rules/explain/about-frontend.ts: what the objects lead to expect is what the rules do, of anything.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ProbeAnswer } from "../../../rules/explain/explain.ts";
import { nodes, objects, settings } from "../../make/arbitrary.ts";
import { aContext, ask } from "./a-context.ts";

const senders = ["outside", "node", "10.1.0.5", "fd00:1::5", "198.51.100.7", "203.0.113.200", "172.20.0.9"];

/** What the rules do, in the words of `expected`, where all packets fare alike. */
function found({ walks }: ProbeAnswer): string {
  const fates = walks.flatMap(({ cases }) =>
    cases.flatMap(({ outcomes }) =>
      outcomes.map(({ end }) => (end.kind === "delivered" && end.translated ? "balance" : end.kind)),
    ),
  );
  return [...new Set(fates)].sort().join();
}

test("a Service's fate in the API's terms is that of its packets, and so is whom the endpoint sees", () => {
  let asked = 0;
  fc.assert(
    fc.property(
      objects(12),
      fc.record({ node: nodes, settings, from: fc.constantFrom(...senders) }),
      (served, { from, ...fields }) => {
        const context = aContext(
          served.flatMap(({ service, slices }) => [service, ...slices]),
          { ...fields, inInterface: "eth0" },
        );
        for (const { service } of served) {
          const explanation = ask(from, `svc/${service.namespace}/${service.name}`, context);
          if (explanation.kind === "refused") continue;
          for (const answer of explanation.answers) {
            if (answer.expected === undefined) continue;
            asked++;
            expect([answer.probe.label, found(answer)]).toEqual([
              answer.probe.label,
              { balance: "balance", refuse: "rejected", drop: "dropped" }[answer.expected],
            ]);
            const codes = answer.reasons.map(({ code }) => code);
            const seen = new Set(
              answer.walks.flatMap(({ cases }) =>
                cases.flatMap(({ outcomes }) =>
                  outcomes.flatMap(({ end }) =>
                    end.kind === "delivered" && end.to !== answer.probe.packet.source ? [end.source.kind] : [],
                  ),
                ),
              ),
            );
            if (answer.expected === "balance" && seen.size > 0)
              expect([answer.probe.label, ...seen]).toEqual([
                answer.probe.label,
                codes.includes("masqueraded") ? "rewritten" : "kept",
              ]);
          }
        }
      },
    ),
    { numRuns: 60 },
  );
  expect(asked).toBeGreaterThan(50);
});
