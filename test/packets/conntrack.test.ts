// Clients of UDP that keep their port while endpoints come and go. In: situations one after the other. Out: who answers, before and after a cleanup.
import { describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ExecaError } from "execa";
import { parseFlows } from "../../rules/conntrack/flow.ts";
import { owe } from "../../rules/conntrack/owed.ts";
import type { Model } from "../../rules/index.ts";
import type { Ip } from "../../rules/net/ip.ts";
import { cleanStale, type Subject } from "../../src/conntrack/clean-stale.ts";
import type { RunConntrack } from "../../src/conntrack/tool.ts";
import { describeLabs } from "../lab/describe-labs.ts";
import type { Lab } from "../lab/lab.ts";
import { defaults } from "../lab/layout.ts";
import { needTool } from "../lab/tool.ts";
import { applyTo, desire, type Situation } from "./harness.ts";
import { addressOf, type ServiceBrief } from "./objects.ts";

const conntrack = await needTool("conntrack").catch(() => "conntrack");
const nodeIps = [...defaults.node, "127.0.0.1", "::1"].map((ip) => ip as Ip);
const tracked = ["UDP"] as const;

/** The tool on the lab's node. */
const runOn =
  (lab: Lab): RunConntrack =>
  async (args) => {
    try {
      return { code: 0, ...(await lab.node.exec(conntrack, args)) };
    } catch (error) {
      if (!(error instanceof ExecaError)) throw error;
      return { code: error.exitCode, stdout: String(error.stdout), stderr: String(error.stderr) };
    }
  };

const modelsOf = (situation: Situation): readonly Model[] => desire(situation).builds.map(({ model }) => model);

/** What is owed after `before` was in force, or (without it) after a start. */
function subjectsOf(after: Situation, before?: Situation): Subject[] {
  const old = before === undefined ? [] : modelsOf(before);
  return modelsOf(after).flatMap((model) => {
    const was = old.find(({ view }) => view.family === model.view.family);
    const owed = owe(undefined, { before: was, after: model, tracked });
    return owed === undefined ? [] : [{ model, owed }];
  });
}

async function clean(lab: Lab, after: Situation, before?: Situation): Promise<number> {
  const { deleted, ...rest } = await cleanStale(subjectsOf(after, before), { nodeIps }, runOn(lab));
  expect(rest).toEqual({ failed: 0, done: true, warning: undefined });
  return deleted;
}

const service: ServiceBrief = { externalIps: [1], vips: [1], nodePort: 30080 };
const other: ServiceBrief = { name: "other", clusterIp: 9, endpoints: ["pod-b"] };
const served = (...endpoints: string[]): Situation => ({ services: [{ ...service, endpoints }, other] });

/** A client that keeps its port. What answers it, or `nobody`. */
async function ask(lab: Lab, { from, to, port }: Client, family: 4 | 6): Promise<string> {
  const address = to === "node" ? lab.address("node", family) : to === "loopback" ? "127.0.0.1" : addressOf(to, family);
  const sending = {
    from,
    to: address,
    port,
    protocol: "UDP",
    sourcePort: sourcePorts[family],
  } as const;
  const { answered } = await lab.send(sending);
  return Object.keys(answered)[0] ?? "nobody";
}

const sourcePorts = { 4: 7004, 6: 7006 } as const;

type Client = {
  readonly from: string;
  readonly to: "cluster-ip" | "external-ip" | "vip" | "node" | "loopback";
  readonly port: number;
};
const clients: readonly Client[] = [
  { from: "outside", to: "cluster-ip", port: 80 },
  { from: "pod-b", to: "cluster-ip", port: 80 },
  { from: "node", to: "cluster-ip", port: 80 },
  { from: "outside", to: "external-ip", port: 80 },
  { from: "outside", to: "vip", port: 80 },
  { from: "outside", to: "node", port: 30080 },
  { from: "pod-b", to: "node", port: 30080 },
];
const cases = clients.flatMap((client) => ([4, 6] as const).map((family) => ({ ...client, family })));

/** A pod that has ended: nothing gets to it. */
async function end(lab: Lab, host: string, family: 4 | 6): Promise<void> {
  const ip = lab.address(host, family);
  const rule = `-A POSTROUTING -d ${ip} -j DROP`;
  await lab.restore(family, ["*mangle", rule, "COMMIT", ""].join("\n"), { noflush: true });
}

/** What is in the table, without what changes by itself. */
async function tuples(lab: Lab): Promise<string[]> {
  const texts = await Promise.all(
    ["ipv4", "ipv6"].map((family) => lab.node.exec(conntrack, ["-L", "-f", family, "-o", "extended"])),
  );
  return texts.flatMap(({ stdout }) => parseFlows(stdout).map((flow) => JSON.stringify(flow))).sort();
}

