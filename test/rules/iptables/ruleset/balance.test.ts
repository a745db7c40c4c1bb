// Tests of rules/iptables/ruleset/balance.ts: every endpoint is as likely as any other, told exactly from the rules.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ServiceFields } from "../../../make/objects.ts";
import { aCluster, aService, aSlice, podIp } from "../../../make/objects.ts";
import { rulesetOf, aView } from "../../../make/node.ts";
import { byTarget, isOneIn, readDump, walk, type Packet } from "../../../make/walk.ts";
import { renderRuleset } from "../../../../rules/iptables/text/render-ruleset.ts";
import { values } from "../../../../rules/radix/radix.ts";
import type { Ruleset } from "../../../../rules/iptables/ruleset/chain.ts";

const counts = [1, 2, 3, 15, 16, 17, 31, 32, 33, 255, 256, 257, 1000, 2000];

const packet: Packet = { from: "198.51.100.1", to: "10.96.0.1", protocol: "tcp", port: 80 };

function withEndpoints(count: number, fields: ServiceFields = {}, family: 4 | 6 = 4): Ruleset {
  const slice = aSlice({
    addressType: `IPv${family}`,
    endpoints: Array.from({ length: count }, (_, at) => ({
      ip: podIp(at, family),
      nodeName: at % 2 === 0 ? "here" : "there",
    })),
  });
  return rulesetOf(aCluster(aService(fields), slice), aView({ family }));
}

function expectUniform(ruleset: Ruleset, count: number, sent: Packet = packet): void {
  const ends = walk(readDump(renderRuleset(ruleset)), { table: "nat", chain: "KUBE-SERVICES" }, sent);
  const chances = byTarget(ends);
  expect([...chances.keys()].filter((target) => !target.startsWith("DNAT --to-destination "))).toEqual([]);
  expect(chances.size).toBe(count);
  expect([...chances.values()].filter((chance) => !isOneIn(chance, count))).toEqual([]);
}

function longest(ruleset: Ruleset): number {
  return Math.max(...values(ruleset.tables.nat.chains).map((chain) => chain.rules.length));
}

describe.each(counts)("%d endpoints", (count) => {
  test("are equally likely", () => {
    const ruleset = withEndpoints(count);
    expectUniform(ruleset, count);
    // A masquerading rule may stand before the 16.
    expect(longest(ruleset)).toBeLessThanOrEqual(17);
  });

  test("are equally likely over IPv6", () => {
    expectUniform(withEndpoints(count, { clusterIps: ["fd00:96::1"] }, 6), count, {
      ...packet,
      from: "2001:db8::1",
      to: "fd00:96::1",
    });
  });

  test("are equally likely for a client without a session, with affinity", () => {
    expectUniform(withEndpoints(count, { affinitySeconds: 60 }), count);
  });

  test("on this node are equally likely with the Local policies", () => {
    const local = Math.ceil(count / 2);
    expectUniform(withEndpoints(count, { internalTrafficPolicy: "Local" }), local);
    const fields: ServiceFields = {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      loadBalancerIps: ["203.0.113.1"],
    };
    expectUniform(withEndpoints(count, fields), local, { ...packet, to: "203.0.113.1" });
    expectUniform(withEndpoints(count, fields), count, { ...packet, from: "10.1.2.3", to: "203.0.113.1" });
  });
});

test("any number of endpoints is equally likely", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), fc.boolean(), (count, sticky) => {
      expectUniform(withEndpoints(count, { affinitySeconds: sticky ? 60 : undefined }), count);
    }),
    { numRuns: 25 },
  );
});

test("a client with a session goes to its endpoint again, whatever the others", () => {
  const ruleset = withEndpoints(40, { affinitySeconds: 60 });
  const dump = readDump(renderRuleset(ruleset));
  const lists = values(ruleset.tables.nat.chains).flatMap((chain) =>
    chain.rules.flatMap((rule) =>
      rule.matches.flatMap((match) => (match.kind === "recent" && match.action === "set" ? [match.list] : [])),
    ),
  );
  expect(lists).toHaveLength(40);
  for (const list of lists) {
    const ends = walk(dump, { table: "nat", chain: "KUBE-SERVICES" }, { ...packet, recent: new Set([list]) });
    expect(ends).toHaveLength(1);
    expect(ends[0]?.chance).toEqual({ share: 1n, bits: 0 });
  }
});

test("one endpoint that comes or goes changes few of the chains", () => {
  const chains = (count: number) =>
    new Map(
      renderRuleset(withEndpoints(count))
        .split("\n")
        .filter((line) => line.startsWith("-A KUBE-S"))
        .map((line) => [line, line]),
    );
  const [before, after] = [chains(1000), chains(1001)];
  const changed = new Set([...after.keys()].filter((line) => !before.has(line)).map((line) => line.split(" ")[1]));
  // The path to its group (five levels for 1,000), and, where the group splits, the four that it splits into.
  expect(changed.size).toBeLessThanOrEqual(9);
});
