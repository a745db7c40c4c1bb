// The agent, as the manifests run it, needs all that they give it, and nothing else.
import { readFile } from "node:fs/promises";
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
const granted = (objectOf(base, "ClusterRole")["rules"] as readonly RoleRule[]).flatMap((rule) =>
  rule.apiGroups.flatMap((group) =>
    rule.resources.flatMap((resource) => rule.verbs.map((verb): Rule => ({ group, resource, verb }))),
  ),
);

/** The deployed one, less what no network namespace but the host's first may set, and with an OOM score that takes no capability. */
const data = objectOf(base, "ConfigMap")["data"] as Readonly<Record<string, string>>;
const config = (data["config.conf"] ?? "")
  .replace("maxPerCore: null", "maxPerCore: 0")
  .replace("oomScoreAdj: null", "oomScoreAdj: 777");

type Given = { readonly node: Node; readonly minor: number; readonly capabilities?: readonly string[] };

async function onNode({ node, minor, ...given }: Given, act: (api: FakeApi, pod: Pod) => Promise<void>): Promise<void> {
  const ip = await needTool("ip");
  await node.run("ip", ["link", "set", "lo", "up"]);
  const api = await startApiProcess(
    { tokens: [token], rbac: granted, version: `1.${minor}` as "1.36" },
    { before: [ip, "netns", "exec", node.namespace] },
  );
  const pod = await createPod({ objects: base, namespace: node.namespace, nodeName, api, config, ...given });
  try {
    const prepared = await pod.prepare();
    if (prepared.code !== 0) throw new Error(`the init container has ended with ${prepared.code}: ${prepared.logs}`);
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

const rare = [
  // Only where the same thing happens again and again, which takes longer than a test: src/events/recorder.ts.
  "patch events of events.k8s.io",
  // Only where another host asks for /debug/: test/src/commands/status.test.ts.
  "create tokenreviews of authentication.k8s.io",
  "create subjectaccessreviews of authorization.k8s.io",
];

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
      expect(await node().save(4)).toContain("--to-destination 10.244.0.7:8080");
      expect(await readFile(`/proc/${String(agent.pid)}/oom_score_adj`, "utf8")).toBe("777\n");
      expect(await agent.stop()).toBe(0);
      // It may write no sysctl, and finds them as the init container has left them.
      expect(agent.logs()).not.toMatch(/^(?:error|warn): |^info: set /m);
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

// From 1.34 on a watch begins with everything there is; older servers are listed first. ServiceCIDRs are there from 1.33 on.
await describeNodes(
  "the agent's rights",
  (node) => {
    test("are those that it uses, on an old API server or a new one, and no more", async () => {
      const asked: Rule[] = [];
      for (const minor of [28, 33, 36])
        await onNode({ node: node(), minor }, async (api, pod) => {
          const agent = pod.start();
          await agent.printed("services: listed", "endpointslices: listed", "nodes: listed");
          const watched = async () => new Set((await api.watches()).map(({ resource }) => resource)).size;
          for (let tries = 0; tries < 100 && (await watched()) < (minor < 33 ? 3 : 4); tries++)
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
