import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { at } from "../../../rules/decode/decode.ts";
import { flags } from "../../../src/config/flag-table.ts";
import { overridingFlags, renderFlagProblem, serversOff, withFlags } from "../../../src/config/flags.ts";
import { configurationKind, configurationVersion, decodeConfiguration } from "../../../src/config/schema.ts";

const defaults = { apiVersion: configurationVersion, kind: configurationKind };

describe("withFlags", () => {
  test.each<[string, readonly string[], object]>([
    ["hostname-override", ["a", "b"], { hostnameOverride: "b" }],
    ["hostname-override", [""], { hostnameOverride: "was" }],
    ["iptables-masquerade-bit", ["7"], { iptables: { masqueradeBit: 7, syncPeriod: "9s" } }],
    ["iptables-masquerade-bit", ["x"], { iptables: { masqueradeBit: "x", syncPeriod: "9s" } }],
    ["oom-score-adj", ["-998"], { oomScoreAdj: -998 }],
    ["kube-api-qps", ["1.5"], { clientConnection: { qps: 1.5 } }],
    [
      "masquerade-all",
      ["true"],
      { iptables: { masqueradeAll: true, syncPeriod: "9s" }, nftables: { masqueradeAll: true } },
    ],
    ["ipvs-strict-arp", ["F"], { ipvs: { strictARP: false } }],
    ["ipvs-strict-arp", ["no"], { ipvs: { strictARP: "no" } }],
    [
      "nodeport-addresses",
      ["10.0.0.0/8,fd00::/8", "1.0.0.0/8"],
      { nodePortAddresses: ["10.0.0.0/8", "fd00::/8", "1.0.0.0/8"] },
    ],
    ["nodeport-addresses", [""], { nodePortAddresses: [] }],
    ["feature-gates", ["A=false,B=true", "C=x"], { featureGates: { A: false, B: true, C: "x", Z: true } }],
    [
      "vmodule",
      ["a=1"],
      {
        logging: {
          vmodule: [
            { filePattern: "a", verbosity: 1 },
            { filePattern: "was", verbosity: 2 },
          ],
        },
      },
    ],
    ["log-json-split-stream", ["1"], { logging: { options: { json: { splitStream: true } } } }],
    ["healthz-port", ["99"], { healthzBindAddress: "10.0.0.1:99" }],
    ["healthz-port", ["0"], { healthzBindAddress: "10.0.0.1:1" }],
    ["metrics-port", ["99"], { metricsBindAddress: "127.0.0.1:99" }],
  ])("--%s %j", (name, texts, expected) => {
    const raw = {
      hostnameOverride: "was",
      iptables: { syncPeriod: "9s" },
      featureGates: { A: true, Z: true },
      healthzBindAddress: "10.0.0.1:1",
      logging: { vmodule: [{ filePattern: "was", verbosity: 2 }] },
    };
    const before = structuredClone(raw);
    expect(withFlags(raw, { [name]: texts })).toMatchObject(expected);
    expect(raw).toEqual(before);
  });

  test.each<[object, string]>([
    [{ "healthz-bind-address": ["10.0.0.1"], "healthz-port": ["7"] }, "10.0.0.1:7"],
    [{ "healthz-bind-address": ["10.0.0.1:80"], "healthz-port": ["7"] }, "10.0.0.1:80"],
    [{ "bind-address": ["fd00::1"], "healthz-port": ["7"] }, "[::]:7"],
  ])("puts a port behind an address that has none: %j", (given, expected) => {
    expect(at(withFlags({}, given as Record<string, string[]>), ["healthzBindAddress"])).toBe(expected);
  });

  test("leaves a section that is no object to the decoder", () => {
    expect(withFlags({ iptables: [1] }, { "iptables-masquerade-bit": ["7"] })).toEqual({ iptables: [1] });
  });

  test("without flags is the same object", () => {
    const raw = { a: 1 };
    expect(withFlags(raw, {})).toBe(raw);
  });
});

/** A text that is right for each kind of flag, and one that is wrong wherever anything can be. */
const texts: Readonly<Record<string, readonly [string, string]>> = {
  "bind-address": ["10.0.0.1", "x"],
  "proxy-mode": ["iptables", "x"],
  "detect-local-mode": ["NodeCIDR", "x"],
  "cluster-cidr": ["10.0.0.0/8", "x"],
  "nodeport-addresses": ["10.0.0.0/8", "x"],
  "ipvs-exclude-cidrs": ["10.0.0.0/8", "x"],
  "ipvs-scheduler": ["mh,mh-fallback", "x"],
  "healthz-bind-address": ["10.0.0.1:7", "x"],
  "metrics-bind-address": ["10.0.0.1:7", "x"],
  "logging-format": ["json", "x"],
  duration: ["20s", "x"],
  number: ["7", "x"],
  boolean: ["true", "x"],
  gates: ["A=true", "A=x"],
  modules: ["a=1", "a=x"],
  port: ["7", "x"],
};

