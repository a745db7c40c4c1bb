// Tests of rules/ipvs/problems.ts.
import { expect, test } from "@jest/globals";
import { findIpvsProblems } from "../../../rules/ipvs/problems.ts";
import { renderProblem } from "../../../rules/problem.ts";
import { ipvsOf } from "../../make/ipvs.ts";
import { aView, type ViewFields } from "../../make/node.ts";
import { aCidr, aCluster, aService, aSlice, type ServiceFields } from "../../make/objects.ts";

function problems(fields: ServiceFields, view: ViewFields = {}, others: readonly string[] = []) {
  return findIpvsProblems(ipvsOf(aCluster(aService(fields), aSlice()), aView(view)), new Set(others));
}

const nodePort: ServiceFields = { type: "NodePort", ports: [{ nodePort: 30080 }] };
const quiet: ViewFields = { settings: { localhostNodePorts: false } };

test.each<[string, ServiceFields, ViewFields, string[], string[]]>([
  ["nothing", {}, {}, [], []],
  ["a known scheduler", { ipvsScheduler: "mh,mh-port" }, {}, [], []],
  ["an unknown scheduler", { ipvsScheduler: "fastest" }, {}, [], ["unknown-scheduler"]],
  ["node ports with localhostNodePorts", nodePort, {}, [], ["no-localhost-node-ports"]],
  ["node ports without", nodePort, quiet, [], []],
  [
    "node ports on no address",
    nodePort,
    { settings: { ...quiet.settings, nodePortAddresses: [aCidr("203.0.113.0/24")] } },
    [],
    ["no-node-port-addresses"],
  ],
  [
    "source ranges of the other family only",
    { loadBalancerIps: ["203.0.113.1"], sourceRanges: ["2001:db8::/32"] },
    {},
    [],
    ["closed-by-source-ranges"],
  ],
  ["a virtual server of others in the way", {}, {}, ["0a600001t0050"], ["virtual-server-of-others"]],
  ["a virtual server of others elsewhere", {}, {}, ["0a600009t0050"], []],
])("%s", (_, fields, view, others, codes) => {
  expect(problems(fields, view, others).map(({ code }) => code)).toEqual(codes);
});

test("an annotation cannot forge a line", () => {
  const [problem] = problems({ ipvsScheduler: "rr\n-C\u001b[2J" });
  expect(problem && renderProblem(problem)).toMatch(/^Service default\/web metadata\.annotations[\x20-\x7e]+$/);
});