await describeLabs("stale conntrack entries", (lab) => {
  describe("a client whose endpoint is replaced", () => {
    test.each(cases)(
      "from $from to $to over IPv$family has no answer until a cleanup",
      async ({ family, ...client }) => {
        await applyTo(lab(), served("pod-a"));
        expect(await ask(lab(), client, family)).toBe("pod-a");
        await applyTo(lab(), served("remote-a"));
        await end(lab(), "pod-a", family);
        expect(await ask(lab(), client, family)).toBe("nobody");
        expect(await clean(lab(), served("remote-a"), served("pod-a"))).toBe(1);
        expect(await ask(lab(), client, family)).toBe("remote-a");
      },
    );
  });

  test("of a node port on loopback has an answer again too", async () => {
    const client: Client = { from: "node", to: "loopback", port: 30080 };
    await applyTo(lab(), served("pod-a"));
    expect(await ask(lab(), client, 4)).toBe("pod-a");
    await applyTo(lab(), served("pod-b"));
    expect(await ask(lab(), client, 4)).toBe("pod-a");
    expect(await clean(lab(), served("pod-b"), served("pod-a"))).toBe(1);
    expect(await ask(lab(), client, 4)).toBe("pod-b");
  });

  describe("a client that sent before there was a Service", () => {
    const early: readonly Client[] = [
      { from: "outside", to: "cluster-ip", port: 80 },
      { from: "pod-b", to: "external-ip", port: 80 },
    ];
    test.each(early.flatMap((client) => ([4, 6] as const).map((family) => ({ ...client, family }))))(
      "from $from to $to over IPv$family has no answer until a cleanup",
      async ({ family, ...client }) => {
        const before = { services: [other] };
        await applyTo(lab(), before);
        expect(await ask(lab(), client, family)).toBe("nobody");
        await applyTo(lab(), served("pod-a"));
        expect(await ask(lab(), client, family)).toBe("nobody");
        expect(await clean(lab(), served("pod-a"), before)).toBe(1);
        expect(await ask(lab(), client, family)).toBe("pod-a");
      },
    );
  });

  test.each([4, 6] as const)("of a Service that is gone, or has no endpoint left, go (IPv%d)", async (family) => {
    const client: Client = { from: "outside", to: "cluster-ip", port: 80 };
    for (const after of [{ services: [other] }, served()]) {
      await applyTo(lab(), served("pod-a"));
      expect(await ask(lab(), client, family)).toBe("pod-a");
      await applyTo(lab(), after);
      expect(await ask(lab(), client, family)).toBe("pod-a");
      expect(await clean(lab(), after, served("pod-a"))).toBe(1);
      expect(await ask(lab(), client, family)).toBe("nobody");
      await lab().conntrackFlush();
    }
  });

  test.each([4, 6] as const)("nothing else is touched (IPv%d)", async (family) => {
    const situation = served("pod-a");
    await applyTo(lab(), situation);
    const foreign = family === 4 ? "198.18.9.9" : "2001:db8:ef::9";
    const target = family === 4 ? "10.244.0.6:8080" : "[fd00:10:244::6]:8080";
    const rules = [80, 30080].map(
      (port) => `-A PREROUTING -d ${foreign} -p udp --dport ${port} -j DNAT --to ${target}`,
    );
    await lab().restore(family, ["*nat", ...rules, "COMMIT", ""].join("\n"), { noflush: true });
    const sent = [
      { to: foreign, port: 80, protocol: "UDP" },
      { to: foreign, port: 30080, protocol: "UDP" },
      { to: addressOf("cluster-ip", family), port: 80, protocol: "TCP" },
      { to: addressOf("cluster-ip 9", family), port: 80, protocol: "UDP" },
      { to: lab().address("pod-a", family), port: 80, protocol: "UDP" },
    ] as const;
    for (const [at, sending] of sent.entries()) {
      const { answered } = await lab().send({ from: "outside", sourcePort: 7100 + at, ...sending });
      expect({ sending, answers: Object.values(answered) }).toEqual({ sending, answers: [1] });
    }
    const there = await tuples(lab());
    expect(there).toHaveLength(sent.length);
    await applyTo(lab(), served("pod-b"));
    // Endpoint pod-a is gone now; only a UDP flow by a frontend to it would be stale.
    expect(await clean(lab(), served("pod-b"), situation)).toBe(0);
    expect(await clean(lab(), served("pod-b"))).toBe(0);
    expect(await tuples(lab())).toEqual(there);
  });

  test("of many clients of many endpoints go, by a process for each endpoint", async () => {
    const input = Array.from({ length: 600 }, (_, at) => {
      const [client, endpoint] = [`203.0.113.${1 + (at % 200)}`, `10.244.9.${1 + (at % 30)}`];
      const there = `-s ${client} -d 10.96.0.1 --sport ${2000 + at} --dport 80`;
      const back = `-g ${endpoint} -q ${client} --reply-port-src 80 --reply-port-dst ${2000 + at}`;
      return `-A -t 600 -u SEEN_REPLY,ASSURED -p udp ${there} ${back}\n`;
    }).join("");
    await applyTo(lab(), served("pod-a"));
    const file = join(await mkdtemp(join(tmpdir(), "rulewright-conntrack-")), "entries");
    await writeFile(file, input);
    await lab().node.exec(conntrack, ["-R", file]);
    await rm(dirname(file), { recursive: true });
    const asked: string[] = [];
    const run: RunConntrack = (args, options) => {
      asked.push(args.join(" "));
      return runOn(lab())(args, options);
    };
    const cleaned = await cleanStale(subjectsOf(served("pod-a")), { nodeIps }, run);
    expect(cleaned).toEqual({ deleted: 600, failed: 0, done: true, warning: undefined });
    expect(asked).toHaveLength(2 + 30);
    expect(await tuples(lab())).toEqual([]);
  });
});
