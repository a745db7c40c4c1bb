// Tests of rules/iptables/ruleset/service-chains.ts. What the chains do is tested in meaning.test.ts; here: how they look.
import { describe, expect, test } from "@jest/globals";
import { buildServiceChains, entryChain, localPodRule } from "../../../../rules/iptables/ruleset/service-chains.ts";
import { drop } from "../../../../rules/iptables/ruleset/rule.ts";
import { hashedName } from "../../../../rules/iptables/ruleset/chain-name.ts";
import { buildServicePorts } from "../../../../rules/model/service-port.ts";
import { ruleLine } from "../../../../rules/iptables/text/render-rule.ts";
import { aService, aSlice, type EndpointFields, type ServiceFields } from "../../../make/objects.ts";
import { aView, type ViewFields } from "../../../make/node.ts";

const one: EndpointFields[] = [{ ip: "10.1.0.1", nodeName: "here" }];
const two: EndpointFields[] = [...one, { ip: "10.1.0.2", nodeName: "there" }];
const exposed: ServiceFields = { type: "LoadBalancer", loadBalancerIps: ["203.0.113.1"] };

function chainsOf(fields: ServiceFields = {}, endpoints = two, options: ViewFields = {}): string[] {
  const view = aView(options);
  const ports = buildServicePorts({ service: aService(fields), slices: [aSlice({ endpoints })] }, view);
  return ports
    .flatMap((port) => buildServiceChains(port, view))
    .flatMap((chain) => chain.rules.map((rule) => ruleLine(chain.name, rule)))
    .map((line) => line.replace(/^-A /, "").replaceAll(/(KUBE-[A-Z]+)-[A-Z2-7]{16}/g, "$1"));
}

describe("the rules of a Service port", () => {
  test("a cluster IP: what is not from a pod is marked, then the endpoints", () => {
    expect(chainsOf()).toEqual([
      'KUBE-SVC ! -s 10.0.0.0/8 -m comment --comment "default/web cluster IP" -j KUBE-MARK-MASQ',
      "KUBE-SVC -p tcp -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.1.0.1:8080",
      "KUBE-SVC -p tcp -j DNAT --to-destination 10.1.0.2:8080",
    ]);
  });

  test("with no way to tell pods nothing is marked, and the first rule still names the Service", () => {
    expect(chainsOf({}, one, { settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [] } } })).toEqual([
      'KUBE-SVC -p tcp -m comment --comment "default/web" -j DNAT --to-destination 10.1.0.1:8080',
    ]);
  });

  test("affinity: known clients first, one chain an endpoint", () => {
    expect(chainsOf({ affinitySeconds: 60 }, one, { settings: { masqueradeAll: true } })).toEqual([
      'KUBE-SVC -m comment --comment "default/web cluster IP" -j KUBE-MARK-MASQ',
      "KUBE-SVC -m recent --rcheck --seconds 60 --reap --name KUBE-SEP --mask 255.255.255.255 --rsource -j KUBE-SEP",
      "KUBE-SVC -j KUBE-SEP",
      'KUBE-SEP -p tcp -m comment --comment "default/web" -m recent --set --name KUBE-SEP --mask 255.255.255.255 --rsource -j DNAT --to-destination 10.1.0.1:8080',
    ]);
  });

  test("external traffic is masqueraded and balanced over all", () => {
    expect(chainsOf(exposed, one).slice(2)).toEqual([
      'KUBE-EXT -m comment --comment "masquerade traffic for default/web external destinations" -j KUBE-MARK-MASQ',
      "KUBE-EXT -j KUBE-SVC",
    ]);
  });

  test("externalTrafficPolicy Local: pods and the node to all, others to those here", () => {
    expect(
      chainsOf({ ...exposed, externalTrafficPolicy: "Local" }).filter((line) => !line.startsWith("KUBE-SVC")),
    ).toEqual([
      'KUBE-SVL -p tcp -m comment --comment "default/web" -j DNAT --to-destination 10.1.0.1:8080',
      'KUBE-EXT -s 10.0.0.0/8 -m comment --comment "pod traffic for default/web external destinations" -j KUBE-SVC',
      'KUBE-EXT -m comment --comment "masquerade LOCAL traffic for default/web external destinations" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ',
      'KUBE-EXT -m comment --comment "route LOCAL traffic for default/web external destinations" -m addrtype --src-type LOCAL -j KUBE-SVC',
      "KUBE-EXT -j KUBE-SVL",
    ]);
  });

  test("source ranges: what matches goes on, the VIP itself too where the node is in them", () => {
    const sourceRanges = ["198.51.100.0/24", "192.168.0.0/16"];
    expect(chainsOf({ ...exposed, sourceRanges }, one).filter((line) => line.startsWith("KUBE-FW"))).toEqual([
      'KUBE-FW -s 198.51.100.0/24 -m comment --comment "default/web loadbalancer IP" -j KUBE-EXT',
      'KUBE-FW -s 192.168.0.0/16 -m comment --comment "default/web loadbalancer IP" -j KUBE-EXT',
      'KUBE-FW -s 203.0.113.1/32 -m comment --comment "default/web loadbalancer IP" -j KUBE-EXT',
      'KUBE-FW -m comment --comment "other traffic to default/web will be dropped by KUBE-PROXY-FIREWALL"',
    ]);
  });

  test("IPv6 endpoints are in brackets", () => {
    const view = aView({ family: 6 });
    const slice = aSlice({ addressType: "IPv6", endpoints: ["fd00:1::5"] });
    const [port] = buildServicePorts(
      { service: aService({ clusterIps: ["fd00:96::1"], affinitySeconds: 1 }), slices: [slice] },
      view,
    );
    const text = port === undefined ? "" : JSON.stringify(buildServiceChains(port, view));
    expect(text).toContain('"[fd00:1::5]:8080"');
    expect(text).toContain('"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"');
  });

  test("without endpoints there are no chains", () => {
    expect(chainsOf({ ...exposed, sourceRanges: ["198.51.100.0/24"] }, [])).toEqual([]);
  });
});

