// Tests of rules/iptables/ruleset/chain.ts.
import { expect, test } from "@jest/globals";
import { emptyRuleset, emptyTable } from "../../../../rules/iptables/ruleset/chain.ts";

test.each([4, 6] as const)("a ruleset of nothing has three empty tables, IPv%d", (family) => {
  expect(emptyRuleset(family)).toEqual({ family, tables: { filter: emptyTable, nat: emptyTable, mangle: emptyTable } });
  expect([emptyTable.jumps.length, emptyTable.chains.size]).toEqual([0, 0]);
});
