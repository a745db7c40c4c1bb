// Packets to load-balancer addresses, and what guards them. In: rows, and tests with rules of others. Out: who answers, who is dropped.
import { expect, test } from "@jest/globals";
import type { Lab } from "../lab/lab.ts";
import { needTool } from "../lab/tool.ts";
import { applyTo } from "./harness.ts";
import { addressOf } from "./objects.ts";
import { checkPackets, describeRows } from "./rows.ts";

const ranges = (...loadBalancerSourceRanges: string[]) => ({ loadBalancerSourceRanges });
const outsideRanges = ["203.0.113.0/24", "2001:db8:1::/64"];

await describeRows(
  "load balancer",
  [
    {
      title: "balances over all endpoints and masquerades every client of a load-balancer address",
      services: [{ vips: [1, 2], nodePort: 30080, endpoints: ["pod-b", "remote-a"] }],
      expect: [
        { from: ["outside", "node", "pod-a"], to: "vip 1", answeredBy: ["pod-b", "remote-a"], source: "node" },
        { from: "outside", to: "vip 2", answeredBy: ["pod-b", "remote-a"], source: "node" },
        { from: "outside", to: "node", port: 30080, answeredBy: ["pod-b", "remote-a"], source: "node" },
        { from: "outside", to: "vip 1", port: 30080, answeredBy: "unanswered" },
      ],
    },
    {
      title: "lets only source ranges reach the address, pods and the node itself not excepted",
      services: [{ vips: [1], nodePort: 30080, endpoints: ["pod-b"], spec: ranges(...outsideRanges) }],
      expect: [
        { from: "outside", to: "vip", answeredBy: ["pod-b"], source: "node" },
        { from: ["outside-b", "pod-a", "node"], to: "vip", answeredBy: "dropped" },
      ],
    },
    {
      title: "leaves node port and cluster IP open to clients outside the source ranges",
      services: [{ vips: [1], nodePort: 30080, endpoints: ["pod-b"], spec: ranges(...outsideRanges) }],
      expect: [
        { from: ["outside-b", "pod-a", "node"], to: "node", port: 30080, answeredBy: ["pod-b"], source: "node" },
        { from: ["outside-b", "node"], to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
      ],
    },
    {
      title: "lets pods and the node in where a source range holds them",
      services: [
        {
          vips: [1],
          endpoints: ["pod-b"],
          spec: ranges("10.244.0.5/32", "192.168.0.0/24", "fd00:10:244::5/128", "fd00:192::/64"),
        },
      ],
      expect: [
        { from: ["pod-a", "node", "node-b"], to: "vip", answeredBy: ["pod-b"], source: "node" },
        { from: "outside", to: "vip", answeredBy: "dropped" },
      ],
    },
    {
      title: "leaves a family without source ranges of its own open",
      services: [{ vips: [1], endpoints: ["pod-b"], spec: ranges("203.0.113.0/24") }],
      expect: [
        { from: "outside-b", to: "vip", families: [4], answeredBy: "dropped" },
        { from: "outside-b", to: "vip", families: [6], answeredBy: ["pod-b"], source: "node" },
      ],
    },
    {
      title: "is open to all where one of the source ranges is the whole network",
      services: [{ vips: [1], endpoints: ["pod-b"], spec: ranges("10.0.0.0/8", "0.0.0.0/0", "fd00::/8", "::/0") }],
      expect: [{ from: ["outside", "pod-a"], to: "vip", answeredBy: ["pod-b"], source: "node" }],
    },
    {
      title: "reads a source range with spaces around it",
      services: [{ vips: [1], endpoints: ["pod-b"], spec: ranges(" 203.0.113.0/25", "2001:db8:1::/64 ") }],
      expect: [
        { from: "outside", to: "vip", answeredBy: ["pod-b"], source: "node" },
        { from: "outside-b", to: "vip", answeredBy: "dropped" },
      ],
    },
    {
      title: "keeps the source of a client inside the ranges with externalTrafficPolicy Local",
      services: [
        {
          vips: [1],
          nodePort: 30080,
          endpoints: ["pod-b", "remote-a"],
          spec: { externalTrafficPolicy: "Local", ...ranges(...outsideRanges, "10.244.0.0/24", "fd00:10:244::/64") },
        },
      ],
      expect: [
        { from: "outside", to: "vip", answeredBy: ["pod-b"], source: "kept" },
        { from: "pod-a", to: "vip", answeredBy: ["pod-b", "remote-a"], source: "kept" },
        { from: ["outside-b", "node", "remote-b"], to: "vip", answeredBy: "dropped" },
      ],
    },
    {
      title: "does not answer for an address whose ipMode is Proxy",
      services: [
        {
          vips: [1],
          endpoints: ["pod-a"],
          status: {
            loadBalancer: {
              ingress: ([4, 6] as const).flatMap((family) => [
                { ip: addressOf("vip 1", family), ipMode: "Proxy" },
                { ip: addressOf("vip 2", family), ipMode: "VIP" },
                { hostname: "lb.example.com" },
              ]),
            },
          },
        },
      ],
      expect: [
        { from: ["outside", "pod-b"], to: "vip 1", answeredBy: "unanswered" },
        { from: ["outside", "pod-b"], to: "vip 2", answeredBy: ["pod-a"], source: "node" },
      ],
    },
    {
      title: "shares an address among Services by port",
      services: [
        { name: "a", clusterIp: 1, vips: [1], ports: [{ port: 80 }], endpoints: ["pod-a"] },
        { name: "b", clusterIp: 2, vips: [1], ports: [{ port: 443 }], endpoints: ["pod-b"] },
      ],
      expect: [
        { from: "outside", to: "vip", port: 80, answeredBy: ["pod-a"], source: "node" },
        { from: "outside", to: "vip", port: 443, answeredBy: ["pod-b"], source: "node" },
      ],
    },
  ],
  { declare },
);

function declare(lab: () => Lab): void {
  test("has no node port with allocateLoadBalancerNodePorts false", async () => {
    const service = { vips: [1], endpoints: ["pod-a"] };
    // Manifests without node ports get placeholders; here they must not.
    await applyTo(lab(), { services: [{ ...service, spec: { allocateLoadBalancerNodePorts: false } }] });
    expect(await lab().save(4, "nat")).not.toMatch(/^-A KUBE-NODEPORTS/m);
    await checkPackets(lab(), { expect: [{ from: "outside", to: "vip", answeredBy: ["pod-a"], source: "node" }] });
    await applyTo(lab(), { services: [service] });
    const placeholder = /^-A KUBE-NODEPORTS -p tcp .*--dport (\d+)/m.exec(await lab().save(4, "nat"))?.[1];
    await checkPackets(lab(), {
      families: [4],
      protocols: ["TCP"],
      expect: [{ from: "outside", to: "node", port: Number(placeholder), answeredBy: ["pod-a"], source: "node" }],
    });
    await applyTo(lab(), { services: [{ ...service, spec: { allocateLoadBalancerNodePorts: false } }] });
    await checkPackets(lab(), {
      expect: [{ from: "outside", to: "node", port: Number(placeholder), answeredBy: "refused" }],
    });
  });

  test("lets the node in from the load-balancer address itself where a source range holds the node's", async () => {
    const ip = await needTool("ip");
    const vips = ([4, 6] as const).map((family) => addressOf("vip 1", family));
    // Scope host: MASQUERADE would take an address of wider scope for the node's own.
    for (const vip of vips) await lab().node.exec(ip, ["addr", "add", vip, "dev", "lo", "scope", "host"]);
    try {
      const service = { vips: [1], endpoints: ["pod-b"] };
      await applyTo(lab(), { services: [{ ...service, spec: ranges("192.168.0.0/24", "fd00:192::/64") }] });
      await checkPackets(lab(), { expect: [{ from: "node", to: "vip", answeredBy: ["pod-b"], source: "node" }] });
      await applyTo(lab(), { services: [{ ...service, spec: ranges(...outsideRanges) }] });
      await checkPackets(lab(), { expect: [{ from: "node", to: "vip", answeredBy: "dropped" }] });
    } finally {
      for (const vip of vips)
        await lab().node.exec(ip, ["addr", "del", `${vip}/${vip.includes(":") ? 128 : 32}`, "dev", "lo"]);
    }
  });

  test("lets load balancers ask the health-check node port where the node's firewall would not", async () => {
    const closed = "*filter\n-A INPUT -p tcp -m multiport --dports 32000,32001 -j DROP\nCOMMIT\n";
    await Promise.all([lab().restore(4, closed), lab().restore(6, closed), lab().listen("node", [32000, 32001])]);
    const service = { vips: [1], endpoints: ["pod-a"] };
    const ask = (port: number, answer: "answered" | "dropped") => ({
      from: "outside",
      to: "node",
      port,
      protocols: ["TCP" as const],
      ...(answer === "answered"
        ? { answeredBy: ["node"], source: "kept" as const }
        : { answeredBy: "dropped" as const }),
    });
    const local = { externalTrafficPolicy: "Local", healthCheckNodePort: 32000 };
    await applyTo(lab(), { services: [{ ...service, spec: local }] });
    await checkPackets(lab(), { expect: [ask(32000, "answered"), ask(32001, "dropped")] });
    await applyTo(lab(), { services: [{ ...service, spec: { ...local, externalTrafficPolicy: "Cluster" } }] });
    await checkPackets(lab(), { expect: [ask(32000, "dropped")] });
    expect(await lab().save(4, "filter")).not.toContain('health check node port"');
  });
}
