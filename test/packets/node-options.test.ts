// Which of the node's addresses node ports answer on. In: rows for a node with two addresses of each family. Out: answers and refusals.
import { expect, test } from "@jest/globals";
import type { Lab } from "../lab/lab.ts";
import { needTool } from "../lab/tool.ts";
import { applyTo, kernelOf, routeLocalnet } from "./harness.ts";
import { checkPackets, describeRows, type Expectation } from "./rows.ts";

const first = ["192.168.0.2", "fd00:192::2"] as const;
// The kernel prefers the first as source to pods, whose addresses are of its kind.
const second = ["192.168.5.2", "2001:db8:5::2"] as const;
const nodeIps = [...first, ...second];
const services = [{ nodePort: 30080, endpoints: ["pod-b"] }];

/** On the address of each family. */
function on(
  addresses: readonly string[],
  outcome: "answered" | "refused",
  from: readonly string[] = ["outside", "pod-a"],
) {
  return addresses.map((to): Expectation => {
    const given = { from, to, port: 30080, families: to.includes(":") ? ([6] as const) : ([4] as const) };
    return outcome === "answered"
      ? { ...given, answeredBy: ["pod-b"], source: "node" }
      : { ...given, answeredBy: "refused" };
  });
}

const loopback = { from: ["node"], to: "loopback", port: 30080 } as const;
const answeredOn127 = { ...loopback, families: [4], answeredBy: ["pod-b"], source: "node" } as const;
const refusedOn1 = { ...loopback, families: [6], answeredBy: "refused" } as const;

await describeRows(
  "node port addresses",
  [
    {
      title: "node ports answer on every address of the node",
      services,
      nodeIps,
      expect: [...on(first, "answered"), ...on(second, "answered", ["outside", "pod-a", "node"])],
    },
    {
      title: "nodePortAddresses with CIDRs leaves the addresses inside them",
      services,
      nodeIps,
      config: { nodePortAddresses: ["192.168.5.0/24", "2001:db8:5::/64"] },
      expect: [...on(second, "answered"), ...on(first, "refused"), { ...loopback, answeredBy: "refused" }],
    },
    {
      title: "nodePortAddresses with CIDRs of one family leaves the other family all its addresses",
      services,
      nodeIps,
      config: { nodePortAddresses: ["192.168.5.0/24"] },
      expect: [...on(["192.168.5.2", "fd00:192::2", "2001:db8:5::2"], "answered"), ...on(["192.168.0.2"], "refused")],
    },
    {
      title: "nodePortAddresses with the whole network answers everywhere",
      services,
      nodeIps,
      config: { nodePortAddresses: ["192.168.5.0/24", "0.0.0.0/0", "::/0"] },
      expect: [...on(first, "answered"), ...on(second, "answered")],
    },
    {
      title: "nodePortAddresses primary leaves the Node object's first address of each family",
      services,
      nodeIps,
      config: { nodePortAddresses: ["primary"] },
      expect: [...on(first, "answered"), ...on(second, "refused"), { ...loopback, answeredBy: "refused" }],
    },
    {
      title: "nodePortAddresses without an address of the node answers nowhere, also on ports without endpoints",
      services: [...services, { name: "none", clusterIp: 2, nodePort: 30081 }],
      nodeIps,
      config: { nodePortAddresses: ["172.16.0.0/12", "fd00:172::/64"] },
      expect: [...on(nodeIps, "refused"), { from: "outside", to: "node", port: 30081, answeredBy: "refused" }],
    },
    {
      title: "nodePortAddresses does not touch other destinations",
      services: [{ nodePort: 30080, vips: [1], externalIps: [1], endpoints: ["pod-b"] }],
      nodeIps,
      config: { nodePortAddresses: ["172.16.0.0/12", "fd00:172::/64"] },
      expect: [
        { from: "outside", to: "vip", answeredBy: ["pod-b"], source: "node" },
        { from: "outside", to: "external-ip", answeredBy: ["pod-b"], source: "node" },
      ],
    },
    {
      title: "node ports answer on 127.0.0.1 and never on ::1",
      services,
      nodeIps,
      expect: [answeredOn127, refusedOn1],
    },
    {
      title: "nodePortAddresses with 127.0.0.0/8 alone answers on 127.0.0.1 only",
      services,
      nodeIps,
      config: { nodePortAddresses: ["127.0.0.0/8"] },
      expect: [answeredOn127, ...on(["192.168.0.2", "192.168.5.2"], "refused", ["outside", "pod-a", "node"])],
    },
    {
      title: "localhostNodePorts false refuses on 127.0.0.1 and answers on the node's other addresses",
      services,
      nodeIps,
      config: { iptables: { localhostNodePorts: false } },
      expect: [{ ...loopback, answeredBy: "refused" }, ...on(nodeIps, "answered")],
    },
    {
      title: "localhostNodePorts false refuses on 127.0.0.1 even where nodePortAddresses holds it",
      services,
      nodeIps,
      config: { nodePortAddresses: ["127.0.0.0/8", "192.168.0.0/24"], iptables: { localhostNodePorts: false } },
      expect: [{ ...loopback, families: [4], answeredBy: "refused" }, ...on(["192.168.0.2"], "answered")],
    },
    {
      title: "externalTrafficPolicy Local on 127.0.0.1 treats the client as the node",
      services: [{ nodePort: 30080, endpoints: ["remote-a"], spec: { externalTrafficPolicy: "Local" } }],
      nodeIps,
      expect: [{ ...loopback, families: [4], answeredBy: ["remote-a"], source: "node" }],
    },
  ],
  { node: nodeIps, declare },
);

function declare(lab: () => Lab): void {
  test("let the kernel route 127.0.0.0/8 only where they are on", async () => {
    const kernel = kernelOf(lab());
    await kernel.writeSysctl(routeLocalnet, "0");
    await applyTo(lab(), { services, config: { iptables: { localhostNodePorts: false } } });
    expect(await kernel.readSysctl(routeLocalnet)).toBe("0");
    await applyTo(lab(), { services });
    expect(await kernel.readSysctl(routeLocalnet)).toBe("1");
  });

  test("keep what listens on 127.0.0.1 out of a neighbour's reach", async () => {
    const [ip, sysctl] = [await needTool("ip"), await needTool("sysctl")];
    // A neighbour that sends to the node what others keep for themselves (CVE-2020-8558).
    await lab().exec("pod-a", sysctl, ["-qw", "net.ipv4.conf.all.route_localnet=1"]);
    const routes = [
      "route del local 127.0.0.0/8 dev lo table local",
      "route add 127.0.0.9 via 169.254.1.1 dev eth0 onlink",
    ];
    await lab().exec("pod-a", ip, ["-batch", "-"], { input: routes.map((route) => `${route}\n`).join("") });
    await lab().listen("node", [9090], { addresses: ["127.0.0.9"] });
    const packet = { from: "pod-a", to: "127.0.0.9", port: 9090, families: [4] } as const;
    await applyTo(lab(), { services });
    await checkPackets(lab(), { expect: [{ ...packet, answeredBy: "dropped" }] });
    await lab().restore(4, "*filter\n:KUBE-FIREWALL -\nCOMMIT\n", { noflush: true });
    await checkPackets(lab(), { expect: [{ ...packet, answeredBy: ["node"], source: "kept" }] });
  });
}
