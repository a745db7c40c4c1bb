// One situation after the other in one kernel, each applied as the difference. In: steps. Out: packets after every step.
import { expect, test } from "@jest/globals";
import { describeLabs } from "../lab/describe-labs.ts";
import type { Lab } from "../lab/lab.ts";
import { applyTo } from "./harness.ts";
import type { ServiceBrief } from "./objects.ts";
import { checkRow, type Expectation, type Row } from "./rows.ts";
import { settled } from "./saved.ts";

type Step = Omit<Row, "title">;

const served = (by: readonly string[], more: Partial<Expectation> = {}): Expectation => ({
  from: "outside",
  to: "cluster-ip",
  source: "node",
  ...more,
  answeredBy: by,
});
const on = (service: ServiceBrief, ...expect: readonly Expectation[]): Step => ({ services: [service], expect });
const external = { nodePort: 30080, vips: [1] };
const node = { to: "node", port: 30080 } as const;

const sequences: readonly { readonly title: string; readonly steps: readonly Step[] }[] = [
  {
    title: "follows endpoints that come, go and change their port",
    steps: [
      on({ endpoints: ["pod-a"] }, served(["pod-a"])),
      on({ endpoints: ["pod-a", "pod-b", "remote-a"] }, served(["pod-a", "pod-b", "remote-a"])),
      on({ endpoints: ["pod-b"] }, served(["pod-b"])),
      on({ endpoints: [{ host: "pod-b", port: 8080 }] }, served(["pod-b"])),
      on({}, { from: ["outside", "pod-a"], to: "cluster-ip", answeredBy: "refused" }),
      on({ endpoints: ["pod-b"] }, served(["pod-b"])),
    ],
  },
  {
    title: "follows the conditions of endpoints while a rollout goes on",
    steps: [
      on({ ...external, endpoints: ["pod-a"] }, served(["pod-a"])),
      on({ ...external, endpoints: ["pod-a", { host: "pod-b", ready: false }] }, served(["pod-a"])),
      on(
        { ...external, endpoints: [{ host: "pod-a", ready: false, serving: true, terminating: true }, "pod-b"] },
        served(["pod-b"]),
        served(["pod-b"], { to: "vip" }),
      ),
      on({ ...external, endpoints: ["pod-b"] }, served(["pod-b"]), served(["pod-b"], node)),
    ],
  },
  {
    title: "takes the rules of a deleted Service away, leaves the others, and serves it again when it comes back",
    steps: [
      {
        services: [
          { name: "a", clusterIp: 1, nodePort: 30080, endpoints: ["pod-a"] },
          { name: "b", clusterIp: 2, nodePort: 30081, endpoints: ["pod-b"] },
        ],
        expect: [served(["pod-a"]), served(["pod-b"], { to: "cluster-ip 2" })],
      },
      {
        services: [{ name: "b", clusterIp: 2, nodePort: 30081, endpoints: ["pod-b"] }],
        expect: [
          { from: "outside", to: "cluster-ip 1", answeredBy: "unanswered" },
          { from: "outside", ...node, answeredBy: "refused" },
          served(["pod-b"], { to: "cluster-ip 2" }),
        ],
      },
      {
        services: [
          { name: "a", clusterIp: 3, nodePort: 30080, endpoints: ["pod-a"] },
          { name: "b", clusterIp: 2, nodePort: 30081, endpoints: ["pod-b"] },
        ],
        expect: [
          served(["pod-a"], { to: "cluster-ip 3" }),
          served(["pod-a"], node),
          served(["pod-b"], { to: "cluster-ip 2" }),
        ],
      },
      { services: [], expect: [{ from: "outside", to: "cluster-ip 2", answeredBy: "unanswered" }] },
    ],
  },
  {
    title: "follows ports that come, go and change",
    steps: [
      on({ endpoints: ["pod-a"], ports: [{ name: "a", port: 80 }] }, served(["pod-a"])),
      on(
        {
          endpoints: ["pod-a"],
          ports: [
            { name: "a", port: 80 },
            { name: "b", port: 81 },
          ],
        },
        served(["pod-a"]),
        served(["pod-a"], { port: 81 }),
      ),
      on({ endpoints: ["pod-a"], ports: [{ name: "b", port: 82 }] }, served(["pod-a"], { port: 82 }), {
        from: "outside",
        to: "cluster-ip",
        port: 80,
        answeredBy: "unanswered",
      }),
    ],
  },
  {
    title: "follows the type of a Service from ClusterIP to NodePort, LoadBalancer, ExternalName and back",
    steps: [
      on({ endpoints: ["pod-a"] }, served(["pod-a"]), { from: "outside", ...node, answeredBy: "refused" }),
      on({ endpoints: ["pod-a"], nodePort: 30080 }, served(["pod-a"]), served(["pod-a"], node)),
      on({ endpoints: ["pod-a"], ...external }, served(["pod-a"], node), served(["pod-a"], { to: "vip" })),
      on(
        { endpoints: ["pod-a"], spec: { type: "ExternalName", externalName: "example.com" } },
        { from: "outside", to: "cluster-ip", answeredBy: "unanswered" },
        { from: "outside", ...node, answeredBy: "refused" },
        { from: "outside", to: "vip", answeredBy: "unanswered" },
      ),
      on({ endpoints: ["pod-a"] }, served(["pod-a"]), { from: "outside", ...node, answeredBy: "refused" }),
    ],
  },
  {
    title: "follows the node port",
    steps: [
      on({ endpoints: ["pod-a"], nodePort: 30080 }, served(["pod-a"], node)),
      on({ endpoints: ["pod-a"], nodePort: 30090 }, served(["pod-a"], { to: "node", port: 30090 }), {
        from: "outside",
        ...node,
        answeredBy: "refused",
      }),
      on(
        { endpoints: ["pod-a"], nodePort: 30090, protocols: ["UDP"] },
        served(["pod-a"], { to: "node", port: 30090, protocols: ["UDP"] }),
        { from: "outside", to: "node", port: 30090, protocols: ["TCP"], answeredBy: "refused" },
      ),
    ],
  },
  {
    title: "follows the traffic policies",
    steps: [
      on({ ...external, endpoints: ["pod-b", "remote-a"] }, served(["pod-b", "remote-a"], { to: "vip" })),
      on(
        { ...external, endpoints: ["pod-b", "remote-a"], spec: { externalTrafficPolicy: "Local" } },
        served(["pod-b"], { to: "vip", source: "kept" }),
      ),
      on(
        { ...external, endpoints: ["pod-b", "remote-a"], spec: { internalTrafficPolicy: "Local" } },
        served(["pod-b", "remote-a"], { to: "vip" }),
        served(["pod-b"]),
      ),
      on({ ...external, endpoints: ["pod-b", "remote-a"] }, served(["pod-b", "remote-a"])),
    ],
  },
  {
    title: "follows the source ranges",
    steps: [
      on({ ...external, endpoints: ["pod-b"] }, served(["pod-b"], { to: "vip" })),
      on(
        {
          ...external,
          endpoints: ["pod-b"],
          spec: { loadBalancerSourceRanges: ["198.51.100.0/24", "2001:db8:2::/64"] },
        },
        { from: "outside", to: "vip", answeredBy: "dropped" },
        served(["pod-b"], { from: "outside-b", to: "vip" }),
      ),
      on(
        {
          ...external,
          endpoints: ["pod-b"],
          spec: { loadBalancerSourceRanges: ["203.0.113.7/32", "2001:db8:1::7/128"] },
        },
        served(["pod-b"], { to: "vip" }),
        { from: "outside-b", to: "vip", answeredBy: "dropped" },
      ),
      on({ ...external, endpoints: ["pod-b"] }, served(["pod-b"], { from: "outside-b", to: "vip" })),
    ],
  },
  {
    title: "leaves a Service to others when a label says so, and takes it back",
    steps: (["service-proxy-name", "headless"] as const).flatMap((label) => [
      on({ endpoints: ["pod-a"] }, served(["pod-a"])),
      on(
        { endpoints: ["pod-a"], labels: { [`service.kubernetes.io/${label}`]: "other" } },
        { from: "outside", to: "cluster-ip", answeredBy: "unanswered" },
      ),
      on({ endpoints: ["pod-a"] }, served(["pod-a"])),
    ]),
  },
  {
    title: "follows the configuration",
    steps: [
      { ...on({ endpoints: ["pod-b"] }), expect: [served(["pod-b"], { from: "pod-a", source: "kept" })] },
      {
        ...on({ endpoints: ["pod-b"] }),
        config: { iptables: { masqueradeAll: true } },
        expect: [served(["pod-b"], { from: "pod-a", source: "node" })],
      },
      {
        ...on({ endpoints: ["pod-b"] }),
        config: { clusterCIDR: "", detectLocalMode: "NodeCIDR" },
        expect: [served(["pod-b"], { from: "pod-a", source: "kept" }), served(["pod-b"], { from: "remote-a" })],
      },
    ],
  },
];

