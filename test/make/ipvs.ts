// IPVS mode for tests: a build of a cluster, and all tools of a fake node. In: few settings. Out: IpvsBuild; states read and written.
import { parseAddresses } from "../../rules/addresses/parse.ts";
import { renderAddressChanges } from "../../rules/addresses/addresses.ts";
import { parseSetTable } from "../../rules/ipset/read-table.ts";
import { renderSetChanges } from "../../rules/ipset/render-sets.ts";
import { orderChanges } from "../../rules/iptables/script/order.ts";
import { renderBatch } from "../../rules/iptables/script/render-script.ts";
import { parseRuleset } from "../../rules/iptables/text/parse.ts";
import { buildIpvs, type IpvsBuild } from "../../rules/ipvs/build.ts";
import type { DrainView } from "../../rules/ipvs/diff-servers.ts";
import { buildIpvsNode, type IpvsNode, type IpvsSettings } from "../../rules/ipvs/node.ts";
import { ownedByIpvs, ownedServers } from "../../rules/ipvs/ownership.ts";
import { parseServers } from "../../rules/ipvs/parse.ts";
import { renderServerChanges } from "../../rules/ipvs/render.ts";
import { defaultScheduler } from "../../rules/ipvs/scheduler.ts";
import { ownSetTypes } from "../../rules/ipvs/set-names.ts";
import type { IpvsState } from "../../rules/ipvs/state.ts";
import { diffStates, type IpvsStep } from "../../rules/ipvs/steps.ts";
import { buildModel } from "../../rules/model/model.ts";
import type { Cluster } from "../../rules/model/cluster.ts";
import type { View } from "../../rules/model/view.ts";
import type { Family } from "../../rules/net/ip.ts";
import { createFakeKernel } from "../../src/kernel/fake.ts";
import { aNode, aView } from "./node.ts";
import { createFakeIpvs, type FakeIpvs, type FakeIpvsOptions } from "./fake-ipvs.ts";

/** The node of `aNode`, round robin, nothing excluded. */
export function anIpvsNode(view: View = aView(), settings: Partial<IpvsSettings> = {}): IpvsNode {
  return buildIpvsNode(aNode(), { scheduler: defaultScheduler, excludeCidrs: [], ...settings }, view);
}

/** Nothing is drained, excluded, or somebody else's. */
export const patient: DrainView = { isDrained: () => false, excludeCidrs: [], others: new Set() };

/** What drains is drained. */
export const drained: DrainView = { ...patient, isDrained: () => true };

export function ipvsOf(cluster: Cluster, view: View = aView(), node: IpvsNode = anIpvsNode(view)): IpvsBuild {
  return buildIpvs(buildModel(cluster, view), node);
}

/** A node whose tools are all fakes. */
export type IpvsNodeFake = {
  readonly tools: FakeIpvs;
  readonly rules: (family: Family) => Promise<string>;
  readonly read: (family: Family) => Promise<{
    readonly state: IpvsState;
    readonly others: ReadonlySet<string>;
    readonly problems: readonly unknown[];
  }>;
  /** Steps in order; `between` sees the node after each. Throws where a tool refuses anything. */
  readonly write: (family: Family, steps: readonly IpvsStep[], between?: () => void) => Promise<void>;
};

export async function aFakeNode(
  options: FakeIpvsOptions & { readonly foreignRules?: string } = {},
): Promise<IpvsNodeFake> {
  const kernel = createFakeKernel(options.foreignRules === undefined ? {} : { rules: { 4: options.foreignRules } });
  const printed: Record<Family, string> = { 4: await kernel.readRules(4), 6: await kernel.readRules(6) };
  const tools = createFakeIpvs({ ...options, rules: () => printed[4] + printed[6] });
  const read: IpvsNodeFake["read"] = async (family) => {
    const sets = parseSetTable(tools.sets(), { family, types: ownSetTypes(family) });
    const addresses = parseAddresses(tools.addresses(), family);
    const servers = parseServers(tools.servers(), family, ownedServers(sets.table, addresses.ours));
    const ruleset = parseRuleset(await kernel.readRules(family), family, ownedByIpvs);
    return {
      state: { family, sets: sets.table, addresses: addresses.ours, servers: servers.table, ruleset },
      others: servers.others,
      problems: [...sets.problems, ...addresses.problems, ...servers.problems],
    };
  };
  const write: IpvsNodeFake["write"] = async (family, steps, between = () => undefined) => {
    for (const step of steps) {
      if (step.tool === "iptables") {
        for (const batch of orderChanges(step.changes, 1000)) {
          checkSets(renderBatch(batch), tools.sets());
          const done = await kernel.restore(family, renderBatch(batch));
          if (!done.ok) throw new Error(`refused: ${done.message}\n${renderBatch(batch)}`);
        }
        printed[family] = await kernel.readRules(family);
      } else {
        const { refused } = runTool(tools, step, family);
        if (refused.length > 0) throw new Error(`${step.tool} refused: ${JSON.stringify(refused)}`);
      }
      between();
    }
  };
  return { tools, rules: (family) => kernel.readRules(family), read, write };
}

/** Reads, writes the difference, and again until nothing is left to do; what drains is taken for drained. */
export async function settle(node: IpvsNodeFake, desired: IpvsState): Promise<number> {
  for (let round = 0; ; round++) {
    const { state, others } = await node.read(desired.family);
    const { steps } = diffStates(state, desired, { ...drained, others });
    if (steps.length === 0) return round;
    if (round > 5) throw new Error(`bug: comes to no end: ${JSON.stringify(steps)}`);
    await node.write(desired.family, steps);
  }
}

function runTool(tools: FakeIpvs, step: Exclude<IpvsStep, { tool: "iptables" }>, family: Family) {
  switch (step.tool) {
    case "ipset":
      return tools.ipset(renderSetChanges(step.changes, family));
    case "ip":
      return tools.ip(renderAddressChanges(step.changes));
    case "ipvsadm":
      return tools.ipvsadm(renderServerChanges(step.changes));
  }
}

/** iptables refuses a rule that names a set which is not there, or of another number of parts. */
function checkSets(script: string, saved: string): void {
  const types = new Map([...saved.matchAll(/^create (\S+) (\S+)/gm)].map(([, name, type]) => [name, type]));
  for (const [, name, flags = ""] of script.matchAll(/--match-set (\S+) (\S+)/g)) {
    const type = types.get(name);
    if (type === undefined) throw new Error(`Set ${String(name)} doesn't exist.`);
    if (type.split(",").length !== flags.split(",").length) throw new Error(`${String(name)} is no set for ${flags}`);
  }
}
