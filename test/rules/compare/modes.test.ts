// Both modes side by side. In: random clusters and nodes. Out: no difference but those that IPVS mode has by design, and every fault found.
import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { compareRulesets, type Comparison, type Difference } from "../../../rules/compare/compare.ts";
import { unusedPort } from "../../../rules/compare/destinations.ts";
import { buildIpvs, type IpvsBuild } from "../../../rules/ipvs/build.ts";
import { buildModel, servicePorts } from "../../../rules/model/model.ts";
import { cidrFamily } from "../../../rules/net/cidr.ts";
import { ipDigits, isLoopback } from "../../../rules/net/ip.ts";
import { get, values } from "../../../rules/radix/radix.ts";
import { buildTracer, type Tracer } from "../../../rules/trace/trace.ts";
import { clusters, views } from "../../make/arbitrary.ts";
import { anIpvsNode, ipvsOf } from "../../make/ipvs.ts";
import { aCidr, aCluster, aService, aSlice } from "../../make/objects.ts";
import { aView } from "../../make/node.ts";
import { ipvsPlan } from "../trace/ipvs-tracer.ts";
import { aFirewall, aTracer, endpointsHere, lines, node as someNode, ourText } from "./a-tracer.ts";

jest.setTimeout(60_000);

/** The node's own addresses as `aNode` has them, and loopback routed as either mode has it. */
const nodeOf = (routeLocalnet: boolean) => ({ ...someNode, routeLocalnet });

const ipvsTracer = (text: string, { state: { family } }: IpvsBuild): Tracer =>
  buildTracer(aFirewall(text, family), nodeOf(false));

function compareModes(build: IpvsBuild, plan = ipvsPlan(build.state)): Comparison {
  const { family } = build.state;
  const a = buildTracer(aFirewall(ourText(build.model), family), nodeOf(build.model.view.localhostNodePorts));
  return compareRulesets({ a, b: ipvsTracer(plan, build) }, { endpointsHere: endpointsHere(build.model) });
}

/** What rules/ipvs/README.md says of the two. */
function isByDesign({ destination: { ip, port }, client }: Difference, { model, addresses, node }: IpvsBuild): boolean {
  const frontends = servicePorts(model).flatMap((each) => each.frontends.filter((frontend) => frontend.ip === ip));
  const isHeld = get(addresses.winners, ipDigits(ip)) !== undefined;
  // Addresses of Services are nobody's else, so that what no Service has there is refused.
  if (isHeld && (port === unusedPort || !frontends.some((frontend) => frontend.port === port))) return true;
  if (isLoopback(ip)) return true;
  // iptables mode does not ask what the node itself sends to addresses outside that have no endpoints.
  const served = frontends.filter((frontend) => frontend.port === port);
  if (client.origin === "node" && served.some(({ fates }) => fates.every(({ verdict }) => verdict.kind !== "balance")))
    return true;
  const ranges = served.flatMap(
    ({ service }) => get(model.cluster, service.split(":")[0] ?? "")?.service?.sourceRanges ?? [],
  );
  // Ranges of the other family let everyone in, or nobody; and what the node sends comes from the Service's address.
  if (ranges.length > 0 && (client.origin === "node" || ranges.every((cidr) => cidrFamily(cidr) !== model.view.family)))
    return true;
  // Hairpins are told by address in iptables mode, by address and port here: of an endpoint that is said to be on two nodes not the same.
  const used = servicePorts(model).flatMap((each) => [...each.clusterEndpoints, ...each.localEndpoints]);
  const itself = used.filter((endpoint) => endpoint.ip === client.source);
  if (new Set(itself.map(({ nodeName }) => nodeName)).size > 1) return true;
  // iptables mode refuses or drops dead node ports at every address of the node, also those that nodePortAddresses leave out.
  const nodePorts = values(model.nodePorts.winners).filter((frontend) => frontend.port === port);
  const isDead = nodePorts.some(({ fates }) => fates.some(({ verdict }) => verdict.kind !== "balance"));
  return isDead && !node.nodePortIps.includes(ip);
}

test("any cluster: the same fates in both modes, but where IPVS mode is another by design", () => {
  let classes = 0;
  fc.assert(
    fc.property(clusters(12), views(), (cluster, view) => {
      const build = buildIpvs(buildModel(cluster, view), anIpvsNode(view));
      const found = compareModes(build);
      classes += found.classes;
      const others = found.differences.filter((each) => !isByDesign(each, build));
      expect(lines({ ...found, differences: others })).toEqual([]);
    }),
    { numRuns: 15, endOnFailure: true },
  );
  expect(classes).toBeGreaterThan(1500);
});

