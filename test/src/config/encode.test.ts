import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { encodeConfiguration, renderConfiguration, renderDuration } from "../../../src/config/encode.ts";
import { parseDuration } from "../../../src/config/fields.ts";
import { loadConfiguration } from "../../../src/config/load.ts";
import {
  configurationKind,
  configurationVersion,
  decodeConfiguration,
  type Configuration,
} from "../../../src/config/schema.ts";

const head = { apiVersion: configurationVersion, kind: configurationKind };

function decoded(fields: object): Configuration {
  const { value, problems } = decodeConfiguration({ ...head, ...fields });
  if (value === undefined) throw new Error(problems.map(({ path, text }) => `${path.join(".")} ${text}`).join("; "));
  return value;
}

test("the defaults are kube-proxy's, in its words", () => {
  expect(encodeConfiguration(decoded({}))).toEqual({
    ...head,
    featureGates: {},
    clientConnection: {
      kubeconfig: "",
      acceptContentTypes: "",
      contentType: "application/vnd.kubernetes.protobuf",
      qps: 5,
      burst: 10,
    },
    logging: { format: "text", flushFrequency: "5s", verbosity: 0, vmodule: [] },
    hostnameOverride: "",
    bindAddress: "0.0.0.0",
    healthzBindAddress: "0.0.0.0:10256",
    metricsBindAddress: "127.0.0.1:10249",
    bindAddressHardFail: false,
    enableProfiling: false,
    showHiddenMetricsForVersion: "",
    mode: "iptables",
    iptables: {
      masqueradeBit: 14,
      masqueradeAll: false,
      localhostNodePorts: true,
      syncPeriod: "30s",
      minSyncPeriod: "1s",
    },
    ipvs: {
      syncPeriod: "30s",
      minSyncPeriod: "0s",
      scheduler: "rr",
      excludeCIDRs: [],
      strictARP: false,
      tcpTimeout: "0s",
      tcpFinTimeout: "0s",
      udpTimeout: "0s",
    },
    nftables: { masqueradeBit: 14, masqueradeAll: false, syncPeriod: "30s", minSyncPeriod: "1s" },
    detectLocalMode: "ClusterCIDR",
    clusterCIDR: "",
    detectLocal: { bridgeInterface: "", interfaceNamePrefix: "" },
    nodePortAddresses: null,
    oomScoreAdj: -999,
    conntrack: {
      maxPerCore: 32768,
      min: 131072,
      tcpEstablishedTimeout: "24h0m0s",
      tcpCloseWaitTimeout: "1h0m0s",
      tcpBeLiberal: false,
      udpTimeout: "0s",
      udpStreamTimeout: "0s",
    },
    configSyncPeriod: "15m0s",
  });
});

describe("renderDuration", () => {
  // Printed by Go's time.Duration.String.
  test.each([
    [0, "0s"],
    [1e-9, "1ns"],
    [1.1e-6, "1.1µs"],
    [2.2e-3, "2.2ms"],
    [0.3, "300ms"],
    [3.3, "3.3s"],
    [90, "1m30s"],
    [60, "1m0s"],
    [3600, "1h0m0s"],
    [4 * 60 + 5.001, "4m5.001s"],
    [5 * 3600 + 6 * 60 + 7.001, "5h6m7.001s"],
    [-90, "-1m30s"],
    [86400, "24h0m0s"],
    [1e12, "2562047h47m16s"],
  ])("%d s is %s", (seconds, text) => {
    expect(renderDuration(seconds)).toBe(text);
  });

  test("is read back as the same seconds", () => {
    const nanoseconds = fc.oneof(
      fc.maxSafeNat().filter((ns) => ns < 2 ** 50),
      fc.nat().map((seconds) => seconds * 1e9),
      fc.nat().map((ms) => ms * 1e6),
    );
    fc.assert(
      fc.property(nanoseconds, (ns) => {
        expect(parseDuration(renderDuration(ns / 1e9))).toBe(ns / 1e9);
      }),
    );
  });
});

