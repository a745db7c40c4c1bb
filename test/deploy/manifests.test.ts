// The manifests hold together, with the API, with our configuration and with each other.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { V1Container, V1DaemonSetSpec, V1PodSpec } from "@kubernetes/client-node";
import { describe, expect, test } from "@jest/globals";
import * as z from "zod";
import { loadConfiguration } from "../../src/config/load.ts";
import { apiProblems } from "./api-types.ts";
import {
  deploy,
  deployFiles,
  kustomization,
  kustomizations,
  objectOf,
  readKustomization,
  readManifests,
  render,
  type Manifest,
} from "./manifests.ts";

const podMonitor = z.strictObject({
  apiVersion: z.literal("monitoring.coreos.com/v1"),
  kind: z.literal("PodMonitor"),
  metadata: z.strictObject({
    name: z.string(),
    namespace: z.literal("kube-system"),
    labels: z.record(z.string(), z.string()),
  }),
  spec: z.strictObject({
    selector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
    podMetricsEndpoints: z.tuple([
      z.strictObject({
        port: z.string(),
        interval: z.string().regex(/^\d+s$/),
        relabelings: z.array(z.strictObject({ sourceLabels: z.array(z.string()), targetLabel: z.string() })),
      }),
    ]),
  }),
});

function specOf(objects: readonly Manifest[]): V1DaemonSetSpec & { template: { spec: V1PodSpec } } {
  return objectOf(objects, "DaemonSet")["spec"] as V1DaemonSetSpec & { template: { spec: V1PodSpec } };
}

function containerOf({ containers }: V1PodSpec): V1Container {
  const [only, ...more] = containers;
  if (only === undefined || more.length > 0) throw new Error("there must be one container");
  return only;
}

const base = render("base");
const overlays = ["overlays/iptables", "overlays/ipvs", "overlays/dry-run"];
const pod = specOf(base).template.spec;
const container = containerOf(pod);
const { config } = loadConfiguration(dataOf("config.conf"));

function dataOf(file: string): string {
  return (objectOf(base, "ConfigMap")["data"] as Record<string, string>)[file] ?? "";
}

describe("schema", () => {
  const documents = deployFiles()
    .filter((file) => file.endsWith(".yaml"))
    .flatMap((file) => readManifests(file).map((manifest) => ({ file, kind: manifest.kind, manifest })));

  test.each(documents)("$file: $kind has no field that its kind lacks", ({ kind, manifest }) => {
    const schemas: Readonly<Record<string, z.ZodType>> = { Kustomization: kustomization, PodMonitor: podMonitor };
    const problems = apiProblems(manifest) ?? schemas[kind]?.safeParse(manifest).error?.issues;
    expect(problems ?? []).toEqual([]);
    expect(apiProblems(manifest) !== undefined || schemas[kind] !== undefined).toBe(true);
  });

  test.each(overlays)("%s: patches fit the base, and what comes out fits the API", (folder) => {
    expect(render(folder).flatMap((manifest) => apiProblems(manifest))).toEqual([]);
  });

  test.each([
    { title: "an unknown field", spec: { template: { spec: { hostNetworks: true } } } },
    { title: "a list that is none", spec: { template: { spec: { tolerations: {} } } } },
    { title: "text for a number", spec: { template: { spec: { terminationGracePeriodSeconds: "30" } } } },
  ])("the check sees $title", ({ spec }) => {
    expect(apiProblems({ apiVersion: "apps/v1", kind: "DaemonSet", ...{ spec } })).toHaveLength(1);
  });
});