test("any cluster and itself, both in IPVS mode", () => {
  fc.assert(
    fc.property(clusters(16), views(), (cluster, view) => {
      const build = ipvsOf(cluster, view);
      const text = ipvsPlan(build.state);
      const sides = { a: ipvsTracer(text, build), b: ipvsTracer(text, build) };
      expect(lines(compareRulesets(sides, { endpointsHere: endpointsHere(build.model) }))).toEqual([]);
    }),
    { numRuns: 10, endOnFailure: true },
  );
});

describe("a fault in the state is found at the place that it is about", () => {
  const ports = [{ port: 80, nodePort: 30080 }];
  const settings = { detectLocal: { mode: "ClusterCIDR", cidrs: [aCidr("10.0.0.0/8")] } } as const;
  const build = ipvsOf(
    aCluster(
      aService({
        type: "LoadBalancer",
        ports,
        loadBalancerIps: ["203.0.113.1"],
        sourceRanges: ["198.51.100.0/24"],
        affinitySeconds: 60,
      }),
      aSlice({
        endpoints: [
          { ip: "10.1.0.1", nodeName: "here" },
          { ip: "10.1.0.2", nodeName: "there" },
        ],
      }),
      aService({ name: "dead", clusterIps: ["10.96.0.9"] }),
    ),
    aView({ settings }),
  );
  const plan = ipvsPlan(build.state);
  const without = (pattern: RegExp) => plan.replaceAll(pattern, "");

  test.each<[string, string, string]>([
    ["a real server is gone", without(/^-a -t 10\.96\.0\.1:80 -r 10\.1\.0\.2.*\n/gm), "tcp 10.96.0.1:80 from the node"],
    [
      "one has another weight",
      plan.replace(/(-r 10\.1\.0\.2:\d+ -m -w) 1/, "$1 2").replace("-s rr", "-s wrr"),
      "tcp 10.96.0.1:80",
    ],
    ["a virtual server is gone", without(/^-[Aa] -t 192\.168\.0\.2:30080 .*\n/gm), "tcp 192.168.0.2:30080"],
    ["its scheduler is another", plan.replace("-s rr", "-s wlc"), "tcp 10.96.0.1:80 from the node"],
    [
      "clients stay longer",
      plan.replaceAll(/(-t 203\.0\.113\.1:80 -s rr -p) 60/g, "$1 61"),
      "tcp 203.0.113.1:80 from 198.51.100.0/24 again after",
    ],
    [
      "an address is not on the device",
      without(/^address .* 10\.96\.0\.1\/32 .*\n/gm),
      "tcp 10.96.0.1:80 from anywhere else",
    ],
    ["a cluster IP is in no set", without(/^add KUBE-CLUSTER-IP .*\n/gm), "tcp 10.96.0.1:80 from anywhere else"],
    [
      "a range is in no set",
      without(/^add KUBE-LOAD-BALANCER-SOURCE-CIDR .*\n/gm),
      "tcp 203.0.113.1:80 from 198.51.100.0/24",
    ],
    ["a guard is in no set", without(/^add KUBE-LOAD-BALANCER-FW .*\n/gm), "tcp 203.0.113.1:80 from anywhere else"],
    ["a node port is in no set", without(/^add KUBE-NODE-PORT-TCP .*\n/gm), "tcp 192.168.0.2:30080 from anywhere else"],
    ["a hairpin is in no set", without(/^add KUBE-LOOP-BACK .*\n/gm), "tcp 10.96.0.1:80 from 10.1.0.1"],
  ])("%s", (_, faulty, expected) => {
    expect(faulty).not.toBe(plan);
    const sides = { a: ipvsTracer(plan, build), b: ipvsTracer(faulty, build) };
    const found = lines(compareRulesets(sides, { endpointsHere: endpointsHere(build.model) }));
    expect(found.filter((line) => line.startsWith(expected))).not.toEqual([]);
    // And beside the other mode it shows as well.
    expect(lines(compareModes(build, faulty))).not.toEqual(lines(compareModes(build)));
  });
});

test("each address of the device, whatever else rules say of it, is asked for", () => {
  const build = ipvsOf(aCluster(aService({ externalIps: ["198.51.100.1"] }), aSlice()));
  const { differences } = compareModes(build);
  const asked = new Set(
    differences.filter(({ destination }) => destination.port === unusedPort).map((each) => each.destination.ip),
  );
  expect(
    values(build.addresses.winners)
      .map(({ ip }) => ip)
      .filter((ip) => !asked.has(ip)),
  ).toEqual([]);
  expect(aTracer(ourText(build.model)).firewall.ipvs).toBeUndefined();
});
