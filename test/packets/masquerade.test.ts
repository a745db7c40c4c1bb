// Whose source is rewritten, apart from hairpins. In: rows. Out: the client addresses that servers see.
import { expect, test } from "@jest/globals";
import type { Lab } from "../lab/lab.ts";
import { applyTo } from "./harness.ts";
import { checkPackets, describeRows } from "./rows.ts";

const external = { nodePort: 30080, externalIps: [1], vips: [1] };
const masqueradeAll = { iptables: { masqueradeAll: true } };

await describeRows(
  "masquerade",
  [
    {
      title: "masqueradeAll masquerades pods' traffic to cluster IPs too",
      services: [{ endpoints: ["pod-b", "remote-a"] }],
      config: masqueradeAll,
      expect: [
        { from: ["pod-a", "outside", "node"], to: "cluster-ip", answeredBy: ["pod-b", "remote-a"], source: "node" },
      ],
    },
    {
      title: "masqueradeAll leaves the sources that externalTrafficPolicy Local keeps",
      services: [{ ...external, endpoints: ["pod-b"], spec: { externalTrafficPolicy: "Local" } }],
      config: masqueradeAll,
      expect: [
        { from: ["pod-a", "outside"], to: "vip", answeredBy: ["pod-b"], source: "kept" },
        { from: ["pod-a", "outside"], to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
      ],
    },
    {
      title: "masqueradeAll reaches local endpoints of internalTrafficPolicy Local masqueraded",
      services: [{ endpoints: ["pod-b", "remote-a"], spec: { internalTrafficPolicy: "Local" } }],
      config: masqueradeAll,
      expect: [{ from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b"], source: "node" }],
    },
    {
      title: "traffic that is to no Service keeps its source",
      services: [{ ...external, endpoints: ["pod-b"] }],
      config: masqueradeAll,
      expect: [
        { from: "pod-a", to: "pod-b", answeredBy: ["pod-b"], source: "kept" },
        { from: "pod-a", to: "outside", answeredBy: ["outside"], source: "kept" },
        { from: "outside", to: "pod-b", answeredBy: ["pod-b"], source: "kept" },
      ],
    },
  ],
  { declare },
);

function declare(lab: () => Lab): void {
  const services = [{ ...external, endpoints: ["pod-b"] }];
  /** Somebody else sets bit 14 on every packet. */
  const othersMark = "*mangle\n-A PREROUTING -j MARK --or-mark 0x4000\nCOMMIT\n";

  test("masquerades by the bit of masqueradeBit and no other", async () => {
    await Promise.all(([4, 6] as const).map((family) => lab().restore(family, othersMark)));
    await applyTo(lab(), { services, config: { iptables: { masqueradeBit: 15 } } });
    await checkPackets(lab(), {
      expect: [
        { from: "outside", to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
        { from: "pod-a", to: "vip", answeredBy: ["pod-b"], source: "node" },
        { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b"], source: "kept" },
        { from: "pod-a", to: "pod-b", answeredBy: ["pod-b"], source: "kept" },
      ],
    });
    expect(await lab().save(4, "nat")).toContain("--set-xmark 0x8000/0x8000");
  });

  test("changes the bit while it runs", async () => {
    await applyTo(lab(), { services });
    await applyTo(lab(), { services, config: { iptables: { masqueradeBit: 31 } } });
    await checkPackets(lab(), {
      expect: [
        { from: "outside", to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
        { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b"], source: "kept" },
      ],
    });
  });
}
