// A node that kube-proxy served until now. In: rules that a kube-proxy wrote, and the objects it wrote them for. Out: ours in their
// place, and packets that go where they went before, all the time.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { values } from "../../rules/radix/radix.ts";
import { describeLabs } from "../lab/describe-labs.ts";
import type { BackgroundSending, Lab } from "../lab/lab.ts";
import { apiServer } from "./api-server.ts";
import { applyTo, desire, type Situation } from "./harness.ts";
import type { ApiObject } from "./objects.ts";
import { checkPackets, type Expectation } from "./rows.ts";
import { chainNames } from "./saved.ts";

const nodeIps = ["192.168.0.2", "2001:db8::1"];

const outside = (to: string, port: number, by: readonly string[]): Expectation => ({
  from: "outside",
  to,
  port,
  answeredBy: by,
  source: "node",
});

type Sample = {
  readonly name: string;
  readonly expect: readonly Expectation[];
  /** Destinations of clients that connect all the time. */
  readonly steady: readonly BackgroundSending[];
};

const samples: readonly Sample[] = [
  {
    name: "mixed-six-services",
    expect: [
      { from: "outside", to: "172.30.0.1", port: 443, answeredBy: ["node"], source: "kept" },
      outside("172.30.0.41", 80, ["p1"]),
      { from: "p1", to: "172.30.0.41", port: 80, answeredBy: ["p1"], source: "node" },
      { from: "p2", to: "172.30.0.41", port: 80, answeredBy: ["p1"], source: "kept" },
      outside("172.30.0.42", 80, ["p2"]),
      { from: "outside", to: "192.168.99.22", port: 80, answeredBy: "dropped" },
      { from: "outside", to: "1.2.3.4", port: 80, answeredBy: "dropped" },
      { from: "outside", to: "node", port: 30301, answeredBy: "dropped" },
      { from: "p1", to: "1.2.3.4", port: 80, answeredBy: ["p2"], source: "kept" },
      { from: "node", to: "1.2.3.4", port: 80, answeredBy: ["p2"], source: "node" },
      outside("node", 30303, ["p3"]),
      { from: "node", to: "loopback", port: 30303, answeredBy: ["p3"], source: "node" },
      outside("192.168.99.33", 80, ["p4", "p5"]),
      outside("node", 30304, ["p4", "p5"]),
      outside("5.6.7.8", 80, ["p3"]),
      { from: ["outside-b", "p1"], to: "5.6.7.8", port: 80, answeredBy: "dropped" },
      { from: ["outside", "p1"], to: "172.30.0.46", port: 80, answeredBy: "refused" },
    ].map((expectation) => ({ ...expectation, protocols: ["TCP"] }) as Expectation),
    steady: [
      { from: "outside", to: "192.168.99.33", port: 80 },
      { from: "p1", to: "172.30.0.44", port: 80 },
      { from: "outside", to: "192.168.0.2", port: 30303 },
    ],
  },
  {
    name: "three-protocols-nodeports",
    expect: ["172.30.0.41", "192.168.99.11", "1.2.3.4"]
      .map((to) => outside(to, 5060, ["p1"]))
      .concat(outside("node", 30506, ["p1"]), {
        from: "p2",
        to: "172.30.0.41",
        port: 5060,
        answeredBy: ["p1"],
        source: "kept",
      }),
    steady: [
      { from: "outside", to: "1.2.3.4", port: 5060, protocol: "UDP" },
      { from: "outside", to: "192.168.0.2", port: 30506 },
    ],
  },
];

await describeLabs(
  "take-over",
  (lab) => {
    beforeAll(() => lab().listen("node", [6443]));

    describe.each(samples)("$name", ({ name, expect: expectations, steady }) => {
      test("from kube-proxy: packets go where they went before, while and after ours replace its rules", async () => {
        const situation = await readSample(name);
        await applyTo(lab(), { services: [] }); // for route_localnet, which kube-proxy sets too
        await lab().reset();
        await loadKubeProxy(lab(), name);
        await checkPackets(lab(), { families: [4], expect: expectations });

        const clients = await Promise.all(
          steady.map((sending) => lab().backgroundClient({ ...sending, parallel: 1, timeoutMs: 900 })),
        );
        await applyTo(lab(), situation);
        const sent = await Promise.all(clients.map((client) => client.stop()));
        for (const { refused, timedOut, failed } of sent)
          expect({ refused, timedOut, failed }).toEqual({ refused: 0, timedOut: 0, failed: {} });

        await checkPackets(lab(), { families: [4], expect: expectations });
        await expectNothingStale(lab(), situation);
      });

      test("back to kube-proxy: its rules load over ours", async () => {
        await applyTo(lab(), await readSample(name));
        await loadKubeProxy(lab(), name);
        await checkPackets(lab(), { families: [4], expect: expectations });
      });
    });
  },
  {
    node: nodeIps,
    pods: Object.fromEntries(
      [1, 2, 3, 4, 5].map((number) => [`p${number}`, [`10.180.0.${number}`, `fd00:10:180::${number}`]]),
    ),
    ports: [80, 1001, 1002],
  },
);

/** All chains of ours and kube-proxy's are those that are wanted, but for its canaries, which it alone owns. */
async function expectNothingStale(lab: Lab, situation: Situation): Promise<void> {
  for (const { ruleset } of desire(situation).builds) {
    const { nat, filter, mangle } = ruleset.tables;
    const wanted = [nat, filter, mangle].flatMap(({ chains }) => values(chains).map((chain) => String(chain.name)));
    expect(chainNames(await lab.save(ruleset.family))).toEqual([...new Set([...wanted, "KUBE-PROXY-CANARY"])].sort());
  }
}

async function readSample(name: string): Promise<Situation> {
  const { items } = JSON.parse(await readText(name, "objects.json")) as { readonly items: readonly ApiObject[] };
  const config = JSON.parse(await readText(name, "config.json")) as ApiObject;
  return { services: [], objects: [...items, ...apiServer], config, nodeIps };
}

/** As kube-proxy's own restores: on top of what is there. */
async function loadKubeProxy(lab: Lab, name: string): Promise<void> {
  const text = await readText(name, "kube-proxy.rules");
  const six = text.indexOf("# Generated by ip6tables-save");
  await lab.restore(4, text.slice(0, six), { noflush: true });
  await lab.restore(6, text.slice(six), { noflush: true });
}

function readText(name: string, file: string): Promise<string> {
  return readFile(join(import.meta.dirname, "samples", name, file), "utf8");
}
