import { describe, expect, test } from "@jest/globals";
import { loadEffective } from "../../../src/config/effective.ts";
import { loadConfiguration } from "../../../src/config/load.ts";
import { kubeadmConfigMap } from "./kubeadm-config-map.ts";

const head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.0.0.0/8\n";
const file = (more = "") => ({ name: "c.yaml", text: `${head}${more}` });
const lines = ({ problems }: ReturnType<typeof loadEffective>) =>
  problems.map(({ severity, line }) => `${severity} ${line}`);

describe("loadEffective", () => {
  test("without flags is the file", () => {
    const text = `${head}oomScoreAdj: 1\nzz: 1\n`;
    const { config, problems, overriding } = loadEffective({ name: "c.yaml", text }, {});
    expect(config).toEqual(loadConfiguration(text).config);
    expect([problems.length, overriding]).toEqual([1, []]);
  });

  test("without a file is kube-proxy's defaults, the flags over them", () => {
    const { config, problems, overriding } = loadEffective(undefined, { "cluster-cidr": ["10.0.0.0/8"], v: ["4"] });
    expect(config).toMatchObject({
      detectLocal: { cidrs: ["10.0.0.0/8"] },
      logging: { verbosity: 4 },
      oomScoreAdj: -999,
    });
    expect([problems, overriding]).toEqual([[], []]);
  });

  test("puts flags over the file, and names those that change what it says", () => {
    const given = {
      "oom-score-adj": ["-5"],
      "hostname-override": ["Node-A"],
      "iptables-sync-period": ["9s"],
      "iptables-min-sync-period": ["2s"],
    };
    const { config, overriding } = loadEffective(
      file("oomScoreAdj: -9\niptables: { syncPeriod: 20s, minSyncPeriod: 2s }\n"),
      given,
    );
    expect(config).toMatchObject({
      oomScoreAdj: -5,
      hostnameOverride: "node-a",
      iptables: { syncPeriodSeconds: 9, minSyncPeriodSeconds: 2 },
    });
    expect(overriding).toEqual(["oom-score-adj", "iptables-sync-period"]);
  });

  test("puts flags over a ConfigMap's configuration, too", () => {
    const { config } = loadEffective(
      { name: "map.yaml", text: kubeadmConfigMap },
      { "iptables-masquerade-bit": ["3"] },
    );
    expect(config?.iptables.masqueradeBit).toBe(3);
  });

  test.each<[string, object, readonly string[]]>([
    [
      "a flag's fault by the flag",
      { "iptables-masquerade-bit": ["40"] },
      ["error --iptables-masquerade-bit: is 40, must be 0 to 31"],
    ],
    [
      "a fault of two fields once",
      { "masquerade-all": ["x"] },
      ['error --masquerade-all: is "x", must be true or false'],
    ],
    [
      "which item of a list, and which gate",
      { "nodeport-addresses": ["10.0.0.0/8,x"], "feature-gates": ["A"] },
      [
        'error --feature-gates A: is "", must be true or false',
        'error --nodeport-addresses [1]: is "x", must be ADDRESS/LENGTH, e.g. 10.0.0.0/8 or fd00::/64, or primary alone',
      ],
    ],
  ])("tells %s", (_, given, expected) => {
    for (const from of [undefined, file()]) {
      const loaded = loadEffective(from, given as Record<string, string[]>);
      expect(lines(loaded).filter((line) => line.startsWith("error"))).toEqual(expected);
      expect(loaded.config).toBeUndefined();
    }
  });

  test("tells the file's fault by its line, and a fault of both by what was written", () => {
    const both = loadEffective(file("iptables:\n  minSyncPeriod: 10s\n"), { "iptables-sync-period": ["5s"] });
    expect(lines(both)).toEqual([
      'error c.yaml:5:3: KubeProxyConfiguration iptables.minSyncPeriod: is "10s", must be at most syncPeriod (5 s)',
    ]);
  });

  test("a flag mends what is wrong in the file", () => {
    const { config, problems } = loadEffective(file("oomScoreAdj: 5000\n"), { "oom-score-adj": ["1"] });
    expect([config?.oomScoreAdj, problems]).toEqual([1, []]);
  });

  test.each(["", "a: 1\n", "{"])("with the file %j there is no configuration, whatever the flags are", (text) => {
    const { config, problems } = loadEffective({ name: "c.yaml", text }, { "oom-score-adj": ["1"] });
    expect([config, problems.map(({ severity }) => severity)]).toEqual([undefined, ["error"]]);
  });
});