describe("kustomizations", () => {
  test("name every file, and none that is not there", () => {
    const named = kustomizations().flatMap((folder) => {
      const { resources, configMapGenerator = [] } = readKustomization(folder);
      return [...resources, ...configMapGenerator.flatMap(({ files }) => files)].map((path) =>
        normalize(join(folder, path)),
      );
    });
    expect(named.filter((path) => !existsSync(join(deploy, path)))).toEqual([]);
    const folders = kustomizations();
    const files = deployFiles().filter(
      (file) => folders.includes(dirname(file)) && !file.endsWith("/kustomization.yaml"),
    );
    expect(files.filter((file) => !named.includes(file))).toEqual([]);
    expect(files.length).toBeGreaterThan(4);
  });

  test("no two of them have pods in common", () => {
    const labels = overlays.map((folder) => readKustomization(folder).labels?.[0]?.pairs);
    expect(labels).toEqual(
      ["iptables", "ipvs", "dry-run"].map((instance) => ({ "app.kubernetes.io/instance": instance })),
    );
  });

  test("share the nodes among them by one label", () => {
    const [live, ipvs, dry] = overlays.map((folder) => specOf(render(folder)).template.spec);
    expect(live?.nodeSelector).toEqual({ "kubernetes.io/os": "linux", proxy: "rulewright" });
    expect(ipvs?.nodeSelector).toEqual({ "kubernetes.io/os": "linux", proxy: "rulewright-ipvs" });
    const terms = dry?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
    const others = { key: "proxy", operator: "NotIn", values: ["rulewright", "rulewright-ipvs"] };
    expect(terms).toEqual([{ matchExpressions: [others] }]);
  });

  test("both containers of the IPVS overlay are in that mode", () => {
    const ipvs = specOf(render("overlays/ipvs")).template.spec;
    expect(containerOf(ipvs).args).toEqual([...(container.args ?? []), "--proxy-mode=ipvs"]);
    expect(ipvs.initContainers?.[0]?.args).toEqual([...(pod.initContainers?.[0]?.args ?? []), "--proxy-mode=ipvs"]);
  });

  test("the dry run writes nothing, and is taken for nobody else", () => {
    const dry = specOf(render("overlays/dry-run")).template.spec;
    expect(containerOf(dry).args).toEqual([...(container.args ?? []), "--dry-run"]);
    expect(dry.initContainers).toBeUndefined();
    expect(dry.volumes?.map(({ name }) => name)).toEqual(["config", "xtables-lock"]);
    const { ports, livenessProbe, readinessProbe } = containerOf(dry);
    expect([ports, livenessProbe, readinessProbe]).toEqual([undefined, undefined, undefined]);
  });
});

describe("the ConfigMap", () => {
  test("holds a configuration that is read without a problem", () => {
    const { problems } = loadConfiguration(dataOf("config.conf"));
    expect(problems).toEqual([]);
    expect(config?.mode).toBe("iptables");
  });

  test("is read as a file, too", () => {
    const loaded = loadConfiguration(readFileSync(join(deploy, "base/configmap.yaml"), "utf8"));
    expect([loaded.config, loaded.problems]).toEqual([config, []]);
  });

  test("is mounted where the configuration and its kubeconfig are looked for", () => {
    const mount = container.volumeMounts?.find(({ name }) => name === "config");
    expect(pod.volumes?.find(({ name }) => name === "config")?.configMap?.name).toBe("rulewright");
    expect(container.args).toContain(`--config=${mount?.mountPath ?? ""}/config.conf`);
    expect(config?.clientConnection.kubeconfig).toBe(`${mount?.mountPath ?? ""}/kubeconfig.conf`);
    expect(dataOf("kubeconfig.conf")).toContain("/var/run/secrets/kubernetes.io/serviceaccount/token");
  });
});

