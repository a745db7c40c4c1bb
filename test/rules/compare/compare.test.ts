import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { compareRulesets } from "../../../rules/compare/compare.ts";
import { buildModel } from "../../../rules/model/model.ts";
import { clusters, foreignRules, views } from "../../make/arbitrary.ts";
import { renderKubeProxyLayout } from "../../make/kube-proxy-layout.ts";
import { aView, modelOf } from "../../make/node.ts";
import { aCluster, anIp, aService, aSlice, podIp } from "../../make/objects.ts";
import { aTracer, compareTexts, endpointsHere, heading, lines, ourText } from "./a-tracer.ts";

/** A dump of these rules, in chains that are declared as they come up. */
function aDump(...rules: readonly string[]): string {
  const names = [...new Set(rules.map((rule) => rule.split(" ")[2] ?? ""))];
  const tables = ["raw", "mangle", "nat", "filter"].map((table) => {
    const mine = rules.filter((rule) => rule.startsWith(`${table} `)).map((rule) => rule.slice(table.length + 1));
    const chains = names.filter((name) => mine.some((rule) => rule.startsWith(`-A ${name} `)));
    const declared = chains.map((name) => `:${name} ${/^[A-Z]+$/.test(name) ? "ACCEPT" : "-"} [0:0]\n`);
    return `*${table}\n${[...declared, ...mine.map((rule) => `${rule}\n`)].join("")}COMMIT\n`;
  });
  return `${heading(4)}${tables.join("")}`;
}

