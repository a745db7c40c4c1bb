// A new process on a node that has rules. In: the built command line, rules of others. Out: no change, and others' rules as they were.
import { beforeAll, expect, test } from "@jest/globals";
import { describeLabs } from "../lab/describe-labs.ts";
import type { Lab } from "../lab/lab.ts";
import { buildIfStale, runApply, runCleanup } from "./cli.ts";
import { foreignRules } from "./foreign-rules.ts";
import { applyTo, type Situation } from "./harness.ts";
import { checkPackets, type Expectation } from "./rows.ts";
import { others, settled } from "./saved.ts";

/** One of everything, so that every form of rule is read back. */
const situation: Situation = {
  services: [
    { name: "plain", endpoints: ["pod-a", "pod-b", "remote-a"], nodePort: 30080 },
    {
      name: "guarded",
      clusterIp: 2,
      vips: [1],
      externalIps: [1],
      nodePort: 30082,
      endpoints: ["pod-b", "remote-a"],
      spec: {
        externalTrafficPolicy: "Local",
        healthCheckNodePort: 32000,
        sessionAffinity: "ClientIP",
        loadBalancerSourceRanges: ["203.0.113.0/24", "2001:db8:1::/64"],
      },
    },
    { name: "none", clusterIp: 3, nodePort: 30083, vips: [3] },
    { name: "away", clusterIp: 4, endpoints: ["remote-b"], spec: { internalTrafficPolicy: "Local" } },
    {
      name: "many",
      clusterIp: 5,
      endpoints: Array.from({ length: 40 }, (_, index) => ({ host: "pod-a", port: 7000 + index })),
    },
    ...Array.from({ length: 40 }, (_, index) => ({
      name: `web-${index}`,
      clusterIp: 10 + index,
      endpoints: ["pod-a"],
    })),
  ],
  config: { nodePortAddresses: ["192.168.0.0/24", "fd00:192::/64"] },
};

const packets: readonly Expectation[] = [
  { from: "outside", to: "cluster-ip", answeredBy: ["pod-a", "pod-b", "remote-a"], source: "node" },
  { from: "outside", to: "vip", answeredBy: ["pod-b"], source: "kept" },
  { from: "outside-b", to: "vip", answeredBy: "dropped" },
  { from: "outside", to: "node", port: 30083, answeredBy: "refused" },
  { from: "outside", to: "cluster-ip 49", answeredBy: ["pod-a"], source: "node" },
];

/** What the rules of others do. */
const othersPackets: readonly Expectation[] = [
  { from: "outside", to: "node", port: 5000, protocols: ["TCP"], answeredBy: ["pod-a"], source: "kept" },
  { from: "outside", to: "node", port: 5001, protocols: ["TCP"], answeredBy: "dropped" },
];

const saveBoth = (lab: Lab) => Promise.all([lab.save(4), lab.save(6)]);

await describeLabs("restart", (lab) => {
  beforeAll(buildIfStale, 120_000);

  test("a second process changes nothing", async () => {
    const first = await runApply(lab(), situation);
    expect(first).toMatch(/^IPv4: \d+ chains created/m);
    await checkPackets(lab(), { expect: packets });
    const rules = (await saveBoth(lab())).map(settled);
    expect(await runApply(lab(), situation)).toBe("IPv4: no change\nIPv6: no change\n");
    expect((await saveBoth(lab())).map(settled)).toEqual(rules);
  });

  test("rules of others are there byte for byte after apply, and after cleanup there is nothing else", async () => {
    await Promise.all(([4, 6] as const).map((family) => lab().restore(family, foreignRules(family))));
    const before = await saveBoth(lab());
    await runApply(lab(), situation);
    const after = await saveBoth(lab());
    expect(after.map(others)).toEqual(before.map(settled));
    await checkPackets(lab(), { expect: [...packets, ...othersPackets] });

    expect(await runApply(lab(), situation)).toBe("IPv4: no change\nIPv6: no change\n");
    await runCleanup(lab());
    expect((await saveBoth(lab())).map(settled)).toEqual(before.map(settled));
    await checkPackets(lab(), {
      expect: [...othersPackets, { from: "outside", to: "cluster-ip", answeredBy: "unanswered" }],
    });
    expect(await runCleanup(lab())).toBe("IPv4: no change\nIPv6: no change\n");
  });

  test("jumps that were pushed down by rules of others stay where they are", async () => {
    await applyTo(lab(), situation);
    const pushed = '*nat\n-I PREROUTING 1 -m comment --comment "mine" -j ACCEPT -s 198.51.100.77/32\nCOMMIT\n';
    await lab().restore(4, pushed, { noflush: true });
    const rules = await lab().save(4);
    expect((await applyTo(lab(), situation)).map(({ changes }) => changes)).toEqual([[], []]);
    expect(settled(await lab().save(4))).toBe(settled(rules));
  });

  test("what somebody deletes or changes is put right", async () => {
    await applyTo(lab(), situation);
    const rules = (await saveBoth(lab())).map(settled);
    const damage =
      '*nat\n:KUBE-SERVICES -\n-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\nCOMMIT\n*filter\n:KUBE-FORWARD -\nCOMMIT\n';
    await Promise.all(([4, 6] as const).map((family) => lab().restore(family, damage, { noflush: true })));
    await applyTo(lab(), situation);
    expect((await saveBoth(lab())).map(settled)).toEqual(rules);
    await checkPackets(lab(), { expect: packets });
  });
});
