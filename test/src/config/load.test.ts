import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { loadConfiguration, renderLocatedProblem } from "../../../src/config/load.ts";
import { toSettings } from "../../../src/config/settings.ts";
import { kubeadmConfigMap as madeByKubeadm } from "./kubeadm-config-map.ts";
import { anyString } from "../../make/any-string.ts";

const head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.0.0.0/8\n";

/** With the pod block of `head`. */
const kubeadmConfigMap = madeByKubeadm.replace("clusterCIDR: 10.244.0.0/16", "clusterCIDR: 10.0.0.0/8");

/** What a real kube-proxy 1.36 was given when the samples were recorded. */
const samples: [string, string][] = [
  [
    "affinity-clusterip",
    `{
 "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
 "kind": "KubeProxyConfiguration",
 "mode": "iptables",
 "hostnameOverride": "test-hostname",
 "clusterCIDR": "10.0.0.0/8",
 "detectLocalMode": "ClusterCIDR",
 "nodePortAddresses": [],
 "iptables": {
  "masqueradeAll": false,
  "localhostNodePorts": true,
  "masqueradeBit": 14,
  "minSyncPeriod": "1s",
  "syncPeriod": "30s"
 }
}
`,
  ],
  [
    "affinity-ipv6",
    `{
 "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
 "kind": "KubeProxyConfiguration",
 "mode": "iptables",
 "hostnameOverride": "test-hostname",
 "clusterCIDR": "10.0.0.0/8,fd00:10::/32",
 "detectLocalMode": "ClusterCIDR",
 "nodePortAddresses": [],
 "iptables": {
  "masqueradeAll": false,
  "localhostNodePorts": true,
  "masqueradeBit": 14,
  "minSyncPeriod": "1s",
  "syncPeriod": "30s"
 }
}
`,
  ],
  [
    "lb-local-with-source-ranges",
    `{
 "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
 "kind": "KubeProxyConfiguration",
 "mode": "iptables",
 "hostnameOverride": "test-hostname",
 "clusterCIDR": "10.0.0.0/8",
 "detectLocalMode": "ClusterCIDR",
 "nodePortAddresses": [],
 "iptables": {
  "masqueradeAll": false,
  "localhostNodePorts": true,
  "masqueradeBit": 14,
  "minSyncPeriod": "1s",
  "syncPeriod": "30s"
 }
}
`,
  ],
  [
    "mixed-six-services",
    `{
 "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
 "kind": "KubeProxyConfiguration",
 "mode": "iptables",
 "hostnameOverride": "test-hostname",
 "clusterCIDR": "10.0.0.0/8",
 "detectLocalMode": "ClusterCIDR",
 "nodePortAddresses": [],
 "iptables": {
  "masqueradeAll": false,
  "localhostNodePorts": true,
  "masqueradeBit": 14,
  "minSyncPeriod": "1s",
  "syncPeriod": "30s"
 }
}
`,
  ],
  [
    "three-protocols-nodeports",
    `{
 "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
 "kind": "KubeProxyConfiguration",
 "mode": "iptables",
 "hostnameOverride": "test-hostname",
 "clusterCIDR": "10.0.0.0/8",
 "detectLocalMode": "ClusterCIDR",
 "nodePortAddresses": [],
 "iptables": {
  "masqueradeAll": false,
  "localhostNodePorts": true,
  "masqueradeBit": 14,
  "minSyncPeriod": "1s",
  "syncPeriod": "30s"
 }
}
`,
  ],
];

/** `line:column severity code` of each problem, in the order given. */
function problemsOf(text: string): string[] {
  return loadConfiguration(text).problems.map(
    ({ problem, line, column }) => `${line}:${column} ${problem.severity} ${problem.code}`,
  );
}

