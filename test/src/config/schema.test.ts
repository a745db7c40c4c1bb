import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { configurationKind, configurationVersion, decodeConfiguration } from "../../../src/config/schema.ts";
import { renderPath } from "../../../rules/problem.ts";

const sound = { apiVersion: configurationVersion, kind: configurationKind, clusterCIDR: "10.0.0.0/8" };

/** `severity code path` of each problem. */
function problemsOf(input: unknown): string[] {
  return decodeConfiguration(input).problems.map(
    ({ severity, code, path }) => `${severity} ${code} ${renderPath(path)}`,
  );
}

describe("decodeConfiguration", () => {
  test("fills in kube-proxy's defaults", () => {
    const { value, problems } = decodeConfiguration(sound);
    expect(problems).toEqual([]);
    expect(value).toMatchObject({
      mode: "iptables",
      hostnameOverride: "",
      bindAddress: "0.0.0.0",
      bindAddressHardFail: false,
      healthzBindAddress: { ip: "0.0.0.0", port: 10256 },
      metricsBindAddress: { ip: "127.0.0.1", port: 10249 },
      enableProfiling: false,
      showHiddenMetricsForVersion: "",
      featureGates: {},
      configSyncPeriodSeconds: 900,
      detectLocal: { mode: "ClusterCIDR", cidrs: ["10.0.0.0/8"] },
      nodePortAddresses: "all",
      oomScoreAdj: -999,
      iptables: { masqueradeBit: 14, minSyncPeriodSeconds: 1 },
      conntrack: { maxPerCore: 32768 },
    });
  });

  test("takes null for absent in every field", () => {
    const fields = Object.keys(everything).filter((name) => !(name in sound));
    const nulls = Object.fromEntries(fields.map((name) => [name, null]));
    expect(decodeConfiguration({ ...sound, ...nulls })).toEqual(decodeConfiguration(sound));
  });

  test("knows every field", () => {
    expect(problemsOf(everything)).toEqual([]);
  });

  test("listens on IPv6 where bindAddress is IPv6", () => {
    expect(decodeConfiguration({ ...sound, bindAddress: "::", healthzBindAddress: "" }).value).toMatchObject({
      bindAddress: "::",
      healthzBindAddress: { ip: "::", port: 10256 },
      metricsBindAddress: { ip: "::1", port: 10249 },
    });
  });

  test("adds the port to an address that has none", () => {
    expect(
      decodeConfiguration({ ...sound, healthzBindAddress: "::1", metricsBindAddress: "0.0.0.0" }).value,
    ).toMatchObject({
      healthzBindAddress: { ip: "::1", port: 10256 },
      metricsBindAddress: { ip: "0.0.0.0", port: 10249 },
    });
  });

  test.each([
    [["primary"], "primary"],
    [[], "all"],
    [
      ["10.1.2.3/8", "fd00::/64"],
      ["10.0.0.0/8", "fd00::/64"],
    ],
  ])("reads nodePortAddresses %j", (nodePortAddresses, expected) => {
    expect(decodeConfiguration({ ...sound, nodePortAddresses }).value?.nodePortAddresses).toEqual(expected);
  });

  test.each<[object, ...string[]]>([
    [{ apiVersion: "kubeproxy.config.k8s.io/v1alpha2" }, "error wrong-api-version apiVersion"],
    [{ apiVersion: null }, "error wrong-api-version apiVersion"],
    [{ kind: 3 }, "error wrong-kind kind"],
    [{ mode: "userspace" }, "error invalid-value mode"],
    [{ mode: "IPTables" }, "error invalid-value mode"],
    [{ bindAddress: "010.0.0.1" }, "error not-an-address bindAddress"],
    [{ healthzBindAddress: "localhost:80" }, "error not-an-address healthzBindAddress"],
    [{ metricsBindAddress: "0.0.0.0:0" }, "error not-an-address metricsBindAddress"],
    [{ hostnameOverride: 12 }, "error wrong-type hostnameOverride"],
    [{ bindAddressHardFail: "yes" }, "error wrong-type bindAddressHardFail"],
    [{ featureGates: { A: "on" } }, "error wrong-type featureGates.A"],
    [{ featureGates: [] }, "error wrong-type featureGates"],
    [{ configSyncPeriod: "-1s" }, "error out-of-range configSyncPeriod"],
    [{ configSyncPeriod: "soon" }, "error not-a-duration configSyncPeriod"],
    [{ detectLocalMode: "clusterCIDR" }, "error invalid-value detectLocalMode"],
    [{ detectLocal: [] }, "error wrong-type detectLocal"],
    [{ clusterCIDR: "10.0.0.0/8,11.0.0.0/8" }, "error not-a-cidr clusterCIDR"],
    [{ nodePortAddresses: "primary" }, "error wrong-type nodePortAddresses"],
    [{ nodePortAddresses: ["10.0.0.0/8", "10.0.0.1"] }, "error not-a-cidr nodePortAddresses[1]"],
    [{ nodePortAddresses: ["10.0.0.0/8", "primary"] }, "error primary-not-alone nodePortAddresses[1]"],
    [{ nodePortAddresses: ["primary", "primary"] }, "error primary-not-alone nodePortAddresses[0]"],
    [{ oomScoreAdj: 1001 }, "error out-of-range oomScoreAdj"],
    [{ oomScoreAdj: -1001 }, "error out-of-range oomScoreAdj"],
    [{ iptables: { masqueradeBit: 32 } }, "error out-of-range iptables.masqueradeBit"],
    [{ iptables: { masqueradeBit: -1 } }, "error out-of-range iptables.masqueradeBit"],
    [{ iptables: { masqueradeBit: "14" } }, "error wrong-type iptables.masqueradeBit"],
    [{ iptables: { syncPeriod: 30 } }, "error not-a-duration iptables.syncPeriod"],
    [{ iptables: { syncPeriod: "-1s" } }, "error out-of-range iptables.syncPeriod"],
    [{ iptables: { minSyncPeriod: "31s" } }, "error out-of-range iptables.minSyncPeriod"],
    [{ iptables: { syncPeriod: "500ms" } }, "error out-of-range iptables.syncPeriod"],
    [{ nftables: { masqueradeBit: 32 } }, "error out-of-range nftables.masqueradeBit"],
    [{ nftables: { minSyncPeriod: "1h" } }, "error out-of-range nftables.minSyncPeriod"],
    [{ ipvs: { minSyncPeriod: "1h" } }, "error out-of-range ipvs.minSyncPeriod"],
    [{ ipvs: { excludeCIDRs: ["10.0.0.0/8", "x"] } }, "error not-a-cidr ipvs.excludeCIDRs[1]"],
    [{ ipvs: { tcpTimeout: "-1s" } }, "error out-of-range ipvs.tcpTimeout"],
    [{ conntrack: { min: -1 } }, "error out-of-range conntrack.min"],
    [{ conntrack: { tcpEstablishedTimeout: "-1s" } }, "error out-of-range conntrack.tcpEstablishedTimeout"],
    [{ conntrack: { tcpCloseWaitTimeout: 7 } }, "error not-a-duration conntrack.tcpCloseWaitTimeout"],
    [{ clientConnection: { burst: -1 } }, "error out-of-range clientConnection.burst"],
    [{ clientConnection: { qps: "5" } }, "error wrong-type clientConnection.qps"],
    [{ logging: { format: "xml" } }, "error invalid-value logging.format"],
    [{ logging: { vmodule: [{ verbosity: "x" }] } }, "error wrong-type logging.vmodule[0].verbosity"],
    [{ winkernel: { enableDSR: 1 } }, "error wrong-type winkernel.enableDSR"],
    [
      { oomScoreAdj: 1e9, iptables: { masqueradeBit: 40 } },
      "error out-of-range oomScoreAdj",
      "error out-of-range iptables.masqueradeBit",
    ],
  ])("refuses %j", (fields, ...expected) => {
    expect(decodeConfiguration({ ...sound, ...fields }).value).toBeUndefined();
    expect(problemsOf({ ...sound, ...fields })).toEqual(expected);
  });

  test.each<[object, ...string[]]>([
    [{ mode: "ipvs" }],
    [{ mode: "nftables" }, "warning mode-not-supported mode"],
    [{ clusterCIDR: "" }, "warning cluster-cidr-missing clusterCIDR"],
    [{ udpIdleTimeout: "250ms" }, "warning unknown-field udpIdleTimeout"],
    [{ MODE: "iptables" }, "warning unknown-field MODE"],
    [{ iptables: { a: 1, b: 2 } }, "warning unknown-field iptables.a", "warning unknown-field iptables.b"],
    [{ logging: { vmodule: [{}, { a: 1 }] } }, "warning unknown-field logging.vmodule[1].a"],
    [{ constructor: 1 }, "warning unknown-field constructor"],
  ])("warns of %j", (fields, ...expected) => {
    expect(decodeConfiguration({ ...sound, ...fields }).value).toBeDefined();
    expect(problemsOf({ ...sound, ...fields })).toEqual(expected);
  });

  test("reports unknown fields beside errors", () => {
    expect(problemsOf({ ...sound, a: 1, iptables: { b: 1, masqueradeBit: 40 } }).sort()).toEqual([
      "error out-of-range iptables.masqueradeBit",
      "warning unknown-field a",
      "warning unknown-field iptables.b",
    ]);
  });

  test("does not change its input", () => {
    const input = { ...sound, a: 1, iptables: { b: 1 } };
    decodeConfiguration(input);
    expect(input).toEqual({ ...sound, a: 1, iptables: { b: 1 } });
  });

  test("never throws, whatever stands in whichever field", () => {
    const field = fc.constantFrom(...Object.keys(everything), "__proto__");
    const value = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constant(NaN),
      fc.constant(undefined),
    );
    fc.assert(
      fc.property(fc.jsonValue(), field, value, (any, name, found) => {
        decodeConfiguration(any);
        const { value: config, problems } = decodeConfiguration({ ...sound, [name]: found });
        expect(config === undefined).toBe(problems.some(({ severity }) => severity === "error"));
      }),
    );
  });
});