const richSteps: readonly Step[] = [
  {
    services: [
      { name: "a", ...external, endpoints: ["pod-a", "pod-b"], spec: { externalTrafficPolicy: "Local" } },
      { name: "b", clusterIp: 2, endpoints: ["pod-b"], spec: { sessionAffinity: "ClientIP" } },
      { name: "c", clusterIp: 3 },
    ],
    expect: [
      served(["pod-a", "pod-b"]),
      served(["pod-b"], { to: "cluster-ip 2" }),
      { from: "outside", to: "cluster-ip 3", answeredBy: "refused" },
    ],
  },
  {
    services: Array.from({ length: 40 }, (_, index) => ({
      name: `web-${index}`,
      clusterIp: index + 1,
      nodePort: 30100 + index,
      endpoints: [index % 2 === 0 ? "pod-a" : "remote-a"],
    })),
    expect: [served(["remote-a"], { to: "cluster-ip 40" }), served(["pod-a"])],
  },
];

await describeLabs("updates", (lab) => {
  for (const { title, steps } of sequences) {
    test(title, async () => {
      for (const step of steps) await checkRow(lab(), { ...step, title });
    });
  }

  test("ends after A, B and A again where it was after A", async () => {
    const [a, b] = richSteps as [Step, Step];
    await checkRow(lab(), { ...a, title: "A" });
    const rules = await rulesOf(lab());
    await checkRow(lab(), { ...b, title: "B" });
    await checkRow(lab(), { ...a, title: "A again" });
    expect(await rulesOf(lab())).toEqual(rules);
  });

  test("changes nothing the second time", async () => {
    for (const step of richSteps) {
      await applyTo(lab(), step);
      const rules = await rulesOf(lab());
      expect((await applyTo(lab(), step)).map(({ changes }) => changes)).toEqual([[], []]);
      expect(await rulesOf(lab())).toEqual(rules);
    }
  });
});

async function rulesOf(lab: Lab): Promise<string[]> {
  return Promise.all([lab.save(4), lab.save(6)]).then((saved) => saved.map(settled));
}