describe.each(flags.map((flag) => [flag.name, flag] as const))("--%s", (name, flag) => {
  const [good, bad] = texts[name] ?? texts[flag.value] ?? ["x", undefined];

  test("sets a field that the decoder knows", () => {
    const { value, problems } = decodeConfiguration(withFlags(defaults, { [name]: [good] }));
    expect(value).toBeDefined();
    expect(problems.filter(({ code }) => code !== "cluster-cidr-missing")).toEqual([]);
  });

  if (bad !== undefined)
    test("is checked as its field is, and told of by its name", () => {
      const { problems } = decodeConfiguration(withFlags(defaults, { [name]: [bad] }));
      const errors = problems.filter(({ severity }) => severity === "error");
      expect(errors.length).toBe(flag.paths.length);
      for (const error of errors)
        expect(renderFlagProblem(error, { [name]: [bad] })).toMatch(new RegExp(`^--${name}( \\S+)?: is .*"[^"]*x"`));
    });
});

test("every flag of kube-proxy 1.36 that stands for a field is there, once", () => {
  // Source: AddFlags of kube-proxy and of component-base/logs, less what is no field: cleanup, config, init-only, master, write-config-to.
  const known =
    `bind-address bind-address-hard-fail cluster-cidr config-sync-period conntrack-max-per-core conntrack-min
    conntrack-tcp-be-liberal conntrack-tcp-timeout-close-wait conntrack-tcp-timeout-established conntrack-udp-timeout
    conntrack-udp-timeout-stream detect-local-mode feature-gates healthz-bind-address healthz-port hostname-override
    iptables-localhost-nodeports iptables-masquerade-bit iptables-min-sync-period iptables-sync-period ipvs-exclude-cidrs
    ipvs-min-sync-period ipvs-scheduler ipvs-strict-arp ipvs-sync-period ipvs-tcp-timeout ipvs-tcpfin-timeout ipvs-udp-timeout
    kube-api-burst kube-api-content-type kube-api-qps kubeconfig log-flush-frequency log-json-info-buffer-size
    log-json-split-stream log-text-info-buffer-size log-text-split-stream logging-format masquerade-all metrics-bind-address
    metrics-port nodeport-addresses oom-score-adj pod-bridge-interface pod-interface-name-prefix profiling proxy-mode
    show-hidden-metrics-for-version v vmodule`.split(/\s+/);
  expect(flags.map(({ name }) => name).sort()).toEqual(known.sort());
});

describe("renderFlagProblem", () => {
  const problem = (...path: readonly (string | number)[]) =>
    ({ code: "x", severity: "error", object: "o", path, text: "is wrong" }) as const;

  test.each<[readonly (string | number)[], object, string | undefined]>([
    [["iptables", "masqueradeBit"], { "iptables-masquerade-bit": ["1"] }, "--iptables-masquerade-bit: is wrong"],
    [["iptables", "masqueradeBit"], { "oom-score-adj": ["1"] }, undefined],
    [["iptables"], { "iptables-masquerade-bit": ["1"] }, undefined],
    [["nodePortAddresses", 1], { "nodeport-addresses": ["a,b"] }, "--nodeport-addresses [1]: is wrong"],
    [["healthzBindAddress"], { "healthz-bind-address": ["a"], "healthz-port": ["b"] }, "--healthz-port: is wrong"],
    [["healthzBindAddress"], { "healthz-port": ["0"] }, undefined],
    [["hostnameOverride"], { "hostname-override": [""] }, undefined],
  ])("%j with %j", (path, given, expected) => {
    expect(renderFlagProblem(problem(...path), given as Record<string, string[]>)).toBe(expected);
  });
});

test.each<[object, object, readonly string[]]>([
  [{ oomScoreAdj: -999 }, { "oom-score-adj": ["-998"] }, ["oom-score-adj"]],
  [{ oomScoreAdj: -999 }, { "oom-score-adj": ["-999"] }, []],
  [{ oomScoreAdj: null, hostnameOverride: "" }, { "oom-score-adj": ["1"], "hostname-override": ["a"] }, []],
  [{}, { "oom-score-adj": ["1"] }, []],
  [{ hostnameOverride: "a" }, { "hostname-override": [""] }, []],
])("of %j, %j override %j", (raw, given, expected) => {
  expect(overridingFlags(raw, given as Record<string, string[]>)).toEqual(expected);
});

test.each<[object, boolean, boolean]>([
  [{}, false, false],
  [{ "healthz-bind-address": [""] }, true, false],
  [{ "metrics-bind-address": ["1.2.3.4:5", ""] }, false, true],
  [{ "healthz-port": ["0"], "metrics-port": ["0"] }, true, true],
  [{ "healthz-port": ["10256"], "metrics-bind-address": ["127.0.0.1:1"] }, false, false],
])("%j switches off healthz: %j, metrics: %j", (given, healthz, metrics) => {
  expect(serversOff(given as Record<string, string[]>)).toEqual({ healthz, metrics });
});

test("never throws, whatever is typed over whatever stands there", () => {
  const given = fc.dictionary(
    fc.constantFrom(...flags.map(({ name }) => name), "__proto__", "x"),
    fc.array(fc.oneof(fc.string(), fc.constantFrom("=", ",", "a=", "=,=", "__proto__=true", "1e999", "[::1]:1"))),
  );
  const raw = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom("iptables", "logging", "featureGates"), fc.jsonValue()),
  );
  fc.assert(
    fc.property(raw, given, (any, typed) => {
      const edited = withFlags(any, typed);
      for (const problem of decodeConfiguration(edited).problems) renderFlagProblem(problem, typed);
      overridingFlags(any, typed);
      serversOff(typed);
    }),
  );
});
