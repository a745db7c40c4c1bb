// What a kube-proxy does to a node in a full sync, in its order. In: a lab, objects. Out: its rules in the kernel, over whatever was there.
import { ExecaError } from "execa";
import {
  buildCluster,
  buildModel,
  buildView,
  decodeEndpointSlice,
  decodeService,
  defaultSettings,
  type Cidr,
  type Decoded,
  type Family,
  type Model,
} from "../../rules/index.ts";
import { splitWords } from "../../rules/iptables/text/quote.ts";
import { thisNode } from "../bench/cluster.ts";
import type { Lab } from "../lab/lab.ts";
import { needTool } from "../lab/tool.ts";
import { fixedChains, jumps } from "../make/kube-proxy-frame.ts";
import { readChains } from "../make/kube-proxy-chains.ts";
import { renderKubeProxyLayout } from "../make/kube-proxy-layout.ts";
import { renderRule } from "../make/kube-proxy-words.ts";
import { podNetworks } from "../packets/harness.ts";
import { chainNames } from "../packets/saved.ts";
import type { ApiObject } from "../support/store.ts";

/** Its rules for these objects on a lab's node, by `table chain`; of its own chains alone. */
export function kubeProxyChains(objects: readonly ApiObject[], family: Family): Map<string, string[]> {
  const chains = readChains(renderKubeProxyLayout(modelOf(objects, family)));
  return new Map([...chains].filter(([key]) => key.includes(" KUBE-")));
}

/** Both families. Source: kube-proxy syncProxyRules, and Monitor for the canaries, which are made at its start. */
export async function syncAsKubeProxy(lab: Lab, objects: readonly ApiObject[]): Promise<void> {
  for (const family of [4, 6] as const) {
    await ensureChains(lab, family);
    await ensureJumps(lab, family);
    const chains = kubeProxyChains(objects, family);
    const stale = chainNames(await lab.save(family, "nat")).filter(
      (chain) => isOfServices(chain) && !chains.has(`nat ${chain}`),
    );
    const text = `${renderTable("filter", chains, [])}${renderTable("nat", chains, stale)}`;
    await lab.restore(family, text, { noflush: true, counters: true });
  }
}

function modelOf(objects: readonly ApiObject[], family: Family): Model {
  const decoded = <T>(kind: string, decode: (object: unknown) => Decoded<T>): T[] =>
    objects.filter((object) => object["kind"] === kind).flatMap((object) => decode(object).value ?? []);
  const node = { name: thisNode, zone: undefined, podCidrs: [], primaryIps: [], localIps: [] };
  const cidrs = podNetworks.split(",") as Cidr[];
  return buildModel(
    buildCluster(decoded("Service", decodeService), decoded("EndpointSlice", decodeEndpointSlice)),
    buildView(node, { ...defaultSettings, detectLocal: { mode: "ClusterCIDR", cidrs } }, family),
  );
}

async function ensureChains(lab: Lab, family: Family): Promise<void> {
  for (const [table, chains] of Object.entries(fixedChains))
    for (const chain of chains) await iptables(lab, family, ["-t", table, "-N", chain]);
}

/** Each is looked for, and put at the top where it is missing. */
async function ensureJumps(lab: Lab, family: Family): Promise<void> {
  for (const jump of jumps().reverse()) {
    const [, chain = "", ...words] = splitWords(renderRule(jump));
    const rule = [chain, ...words];
    const isThere = await iptables(lab, family, ["-t", jump.table, "-C", ...rule]);
    if (!isThere && !(await iptables(lab, family, ["-t", jump.table, "-I", ...rule])))
      throw new Error(`this jump was refused: ${rule.join(" ")}`);
  }
}

/** False where it exits with 1: the chain is there already, or the rule is not. */
async function iptables(lab: Lab, family: Family, args: readonly string[]): Promise<boolean> {
  const tool = await needTool(`${family === 4 ? "iptables" : "ip6tables"}-${lab.variant}`);
  try {
    await lab.node.exec(tool, ["-w", "10", ...args]);
    return true;
  } catch (error) {
    if (error instanceof ExecaError && error.exitCode === 1) return false;
    throw error;
  }
}

/** kube-proxy declares, and so empties, each chain that it writes or deletes. */
function renderTable(table: "filter" | "nat", chains: Map<string, string[]>, stale: readonly string[]): string {
  const own = [...chains].filter(([key]) => key.startsWith(`${table} `) && !key.endsWith("-CANARY"));
  return [
    `*${table}`,
    ...own.map(([key]) => `:${key.slice(table.length + 1)} - [0:0]`),
    ...stale.map((chain) => `:${chain} - [0:0]`),
    ...own.flatMap(([, rules]) => rules),
    ...stale.map((chain) => `-X ${chain}`),
    "COMMIT",
    "",
  ].join("\n");
}

/** Source: kube-proxy isServiceChainName. */
function isOfServices(chain: string): boolean {
  return /^KUBE-(SVC|SVL|SEP|FW|EXT)-/.test(chain);
}
