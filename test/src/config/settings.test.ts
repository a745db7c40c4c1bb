import { describe, expect, test } from "@jest/globals";
import { defaultSettings } from "../../../rules/model/settings.ts";
import { decodeConfiguration } from "../../../src/config/schema.ts";
import { nodeNameOf, periodsOf, toSettings } from "../../../src/config/settings.ts";

function aConfiguration(fields: object) {
  const head = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
  const { value } = decodeConfiguration({ ...head, ...fields });
  if (value === undefined) throw new Error("not sound");
  return value;
}

describe("toSettings", () => {
  test("gives the default settings for the default configuration", () => {
    expect(toSettings(aConfiguration({}))).toEqual(defaultSettings);
  });

  test.each([
    [{ clusterCIDR: "10.0.0.0/8" }, { detectLocal: { mode: "ClusterCIDR", cidrs: ["10.0.0.0/8"] } }],
    [{ iptables: { masqueradeAll: true } }, { masqueradeAll: true }],
    [{ iptables: { masqueradeBit: 3 } }, { masqueradeBit: 3 }],
    [{ iptables: { localhostNodePorts: false } }, { localhostNodePorts: false }],
    [{ nodePortAddresses: ["primary"] }, { nodePortAddresses: "primary" }],
    [{ conntrack: { tcpBeLiberal: true } }, { tcpBeLiberal: true }],
    [{ bindAddress: "10.0.0.1" }, { bindAddress: "10.0.0.1" }],
    [{ bindAddress: "::" }, { bindAddress: undefined }],
    [{ mode: "nftables", nftables: { masqueradeBit: 3, masqueradeAll: true } }, {}],
  ])("takes %j over", (fields, changed) => {
    expect(toSettings(aConfiguration(fields))).toEqual({ ...defaultSettings, ...changed });
  });
});

describe("nodeNameOf", () => {
  test.each([
    ["", undefined],
    [" Node-1 ", "node-1"],
  ])("reads %j", (hostnameOverride, expected) => {
    expect(nodeNameOf(aConfiguration({ hostnameOverride }))).toBe(expected);
  });
});

describe("periodsOf", () => {
  const config = aConfiguration({
    iptables: { syncPeriod: "40s" },
    ipvs: { syncPeriod: "20s" },
  });

  test.each([
    ["iptables", { syncPeriodSeconds: 40, minSyncPeriodSeconds: 1 }],
    ["ipvs", { syncPeriodSeconds: 20, minSyncPeriodSeconds: 0 }],
  ] as const)("gives those of section %s; only IPVS mode may have no pause", (backend, expected) => {
    expect(periodsOf(config, backend)).toEqual(expected);
  });
});
