// Tests of rules/iptables/diff/cause.ts: each change says for which Services it is made.
import { expect, test } from "@jest/globals";
import { causeOf } from "../../../../rules/iptables/diff/cause.ts";
import { diffRulesets } from "../../../../rules/iptables/diff/diff.ts";
import { emptyRuleset } from "../../../../rules/iptables/ruleset/chain.ts";
import { parseRuleset } from "../../../../rules/iptables/text/parse.ts";
import { renderRuleset } from "../../../../rules/iptables/text/render-ruleset.ts";
import { rulesetOf } from "../../../make/node.ts";
import { aCluster, aService, aSlice } from "../../../make/objects.ts";

type Objects = readonly (ReturnType<typeof aService> | ReturnType<typeof aSlice>)[];

const there = (...ips: string[]) => aSlice({ endpoints: ips.map((ip) => ({ ip, nodeName: "there" })) });
const base = [aService(), there("10.1.0.1")];

function causes(before: Objects, after: Objects, viaDump = false) {
  const built = rulesetOf(aCluster(...before));
  const old = viaDump ? parseRuleset(renderRuleset(built), 4) : built;
  return diffRulesets(old, rulesetOf(aCluster(...after))).map(causeOf);
}

test.each([false, true])("an endpoint that comes and one that goes are named, read from a dump: %s", (viaDump) => {
  expect(causes(base, [aService(), there("10.1.0.2")], viaDump)).toEqual([
    { services: ["default/web"], texts: ["endpoint 10.1.0.2:8080 is new", "endpoint 10.1.0.1:8080 is gone"] },
  ]);
});

test.each([false, true])("a Service that comes is named at each chain, read from a dump: %s", (viaDump) => {
  const found = causes([], base, viaDump);
  expect(new Set(found.flatMap(({ services }) => services))).toEqual(new Set(["default/web"]));
  expect(found.every(({ services, texts }) => services.length === 1 && texts.length > 0)).toBe(true);
});

test("a Service that goes is named too", () => {
  const found = causes(base, []);
  expect(found.length).toBeGreaterThan(0);
  for (const { services } of found) expect(services).toEqual(["default/web"]);
});

test("a jump that is moved is for no Service, and says why", () => {
  const [jump] = rulesetOf(aCluster()).tables.nat.jumps;
  if (jump === undefined) throw new Error("bug: no jump");
  expect(causeOf({ kind: "move-jump", table: "nat", at: 1, ...jump })).toEqual({
    services: [],
    texts: ["rules of others have come before this jump"],
  });
});

test("what serves all is for no Service", () => {
  const found = diffRulesets(emptyRuleset(4), rulesetOf(aCluster())).map(causeOf);
  expect(found.flatMap(({ services }) => services)).toEqual([]);
  expect(found.every(({ texts }) => texts.length > 0)).toBe(true);
});