describe("loadConfiguration", () => {
  test("orders problems by their place", () => {
    const text = `${head}zz: 1\nmode: ipvs\niptables:\n  masqueradeBit: 40\n  a: 1\n  a: 2\nnodePortAddresses: [x, 10.0.0.0/8, z]\nmode: foo\n`;
    expect(problemsOf(text)).toEqual([
      "4:1 warning unknown-field",
      "7:3 error out-of-range",
      "9:3 warning duplicate-field",
      "9:3 warning unknown-field",
      "10:21 error not-a-cidr",
      "10:36 error not-a-cidr",
      "11:1 warning duplicate-field",
      "11:1 error invalid-value",
    ]);
    expect(loadConfiguration(text).config).toBeUndefined();
  });

  test("keeps the configuration where there are only warnings", () => {
    const { config, problems } = loadConfiguration(`${head}zz: 1\noomScoreAdj: 1\noomScoreAdj: 2\n`);
    expect(config?.oomScoreAdj).toBe(2);
    expect(problems.map(({ problem }) => problem.path)).toEqual([["zz"], ["oomScoreAdj"]]);
  });

  test.each([
    ["no YAML", "{", "1:2 error not-yaml-or-json"],
    ["another kind", "kind: Foo\n", "1:1 error wrong-kind"],
    [
      "another version",
      "kind: KubeProxyConfiguration\napiVersion: v1\nclusterCIDR: 10.0.0.0/8\n",
      "2:1 error wrong-api-version",
    ],
    ["no version", "kind: KubeProxyConfiguration\nclusterCIDR: 10.0.0.0/8\n", "1:1 error wrong-api-version"],
  ])("refuses %s", (_title, text, ...expected) => {
    expect(problemsOf(text)).toEqual(expected);
  });

  test("reads kubeadm's ConfigMap without a word, as the defaults", () => {
    const { config, problems } = loadConfiguration(kubeadmConfigMap);
    expect(problems).toEqual([]);
    expect(config).toEqual({
      ...loadConfiguration(head).config,
      clientConnection: {
        ...loadConfiguration(head).config?.clientConnection,
        kubeconfig: "/var/lib/kube-proxy/kubeconfig.conf",
      },
    });
  });

  test("locates a problem of kubeadm's ConfigMap in the file", () => {
    const text = kubeadmConfigMap.replace("masqueradeBit: null", "masqueradeBit: 40");
    const line = text.split("\n").findIndex((one) => one.includes("masqueradeBit")) + 1;
    expect(problemsOf(text)).toEqual([`${line}:7 error out-of-range`]);
  });

  test.each(samples)("loads the sample %s", (_name, text) => {
    const { config, problems } = loadConfiguration(text);
    expect(problems).toEqual([]);
    expect(config && toSettings(config)).toMatchObject({
      masqueradeBit: 14,
      nodePortAddresses: "all",
      detectLocal: { mode: "ClusterCIDR", cidrs: /clusterCIDR": "(.*)"/.exec(text)?.[1]?.split(",") },
    });
  });

  test("never throws, whatever the text is", () => {
    const pieces = fc.constantFrom(
      "a",
      ":",
      " ",
      "\n",
      "- ",
      "{",
      "}",
      "[",
      "]",
      "'",
      '"',
      "&x",
      "*x",
      "|",
      ">",
      "<<",
      "\t",
      "#",
      "---\n",
      "!!",
      "%",
      "\0",
      "\ud800",
    );
    const texts = fc.oneof(
      anyString(),
      fc.array(pieces).map((some) => some.join("")),
      fc.jsonValue().map((any) => JSON.stringify(any)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const block = text
          .split("\n")
          .map((line) => `    ${line}`)
          .join("\n");
        for (const whole of [
          text,
          `${head}${text}`,
          `${head}logging: ${text}`,
          `kind: ConfigMap\ndata:\n  config.conf: |\n${block}`,
        ]) {
          for (const one of loadConfiguration(whole).problems) {
            expect(Math.min(one.line, one.column)).toBeGreaterThan(0);
            expect(renderLocatedProblem("f", one)).toMatch(/^f:\d+:\d+: KubeProxyConfiguration[\x20-\x7e]*$/);
          }
        }
      }),
    );
  });

  test.each([
    ["digits", `configSyncPeriod: "${"1".repeat(500_000)}"`, ["not-a-duration"]],
    ["spaces", `clusterCIDR: "${" ".repeat(500_000)}"`, ["duplicate-field", "not-a-cidr"]],
    ["commas", `clusterCIDR: "${",".repeat(500_000)}"`, ["duplicate-field", "not-a-cidr"]],
  ])("answers half a million %s, which a careless pattern would chew on for ever", (_title, line, codes) => {
    expect(loadConfiguration(`${head}${line}\n`).problems.map(({ problem }) => problem.code)).toEqual(codes);
  });

  test("names each of very many unknown fields", () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `f${index}: 1`);
    expect(loadConfiguration(`${head}${lines.join("\n")}\n`).problems).toHaveLength(20_000);
  });

  test("answers soon to aliases that multiply", () => {
    const lines = Array.from({ length: 30 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}]`);
    expect(problemsOf(`${head}a0: &a0 [x]\n${lines.join("\n")}\n`)).toEqual([
      expect.stringContaining("not-yaml-or-json"),
    ]);
  });
});

describe("renderLocatedProblem", () => {
  test("gives file, line, column, object and field on one line", () => {
    const [problem] = loadConfiguration(`${head}iptables:\n  masqueradeBit: 40\n`).problems;
    expect(problem && renderLocatedProblem("a\nb.yaml", problem)).toBe(
      "a?b.yaml:5:3: KubeProxyConfiguration iptables.masqueradeBit: is 40, must be 0 to 31",
    );
  });
});
