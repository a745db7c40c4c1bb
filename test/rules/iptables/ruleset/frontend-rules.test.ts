// Tests of rules/iptables/ruleset/frontend-rules.ts: in which trees a frontend stands.
import { expect, test } from "@jest/globals";
import { buildOf, aView } from "../../../make/node.ts";
import { aCluster, aService, aSlice, type EndpointFields, type ServiceFields } from "../../../make/objects.ts";
import { values } from "../../../../rules/radix/radix.ts";
import { renderRule } from "../../../../rules/iptables/text/render-rule.ts";

const here: EndpointFields[] = [{ ip: "10.1.0.1", nodeName: "here" }];
const there: EndpointFields[] = [{ ip: "10.1.0.1", nodeName: "there" }];
const exposed: ServiceFields = {
  type: "LoadBalancer",
  ports: [{ port: 80, nodePort: 30080 }],
  externalIps: ["192.0.2.1"],
  loadBalancerIps: ["203.0.113.1"],
  healthCheckNodePort: 32000,
};
const local: ServiceFields = { ...exposed, internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" };

/** How many rules each tree holds, those with none left out. */
function counts(fields: ServiceFields, endpoints: EndpointFields[]): Record<string, number> {
  const { trees } = buildOf(aCluster(aService(fields), aSlice({ endpoints })));
  return Object.fromEntries(
    Object.entries(trees).flatMap(([name, tree]) => (tree.size > 0 ? [[name, tree.size]] : [])),
  );
}

test.each<[string, ServiceFields, EndpointFields[], Record<string, number>]>([
  ["served", exposed, there, { services: 3, nodePorts: 1 }],
  ["served by an endpoint here", exposed, here, { services: 3, nodePorts: 1, hairpins: 1 }],
  ["no endpoints", exposed, [], { deadServices: 1, deadExternals: 2, deadNodePorts: 1 }],
  ["Local, one here", local, here, { services: 3, nodePorts: 1, healthPorts: 1, hairpins: 1 }],
  [
    "Local, none here: pods and the node still get there",
    local,
    there,
    { services: 2, nodePorts: 1, deadServices: 1, deadExternals: 2, deadNodePorts: 1, healthPorts: 1, hairpins: 1 },
  ],
  [
    "source ranges",
    { ...exposed, sourceRanges: ["198.51.100.0/24"] },
    there,
    { services: 3, nodePorts: 1, firewall: 1 },
  ],
  [
    "source ranges without endpoints",
    { ...exposed, sourceRanges: ["198.51.100.0/24"] },
    [],
    { deadServices: 1, deadExternals: 2, deadNodePorts: 1 },
  ],
])("%s", (_, fields, endpoints, expected) => {
  expect(counts(fields, endpoints)).toEqual(expected);
});

test.each([
  [4, "icmp-port-unreachable"],
  [6, "icmp6-port-unreachable"],
] as const)("IPv%d refuses with %s, node ports too", (family, how) => {
  const service = aService({ ...exposed, clusterIps: ["10.96.0.1", "fd00:96::1"] });
  const { trees } = buildOf(aCluster(service), aView({ family }));
  const rules = [...values(trees.deadServices), ...values(trees.deadNodePorts)].map(renderRule);
  expect(rules).toHaveLength(2);
  for (const rule of rules) expect(rule).toContain(`--reject-with ${how}`);
});

test("every port's rules say whose they are", () => {
  const { trees } = buildOf(
    aCluster(
      aService({ ...exposed, ports: [{ name: "http", port: 80, nodePort: 30080 }] }),
      aSlice({ ports: [{ name: "http" }] }),
    ),
  );
  const comments = [...values(trees.services), ...values(trees.nodePorts)].map(
    (rule) => /--comment "([^"]*)"/.exec(renderRule(rule))?.[1],
  );
  expect(comments.sort()).toEqual([
    "default/web:http",
    "default/web:http cluster IP",
    "default/web:http external IP",
    "default/web:http loadbalancer IP",
  ]);
});
