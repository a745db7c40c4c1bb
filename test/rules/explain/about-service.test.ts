// Tests of rules/explain/about-service.ts.
import { expect, test } from "@jest/globals";
import { aService, type ServiceFields } from "../../make/objects.ts";
import { aContext, ask, codesOf, endpoints } from "./a-context.ts";

const codes = (fields: ServiceFields) =>
  codesOf(ask("10.1.0.9", "svc/default/web", aContext([aService(fields), endpoints("10.1.0.1")])));

test.each<[string, ServiceFields, string[]]>([
  // As in kube-proxy, the type decides, whatever the other fields say.
  ["an ExternalName Service with a cluster IP", { type: "ExternalName" }, ["external-name"]],
  ["one left to others that is headless too", { leftToOthers: true, clusterIps: "none" }, ["left-to-others"]],
  ["a headless one", { clusterIps: "none" }, ["headless"]],
  [
    "one that wants IPv6 too, and has no address of it",
    { ipFamilies: ["IPv4", "IPv6"] },
    ["no-cluster-ip-in-family", "source-kept", "goes-to"],
  ],
  ["one that nothing is the matter with", {}, ["source-kept", "goes-to"]],
  ["a balanced one without address", { type: "LoadBalancer" }, ["balancer-without-address", "source-kept", "goes-to"]],
  [
    "a balanced one with an address",
    { type: "LoadBalancer", loadBalancerIps: ["192.0.2.1"] },
    ["source-kept", "goes-to"],
  ],
])("%s", (_, fields, expected) => {
  expect(codes(fields)).toEqual(expected);
});

test("a family that it has no address of is told where only that one is asked about", () => {
  const context = aContext([aService(), endpoints("10.1.0.1")]);
  const six =
    context.objects === undefined ? undefined : { ...context.objects, models: context.objects.models.slice(1) };
  const sources = context.sources.map(({ firewalls, ...source }) => ({
    ...source,
    firewalls: firewalls[6] === undefined ? {} : { 6: firewalls[6] },
  }));
  expect(codesOf(ask("node", "svc/default/web", { ...context, objects: six, sources }))).toEqual([
    "no-cluster-ip-in-family",
  ]);
});