describe("the same", () => {
  test("any rules and themselves", () => {
    fc.assert(
      fc.property(clusters(12), views(), foreignRules, fc.boolean(), (cluster, view, foreign, ours) => {
        const model = buildModel(cluster, view);
        const text = ours ? ourText(model) : renderKubeProxyLayout(model);
        for (const each of [text, `${heading(view.family)}${foreign}`]) {
          const found = compareTexts(each, each, { family: view.family });
          expect(lines(found)).toEqual([]);
          expect(found.classes).toBeGreaterThan(0);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("rules of Services in another order", () => {
    const shared = /^-A KUBE-(?:SERVICES|NODEPORTS|EXTERNAL-SERVICES|PROXY-FIREWALL) (?!.*must be the last)/;
    fc.assert(
      fc.property(clusters(12), views(), fc.infiniteStream(fc.nat(1000)), (cluster, view, random) => {
        const model = buildModel(cluster, view);
        const text = renderKubeProxyLayout(model);
        const turned = text
          .split(/^(?=\*)/m)
          .map((table) => {
            const rows = table.split("\n");
            const rank = new Map(rows.filter((row) => shared.test(row)).map((row) => [row, random.next().value]));
            const moved = [...rank].sort(([, a], [, b]) => a - b).map(([row]) => row);
            // By chain they need not stand together: what is not moved stays where it is.
            return rows.map((row) => (shared.test(row) ? (moved.shift() ?? row) : row)).join("\n");
          })
          .join("");
        expect(lines(compareTexts(text, turned, { family: view.family }))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  test.each<[string, string[], string[]]>([
    [
      "by another way of saying who is meant",
      ["filter -A FORWARD -i cni0 -j ACCEPT", "filter -A FORWARD -d 10.0.0.1/32 -j DROP"],
      ["filter -A FORWARD ! -i cni0 -d 10.0.0.1/32 -j DROP"],
    ],
    [
      "in a chain of their own",
      ["filter -A FORWARD -s 10.0.0.0/8 -j DROP"],
      [
        "filter -A FORWARD -j OTHERS-X",
        "filter -A OTHERS-X -s 10.0.0.0/9 -j DROP",
        "filter -A OTHERS-X -s 10.128.0.0/9 -j DROP",
      ],
    ],
    [
      "without a rule that is never reached",
      ["filter -A FORWARD -j DROP", "filter -A FORWARD -s 10.0.0.1/32 -j ACCEPT"],
      ["filter -A FORWARD -j DROP"],
    ],
    [
      "on a condition that nobody knows, where all fare alike",
      ["filter -A FORWARD -m mac --mac-source 02:00:00:00:00:01 -m time --timestart 08:00 -j ACCEPT"],
      [],
    ],
    [
      "on the same condition that nobody knows",
      ["filter -A FORWARD -m mac --mac-source 02:00:00:00:00:01 -j DROP"],
      ["filter -A FORWARD -m mac --mac-source 02:00:00:00:00:01 -j OTHERS-X", "filter -A OTHERS-X -j DROP"],
    ],
  ])("%s", (_, a, b) => {
    expect(lines(compareTexts(aDump(...a), aDump(...b)))).toEqual([]);
  });
});

describe("a difference", () => {
  test.each<[string, string[], string[], string[]]>([
    [
      "for one address only",
      ["filter -A FORWARD -s 10.9.0.7/32 -d 10.0.0.1/32 -j DROP"],
      [],
      ["tcp 10.0.0.1:1 from 10.9.0.7: dropped | passed on as it is, to 10.0.0.1:1"],
    ],
    [
      "for an interface only",
      ["filter -A FORWARD -i cni0 -d 10.0.0.1/32 -j DROP"],
      [],
      ["tcp 10.0.0.1:1 from anywhere else by cni0: dropped | passed on as it is, to 10.0.0.1:1"],
    ],
    [
      "for interfaces that a pattern means, but for one",
      ["filter -A FORWARD -i eth0 -j ACCEPT", "filter -A FORWARD -i eth+ -d 10.0.0.1/32 -j DROP"],
      ["filter -A FORWARD -i eth0 -j ACCEPT"],
      ["tcp 10.0.0.1:1 from anywhere else by eth1: dropped | passed on as it is, to 10.0.0.1:1"],
    ],
    [
      "for the node only",
      ["filter -A OUTPUT -d 10.0.0.1/32 -j DROP"],
      [],
      ["tcp 10.0.0.1:1 from the node: dropped | passed on as it is, to 10.0.0.1:1"],
    ],
    [
      "in an outer block, where an inner one ends with it",
      ["filter -A FORWARD -d 10.255.0.0/16 -j ACCEPT", "filter -A FORWARD -d 10.0.0.0/8 -p tcp -j DROP"],
      ["filter -A FORWARD -d 10.255.0.0/16 -j ACCEPT"],
      ["tcp 10.254.255.255:1 from anywhere else: dropped | passed on as it is, to 10.254.255.255:1"],
    ],
    [
      "at a port that a rule names without an address",
      ["filter -A FORWARD -p tcp -m tcp --dport 25 -j DROP"],
      [],
      ["tcp 192.0.2.254:25 from anywhere else: dropped | passed on as it is, to 192.0.2.254:25"],
    ],
    [
      "at a port in a block",
      ["nat -A PREROUTING -d 10.9.0.0/16 -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.0.1:53"],
      [],
      ["udp 10.9.255.255:53 from anywhere else: to 10.0.0.1:53 | passed on as it is, to 10.9.255.255:53"],
    ],
    [
      "in what the sender is told",
      ["filter -A FORWARD -p udp -m udp --dport 53 -j REJECT --reject-with icmp-port-unreachable"],
      ["filter -A FORWARD -p udp -m udp --dport 53 -j REJECT --reject-with icmp-admin-prohibited"],
      [
        "udp 192.0.2.254:53 from anywhere else: rejected with icmp-port-unreachable | rejected with icmp-admin-prohibited",
      ],
    ],
    [
      "in the order of rules",
      ["filter -A FORWARD -s 10.0.0.0/8 -d 10.0.0.1/32 -j ACCEPT", "filter -A FORWARD -d 10.0.0.1/32 -j DROP"],
      ["filter -A FORWARD -d 10.0.0.1/32 -j DROP", "filter -A FORWARD -s 10.0.0.0/8 -d 10.0.0.1/32 -j ACCEPT"],
      ["tcp 10.0.0.1:1 from 10.0.0.0/8: passed on as it is, to 10.0.0.1:1 | dropped"],
    ],
    [
      "on a condition that nobody knows",
      ["filter -A FORWARD -d 10.0.0.1/32 -m mac --mac-source 02:00:00:00:00:01 -j DROP"],
      [],
      [
        "tcp 10.0.0.1:1 from anywhere else: dropped if -m mac --mac-source 02:00:00:00:00:01, passed on as it is, to 10.0.0.1:1 if not -m mac --mac-source 02:00:00:00:00:01 | passed on as it is, to 10.0.0.1:1",
      ],
    ],
  ])("%s", (_, a, b, expected) => {
    expect(lines(compareTexts(aDump(...a), aDump(...b)))).toEqual(expected);
  });

  test.each(["ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"])("of packets that are %s, from some only", (state) => {
    const drop = `filter -A FORWARD -s 10.0.0.0/8 -m conntrack --ctstate ${state} -j DROP`;
    const found = compareTexts(aDump(drop), aDump());
    expect(lines(found)).toEqual(
      ["sctp", "tcp", "udp"].map(
        (protocol) => `${protocol} 192.0.2.254:443 from 10.0.0.0/8: dropped | passed on as it is, to 192.0.2.254:443`,
      ),
    );
    expect(new Set(found.differences.map((each) => each.state))).toEqual(new Set([state]));
  });

  const sticky = aService({ affinitySeconds: 60 });
  const two = aSlice({ endpoints: ["10.1.0.1", "10.1.0.2"] });
  const [both, other] = [aService(), aService({ affinitySeconds: 61 })];

  test("between session affinity and none, and between its times: to whom a client comes again", () => {
    const texts = [sticky, both, other].map((service) => ourText(modelOf(aCluster(service, two))));
    const [kept = "", free = "", longer = ""] = texts;
    for (const changed of [free, longer]) {
      const found = lines(compareTexts(kept, changed, { here: new Set() }));
      expect(found.length).toBeGreaterThan(0);
      expect(found.every((line) => /^tcp 10\.96\.0\.1:80 from .* again after 10\.1\.0\.[12]:8080: /.test(line))).toBe(
        true,
      );
      expect(new Set(found.map((line) => line.split(" again after ")[1]?.split(": ")[0])).size).toBe(2);
    }
  });

  test("is none with one endpoint, to which all come again anyway", () => {
    const [kept = "", free = ""] = [sticky, both].map((service) => ourText(modelOf(aCluster(service, aSlice()))));
    expect(lines(compareTexts(kept, free, { here: new Set() }))).toEqual([]);
  });

  test("is told with all that it takes to see it", () => {
    const [a = "", b = ""] = [two, aSlice()].map((slice) => ourText(modelOf(aCluster(aService(), slice))));
    const found = compareTexts(a, b, { here: new Set() });
    expect(lines(found)[0]).toBe(
      "tcp 10.96.0.1:80 from the node: 0.50 to 10.1.0.1:8080, from the node, 0.50 to 10.1.0.2:8080, from the node | to 10.1.0.1:8080, from the node",
    );
    expect(found.differences[0]).toMatchObject({
      destination: { ip: "10.96.0.1", port: 80, protocol: "tcp", name: "default/web cluster IP", isClusterIp: true },
      client: { origin: "node", source: "192.168.0.2", name: "the node" },
      again: undefined,
    });
  });
});

describe("what an endpoint sends to itself through a cluster IP", () => {
  const [text, without] = hairpinTexts();

  /** A hairpin rule for the endpoint of the one, and none in the other, as our rules have none for endpoints of other nodes. */
  function hairpinTexts(): [string, string] {
    const [here, there] = ["here", "there"].map((nodeName) =>
      ourText(modelOf(aCluster(aService(), aSlice({ endpoints: [{ ip: "10.1.0.1", nodeName }] })))),
    );
    return [here ?? "", there ?? ""];
  }

  test.each<[string, string[] | undefined, number, number]>([
    ["is compared where the endpoint is here", ["10.1.0.1"], 1, 0],
    ["is not where it is on another node", [], 0, 0],
    ["is counted where nobody knows", undefined, 0, 1],
  ])("%s", (_, here, differences, leftOut) => {
    const found = compareTexts(text, without, here === undefined ? {} : { here: new Set(here.map(anIp)) });
    const hairpins = found.differences.filter(
      ({ destination, client }) => destination.isClusterIp && client.source === "10.1.0.1",
    );
    expect([hairpins.length, found.leftOut]).toEqual([differences, leftOut]);
  });
});

test("300 Services of both layouts: no difference, and all that can differ is looked at", () => {
  const objects = Array.from({ length: 300 }, (_, at) => [
    aService({
      name: `s${at}`,
      clusterIps: [`10.96.${at % 7}.${at % 250}`],
      ...(at % 3 === 0 ? { type: "NodePort", ports: [{ nodePort: 30000 + at }] } : {}),
      affinitySeconds: at % 10 === 0 ? 60 : undefined,
    }),
    aSlice({
      service: `s${at}`,
      endpoints: Array.from({ length: 5 }, (__, each) => ({
        ip: podIp(at * 5 + each),
        nodeName: each === 0 ? "here" : "there",
      })),
    }),
  ]);
  const model = buildModel(aCluster(...objects.flat()), aView());
  const sides = { a: aTracer(renderKubeProxyLayout(model)), b: aTracer(ourText(model)) };
  const found = compareRulesets(sides, { endpointsHere: endpointsHere(model) });
  expect(lines(found)).toEqual([]);
  expect(found.classes).toBeGreaterThan(300 * 3);
});
