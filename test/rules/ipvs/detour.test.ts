// Tests of rules/ipvs/detour.ts.
import { expect, test } from "@jest/globals";
import { detourChains, detourRule } from "../../../rules/ipvs/detour.ts";
import { ruleLine } from "../../../rules/iptables/text/render-rule.ts";
import { servicePorts } from "../../../rules/model/model.ts";
import { aView, modelOf } from "../../make/node.ts";
import { aCluster, aService, aSlice, type ServiceFields } from "../../make/objects.ts";

const endpoints = ["10.1.0.1", { ip: "10.1.0.2", nodeName: "here" }];
const exposed: ServiceFields = {
  type: "LoadBalancer",
  loadBalancerIps: ["203.0.113.1"],
  sourceRanges: ["10.0.0.0/8"],
  ports: [{ nodePort: 30080 }],
};

function portOf(fields: ServiceFields, given: typeof endpoints = endpoints) {
  const [port] = servicePorts(modelOf(aCluster(aService(fields), aSlice({ endpoints: given }))));
  if (port === undefined) throw new Error("bug: no port");
  return port;
}

function linesOf(fields: ServiceFields, given?: typeof endpoints) {
  const port = portOf(fields, given);
  return detourChains(port, aView()).flatMap(({ name, rules }) =>
    rules.map((rule) => ruleLine(name, rule).replaceAll(port.hash, "X")),
  );
}

test("pods go to every endpoint, and so does the node, masqueraded; all others pass through", () => {
  const what = "default/web external destinations";
  expect(linesOf({ ...exposed, externalTrafficPolicy: "Local" })).toEqual([
    '-A KUBE-SVC-X -p tcp -m comment --comment "default/web" -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.1.0.1:8080',
    "-A KUBE-SVC-X -p tcp -j DNAT --to-destination 10.1.0.2:8080",
    `-A KUBE-EXT-X -s 10.0.0.0/8 -m comment --comment "pod traffic for ${what}" -j KUBE-SVC-X`,
    `-A KUBE-EXT-X -m comment --comment "masquerade LOCAL traffic for ${what}" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
    `-A KUBE-EXT-X -m comment --comment "route LOCAL traffic for ${what}" -m addrtype --src-type LOCAL -j KUBE-SVC-X`,
  ]);
});

test.each<[string, ServiceFields, typeof endpoints]>([
  ["policy Cluster", exposed, endpoints],
  ["policy Local without any endpoint", { ...exposed, externalTrafficPolicy: "Local" }, []],
  ["a cluster IP alone", { internalTrafficPolicy: "Local" }, endpoints],
])("%s needs none", (_, fields, given) => {
  expect(linesOf(fields, given)).toEqual([]);
  expect(portOf(fields, given).frontends.map(detourRule)).toEqual(portOf(fields, given).frontends.map(() => undefined));
});

test("a rule leads there from each destination but the cluster IP", () => {
  const port = portOf({ ...exposed, externalTrafficPolicy: "Local" });
  const lines = port.frontends.map(detourRule).map((rule) => rule && ruleLine("C", rule).replaceAll(port.hash, "X"));
  const comment = '-m comment --comment "default/web external destinations"';
  expect(lines).toEqual([
    undefined,
    `-A C -d 203.0.113.1/32 -p tcp ${comment} -m tcp --dport 80 -j KUBE-EXT-X`,
    `-A C -p tcp ${comment} -m tcp --dport 30080 -j KUBE-EXT-X`,
  ]);
});
