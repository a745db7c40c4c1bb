// Tests of rules/iptables/script/render-script.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { chainOf, type Change } from "../../../../rules/iptables/diff/change.ts";
import { diffRulesets } from "../../../../rules/iptables/diff/diff.ts";
import { emptyRuleset } from "../../../../rules/iptables/ruleset/chain.ts";
import { orderChanges } from "../../../../rules/iptables/script/order.ts";
import { changeOfLine, renderBatch, renderScript } from "../../../../rules/iptables/script/render-script.ts";
import { clusters, views } from "../../../make/arbitrary.ts";
import { rulesetOf } from "../../../make/node.ts";
import { aCluster, aService, aSlice } from "../../../make/objects.ts";

test("every line of a batch but the first and the last belongs to the change of the chain that it names", () => {
  fc.assert(
    fc.property(clusters(20), clusters(20), views(), fc.constantFrom(5, Infinity), (a, b, view, limit) => {
      for (const batch of orderChanges(diffRulesets(rulesetOf(a, view), rulesetOf(b, view)), limit)) {
        const lines = renderBatch(batch).split("\n");
        expect([lines[0], ...lines.slice(-2)]).toEqual([`*${batch.table}`, "COMMIT", ""]);
        for (const [index, line] of lines.entries()) {
          const change = changeOfLine(batch, index + 1);
          const name = /^(?::|-[AXID] )(\S+)/.exec(line)?.[1];
          expect([line, change === undefined ? undefined : chainOf(change)]).toEqual([line, name]);
        }
      }
    }),
    { numRuns: 40 },
  );
});

test("a chain is emptied in the commit that writes or deletes it", () => {
  const [a, b] = [rulesetOf(aCluster(aService(), aSlice())), rulesetOf(aCluster())];
  const script = renderScript(orderChanges(diffRulesets(a, b), Infinity));
  const [, gone = ""] = /^-X (KUBE-SVC-\S+)$/m.exec(script) ?? [];
  expect(script).toContain(`:${gone} - [0:0]\n`);
  expect(script.indexOf(`:${gone} `)).toBeLessThan(script.indexOf(`-X ${gone}`));
});

test("jumps are put first", () => {
  const script = renderScript(orderChanges(diffRulesets(emptyRuleset(4), rulesetOf(aCluster())), Infinity));
  expect(script).toContain('-I PREROUTING 1 -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\n');
});

test("a jump is moved by its deletion and then its insertion, in one commit, and both lines are its own", () => {
  const [jump] = rulesetOf(aCluster()).tables.nat.jumps;
  if (jump === undefined) throw new Error("bug: no jump");
  const change: Change = { kind: "move-jump", table: "nat", at: 1, ...jump };
  const words = '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES';
  const batch = { table: "nat", changes: [change] } as const;
  expect(renderBatch(batch)).toBe(`*nat\n-D PREROUTING ${words}\n-I PREROUTING 1 ${words}\nCOMMIT\n`);
  expect([1, 2, 3, 4].map((line) => changeOfLine(batch, line))).toEqual([undefined, change, change, undefined]);
});

test("no batches are no text", () => {
  expect(renderScript([])).toBe("");
});
