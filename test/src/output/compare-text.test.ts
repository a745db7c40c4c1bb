// Tests of src/output/compare-text.ts.
import { expect, test } from "@jest/globals";
import { fateText, renderCompareText } from "../../../src/output/compare-text.ts";
import type { Difference } from "../../../rules/compare/compare.ts";
import { fateOf } from "../../../rules/compare/fate.ts";
import { certain } from "../../../rules/trace/fraction.ts";
import type { Branch } from "../../../rules/trace/trace.ts";
import { anIp } from "../../make/objects.ts";
import { aComparison, aDifference, aFate } from "./a-comparison.ts";

const names = { a: "before.rules", b: "web.yaml" };
const render = (...differences: readonly Difference[]) =>
  renderCompareText(names, [{ family: 4, comparison: aComparison(...differences) }]);

test("without a difference it is one line a family, with the number of classes", () => {
  const comparison = aComparison();
  expect(
    renderCompareText(
      names,
      [4, 6].map((family) => ({ family: family as 4 | 6, comparison })),
    ),
  ).toBe(
    "IPv4: the same fate for all 1,234 classes of packets\nIPv6: the same fate for all 1,234 classes of packets\n",
  );
});

test("a difference names the frontend, the clients and both fates; clients with the same fates share them", () => {
  expect(render(aDifference(), aDifference({ from: "10.0.0.0/8" }))).toBe(
    [
      "IPv4: 2 of 1,234 classes of packets fare differently",
      "default/web cluster IP 10.96.0.10:80/TCP",
      "  from the node; 10.0.0.0/8",
      "    before.rules  to 10.0.0.1:80",
      "    web.yaml      dropped",
      "",
    ].join("\n"),
  );
});

test("a client that comes again says where it was", () => {
  expect(render(aDifference({ again: "10.0.0.1:80" }))).toContain("  from the node, that was at 10.0.0.1:80 before\n");
});

test("packets of connections that are open already say in which state", () => {
  expect(render(aDifference({ state: "INVALID" }))).toContain("  from the node, INVALID\n");
});

test("of very many destinations the first hundred are shown, and the number of the rest", () => {
  const destination = (port: number) => ({ ...aDifference().destination, port });
  const text = render(...Array.from({ length: 150 }, (_, port) => aDifference({ destination: destination(port + 1) })));
  expect(text.match(/^default\/web/gm)).toHaveLength(100);
  expect(text).toContain("and 50 more destinations");
});

test("what was left out is said", () => {
  const text = renderCompareText(names, [{ family: 4, comparison: { ...aComparison(), leftOut: 7 } }]);
  expect(text).toMatch(/^not compared: what 7 endpoints send to themselves/m);
});

test("endpoints that are chosen alike are named together, with their share; of many the first six", () => {
  expect(fateText(aFate("10.0.0.1:80", "dropped"))).toBe("to 10.0.0.1:80 50%; dropped 50%");
  expect(fateText(aFate("10.0.0.1:80", "10.0.0.2:80"))).toBe("to 10.0.0.1:80 or 10.0.0.2:80, 50% each");
  const many = Array.from({ length: 9 }, (_, at) => `10.0.0.${at + 1}:80`);
  expect(fateText(aFate(...many))).toBe(`to ${many.slice(0, 6).join(", ")} and 3 more, 11.1% each`);
});

test("no text of a dump drives the terminal", () => {
  const destination = { ...aDifference().destination, name: "default/web\u001b[31m cluster IP" };
  expect(render(aDifference({ destination }))).not.toContain("\u001b");
});

test("addresses that fare alike at ports that no rule names are named together", () => {
  const at = (ip: string, b = aFate("dropped")) =>
    aDifference({
      destination: { ip: anIp(ip), protocol: "tcp", port: 1, name: "", isClusterIp: false },
      a: fateOf([passed(ip)]),
      b,
    });
  const many = Array.from({ length: 9 }, (_, index) => at(`10.96.0.${index + 1}`));
  expect(
    render(...many, at("10.97.0.1", aFate("10.0.0.1:80")))
      .split("\n")
      .slice(1),
  ).toEqual([
    "ports that no rule names (1/TCP for one) of 10.96.0.1, 10.96.0.2, 10.96.0.3, 10.96.0.4, 10.96.0.5, 10.96.0.6 and 3 more",
    "  from the node",
    "    before.rules  passed on as it is",
    "    web.yaml      dropped",
    "10.97.0.1:1/TCP",
    "  from the node",
    "    before.rules  passed on as it is, to 10.97.0.1:1",
    "    web.yaml      to 10.0.0.1:80",
    "",
  ]);
});

function passed(ip: string): Branch {
  const kept = { kind: "kept" } as const;
  const end = { kind: "delivered", to: anIp(ip), port: 1, here: false, translated: false, source: kept } as const;
  return { chance: certain, conditions: [], hops: [], remembered: [], heldSeconds: undefined, end };
}

test("what a scheduler chooses among is named together, without shares", () => {
  const choosing = (ip: string): Branch => ({
    ...passed(ip),
    end: { kind: "delivered", to: anIp(ip), port: 80, here: false, translated: true, source: { kind: "kept" } },
    conditions: [{ on: `wlc chooses ${ip}:80`, line: 1, holds: true, choice: true }],
  });
  expect(fateText(fateOf(["10.0.0.1", "10.0.0.2"].map(choosing)))).toBe(
    "as wlc chooses: to 10.0.0.1:80 or 10.0.0.2:80",
  );
});
