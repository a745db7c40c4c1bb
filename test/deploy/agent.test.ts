// The agent, as the manifests run it, needs all that they give it, and nothing else.
import type { V1DaemonSet } from "@kubernetes/client-node";
import { expect, test } from "@jest/globals";
import { needTool } from "../lab/tool.ts";
import type { FakeApi } from "../support/api.ts";
import type { Rule } from "../support/access.ts";
import { startApiProcess } from "../support/process.ts";
import type { SeenRequest } from "../support/server.ts";
import type { ApiObject } from "../support/store.ts";
import { describeNodes, type Node } from "../src/commands/node.ts";
import { objectOf, render } from "./manifests.ts";
import { createPod, token, type Pod } from "./pod.ts";

const nodeName = "node-a";
const cluster: readonly ApiObject[] = [
  {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: nodeName },
    status: { addresses: [{ type: "InternalIP", address: "192.168.0.2" }] },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: {
      type: "NodePort",
      sessionAffinity: "ClientIP",
      clusterIP: "10.96.0.10",
      clusterIPs: ["10.96.0.10"],
      ports: [{ name: "http", protocol: "TCP", port: 80, nodePort: 30080 }],
    },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-a", namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: [{ addresses: ["10.244.0.5"] }, { addresses: ["10.244.0.6"] }],
  },
];

type RoleRule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
};

const base = render("base");
const prepare = (objectOf(base, "DaemonSet") as V1DaemonSet).spec?.template.spec?.initContainers?.[0];
const granted = (objectOf(base, "ClusterRole")["rules"] as readonly RoleRule[]).flatMap((rule) =>
  rule.apiGroups.flatMap((group) =>
    rule.resources.flatMap((resource) => rule.verbs.map((verb): Rule => ({ group, resource, verb }))),
  ),
);

type Given = { readonly node: Node; readonly minor: number; readonly capabilities?: readonly string[] };

async function onNode({ node, minor, ...given }: Given, act: (api: FakeApi, pod: Pod) => Promise<void>): Promise<void> {
  const ip = await needTool("ip");
  await node.run("ip", ["link", "set", "lo", "up"]);
  const api = await startApiProcess(
    { tokens: [token], rbac: granted, version: `1.${minor}` as "1.36" },
    { before: [ip, "netns", "exec", node.namespace] },
  );
  // As the init container does it: privileged.
  const [, script = ""] = [...(prepare?.command ?? []).slice(1), ...(prepare?.args ?? [])];
  await node.run("sh", ["-c", script]);
  const pod = await createPod({ objects: base, namespace: node.namespace, nodeName, api, ...given });
  try {
    await api.set(...cluster);
    await act(api, pod);
  } finally {
    pod.remove();
    await api.stop();
  }
}

const verbs: Readonly<Record<string, string>> = { POST: "create", PATCH: "patch" };

/** As RBAC sees a request. */
function ruleOf({ method, path, query }: SeenRequest): Rule {
  const found = /^\/(?:api|apis\/([^/]+))\/v1\/(?:namespaces\/[^/]+\/)?([^/]+)(?:\/[^/]+)?$/.exec(path);
  const [, group = "", resource = path] = found ?? [];
  return { group, resource, verb: verbs[method] ?? (query["watch"] === "true" ? "watch" : "list") };
}

/** Only where the same thing happens again and again, which takes longer than a test: src/events/recorder.ts. */
const rare = ["patch events of events.k8s.io"];

const texts = (rules: readonly Rule[]) =>
  [
    ...new Set(rules.map(({ group, resource, verb }) => `${verb} ${resource} of ${group === "" ? "core" : group}`)),
  ].sort();

/** What kubelet leaves in the variant that it uses, by which the agent chooses. */
const hint = "*mangle\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n";
const passed = (family: 4 | 6) => new RegExp(`^info: IPv${family}: \\d+ chains created`, "m");

await describeNodes("the agent as the DaemonSet runs it", (node) => {
  test("makes the rules and keeps them, and leaves them when it ends", async () => {
    await node().restore(4, hint);
    await onNode({ node: node(), minor: 36 }, async (api, pod) => {
      const agent = pod.start();
      await agent.printed(`iptables-${node().variant}`, passed(4), passed(6));
      expect(await node().save(4)).toMatch(/-A KUBE-SEP-\S+ .*--to-destination 10\.244\.0\.5:8080/);
      await api.set({ ...cluster[2], endpoints: [{ addresses: ["10.244.0.7"] }] });
      await agent.printed(/^info: IPv4: .*\n(.*\n)*info: IPv4: /m);
      expect(await agent.stop()).toBe(0);
      expect(await node().save(4)).toContain("--to-destination 10.244.0.7:8080");
      // What the host is to set, as deploy/README.md says, where it has other values; nothing else is amiss.
      expect(agent.logs().match(/^(?:error|warn): (?!net\/netfilter\/nf_conntrack_).*/gm)).toBeNull();
      expect((await node().run("sysctl", ["-n", "net.ipv4.conf.all.route_localnet"])).stdout).toBe("1\n");
    });
  }, 60_000);

  test.each([
    { without: "NET_ADMIN", missing: { nft: true, legacy: true } },
    { without: "NET_RAW", missing: { nft: false, legacy: true } },
  ])(
    "misses $without as the DaemonSet says",
    async ({ without, missing }) => {
      await node().restore(4, hint);
      const capabilities = ["NET_ADMIN", "NET_RAW"].filter((name) => name !== without);
      await onNode({ node: node(), minor: 36, capabilities }, async (_, pod) => {
        const agent = pod.start();
        // Without NET_RAW the agent does not see the legacy tables, and takes nft.
        await agent.printed(/^(error|info): IPv4: /m);
        await agent.stop();
        const isThere = (await node().save(4)).includes("10.244.0.5:8080");
        expect(isThere).toBe(!missing[node().variant]);
      });
    },
    60_000,
  );
});

// From 1.34 on a watch begins with everything there is; older servers are listed first.
await describeNodes(
  "the agent's rights",
  (node) => {
    test("are those that it uses, on an old API server or a new one, and no more", async () => {
      const asked: Rule[] = [];
      for (const minor of [28, 36])
        await onNode({ node: node(), minor }, async (api, pod) => {
          const agent = pod.start();
          await agent.printed("services: listed", "endpointslices: listed", "nodes: listed");
          const watched = async () => new Set((await api.watches()).map(({ resource }) => resource)).size;
          for (let tries = 0; tries < 100 && (await watched()) < 3; tries++)
            await new Promise((resolve) => setTimeout(resolve, 50));
          expect(await agent.stop()).toBe(0);
          expect(agent.logs()).not.toMatch(/403|[Ff]orbidden/);
          asked.push(...(await api.requests()).map(ruleOf));
        });
      expect([...texts(asked).filter((text) => !rare.includes(text)), ...rare].sort()).toEqual(texts(granted));
    }, 60_000);
  },
  ["nft"],
);
