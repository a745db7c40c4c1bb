// Tests of rules/graph/build-graph.ts.
import { describe, expect, test } from "@jest/globals";
import { buildGraph } from "../../../rules/graph/build-graph.ts";
import type { GraphPart } from "../../../rules/graph/graph.ts";
import { plus, toNumber } from "../../../rules/trace/fraction.ts";
import { aView } from "../../make/node.ts";
import { aCluster, aService, aSlice, podIp, type ServiceFields } from "../../make/objects.ts";
import { aDump, dumpOfCluster, dumpOfText, edgesOf, partOf, sample } from "./a-dump.ts";

/** Names of chains without their hash. */
const short = (rows: readonly string[]) => rows.map((row) => row.replaceAll(/(KUBE-[A-Z]+)-[A-Z2-7]{16}/g, "$1"));
const drawn = (service: ServiceFields, endpoints: readonly (string | { ip: string; nodeName: string })[]) =>
  partOf(dumpOfCluster(aCluster(aService(service), aSlice({ endpoints }))));
const balancer = { type: "LoadBalancer", loadBalancerIps: ["203.0.113.1"], ports: [{ nodePort: 30_080 }] } as const;

/** The sum of the shares out of each node that has any. */
function sums({ nodes, edges }: GraphPart): [string, boolean][] {
  return nodes.flatMap(({ id }) => {
    const shares = edges.flatMap(({ from, share }) => (from === id ? (share ?? []) : []));
    if (shares.length === 0) return [];
    const { share, of } = shares.reduce(plus);
    return [[id, share === of] as [string, boolean]];
  });
}

describe("our rules", () => {
  test("a cluster IP leads to its endpoints", () => {
    expect(short(edgesOf(drawn({}, ["10.1.0.1", "10.1.0.2", "10.1.0.3"])))).toEqual([
      "cluster IP 10.96.0.1:80/TCP -> KUBE-SVC",
      "KUBE-SVC -> 10.1.0.1:8080: 33.3%",
      "KUBE-SVC -> 10.1.0.2:8080: 33.3%",
      "KUBE-SVC -> 10.1.0.3:8080: 33.3%",
    ]);
  });

  test("without endpoints it is refused", () => {
    expect(edgesOf(drawn({}, []))).toEqual(["cluster IP 10.96.0.1:80/TCP -> refused: no endpoints"]);
  });

  test("a load balancer with source ranges and externalTrafficPolicy Local", () => {
    const here = { ip: "10.1.0.1", nodeName: "here" };
    const there = { ip: "10.1.0.2", nodeName: "there" };
    const service = {
      ...balancer,
      externalTrafficPolicy: "Local",
      sourceRanges: ["198.51.100.0/24", "192.0.2.0/24"],
    } as const;
    expect(short(edgesOf(drawn(service, [here, there])))).toEqual([
      "cluster IP 10.96.0.1:80/TCP -> KUBE-SVC: masquerade if not from 10.0.0.0/8",
      "load balancer 203.0.113.1:80/TCP -> KUBE-FW",
      "node port 30080/TCP -> KUBE-EXT",
      "KUBE-SVC -> 10.1.0.1:8080: 50%",
      "KUBE-SVC -> 10.1.0.2:8080: 50%",
      "KUBE-FW -> KUBE-EXT: from 198.51.100.0/24 | from 192.0.2.0/24",
      "KUBE-FW -> dropped: source not allowed: others",
      "KUBE-EXT -> KUBE-SVC: from 10.0.0.0/8 | from the node, masquerade",
      "KUBE-EXT -> KUBE-SVL: others",
      "KUBE-SVL -> 10.1.0.1:8080: 100%",
    ]);
  });

  test("with externalTrafficPolicy Local and no endpoint here, traffic from outside is dropped", () => {
    const edges = short(
      edgesOf(drawn({ ...balancer, externalTrafficPolicy: "Local" }, [{ ip: "10.1.0.2", nodeName: "there" }])),
    );
    expect(edges.filter((edge) => edge.startsWith("KUBE-EXT"))).toEqual([
      "KUBE-EXT -> KUBE-SVC: from 10.0.0.0/8 | from the node, masquerade",
      "KUBE-EXT -> dropped: no local endpoints: others",
    ]);
  });

  test("a client that was here before keeps its endpoint, and the chain says for how long", () => {
    const part = drawn({ affinitySeconds: 60 }, ["10.1.0.1", "10.1.0.2"]);
    expect(short(edgesOf(part)).slice(1)).toEqual([
      "KUBE-SVC -> the same endpoint: client seen within 60 s",
      "KUBE-SVC -> 10.1.0.1:8080: 50%",
      "KUBE-SVC -> 10.1.0.2:8080: 50%",
    ]);
    expect(part.nodes.find(({ kind }) => kind === "chain")?.lines).toContain("remembers clients for 60 s");
  });

  test("who is masqueraded on the only way in is said of the chain", () => {
    const part = drawn({}, ["10.1.0.1"]);
    expect(part.nodes.find(({ kind }) => kind === "chain")?.lines).toContain("masquerade if not from 10.0.0.0/8");
  });

  test("IPv6 addresses are in brackets", () => {
    const cluster = aCluster(
      aService({ clusterIps: ["fd00:10::1"] }),
      aSlice({ addressType: "IPv6", endpoints: ["fd00:1::5"] }),
    );
    expect(short(edgesOf(partOf(dumpOfCluster(cluster, aView({ family: 6 })))))).toEqual([
      "cluster IP [fd00:10::1]:80/TCP -> KUBE-SVC",
      "KUBE-SVC -> [fd00:1::5]:8080: 100%",
    ]);
  });
});

