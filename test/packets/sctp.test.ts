// SCTP Services. In: the rules of every destination. Out: a kernel that takes them; no packets, since it has no SCTP itself.
import { expect, test } from "@jest/globals";
import { describeLabs } from "../lab/describe-labs.ts";
import { applyTo } from "./harness.ts";
import { checkPackets } from "./rows.ts";

const service = {
  nodePort: 30080,
  externalIps: [1],
  vips: [1],
  protocols: ["TCP", "UDP", "SCTP"],
  endpoints: ["pod-a", "remote-a"],
};

await describeLabs("SCTP", (lab) => {
  test("the kernel takes the rules of an SCTP port beside TCP and UDP ports of one number", async () => {
    await applyTo(lab(), { services: [service, { name: "none", clusterIp: 2, nodePort: 30081, protocols: ["SCTP"] }] });
    for (const family of [4, 6] as const) {
      const saved = await lab().save(family);
      expect(saved).toMatch(/^-A KUBE-SERVICES -d \S+ -p sctp .*--dport 80 -j KUBE-SVC-/m);
      expect(saved).toMatch(/^-A KUBE-NODEPORTS -p sctp .*--dport 30080 -j KUBE-EXT-/m);
      expect(saved).toMatch(/^-A KUBE-SVC-\S+ -p sctp .*-j DNAT --to-destination /m);
      expect(saved).toMatch(/^-A KUBE-SERVICES -d \S+ -p sctp .*--dport 80 -j REJECT /m);
    }
    await checkPackets(lab(), {
      expect: [{ from: "outside", to: "vip", answeredBy: ["pod-a", "remote-a"], source: "node" }],
    });
  });

  test("the kernel takes the rules of an SCTP port with session affinity, source ranges and Local policies", async () => {
    const spec = {
      sessionAffinity: "ClientIP",
      externalTrafficPolicy: "Local",
      internalTrafficPolicy: "Local",
      loadBalancerSourceRanges: ["203.0.113.0/24", "2001:db8:1::/64"],
    };
    await applyTo(lab(), { services: [{ ...service, spec }] });
    await applyTo(lab(), { services: [{ ...service, spec, endpoints: ["remote-a"] }] });
    await applyTo(lab(), { services: [] });
    expect(await lab().save(4)).not.toContain("sctp");
  });
});
