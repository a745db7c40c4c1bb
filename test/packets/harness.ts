// From manifests to rules on a lab's node, by the same code as the command line. In: a lab, a Situation. Out: what was applied.
import { expect } from "@jest/globals";
import { ExecaError } from "execa";
import { needsRouteLocalnet, parseCidr, type Cidr, type Ip } from "../../rules/index.ts";
import { buildDesired, type Desired, type DesiredOptions } from "../../src/desired/desired.ts";
import { apply, type Applied } from "../../src/kernel/apply.ts";
import type { Kernel, Restored } from "../../src/kernel/kernel.ts";
import type { Lab } from "../lab/lab.ts";
import { defaults } from "../lab/layout.ts";
import { apiObjects, nodeName, type ApiObject, type ServiceBrief } from "./objects.ts";

/** What a node is to serve, and how. */
export type Situation = {
  readonly services: readonly ServiceBrief[];
  /** More API objects, or others. A Node `node-1` is there unless one is given. */
  readonly objects?: readonly ApiObject[];
  /** Fields of the KubeProxyConfiguration; `clusterCIDR` is that of the lab's pods unless it is given. */
  readonly config?: ApiObject;
  /** The node's addresses, where they are not the lab's usual ones. */
  readonly nodeIps?: readonly string[];
};

/** The CIDRs of all pods, and the Node that the lab stands for. */
export const podNetworks = "10.244.0.0/16,fd00:10:244::/48";

export const nodeObject: ApiObject = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: nodeName, labels: { "topology.kubernetes.io/zone": "zone-a" } },
  spec: { podCIDR: "10.244.0.0/24", podCIDRs: ["10.244.0.0/24", "fd00:10:244::/64"] },
  status: { addresses: defaults.node.map((address) => ({ type: "InternalIP", address })) },
};

/** The manifests and the configuration, as a command line would be given them. */
export function texts({ services, objects = [], config }: Situation): { manifest: string; config: string } {
  const all = [...objects, ...services.flatMap(apiObjects)];
  const items = all.some(({ kind }) => kind === "Node") ? all : [nodeObject, ...all];
  const configuration = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    clusterCIDR: podNetworks,
    ...config,
  };
  return {
    manifest: JSON.stringify({ apiVersion: "v1", kind: "List", items }, undefined, 1),
    config: JSON.stringify(configuration, undefined, 1),
  };
}

/** What the command line would want in the kernel. Fails the test on any problem but a warning. */
export function desire(situation: Situation): Desired {
  const { manifest, config } = texts(situation);
  const ips = (situation.nodeIps ?? defaults.node) as readonly Ip[];
  const name = nodeNameOf(situation);
  const desired = buildDesired(
    {
      read: { sources: [{ name: "input.json", text: manifest }], problems: [] },
      config: { name: "config.json", text: config },
    },
    { ...options, nodeName: name },
    { name, ips: [...ips, ...(["127.0.0.1", "::1"] as Ip[])] },
  );
  expect(desired.problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return desired;
}

/** Applies what is desired, both families, as `rulewright apply` does. Fails the test where the kernel refuses or reads back otherwise. */
export async function applyTo(lab: Lab, situation: Situation): Promise<Applied[]> {
  const { builds } = desire(situation);
  const kernel = kernelOf(lab);
  if (builds.some(({ model }) => needsRouteLocalnet(model.view))) await kernel.writeSysctl(routeLocalnet, "1");
  const applied = await Promise.all(builds.map(({ ruleset }) => apply(kernel, ruleset)));
  for (const { refused, left = [], done, batches } of applied)
    expect({ refused, left, done }).toEqual({ refused: undefined, left: [], done: batches.length });
  return applied;
}

/** Lets the kernel route 127.0.0.0/8, for node ports there. The lab keeps it through `reset`. */
export const routeLocalnet = "net/ipv4/conf/all/route_localnet";

/** The port to the packet filter of the lab's node. */
export function kernelOf(lab: Lab): Kernel {
  const restore = async (settings: { readonly test?: true }, family: 4 | 6, script: string): Promise<Restored> => {
    try {
      await lab.restore(family, script, { noflush: true, ...settings });
      return { ok: true };
    } catch (error) {
      if (!(error instanceof ExecaError)) throw error;
      const message = String(error.stderr).trim();
      return { ok: false, message, line: Number(/line:? (\d+)/.exec(message)?.[1]) || undefined };
    }
  };
  return {
    variant: lab.variant,
    readRules: (family) => lab.save(family),
    scanRules: async (family, take) => {
      take(await lab.save(family));
    },
    watchRules: () => () => undefined,
    readSets: () => Promise.resolve(""),
    restore: (family, script) => restore({}, family, script),
    check: (family, script) => restore({ test: true }, family, script),
    readSysctl: async (name) => (await lab.node.exec("/bin/cat", [`/proc/sys/${name}`])).stdout.trim(),
    writeSysctl: async (name, value) => {
      await lab.node.exec("/usr/bin/tee", [`/proc/sys/${name}`], { input: value });
    },
  };
}

const cidrs = (...texts: string[]) =>
  texts.flatMap((text): Cidr[] => (parseCidr(text) === undefined ? [] : [text as Cidr]));

const options: DesiredOptions = {
  files: [],
  recursive: false,
  configFile: undefined,
  nodeName,
  nodeAddresses: [],
  families: [4, 6],
  serviceCidrs: cidrs("10.96.0.0/12", "fd00:10:96::/112"),
  podCidrs: cidrs("10.244.0.0/16", "fd00:10:244::/64"),
  nodePorts: { low: 30000, high: 32767 },
};

function nodeNameOf({ objects = [] }: Situation): string {
  const node = objects.find(({ kind }) => kind === "Node") as
    { readonly metadata?: { readonly name?: string } } | undefined;
  return node?.metadata?.name ?? nodeName;
}