describe("where a frontend enters", () => {
  test.each<[string, ServiceFields, EndpointFields[], (string | undefined)[]]>([
    ["cluster IP and VIP", exposed, one, ["KUBE-SVC-", "KUBE-EXT-"]],
    ["internalTrafficPolicy Local", { ...exposed, internalTrafficPolicy: "Local" }, one, ["KUBE-SVL-", "KUBE-EXT-"]],
    ["source ranges", { ...exposed, sourceRanges: ["198.51.100.0/24"] }, one, ["KUBE-SVC-", "KUBE-FW-"]],
    ["no endpoints", exposed, [], [undefined, undefined]],
    [
      "both Local, none here",
      { ...exposed, internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" },
      two.slice(1),
      [undefined, "KUBE-EXT-"],
    ],
  ])("%s", (_, fields, endpoints, expected) => {
    const [port] = buildServicePorts({ service: aService(fields), slices: [aSlice({ endpoints })] }, aView());
    const names = port?.frontends.map((frontend) => entryChain(frontend));
    expect(names).toEqual(
      expected.map((prefix) =>
        prefix === undefined ? undefined : hashedName(prefix as "KUBE-SVC-", "default/webtcp"),
      ),
    );
  });
});

test.each<[ViewFields, unknown, unknown]>([
  [{}, { source: { is: "10.0.0.0/8" } }, { source: { not: true, is: "10.0.0.0/8" } }],
  [
    { settings: { detectLocal: { mode: "BridgeInterface", bridgeInterface: "cni0" } } },
    { inInterface: { is: "cni0" } },
    { inInterface: { not: true, is: "cni0" } },
  ],
  [{ settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [] } } }, {}, {}],
])("with %j local pods match %j, others %j", (options, is, isNot) => {
  const rule = { matches: [], target: drop };
  const view = aView(options);
  const rules = [localPodRule(view, rule), localPodRule(view, rule, true), localPodRule(view, rule, true)];
  expect(rules).toEqual([is, isNot, isNot].map((match) => ({ ...rule, ...(match as object) })));
});