describe("kube-proxy's rules", () => {
  test.each([
    [
      "pier",
      [
        "cluster IP 172.30.0.44:80/TCP -> KUBE-SVC: masquerade if not from 10.0.0.0/8",
        "external IP 192.168.99.33:80/TCP -> KUBE-EXT",
        "node port 30304/TCP -> KUBE-EXT",
        "KUBE-SVC -> 10.180.0.4:80: 50%",
        "KUBE-SVC -> 10.180.0.5:80: 50%",
        "KUBE-EXT -> KUBE-SVC: masquerade",
      ],
    ],
    [
      "edge",
      [
        "cluster IP 172.30.0.42:80/TCP -> KUBE-SVC: masquerade if not from 10.0.0.0/8",
        "external IP 192.168.99.22:80/TCP -> KUBE-EXT",
        "load balancer 1.2.3.4:80/TCP -> KUBE-EXT",
        "node port 30301/TCP -> KUBE-EXT",
        "KUBE-SVC -> 10.180.0.2:80: 100%",
        "KUBE-EXT -> KUBE-SVC: from 10.0.0.0/8 | from the node, masquerade",
        "KUBE-EXT -> dropped: no local endpoints: others",
      ],
    ],
    ["void", ["cluster IP 172.30.0.46:80/TCP -> refused: no endpoints"]],
  ])("%s", (namespace, expected) => {
    expect(short(edgesOf(partOf(sample("mixed-six-services"), { namespace })))).toEqual(expected);
  });

  test("session affinity", () => {
    const part = partOf(sample("affinity-clusterip"), { namespace: "glue", service: "long" });
    expect(short(edgesOf(part))).toEqual([
      "cluster IP 172.30.3.1:80/TCP -> KUBE-SVC: masquerade if not from 10.0.0.0/8",
      "KUBE-SVC -> the same endpoint: client seen within 10800 s",
      "KUBE-SVC -> 10.0.1.1:80: 33.3%",
      "KUBE-SVC -> 10.0.1.2:80: 33.3%",
      "KUBE-SVC -> 10.0.1.3:80: 33.3%",
    ]);
  });

  test.each(["affinity-clusterip", "lb-local-with-source-ranges", "mixed-six-services", "three-protocols-nodeports"])(
    "%s: every edge joins nodes of its part, every node has an edge, and shares add up to 1",
    (name) => {
      const dump = sample(name);
      const namespaces = new Set(
        JSON.stringify([...(dump.tables.get("nat")?.chains.values() ?? [])]).match(/(?<=")[a-z]+(?=\/[a-z]+:)/g),
      );
      expect(namespaces.size).toBeGreaterThan(1);
      for (const namespace of namespaces) for (const part of buildGraph(dump, { namespace }).parts) expectSound(part);
    },
  );
});

function expectSound(part: GraphPart): void {
  const ids = part.nodes.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const ends = part.edges.flatMap(({ from, to }) => [from, to]);
  expect([...new Set(ends)].sort()).toEqual([...ids].sort());
  for (const [id, whole] of sums(part)) expect([id, whole]).toEqual([id, true]);
}

describe("many endpoints", () => {
  const dumps = {
    ours: (count: number) =>
      dumpOfCluster(
        aCluster(aService(), aSlice({ endpoints: Array.from({ length: count }, (_, index) => podIp(index)) })),
      ),
    "kube-proxy's": (count: number) => {
      const match = '-d 10.96.0.1/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80';
      const endpoints = Array.from({ length: count }, (_, index) => {
        const left = count - index;
        const chance = left === 1 ? "" : `-m statistic --mode random --probability ${(1 / left).toFixed(11)} `;
        return [
          `KUBE-SVC-A ${chance}-j KUBE-SEP-${index}`,
          `KUBE-SEP-${index} -p tcp -m tcp -j DNAT --to-destination ${podIp(index)}:8080`,
        ];
      });
      return aDump([`KUBE-SERVICES ${match} -j KUBE-SVC-A`, ...endpoints.flat()]);
    },
  };
  test.each([
    ["ours", 13],
    ["ours", 50],
    ["ours", 1000],
    ["kube-proxy's", 50],
    ["kube-proxy's", 1000],
  ] as const)("%s, %d: at most 12 nodes, whose counts and shares add up", (whose, count) => {
    const part = partOf(dumps[whose](count));
    const ends = part.nodes.filter(({ kind }) => kind.startsWith("endpoint"));
    expect(ends.length).toBeLessThanOrEqual(12);
    expect(ends.length).toBeGreaterThan(1);
    expect(part.nodes.filter(({ kind }) => kind === "chain")).toHaveLength(1);
    expect(ends.reduce((sum, { endpoints }) => sum + (endpoints?.length ?? 1), 0)).toBe(count);
    expectSound(part);
    for (const { to, share } of part.edges) {
      const size = ends.find(({ id }) => id === to)?.endpoints?.length;
      if (size === undefined || share === undefined) continue;
      expect(toNumber(share)).toBeCloseTo(size / count, 5);
    }
  });

  test("local ones, which another chain leads to as well, stay apart", () => {
    const endpoints = Array.from({ length: 50 }, (_, index) => ({
      ip: podIp(index),
      nodeName: index < 3 ? "here" : "there",
    }));
    const part = drawn({ ...balancer, externalTrafficPolicy: "Local" }, endpoints);
    expectSound(part);
    const local = part.edges.filter(({ from }) => from.startsWith("chain KUBE-SVL"));
    const members = local.flatMap(
      ({ to }) => part.nodes.find(({ id }) => id === to)?.endpoints ?? [to.replace("endpoint ", "")],
    );
    expect(members.sort()).toEqual(["10.1.0.0:8080", "10.1.0.1:8080", "10.1.0.2:8080"]);
  });
});

test("a namespace has a part for each Service port, in order", () => {
  const cluster = aCluster(
    aService({ name: "b", clusterIps: ["10.96.0.2"] }),
    aService({ name: "a", ports: [{ name: "y", port: 81 }, { name: "x" }] }),
    aService({ name: "c", namespace: "other", clusterIps: ["10.96.0.3"] }),
  );
  const { parts } = buildGraph(dumpOfCluster(cluster), { namespace: "default" });
  expect(parts.map(({ servicePort }) => servicePort)).toEqual(["default/a:x", "default/a:y", "default/b"]);
});

test("nothing is drawn of what no rule names", () => {
  expect(buildGraph(aDump([]), { namespace: "default" })).toEqual({ family: 4, parts: [] });
  expect(buildGraph(dumpOfText("", 6), { namespace: "default", service: "web" })).toEqual({ family: 6, parts: [] });
});

test("the order of chains in a dump does not change the nodes", () => {
  const dump = sample("mixed-six-services");
  const nat = dump.tables.get("nat");
  if (nat === undefined) throw new Error("bug: no nat table");
  const turned = {
    ...dump,
    tables: new Map([...dump.tables, ["nat", { ...nat, chains: new Map([...nat.chains].toReversed()) }]]),
  };
  for (const namespace of ["edge", "wall", "pier"])
    expect(buildGraph(turned, { namespace })).toEqual(buildGraph(dump, { namespace }));
});

test("many sources are told by the first few and a number", () => {
  const sourceRanges = Array.from({ length: 40 }, (_, index) => `198.51.${index}.0/24`);
  const edge = edgesOf(drawn({ ...balancer, sourceRanges }, ["10.1.0.1"])).find((row) => row.includes("198.51.0.0/24"));
  expect(edge).toMatch(/(from [\d./]+ \| ){5}and 35 more$/);
});