const duration = fc.oneof(
  fc.constant("0s"),
  fc.nat({ max: 1e6 }).map((ms) => `${ms}ms`),
  fc.nat({ max: 1e5 }).map((hours) => `${hours}h1.5s`),
  fc.nat({ max: 1e9 }).map((ns) => `${ns}ns`),
);
const cidr = fc.constantFrom("10.0.0.0/8", "192.168.0.0/16", "fd00::/64", "0.0.0.0/0", "::/0");
const address = fc.constantFrom("", "0.0.0.0", "10.0.0.1:80", "[::]:10256", "::1", "[fd00::1]:65535");
const word = fc.oneof(fc.string(), fc.constantFrom("yes", "0644", "1:2", "null", "~", "- a", "#", "a\nb", "!!int 3"));
const periods = { syncPeriod: duration, minSyncPeriod: duration };
const some = (fields: Record<string, fc.Arbitrary<unknown>>) => fc.record(fields, { requiredKeys: [] });
const bit = fc.integer({ min: 0, max: 31 });
const count = fc.integer({ min: 0, max: 2 ** 31 - 1 });

const fields = some({
  featureGates: fc.dictionary(word, fc.boolean()),
  clientConnection: some({
    kubeconfig: word,
    acceptContentTypes: word,
    contentType: word,
    qps: fc.float({ noNaN: true, noDefaultInfinity: true }),
    burst: count,
  }),
  logging: some({
    format: fc.constantFrom("text", "json"),
    flushFrequency: fc.oneof(duration, fc.nat()),
    verbosity: count,
    vmodule: fc.array(some({ filePattern: word, verbosity: count })),
    options: fc.constant({ text: { splitStream: true } }),
  }),
  hostnameOverride: word,
  bindAddress: fc.constantFrom("", "10.0.0.1", "::", "fd00::1"),
  healthzBindAddress: address,
  metricsBindAddress: address,
  bindAddressHardFail: fc.boolean(),
  enableProfiling: fc.boolean(),
  showHiddenMetricsForVersion: word,
  mode: fc.constantFrom("", "iptables", "ipvs", "nftables"),
  iptables: some({ masqueradeBit: bit, masqueradeAll: fc.boolean(), localhostNodePorts: fc.boolean(), ...periods }),
  ipvs: some({
    ...periods,
    scheduler: fc.constantFrom("", "rr", "sh,sh-port"),
    excludeCIDRs: fc.array(cidr),
    strictARP: fc.boolean(),
    tcpTimeout: duration,
    tcpFinTimeout: duration,
    udpTimeout: duration,
  }),
  nftables: some({ masqueradeBit: bit, masqueradeAll: fc.boolean(), ...periods }),
  detectLocalMode: fc.constantFrom("", "ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"),
  clusterCIDR: fc.constantFrom("", "10.0.0.0/8", "fd00::/64,10.0.0.0/8"),
  detectLocal: some({
    bridgeInterface: fc.constantFrom("br0", "cni0"),
    interfaceNamePrefix: fc.constantFrom("cali", "veth"),
  }),
  nodePortAddresses: fc.oneof(fc.constant(["primary"]), fc.constant(null), fc.array(cidr)),
  oomScoreAdj: fc.integer({ min: -1000, max: 1000 }),
  conntrack: some({
    maxPerCore: count,
    min: count,
    tcpEstablishedTimeout: duration,
    tcpCloseWaitTimeout: duration,
    tcpBeLiberal: fc.boolean(),
    udpTimeout: duration,
    udpStreamTimeout: duration,
  }),
  configSyncPeriod: duration,
  winkernel: fc.constant({ networkName: "x" }),
  portRange: word,
});

test("what is encoded decodes to the same Configuration, as an object, as JSON and as YAML", () => {
  let sound = 0;
  fc.assert(
    fc.property(fields, (any) => {
      const { value } = decodeConfiguration({ ...head, ...any });
      if (value === undefined) return;
      sound++;
      const encoded = encodeConfiguration(value);
      expect(decodeConfiguration(encoded).value).toEqual(value);
      expect(decodeConfiguration(JSON.parse(JSON.stringify(encoded))).value).toEqual(value);
      expect(loadConfiguration(renderConfiguration(value)).config).toEqual(value);
      expect(
        loadConfiguration(renderConfiguration(value)).problems.filter(
          ({ problem }) => problem.code === "unknown-field",
        ),
      ).toEqual([]);
    }),
    // Of so many at random some 90 are sound.
    { numRuns: 300 },
  );
  expect(sound).toBeGreaterThan(50);
});
