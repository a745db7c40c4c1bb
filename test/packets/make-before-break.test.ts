// A client of one Service while many others change. In: 1,600 Services in batches. Out: not one attempt that fails.
import { expect, test } from "@jest/globals";
import { describeLabs } from "../lab/describe-labs.ts";
import type { BackgroundSending, Lab, Sent } from "../lab/lab.ts";
import { applyTo } from "./harness.ts";
import { addressOf, type ServiceBrief } from "./objects.ts";

/** In the midst of the others' addresses and ports, so that the chains on the way to it are rewritten. */
const steady: ServiceBrief = {
  name: "steady",
  clusterIp: 128,
  vips: [1],
  nodePort: 30800,
  endpoints: ["pod-a", "pod-b", "remote-a"],
};

function others(count: number, host: string): ServiceBrief[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `other-${index}`,
    protocols: ["TCP"],
    ports: [{ port: 80, nodePort: 30000 + index + (index < 800 ? 0 : 1) }],
    endpoints: [{ host, port: 8080 }],
    spec: clusterIps(index),
  }));
}

function clusterIps(index: number) {
  const [high, low] = [(index >> 7) % 256, index % 127];
  const ip = `10.96.${high}.${low}`;
  return { clusterIP: ip, clusterIPs: [ip, `fd00:10:96::${high.toString(16)}:${low.toString(16)}`] };
}

/** Clients of the steady Service: both families, both protocols, every kind of destination and of client. */
async function startClients(lab: Lab) {
  const sendings: readonly BackgroundSending[] = [
    { from: "outside", to: addressOf("cluster-ip 128", 4), port: 80 },
    { from: "pod-a", to: addressOf("cluster-ip 128", 6), port: 80, protocol: "UDP" },
    { from: "outside", to: lab.address("node", 4), port: 30800, protocol: "UDP" },
    { from: "node", to: addressOf("vip 1", 4), port: 80 },
    { from: "outside", to: addressOf("vip 1", 6), port: 80 },
  ];
  const clients = await Promise.all(
    // Below the 1 s after which a SYN is sent again: a lost one must count.
    sendings.map((sending) => lab.backgroundClient({ ...sending, parallel: 1, intervalMs: 2, timeoutMs: 900 })),
  );
  return async () => Promise.all(clients.map((client) => client.stop()));
}

function expectSteady(sent: Sent): void {
  const { answered, refused, timedOut, failed } = sent;
  expect({ refused, timedOut, failed }).toEqual({ refused: 0, timedOut: 0, failed: {} });
  expect(Object.keys(answered)).toEqual(["pod-a", "pod-b", "remote-a"]);
  expect(Object.values(answered).reduce((a, b) => a + b, 0)).toBeGreaterThan(50);
}

await describeLabs("make before break", (lab, variant) => {
  test("1,600 Services that come, change and go fail no connection to another", async () => {
    await applyTo(lab(), { services: [steady] });
    const stop = await startClients(lab());
    const added = await applyTo(lab(), { services: [steady, ...others(1600, "pod-a")] });
    await applyTo(lab(), { services: [steady, ...others(1500, "remote-b")] });
    await applyTo(lab(), { services: [steady] });
    const sent = await stop();
    for (const { batches } of added) expect(batches.length).toBeGreaterThanOrEqual(variant === "nft" ? 4 : 1);
    sent.forEach(expectSteady);
  }, 120_000);
});