const periods = { syncPeriod: "30s", minSyncPeriod: "1s" };
const everything = {
  ...sound,
  featureGates: { A: true },
  clientConnection: { kubeconfig: "k", acceptContentTypes: "a", contentType: "c", qps: 1.5, burst: 2 },
  logging: { format: "text", flushFrequency: "5s", verbosity: 1, vmodule: [], options: { text: {}, json: {} } },
  hostnameOverride: "node",
  bindAddress: "10.0.0.1",
  healthzBindAddress: "0.0.0.0:1",
  metricsBindAddress: "[::1]:2",
  bindAddressHardFail: true,
  enableProfiling: true,
  showHiddenMetricsForVersion: "1.30",
  mode: "iptables",
  iptables: { masqueradeBit: 1, masqueradeAll: true, localhostNodePorts: false, ...periods },
  ipvs: {
    ...periods,
    scheduler: "mh",
    excludeCIDRs: ["10.0.0.0/8"],
    strictARP: true,
    tcpTimeout: "1s",
    tcpFinTimeout: "1s",
    udpTimeout: "1s",
  },
  nftables: { masqueradeBit: 1, masqueradeAll: true, ...periods },
  winkernel: {
    networkName: "",
    sourceVip: "",
    enableDSR: false,
    rootHnsEndpointName: "",
    forwardHealthCheckVip: false,
  },
  detectLocalMode: "ClusterCIDR",
  detectLocal: { bridgeInterface: "br0", interfaceNamePrefix: "cali" },
  nodePortAddresses: ["primary"],
  oomScoreAdj: 0,
  conntrack: {
    maxPerCore: 1,
    min: 1,
    tcpEstablishedTimeout: "1s",
    tcpCloseWaitTimeout: "1s",
    tcpBeLiberal: true,
    udpTimeout: "1s",
    udpStreamTimeout: "1s",
  },
  configSyncPeriod: "1m",
  portRange: "1-2",
  windowsRunAsService: false,
};
