import { describe, expect, test } from "@jest/globals";
import type { DetectLocal } from "../../../rules/model/settings.ts";
import { clusterCidrs } from "../../../src/config/detect-local.ts";
import { decodeConfiguration } from "../../../src/config/schema.ts";

describe("clusterCidrs", () => {
  test.each([
    ["", []],
    [null, []],
    [undefined, []],
    ["10.1.2.3/8", ["10.0.0.0/8"]],
    ["10.0.0.0/8,fd00:10::/32", ["10.0.0.0/8", "fd00:10::/32"]],
    ["fd00::/64,10.0.0.0/8", ["fd00::/64", "10.0.0.0/8"]],
  ])("reads %j", (input, cidrs) => {
    expect(clusterCidrs.parse(input)).toEqual(cidrs);
  });

  test.each([
    ",",
    "10.0.0.0",
    "10.0.0.0/8,",
    "10.0.0.0/8, fd00::/64",
    "10.0.0.0/8,11.0.0.0/8",
    "10.0.0.0/8,fd00::/64,fd01::/64",
    8,
  ])("refuses %j", (input) => {
    expect(clusterCidrs.safeParse(input).success).toBe(false);
  });
});

describe("detectLocal", () => {
  const decode = (fields: object) =>
    decodeConfiguration({ apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration", ...fields });

  test.each<[object, DetectLocal]>([
    [{ clusterCIDR: "10.0.0.0/8" }, { mode: "ClusterCIDR", cidrs: ["10.0.0.0/8"] as never }],
    [
      { detectLocalMode: "", clusterCIDR: "" },
      { mode: "ClusterCIDR", cidrs: [] },
    ],
    [{ detectLocalMode: "NodeCIDR", detectLocal: { bridgeInterface: "not looked at" } }, { mode: "NodeCIDR" }],
    [
      { detectLocalMode: "BridgeInterface", detectLocal: { bridgeInterface: "cbr0" } },
      { mode: "BridgeInterface", bridgeInterface: "cbr0" },
    ],
    [
      { detectLocalMode: "InterfaceNamePrefix", detectLocal: { interfaceNamePrefix: "cali" } },
      { mode: "InterfaceNamePrefix", interfaceNamePrefix: "cali" },
    ],
  ])("is built from %j", (fields, expected) => {
    expect(decode(fields).value?.detectLocal).toEqual(expected);
  });

  test.each([
    ["BridgeInterface", "bridgeInterface", undefined],
    ["BridgeInterface", "bridgeInterface", "a234567890123456"],
    ["BridgeInterface", "bridgeInterface", "cbr+"],
    ["InterfaceNamePrefix", "interfaceNamePrefix", ""],
    ["InterfaceNamePrefix", "interfaceNamePrefix", "a23456789012345"],
    ["InterfaceNamePrefix", "interfaceNamePrefix", "a b"],
  ])("mode %s refuses %s %j", (detectLocalMode, field, name) => {
    const { value, problems } = decode({ detectLocalMode, detectLocal: { [field]: name } });
    expect(value).toBeUndefined();
    expect(problems.map(({ code, path }) => ({ code, path }))).toEqual([
      { code: "not-an-interface-name", path: ["detectLocal", field] },
    ]);
  });
});
