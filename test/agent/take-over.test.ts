// kube-proxy gives a node to the agent and takes it back, under traffic. In: kube-proxy's rules for the same objects. Out: no connection that
// fails or breaks, open ones included, and exactly what each leaves of the other.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { ownedByUs, type Family } from "../../rules/index.ts";
import { thisNode } from "../bench/cluster.ts";
import { describeLabs } from "../lab/describe-labs.ts";
import type { BackgroundClient, Lab, Sent } from "../lab/lab.ts";
import { readChains } from "../make/kube-proxy-chains.ts";
import { podNetworks } from "../packets/harness.ts";
import { addressOf, apiObjects, type ServiceBrief } from "../packets/objects.ts";
import { others } from "../packets/saved.ts";
import { endAll } from "../src/commands/an-agent.ts";
import { built } from "../src/commands/cli.ts";
import { aFolder } from "../src/golden/a-case.ts";
import type { ApiObject } from "../support/store.ts";
import { kubeProxyChains, syncAsKubeProxy } from "./kube-proxy.ts";
import { echo, keepOpen, type Exchanged, type Route } from "./open-connections.ts";
import { aPlace, everything, type Place } from "./place.ts";

jest.setTimeout(120_000);
beforeAll(built, 120_000);
afterAll(endAll);

const here = { nodeName: thisNode };
const pods = [
  { host: "pod-a", ...here },
  { host: "pod-b", ...here },
];
const tcp = ["TCP"];

/** With enough of each kind that our dispatch has chains of its own in both tables: past 16 it is a tree. */
const services: readonly ServiceBrief[] = [
  { name: "open", clusterIp: 249, ports: [{ port: 9000 }], protocols: tcp, endpoints: echoing("pod-a", "remote-a") },
  { name: "sticky", clusterIp: 248, endpoints: [...pods, "remote-a"], spec: { sessionAffinity: "ClientIP" } },
  {
    name: "guarded",
    clusterIp: 247,
    vips: [1],
    nodePort: 30900,
    endpoints: pods,
    spec: { externalTrafficPolicy: "Local", loadBalancerSourceRanges: ["203.0.113.0/24", "2001:db8:1::/64"] },
  },
  ...upTo(60).map((at) => ({ name: `none-${at}`, clusterIp: 1 + at, externalIps: [1 + at], nodePort: 31000 + at })),
  ...upTo(60).map((at) => ({
    name: `some-${at}`,
    clusterIp: 101 + at,
    nodePort: 32000 + at,
    endpoints: [...pods, "remote-b"],
  })),
];

const configuration = JSON.stringify({
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  clusterCIDR: podNetworks,
  iptables: { minSyncPeriod: "10ms" },
});

/**
 * Docker's default, with what a CNI accepts of pods' new connections: everything else needs KUBE-FORWARD at each moment, also packets of
 * connections that are open.
 */
const forwardDrops = `*filter
:FORWARD DROP [0:0]
:others-new - [0:0]
-A FORWARD -m conntrack --ctstate NEW -j others-new
-A others-new -i pod+ -j ACCEPT
-A others-new -o pod+ -j ACCEPT
COMMIT
`;

await describeLabs("take-over", (lab) => {
  test("kube-proxy to the agent and back, twice: nothing breaks, and each leaves what it is known to leave", async () => {
    const place = await aPlace(lab(), ...(services.flatMap(apiObjects) as ApiObject[]));
    for (const family of [4, 6] as const) await lab().restore(family, forwardDrops, { noflush: true });
    const objects = await everything(place.here);
    const before = await foreign(lab());
    await syncAsKubeProxy(lab(), objects);
    await expectKubeProxys(place, objects, { left: false });
    const config = join(await aFolder({ "config.json": configuration }), "config.json");
    const handOver = async (): Promise<void> => {
      const agent = place.here.start("--config", config);
      await expectOurs(place, await place.here.planned(objects, config));
      expect(await foreign(lab())).toEqual(before.map(withCanaries));
      expect(await agent.end("SIGTERM")).toBe(0);
    };

    await undisturbed(place, async () => {
      await handOver();
      await syncAsKubeProxy(lab(), objects);
      await expectKubeProxys(place, objects, { left: true });
      await handOver();
      await syncAsKubeProxy(lab(), objects);
    });

    const left = await expectKubeProxys(place, objects, { left: true });
    const cleanup = ["cleanup", "--variant", lab().variant];
    const shown = await place.node.cli(...cleanup, "--dry-run");
    for (const chain of left) expect(shown.stdout).toContain(`  - filter ${chain}\n`);
    expect((await place.node.cli(...cleanup)).code).toBe(0);
    expect(await foreign(lab())).toEqual(before);
    for (const family of [4, 6] as const) expect(ownChains(await lab().save(family))).toEqual(["filter KUBE-FIREWALL"]);
  });
});

