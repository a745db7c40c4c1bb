// Tests of rules/ipvs/steps.ts.
import { expect, test } from "@jest/globals";
import { emptyState, type IpvsState } from "../../../rules/ipvs/state.ts";
import { diffStates } from "../../../rules/ipvs/steps.ts";
import type { DrainView } from "../../../rules/ipvs/diff-servers.ts";
import { rulesetOf } from "../../make/node.ts";
import { aFakeNode, drained, ipvsOf, patient, settle } from "../../make/ipvs.ts";
import { aCluster, aService, aSlice, type ServiceFields } from "../../make/objects.ts";

function toolsOf(before: IpvsState, after: IpvsState, view: DrainView = patient) {
  return diffStates(before, after, view).steps.map(({ tool, changes }) =>
    [tool, ...new Set(changes.map(({ kind }) => kind))].join(" "),
  );
}

const other = [
  aService({ name: "other", clusterIps: ["10.96.0.2"] }),
  aSlice({ service: "other", endpoints: ["10.1.0.9"] }),
];
const stateOf = (fields: ServiceFields, ips: readonly string[] = ["10.1.0.1"]) =>
  ipvsOf(aCluster(aService(fields), aSlice({ endpoints: ips }), ...other)).state;
const without = ipvsOf(aCluster(...other)).state;

test("a first load is one run of each tool: sets, rules, addresses, virtual servers", () => {
  expect(toolsOf(emptyState(4), without)).toEqual([
    "ipset create-set add-entry",
    "iptables create-chain insert-jump",
    "ip create-device add-address",
    "ipvsadm add-server add-real",
  ]);
});

test("a new Service needs no new rule", () => {
  expect(toolsOf(without, stateOf({}))).toEqual(["ipset add-entry", "ip add-address", "ipvsadm add-server add-real"]);
});

test("a Service that goes drains first, with its address and entries; then all goes in reverse", async () => {
  expect(toolsOf(stateOf({}), without)).toEqual(["ipvsadm edit-real", "ipset delete-entry"]);
  const node = await aFakeNode();
  await settle(node, stateOf({}));
  await node.write(4, diffStates((await node.read(4)).state, without, patient).steps);
  const { state } = await node.read(4);
  expect(diffStates(state, without, patient)).toEqual({ steps: [], draining: new Set(["0a600001t0050"]) });
  expect(node.tools.servers()).toContain("-a -t 10.96.0.1:80 -r 10.1.0.1:8080 -m -w 0");
  expect(node.tools.addresses()).toContain("10.96.0.1");
  expect(toolsOf(state, without, drained)).toEqual([
    "ipvsadm delete-server",
    "ip delete-address",
    "ipset delete-entry",
  ]);
});

test("node ports that drain keep the entries by which they are known as ours", async () => {
  const node = await aFakeNode();
  await settle(node, stateOf({ type: "NodePort", ports: [{ nodePort: 30080 }] }));
  await node.write(4, diffStates((await node.read(4)).state, without, patient).steps);
  const { others } = await node.read(4);
  expect([...others]).toEqual([]);
  await settle(node, without);
  expect(node.tools.servers()).not.toContain("30080");
  expect(node.tools.sets()).not.toContain("30080");
});

test("when the last endpoint goes, refusal comes before the virtual server drains, and the address stays", () => {
  expect(toolsOf(stateOf({}), stateOf({}, []))).toEqual(["ipset add-entry", "ipvsadm edit-real", "ipset delete-entry"]);
  const { steps } = diffStates(stateOf({}), stateOf({}, []), patient);
  expect(steps[0]?.changes).toEqual([
    { kind: "add-entry", set: "KUBE-NO-ENDPOINTS", entry: "10.96.0.1,tcp:80", service: "default/web" },
  ]);
});

test("when the first endpoint comes, refusal goes last", () => {
  expect(toolsOf(stateOf({}, []), stateOf({}))).toEqual([
    "ipset add-entry",
    "ipvsadm add-server add-real",
    "ipset delete-entry",
  ]);
});

test("a clean-up keeps sets and rules while anything drains", () => {
  expect(toolsOf(stateOf({}), emptyState(4))).toEqual(["ipvsadm edit-real"]);
});

test("a clean-up of what is drained takes virtual servers, the device, and sets that no rule names any more", async () => {
  const node = await aFakeNode();
  await settle(node, stateOf({}));
  await node.write(4, diffStates((await node.read(4)).state, emptyState(4), patient).steps);
  expect(toolsOf((await node.read(4)).state, emptyState(4), drained)).toEqual([
    "ipvsadm delete-server",
    "iptables delete-chain delete-jump",
    "ip delete-device",
    "ipset destroy-set",
  ]);
});

test("a node that comes from iptables mode keeps its nat rules until virtual servers take over, and nothing of them stays", async () => {
  const cluster = aCluster(
    aService({
      type: "LoadBalancer",
      loadBalancerIps: ["203.0.113.1"],
      externalTrafficPolicy: "Local",
      ports: [{ nodePort: 30080 }],
    }),
    aSlice({ endpoints: ["10.1.0.1", { ip: "10.1.0.2", nodeName: "here" }] }),
    ...other,
  );
  const node = await aFakeNode();
  const iptables: IpvsState = { ...emptyState(4), ruleset: rulesetOf(cluster) };
  await node.write(4, diffStates(emptyState(4), iptables, patient).steps);
  const nat = natOf(await node.rules(4));
  const { state } = ipvsOf(cluster);
  const { steps } = diffStates((await node.read(4)).state, state, patient);
  expect(steps.map(({ tool }) => tool)).toEqual(["ipset", "iptables", "ip", "ipvsadm", "iptables"]);
  await node.write(4, steps.slice(0, 4));
  const kept = natOf(await node.rules(4));
  expect(nat.filter((line) => !kept.includes(line))).toEqual([]);
  await node.write(4, steps.slice(4));
  expect(diffStates((await node.read(4)).state, state, patient).steps).toEqual([]);
  const fresh = await aFakeNode();
  await settle(fresh, state);
  // Jumps that both modes have stay where they are, so others come before them.
  expect(linesOf(await node.rules(4))).toEqual(linesOf(await fresh.rules(4)));
});

function linesOf(saved: string): string[] {
  return saved.split("\n").sort();
}

function natOf(saved: string): string[] {
  const section = saved.slice(saved.indexOf("*nat"));
  return section
    .slice(0, section.indexOf("COMMIT"))
    .split("\n")
    .filter((line) => line.startsWith("-A "));
}

test("somebody else's virtual server where a Service has its own stays theirs, however often it is looked at", async () => {
  const servers = "-A -t 10.96.0.1:80 -s wlc\n-a -t 10.96.0.1:80 -r 10.9.9.9:80 -m -w 1\n";
  const node = await aFakeNode({ servers });
  await settle(node, stateOf({}));
  await settle(node, stateOf({}, ["10.1.0.2"]));
  expect(node.tools.servers()).toContain(servers);
  expect(node.tools.servers()).toContain("-A -t 10.96.0.2:80 -s rr\n");
  const { others } = await node.read(4);
  expect([...others]).toEqual(["0a600001t0050"]);
  await settle(node, without);
  expect(node.tools.servers()).toContain(servers);
});
