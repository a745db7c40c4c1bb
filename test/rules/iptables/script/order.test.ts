// Tests of rules/iptables/script/order.ts. That no batch leads to a missing chain is tested in contract.test.ts; here: the order itself.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { chainOf, type Change } from "../../../../rules/iptables/diff/change.ts";
import { diffRulesets } from "../../../../rules/iptables/diff/diff.ts";
import { emptyRuleset } from "../../../../rules/iptables/ruleset/chain.ts";
import { orderChanges } from "../../../../rules/iptables/script/order.ts";
import { clusters, views } from "../../../make/arbitrary.ts";
import { rulesetOf } from "../../../make/node.ts";
import { aCluster, aService, aSlice } from "../../../make/objects.ts";

const kinds = (changes: readonly Change[]) => changes.map(({ kind }) => kind);
const size = fc.constantFrom(1, 3, 20, 1000, Infinity);

test("every change is in one batch, of its table, and no batch is empty", () => {
  fc.assert(
    fc.property(clusters(30), clusters(30), views(), size, (a, b, view, limit) => {
      const changes = diffRulesets(rulesetOf(a, view), rulesetOf(b, view));
      const batches = orderChanges(changes, limit);
      const key = (change: Change) => `${change.kind} ${change.table} ${chainOf(change)}`;
      expect(batches.flatMap((batch) => batch.changes.map(key)).sort()).toEqual(changes.map(key).sort());
      for (const batch of batches) {
        expect(batch.changes.length).toBeGreaterThan(0);
        expect(new Set(batch.changes.map(({ table }) => table))).toEqual(new Set([batch.table]));
      }
    }),
    { numRuns: 40 },
  );
});

test("batches hold no more than they may, but for jumps, which go together", () => {
  fc.assert(
    fc.property(clusters(40), views(), fc.constantFrom(5, 20), (cluster, view, limit) => {
      const changes = diffRulesets(emptyRuleset(view.family), rulesetOf(cluster, view));
      for (const batch of orderChanges(changes, limit)) {
        expect(batch.changes.filter(({ kind }) => !kind.endsWith("jump")).length).toBeLessThanOrEqual(limit);
      }
    }),
    { numRuns: 40 },
  );
});

describe("make before break", () => {
  const served = rulesetOf(aCluster(aService(), aSlice()));

  test("on a load, jumps from built-in chains come last in their table", () => {
    for (const limit of [1, 3, Infinity]) {
      const order = orderChanges(diffRulesets(emptyRuleset(4), served), limit).flatMap(({ changes }) => changes);
      for (const table of ["nat", "filter"]) {
        const found = kinds(order.filter((change) => change.table === table));
        expect(found.lastIndexOf("create-chain")).toBeLessThan(found.indexOf("insert-jump"));
      }
    }
  });

  test("on a clean-up, jumps go first and a chain before those it leads to", () => {
    const order = orderChanges(diffRulesets(served, emptyRuleset(4)), 1).flatMap(({ changes }) => changes);
    const nat = order.filter(({ table }) => table === "nat");
    expect(kinds(nat).lastIndexOf("delete-jump")).toBeLessThan(kinds(nat).indexOf("delete-chain"));
    const names = nat.map(chainOf);
    expect(names.indexOf("KUBE-SERVICES" as never)).toBeLessThan(
      names.findIndex((name) => name.startsWith("KUBE-SVC-")),
    );
  });

  test("a jump that is moved goes with those that are inserted, after the chains and before what is removed", () => {
    const without = rulesetOf(aCluster());
    const [jump] = served.tables.nat.jumps;
    if (jump === undefined) throw new Error("bug: no jump");
    const moved: Change = { kind: "move-jump", table: "nat", at: 1, ...jump };
    for (const [from, to] of [
      [without, served],
      [served, without],
    ] as const) {
      const list = [moved, ...diffRulesets(from, to)];
      for (const limit of [1, Infinity]) {
        const nat = orderChanges(list, limit)
          .flatMap(({ changes }) => changes)
          .filter(({ table }) => table === "nat");
        const at = nat.indexOf(moved);
        expect(kinds(nat.slice(at))).not.toContain("create-chain");
        expect(kinds(nat.slice(at))).not.toContain("rewrite-chain");
        expect(kinds(nat.slice(0, at))).not.toContain("delete-chain");
      }
    }
  });

  test("what was refused is translated before it is no longer refused", () => {
    const dead = rulesetOf(aCluster(aService()));
    const batches = orderChanges(diffRulesets(dead, served), Infinity);
    expect(
      batches.map(({ table, changes }) => [table, changes.some((change) => chainOf(change) === "KUBE-SERVICES")]),
    ).toEqual([
      ["nat", true],
      ["filter", true],
    ]);
  });

  test("what is no longer served is refused before it is no longer translated", () => {
    const dead = rulesetOf(aCluster(aService()));
    expect(orderChanges(diffRulesets(served, dead), Infinity).map(({ table }) => table)).toEqual(["filter", "nat"]);
  });
});

test("nothing to change is no batch", () => {
  expect(orderChanges([], 1000)).toEqual([]);
});
