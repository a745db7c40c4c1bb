// A lab's node with rules of others, an agent beside a fake API server, and clients of one Service. In: a lab. Out: Place.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "@jest/globals";
import type { Family } from "../../rules/index.ts";
import { objects as crowdObjects } from "../bench/cluster.ts";
import type { Lab, Sent } from "../lab/lab.ts";
import { needTool } from "../lab/tool.ts";
import { foreignRules } from "../packets/foreign-rules.ts";
import { podNetworks } from "../packets/harness.ts";
import { addressOf, apiObjects } from "../packets/objects.ts";
import { others, settled } from "../packets/saved.ts";
import { anAgentNode, type AgentNode, type AgentRun } from "../src/commands/an-agent.ts";
import { cli } from "../src/commands/cli.ts";
import type { Node } from "../src/commands/node.ts";
import { aFolder } from "../src/golden/a-case.ts";
import type { ApiObject } from "../support/store.ts";
import { steady } from "./objects.ts";

export type Place = {
  readonly lab: Lab;
  readonly node: Node;
  readonly here: AgentNode;
  /** An agent with the lab's configuration. */
  readonly start: (under?: Parameters<AgentNode["startUnder"]>[0], ...args: readonly string[]) => AgentRun;
  /** The kernel becomes what `rulewright plan` gives for `items`; without them, for all that the API server has. Others' rules are as they were. */
  readonly expectRight: (settings?: Expected) => Promise<void>;
  /** What there is of others' rules from now on is what `expectRight` wants to see. */
  readonly rememberOthers: () => Promise<void>;
  /** No connection to the steady Service fails while this goes on: from outside, and from `pod-a` or another host. */
  readonly steadily: (during: () => Promise<void>, from?: string) => Promise<void>;
};

/** By default within 15 s, and for the agent's usual node name. */
export type Expected = {
  readonly items?: readonly ApiObject[];
  readonly seconds?: number;
  readonly nodeName?: string;
};

/** So many Services with three endpoints each, that nobody connects to. */
export function crowd(services: number): ApiObject[] {
  return [...crowdObjects({ services, endpoints: 3 })] as ApiObject[];
}

/** A node with `foreignRules` in its tables. The API server has the steady Service and these objects; no agent runs yet. */
export async function aPlace(lab: Lab, ...objects: readonly ApiObject[]): Promise<Place> {
  const node = nodeOf(lab);
  for (const family of [4, 6] as const) await node.restore(family, withoutKubelets(foreignRules(family)));
  const here = await anAgentNode(node, ...(apiObjects(steady) as ApiObject[]), ...objects);
  const config = join(await aFolder(), "config.json");
  await writeFile(config, configuration);
  const both = async () => [await lab.save(4), await lab.save(6)].map(others).map(withoutKubelets);
  let untouched = await both();
  return {
    lab,
    node,
    here,
    start: (under = {}, ...args) => here.startUnder(under, "--config", config, ...args),
    expectRight: async ({ items, seconds = 15, nodeName } = {}) => {
      const wanted = await here.planned(items ?? (await everything(here)), config, nodeName);
      expect(await here.reaches(wanted, seconds)).toEqual(wanted);
      expect(await both()).toEqual(untouched);
    },
    rememberOthers: async () => {
      untouched = await both();
    },
    steadily: async (during, from = "pod-a") => {
      const stop = await startClients(lab, from);
      try {
        await during();
        // However short that was, on a busy machine too.
        await sleep(500);
      } finally {
        for (const sent of await stop()) expectSteady(sent);
      }
    },
  };
}

/** Everything that rules depend on. */
export async function everything(here: AgentNode): Promise<ApiObject[]> {
  return [...(await here.api.objects("Service")), ...(await here.api.objects("EndpointSlice"))];
}

/** Waits until it is so. */
export async function until(what: () => Promise<boolean> | boolean, seconds = 15): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    if (await what()) return;
    await sleep(100);
  }
  throw new Error(`not so within ${seconds} s: ${what.toString()}`);
}

/** A lab's node as the command line's tests have theirs. */
function nodeOf(lab: Lab): Node {
  const enter = async () => [await needTool("ip"), "netns", "exec", lab.node.namespace];
  return {
    variant: lab.variant,
    namespace: lab.node.namespace,
    env: () => lab.node.env,
    cli: async (...args) => cli(args, { before: await enter(), env: lab.node.env }),
    run: async (tool, args, input = "") => lab.node.exec(await needTool(tool), args, { input }),
    save: async (family) => settled(await lab.save(family)),
    restore: async (family, script) => {
      await lab.restore(family, script, { noflush: true });
    },
  };
}

/** The chain that kubelet and we both write is nobody else's, and has its place among our jumps. */
function withoutKubelets(rules: string): string {
  return rules.replace(/^.*KUBE-FIREWALL.*\n/gm, "");
}

const configuration = JSON.stringify({
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  clusterCIDR: podNetworks,
  iptables: { minSyncPeriod: "10ms" },
});

/** Of either family and protocol. Few enough that they leave the processor to the agent. */
async function startClients(lab: Lab, from: string): Promise<() => Promise<Sent[]>> {
  const to = (family: Family) => ({ to: addressOf("cluster-ip 250", family), port: 80 });
  const clients = await Promise.all(
    [
      { from: "outside", ...to(4) },
      { from, ...to(6), protocol: "UDP" as const },
    ].map((sending) =>
      // Below the 1 s after which a SYN is sent again: a lost one must count.
      lab.backgroundClient({ ...sending, parallel: 1, intervalMs: 20, timeoutMs: 900 }),
    ),
  );
  return () => Promise.all(clients.map((client) => client.stop()));
}

function expectSteady({ answered, refused, timedOut, failed }: Sent): void {
  expect({ refused, timedOut, failed }).toEqual({ refused: 0, timedOut: 0, failed: {} });
  expect(Object.values(answered).reduce((a, b) => a + b, 0)).toBeGreaterThan(10);
}