/** While this goes on, open connections exchange, new ones are answered, and a client with affinity stays with its endpoint. */
async function undisturbed(place: Place, during: () => Promise<void>): Promise<void> {
  const { lab } = place;
  const endEchoes = [await echo(lab, "pod-a", 9000), await echo(lab, "remote-a", 9000)];
  const close = await keepOpen(lab, routes(lab));
  const background = (from: string, to: string, port: number) =>
    lab.backgroundClient({ from, to, port, parallel: 1, intervalMs: 20, timeoutMs: 900 });
  const clients = await Promise.all([
    background("outside", addressOf("vip 1", 4), 80),
    background("outside", lab.address("node", 6), 30800),
    background("pod-b", addressOf("cluster-ip 101", 4), 80),
  ]);
  const sticky = await Promise.all(
    ([4, 6] as const).map((family) => background("outside", addressOf("cluster-ip 248", family), 80)),
  );
  let open: Exchanged[] = [];
  let answers: Sent[] = [];
  let stuck: Sent[] = [];
  try {
    await place.steadily(during);
  } finally {
    // All of it before anything is judged: a process that is left keeps jest from ending.
    [answers, stuck, open] = [await stopAll(clients), await stopAll(sticky), await close()];
    for (const end of endEchoes) await end();
  }
  for (const sent of [...answers, ...stuck]) expectAnswered(sent);
  for (const { answered } of stuck) expect(Object.keys(answered)).toHaveLength(1);
  for (const { count, longestSilenceMs, broken } of open) {
    expect({ broken, isTalking: count > 50, isLate: longestSilenceMs > 900 }).toEqual({
      isTalking: true,
      isLate: false,
    });
  }
}

function stopAll(clients: readonly BackgroundClient[]): Promise<Sent[]> {
  return Promise.all(clients.map(({ stop }) => stop()));
}

function expectAnswered({ answered, refused, timedOut, failed }: Sent): void {
  expect({ refused, timedOut, failed }).toEqual({ refused: 0, timedOut: 0, failed: {} });
  expect(Object.keys(answered).length).toBeGreaterThan(0);
}

/** Four of each, so that both endpoints are likely to have one. */
function routes(lab: Lab): Route[] {
  return upTo(4).flatMap(() =>
    ([4, 6] as const).flatMap((family) =>
      ["outside", "pod-b"].map((from) => ({
        from,
        source: lab.address(from, family),
        to: addressOf("cluster-ip 249", family),
        port: 9000,
      })),
    ),
  );
}

/**
 * The chains under kube-proxy's names are as it writes them, and none is there besides; `left`: but for those of our dispatch in filter,
 * where it does not look for stale chains. Nothing leads to them. Gives their names.
 */
async function expectKubeProxys(
  place: Place,
  objects: readonly ApiObject[],
  { left }: { readonly left: boolean },
): Promise<string[]> {
  const names: string[] = [];
  const planned = await place.here.planned(objects);
  for (const family of [4, 6] as const) {
    const there = readChains(await place.node.save(family));
    const wanted = kubeProxyChains(objects, family);
    expect(new Map([...there].filter(([key]) => wanted.has(key)))).toEqual(wanted);
    const ours = ownChains(planned[family]).filter((key) => key.startsWith("filter ") && !wanted.has(key));
    expect(ours.length).toBeGreaterThan(0);
    const besides = ownChains(await place.node.save(family)).filter((key) => !wanted.has(key));
    expect(besides).toEqual(left ? ours : []);
    const reached = [...there].flatMap(([key, rules]) => (besides.includes(key) ? [] : rules));
    const leadThere = reached.filter((rule) =>
      besides.some((key) => rule.endsWith(` -j ${key.slice("filter ".length)}`)),
    );
    expect(leadThere).toEqual([]);
    names.push(...besides.map((key) => key.slice("filter ".length)));
  }
  return names;
}

/** `table chain` of all that are ours or kube-proxy's by name, in order. */
function ownChains(rules: string): string[] {
  return rules
    .split(/^(?=\*)/m)
    .flatMap((text) => {
      const [, table = ""] = /^\*(\S+)/.exec(text) ?? [];
      if (table !== "nat" && table !== "filter") return [];
      const chains = [...text.matchAll(/^:(\S+)/gm)].map(([, chain = ""]) => chain);
      return chains.filter((chain) => ownedByUs(chain, table)).map((chain) => `${table} ${chain}`);
    })
    .sort();
}

/** Within 30 s nothing of kube-proxy's is there any more, and all of ours. */
async function expectOurs({ here }: Place, planned: Record<Family, string>): Promise<void> {
  const wanted = [planned[4], planned[6]].map(withoutKubelets);
  const there = async () => [await here.rules(4), await here.rules(6)].map(withoutKubelets);
  let now = await there();
  for (const end = Date.now() + 30_000; Date.now() < end && String(now) !== String(wanted); now = await there())
    await sleep(200);
  expect(now).toEqual(wanted);
}

/** What others have, both families. */
async function foreign(lab: Lab): Promise<string[]> {
  return [await lab.save(4), await lab.save(6)].map((saved) => withoutKubelets(others(saved)));
}

/** The chain that kubelet writes too is left to it where there is one; kube-proxy makes it for IPv6 as well, and we do not. */
function withoutKubelets(rules: string): string {
  return rules.replace(/^.*KUBE-FIREWALL.*\n/gm, "");
}

/** kube-proxy's canaries lead nowhere, and stay for it to find. */
function withCanaries(rules: string): string {
  const canary = ":KUBE-PROXY-CANARY -";
  return rules.replace(/^\*(?:filter|mangle|nat)\n(?:^:.*\n)*/gm, (head) => {
    const [table = "", ...chains] = head.trimEnd().split("\n");
    return `${[table, ...[...chains, canary].sort()].join("\n")}\n`;
  });
}

function echoing(...hosts: readonly string[]) {
  return hosts.map((host) => ({ host, port: 9000, ...(host.startsWith("pod-") ? here : {}) }));
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at);
}