describe("the DaemonSet", () => {
  test("is on every node, on the host's network, and among the last to go", () => {
    expect(pod).toMatchObject({
      hostNetwork: true,
      priorityClassName: "system-node-critical",
      tolerations: [{ operator: "Exists" }],
      nodeSelector: { "kubernetes.io/os": "linux" },
      serviceAccountName: "rulewright",
    });
    expect(pod.tolerations).toHaveLength(1);
    expect(objectOf(base, "DaemonSet").metadata?.namespace).toBe("kube-system");
    expect(specOf(base).selector.matchLabels).toEqual(specOf(base).template.metadata?.labels);
  });

  test("has a container that is not privileged, on a read-only root", () => {
    expect(container.securityContext).toMatchObject({
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW", "SYS_RESOURCE"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
  });

  test("has one privileged container, which ends: it writes under /proc/sys, by the same configuration", () => {
    expect(pod.initContainers).toHaveLength(1);
    const [prepare] = pod.initContainers ?? [];
    expect(prepare?.securityContext).toEqual({ privileged: true, readOnlyRootFilesystem: true });
    expect(prepare?.args).toEqual(["run", "--init-only", container.args?.find((arg) => arg.startsWith("--config="))]);
    expect(prepare?.restartPolicy).toBeUndefined();
  });

  test("starts no shell", () => {
    expect([container, ...(pod.initContainers ?? [])].map(({ command }) => command)).toEqual([undefined, undefined]);
  });

  test("mounts the host's lock to write, its modules to read, and nothing else of the host", () => {
    expect(pod.volumes?.filter(({ hostPath }) => hostPath !== undefined)).toEqual([
      { name: "xtables-lock", hostPath: { path: "/run/xtables.lock", type: "FileOrCreate" } },
      { name: "modules", hostPath: { path: "/lib/modules" } },
    ]);
    expect(container.volumeMounts).toEqual([
      { name: "config", mountPath: "/var/lib/kube-proxy", readOnly: true },
      { name: "xtables-lock", mountPath: "/run/xtables.lock" },
    ]);
    expect(pod.initContainers?.[0]?.volumeMounts).toEqual([
      { name: "config", mountPath: "/var/lib/kube-proxy", readOnly: true },
      { name: "modules", mountPath: "/lib/modules", readOnly: true },
    ]);
  });

  test("probes and names the ports that the configuration has", () => {
    const [healthz, metrics] = [config?.healthzBindAddress.port, config?.metricsBindAddress.port];
    expect(container.livenessProbe?.httpGet).toEqual({ path: "/livez", port: healthz });
    expect(container.readinessProbe?.httpGet).toEqual({ path: "/healthz", port: healthz });
    expect(container.ports).toEqual([
      { name: "healthz", containerPort: healthz },
      { name: "metrics", containerPort: metrics },
    ]);
  });

  test("may set the OOM score of the configuration", () => {
    expect(config?.oomScoreAdj).toBeLessThan(-997);
    expect(container.securityContext?.capabilities?.add).toContain("SYS_RESOURCE");
  });

  test("asks for memory and CPU, and is never short of CPU by a limit", () => {
    for (const { resources } of [container, ...(pod.initContainers ?? [])]) {
      expect(Object.keys(resources?.requests ?? {}).sort()).toEqual(["cpu", "memory"]);
      expect(Object.keys(resources?.limits ?? {})).toEqual(["memory"]);
    }
  });

  test("runs this version's image", () => {
    const images = [container, ...(pod.initContainers ?? [])].map(({ image }) => image);
    const { version } = JSON.parse(readFileSync(join(deploy, "..", "package.json"), "utf8")) as {
      readonly version: string;
    };
    expect(new Set(images)).toEqual(new Set([`rulewright:${version}`]));
  });
});

test("the PodMonitor asks the DaemonSet's pods at a port that they have", () => {
  const { spec } = podMonitor.parse(readManifests("monitoring/podmonitor.yaml")[0]);
  expect(specOf(base).template.metadata?.labels).toMatchObject(spec.selector.matchLabels);
  expect(container.ports?.map(({ name }) => name)).toContain(spec.podMetricsEndpoints[0].port);
  expect(spec.podMetricsEndpoints[0].relabelings.map(({ targetLabel }) => targetLabel)).toContain("node");
});

test("the role is bound to the account that the pods run as", () => {
  const binding = objectOf(base, "ClusterRoleBinding");
  expect(binding["roleRef"]).toMatchObject({ kind: "ClusterRole", name: objectOf(base, "ClusterRole").metadata?.name });
  expect(binding["subjects"]).toEqual([
    {
      kind: "ServiceAccount",
      name: pod.serviceAccountName,
      namespace: objectOf(base, "ServiceAccount").metadata?.namespace,
    },
  ]);
});
