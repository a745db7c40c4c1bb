// Session affinity by client IP. In: Services with eight ports, each for TCP and UDP. Out: where clients go, again and again.
import { expect, test } from "@jest/globals";
import type { Lab } from "../lab/lab.ts";
import { applyTo } from "./harness.ts";
import type { ServiceBrief } from "./objects.ts";
import { checkPackets, describeRows, resolve, type Destination } from "./rows.ts";

const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
const endpoints = ["pod-a", "pod-b", "remote-a"];
const sticky = (timeoutSeconds: number) => ({
  sessionAffinity: "ClientIP",
  sessionAffinityConfig: { clientIP: { timeoutSeconds } },
});
const service: ServiceBrief = {
  vips: [1],
  ports: numbers.map((number) => ({ name: `p${number}`, port: 80 + number, nodePort: 30080 + number })),
  endpoints,
  spec: sticky(10800),
};
const ports = numbers.map((number) => 80 + number);
const nodePorts = numbers.map((number) => 30080 + number);

/** The server of each Service port (in both families 32 of them), having checked that it answers five times in a row. */
async function serversOf(lab: Lab, { from, to, on }: { from: string; to: Destination; on: readonly number[] }) {
  const found = ([4, 6] as const).flatMap((family) =>
    (["TCP", "UDP"] as const).flatMap((protocol) =>
      on.map(async (port) => {
        const sending = { from, to: resolve(lab, to, family), port, protocol, timeoutMs: 900 };
        // Of two first connections at once neither would find the other's entry.
        const first = await lab.send(sending);
        const later = await lab.send({ ...sending, count: 4 });
        const servers = Object.keys({ ...first.answered, ...later.answered });
        expect({ port, protocol, servers, unanswered: later.timedOut + later.refused }).toEqual({
          port,
          protocol,
          servers: [expect.any(String)],
          unanswered: 0,
        });
        return `${servers[0]}`;
      }),
    ),
  );
  return Promise.all(found);
}

await describeRows(
  "session affinity",
  [
    {
      title: "keeps and rewrites sources as without affinity",
      services: [{ nodePort: 30080, vips: [1], endpoints: ["pod-b"], spec: sticky(10800) }],
      expect: [
        { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b"], source: "kept" },
        { from: ["outside", "node"], to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
        { from: ["outside", "pod-a"], to: "vip", answeredBy: ["pod-b"], source: "node" },
        { from: ["outside", "pod-a"], to: "node", port: 30080, answeredBy: ["pod-b"], source: "node" },
      ],
    },
  ],
  { declare },
);

function declare(lab: () => Lab): void {
  test("keeps a client at one endpoint of each Service port, and chooses it for each port anew", async () => {
    await applyTo(lab(), { services: [service] });
    const first = await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports });
    expect(await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports })).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(1);
  });

  test("tells clients apart", async () => {
    await applyTo(lab(), { services: [service] });
    const one = await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports });
    expect(await serversOf(lab(), { from: "outside-b", to: "cluster-ip", on: ports })).not.toEqual(one);
    expect(await serversOf(lab(), { from: "pod-a", to: "cluster-ip", on: ports })).not.toEqual(one);
  });

  test("is shared between cluster IP, node port and load-balancer address", async () => {
    await applyTo(lab(), { services: [service] });
    const first = await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports });
    expect(await serversOf(lab(), { from: "outside", to: "node", on: nodePorts })).toEqual(first);
    expect(await serversOf(lab(), { from: "outside", to: "vip", on: ports })).toEqual(first);
  });

  test("chooses anew after the timeout", async () => {
    await applyTo(lab(), { services: [{ ...service, spec: sticky(2) }] });
    const first = await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports });
    await new Promise((resolved) => setTimeout(resolved, 3100));
    expect(await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports })).not.toEqual(first);
  });

  test("sends the clients of an endpoint that goes elsewhere and leaves the others where they are", async () => {
    await applyTo(lab(), { services: [service] });
    const before = await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports });
    await applyTo(lab(), { services: [{ ...service, endpoints: ["pod-a", "pod-b"] }] });
    const after = await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports });
    expect(after.map((server, index) => (before[index] === "remote-a" ? "remote-a" : server))).toEqual(before);
    expect(after).not.toContain("remote-a");
  });

  test("keeps clients where they are when an endpoint comes", async () => {
    await applyTo(lab(), { services: [{ ...service, endpoints: ["pod-a", "pod-b"] }] });
    const before = await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports });
    await applyTo(lab(), { services: [service] });
    expect(await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports })).toEqual(before);
  });

  test("can be switched off and on again", async () => {
    const expectSpread = () =>
      checkPackets(lab(), {
        expect: [{ from: "outside", to: "cluster-ip", port: 81, answeredBy: endpoints, source: "node" }],
      });
    await applyTo(lab(), { services: [{ ...service, spec: {} }] });
    await expectSpread();
    await applyTo(lab(), { services: [service] });
    await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports });
    await applyTo(lab(), { services: [{ ...service, spec: {} }] });
    await expectSpread();
  });

  test("keeps to local endpoints with both policies Local", async () => {
    const spec = { ...sticky(10800), internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" };
    await applyTo(lab(), { services: [{ ...service, spec }] });
    const first = await serversOf(lab(), { from: "outside", to: "vip", on: ports });
    expect(new Set(first)).toEqual(new Set(["pod-a", "pod-b"]));
    expect(await serversOf(lab(), { from: "outside", to: "node", on: nodePorts })).toEqual(first);
    expect(await serversOf(lab(), { from: "outside", to: "cluster-ip", on: ports })).toEqual(first);
  });
}
