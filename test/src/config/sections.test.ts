import { describe, expect, test } from "@jest/globals";
import type * as z from "zod";
import {
  clientConnectionSection,
  conntrackSection,
  detectLocalSection,
  iptablesSection,
  ipvsSection,
  loggingSection,
  nftablesSection,
  winkernelSection,
} from "../../../src/config/sections.ts";

const conntrack = {
  maxPerCore: 32768,
  min: 131072,
  tcpEstablishedTimeoutSeconds: 86400,
  tcpCloseWaitTimeoutSeconds: 3600,
  tcpBeLiberal: false,
  udpTimeoutSeconds: 0,
  udpStreamTimeoutSeconds: 0,
};
const iptables = {
  masqueradeBit: 14,
  masqueradeAll: false,
  localhostNodePorts: true,
  syncPeriodSeconds: 30,
  minSyncPeriodSeconds: 1,
};
const nftables = { masqueradeBit: 14, masqueradeAll: false, syncPeriodSeconds: 30, minSyncPeriodSeconds: 1 };
const ipvs = {
  syncPeriodSeconds: 30,
  minSyncPeriodSeconds: 0,
  scheduler: "rr",
  excludeCidrs: [],
  strictArp: false,
  tcpTimeoutSeconds: 0,
  tcpFinTimeoutSeconds: 0,
  udpTimeoutSeconds: 0,
};
const clientConnection = {
  kubeconfig: "",
  acceptContentTypes: "",
  contentType: "application/vnd.kubernetes.protobuf",
  qps: 5,
  burst: 10,
};
const logging = { format: "text", flushFrequencySeconds: 5, verbosity: 0, vmodule: [] };

describe("sections", () => {
  test.each<[string, z.ZodType, object]>([
    ["iptables", iptablesSection, iptables],
    ["nftables", nftablesSection, nftables],
    ["ipvs", ipvsSection, ipvs],
    ["conntrack", conntrackSection, conntrack],
    ["clientConnection", clientConnectionSection, clientConnection],
    ["logging", loggingSection, logging],
  ])("%s has kube-proxy's defaults, absent, null or empty", (_name, schema, defaults) => {
    for (const input of [undefined, null, {}]) expect(schema.parse(input)).toEqual(defaults);
  });

  test.each<[string, z.ZodType, unknown, object]>([
    ["iptables: 0 is the default of periods", iptablesSection, { syncPeriod: "0s", minSyncPeriod: 0 }, iptables],
    ["iptables: null is the default", iptablesSection, { masqueradeBit: null, localhostNodePorts: null }, iptables],
    ["iptables: bit 0 is bit 0", iptablesSection, { masqueradeBit: 0 }, { ...iptables, masqueradeBit: 0 }],
    [
      "iptables: node ports",
      iptablesSection,
      { localhostNodePorts: false },
      { ...iptables, localhostNodePorts: false },
    ],
    ["ipvs: 0 stays 0 for the minimum", ipvsSection, { minSyncPeriod: "0s" }, ipvs],
    ["ipvs: lists", ipvsSection, { excludeCIDRs: ["10.0.0.0/8"] }, { ...ipvs, excludeCidrs: ["10.0.0.0/8"] }],
    [
      "conntrack: 0 leaves the system's value",
      conntrackSection,
      { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: 0 },
      { ...conntrack, maxPerCore: 0, min: 0, tcpEstablishedTimeoutSeconds: 0, tcpCloseWaitTimeoutSeconds: 0 },
    ],
    ["conntrack: null is the default", conntrackSection, { maxPerCore: null, tcpCloseWaitTimeout: null }, conntrack],
    [
      "clientConnection: 0 is the default",
      clientConnectionSection,
      { qps: 0, burst: 0, contentType: "" },
      clientConnection,
    ],
    [
      "logging: all of it",
      loggingSection,
      {
        flushFrequency: 1e9,
        format: "json",
        verbosity: 2,
        vmodule: [{ filePattern: "proxier", verbosity: 5 }],
        options: { json: { infoBufferSize: "0", splitStream: true }, text: { infoBufferSize: 0 } },
      },
      { format: "json", flushFrequencySeconds: 1, verbosity: 2, vmodule: [{ filePattern: "proxier", verbosity: 5 }] },
    ],
    [
      "winkernel",
      winkernelSection,
      { networkName: "n" },
      { networkName: "n", sourceVip: "", enableDSR: false, rootHnsEndpointName: "", forwardHealthCheckVip: false },
    ],
    ["detectLocal", detectLocalSection, {}, { bridgeInterface: "", interfaceNamePrefix: "" }],
  ])("%s", (_title, schema, input, expected) => {
    expect(schema.parse(input)).toEqual(expected);
  });
});
