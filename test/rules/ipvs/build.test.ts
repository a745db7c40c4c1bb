// Tests of rules/ipvs/build.ts; what every backend keeps is in contract.test.ts.
import { expect, test } from "@jest/globals";
import type { EndpointSlice } from "../../../rules/decode/endpoint-slice.ts";
import type { Service } from "../../../rules/decode/service.ts";
import { buildIpvs } from "../../../rules/ipvs/build.ts";
import { renderServers } from "../../../rules/ipvs/render.ts";
import { parseScheduler } from "../../../rules/ipvs/scheduler.ts";
import { buildModel } from "../../../rules/model/model.ts";
import { entries, values } from "../../../rules/radix/radix.ts";
import { anIpvsNode, ipvsOf } from "../../make/ipvs.ts";
import { aView } from "../../make/node.ts";
import { aCluster, aService, aSlice, type ServiceFields } from "../../make/objects.ts";

const exposed: ServiceFields = {
  type: "LoadBalancer",
  externalIps: ["192.0.2.1", "192.168.0.2"],
  loadBalancerIps: ["203.0.113.1"],
  ports: [{ nodePort: 30080 }],
};

test("the device gets every frontend's address but the node's own, endpoints or not", () => {
  const addressesOf = (...objects: readonly (Service | EndpointSlice)[]) =>
    values(ipvsOf(aCluster(...objects)).state.addresses.held).map(({ ip }) => ip);
  expect(addressesOf(aService(exposed), aSlice())).toEqual(["10.96.0.1", "192.0.2.1", "203.0.113.1"]);
  expect(addressesOf(aService(exposed))).toEqual(["10.96.0.1", "192.0.2.1", "203.0.113.1"]);
});

test("an address that two Services share stays while one of them has it", () => {
  const shared = (name: string, port: number) => [
    aService({ name, clusterIps: [`10.96.0.${port}`], externalIps: ["192.0.2.1"], ports: [port] }),
    aSlice({ service: name }),
  ];
  const [view, node] = [aView(), anIpvsNode()];
  const before = buildIpvs(buildModel(aCluster(...shared("a", 1), ...shared("b", 2)), view), node);
  const after = buildIpvs(buildModel(aCluster(...shared("b", 2)), view, before.model), node, before);
  expect(values(after.state.addresses.held).map(({ ip, service }) => `${ip} ${service}`)).toEqual([
    "10.96.0.2 default/b",
    "192.0.2.1 default/b",
  ]);
});

test.each([
  ["the setting", undefined, "lc"],
  ["the annotation", "sh,sh-port", "sh -b sh-port"],
  ["the setting where the annotation is no scheduler", "best", "lc"],
])("the scheduler is that of %s", (_, ipvsScheduler, expected) => {
  const scheduler = parseScheduler("lc");
  if (scheduler === undefined) throw new Error("bug: lc is a scheduler");
  const cluster = aCluster(aService(ipvsScheduler === undefined ? {} : { ipvsScheduler }), aSlice());
  const { state } = ipvsOf(cluster, aView(), anIpvsNode(aView(), { scheduler }));
  expect(renderServers(state.servers).split("\n")[0]).toBe(`-A -t 10.96.0.1:80 -s ${expected}`);
});

test("sets know for whom each entry is", () => {
  const { sets } = ipvsOf(aCluster(aService(exposed), aSlice())).state.sets;
  const owners = Object.values(sets).flatMap((set) =>
    [...entries(set.entries)].map(({ key, value }) => `${set.name} ${key} ${value}`),
  );
  expect(owners).toEqual(
    expect.arrayContaining([
      "KUBE-CLUSTER-IP 10.96.0.1,tcp:80 default/web",
      "KUBE-NODE-PORT-TCP 30080 default/web",
      "KUBE-IPVS-IPS 10.96.0.1 default/web",
      "KUBE-LOOP-BACK 10.1.0.1,tcp:8080,10.1.0.1 default/web",
      "KUBE-NODE-IPS 192.168.0.2 ",
    ]),
  );
});

test("health-check node ports are let in", () => {
  const service = aService({ ...exposed, externalTrafficPolicy: "Local", healthCheckNodePort: 32000 });
  const set = ipvsOf(aCluster(service, aSlice())).state.sets.sets["KUBE-HEALTH-CHECK-NODE-PORT"];
  expect(set && [...entries(set.entries)].map(({ key }) => key)).toEqual(["32000"]);
});

test("what a change does not touch is the same object, and rules are not made anew for Services without detours", () => {
  const [view, node] = [aView(), anIpvsNode()];
  const cluster = (ip: string) =>
    aCluster(
      aService(),
      aSlice({ endpoints: [ip] }),
      aService({ name: "other", clusterIps: ["10.96.0.2"] }),
      aSlice({ service: "other" }),
    );
  const before = buildIpvs(buildModel(cluster("10.1.0.1"), view), node);
  const after = buildIpvs(buildModel(cluster("10.1.0.9"), view, before.model), node, before);
  const serversOf = ({ state }: typeof before) => values(state.servers);
  expect(serversOf(after)[0]).not.toEqual(serversOf(before)[0]);
  expect(serversOf(after)[1]).toBe(serversOf(before)[1]);
  expect(after.state.sets.sets["KUBE-CLUSTER-IP"]).toBe(before.state.sets.sets["KUBE-CLUSTER-IP"]);
  for (const table of ["nat", "filter", "mangle"] as const)
    expect(after.state.ruleset.tables[table].chains).toBe(before.state.ruleset.tables[table].chains);
});

test("a build of another node or view is not carried on", () => {
  const cluster = aCluster(aService(exposed), aSlice());
  const before = ipvsOf(cluster);
  const view = aView({ settings: { nodePortAddresses: "primary" } });
  const after = buildIpvs(buildModel(cluster, view), anIpvsNode(view), before);
  expect(renderServers(after.state.servers)).toBe(renderServers(ipvsOf(cluster, view).state.servers));
  expect(renderServers(after.state.servers)).not.toBe(renderServers(before.state.servers));
});
