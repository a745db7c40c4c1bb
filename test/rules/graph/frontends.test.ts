// Tests of rules/graph/frontends.ts.
import { describe, expect, test } from "@jest/globals";
import { findFrontends, servicesOf } from "../../../rules/graph/frontends.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { aDump, dumpOfCluster, sample } from "./a-dump.ts";

const rows = (dump: Parameters<typeof findFrontends>[0], namespace: string, service?: string) =>
  [...findFrontends(dump, { namespace, ...(service === undefined ? {} : { service }) })].map(([port, frontends]) => [
    port,
    ...frontends.map(({ kind, at, ways, refusals }) =>
      [kind, at, ...ways.map(({ chain }) => chain.slice(0, 8)), ...refusals.map(({ text }) => text)].join(" "),
    ),
  ]);

describe("of kube-proxy's rules on a node", () => {
  test.each([
    ["shop", ["cluster IP 172.30.0.41:80/TCP KUBE-SVC"]],
    ["door", ["cluster IP 172.30.0.43:80/TCP KUBE-SVC", "node port 30303/TCP KUBE-EXT"]],
    [
      "edge",
      [
        "cluster IP 172.30.0.42:80/TCP KUBE-SVC",
        "external IP 192.168.99.22:80/TCP KUBE-EXT dropped: no local endpoints",
        "load balancer 1.2.3.4:80/TCP KUBE-EXT dropped: no local endpoints",
        "node port 30301/TCP KUBE-EXT dropped: no local endpoints",
      ],
    ],
    [
      "wall",
      [
        "cluster IP 172.30.0.45:80/TCP KUBE-SVC",
        "load balancer 5.6.7.8:80/TCP KUBE-FW- dropped: source not allowed",
        "node port 30302/TCP KUBE-EXT",
      ],
    ],
    ["void", ["cluster IP 172.30.0.46:80/TCP refused: no endpoints"]],
  ])("%s", (namespace, expected) => {
    expect(rows(sample("mixed-six-services"), namespace).map(([, ...found]) => found)).toEqual([expected]);
  });

  test("a Service with three protocols on one node port has three Service ports", () => {
    expect(rows(sample("three-protocols-nodeports"), "tele", "tri").map(([port, , , , last]) => [port, last])).toEqual([
      ["tele/tri:s", "node port 30506/SCTP KUBE-EXT"],
      ["tele/tri:t", "node port 30506/TCP KUBE-EXT"],
      ["tele/tri:u", "node port 30506/UDP KUBE-EXT"],
    ]);
  });
});

describe("of our rules", () => {
  test("those behind dispatch chains are found too, in both tables", () => {
    const many = Array.from({ length: 60 }, (_, index) => [
      aService({
        name: `web${index}`,
        type: "NodePort",
        clusterIps: [`10.96.${index}.1`],
        ports: [{ nodePort: 30_000 + index }],
      }),
      ...(index % 2 === 0 ? [aSlice({ service: `web${index}` })] : []),
    ]).flat();
    const dump = dumpOfCluster(aCluster(...many));
    for (const index of [0, 1, 38, 59]) {
      const [cluster, node] =
        index % 2 === 0 ? ["KUBE-SVC", "KUBE-EXT"] : ["refused: no endpoints", "refused: no endpoints"];
      expect(rows(dump, "default", `web${index}`)).toEqual([
        [
          `default/web${index}`,
          `cluster IP 10.96.${index}.1:80/TCP ${cluster}`,
          `node port ${30_000 + index}/TCP ${node}`,
        ],
      ]);
    }
  });

  test("a name that begins another's, and another namespace, are not taken for it", () => {
    const cluster = aCluster(aService({ name: "web" }), aService({ name: "web-2", clusterIps: ["10.96.0.2"] }));
    expect(rows(dumpOfCluster(cluster), "default", "web").map(([port]) => port)).toEqual(["default/web"]);
    expect(rows(dumpOfCluster(cluster), "default").map(([port]) => port)).toEqual(["default/web", "default/web-2"]);
    expect(rows(dumpOfCluster(cluster), "defaul")).toEqual([]);
  });

  test("a health-check port is no frontend", () => {
    const service = aService({ type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 32_000 });
    expect(JSON.stringify(rows(dumpOfCluster(aCluster(service, aSlice())), "default"))).not.toContain("32000");
  });
});

test("who is masqueraded on the way to this frontend alone is told of it", () => {
  const match = '-d 10.96.0.1/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80';
  const dump = aDump([`KUBE-SERVICES ${match} -j KUBE-SVC-A`, `KUBE-SVC-A ! -s 10.0.0.0/8 ${match} -j KUBE-MARK-MASQ`]);
  const [frontends = []] = findFrontends(dump, { namespace: "default" }).values();
  expect(frontends.map(({ masquerades }) => masquerades)).toEqual([["masquerade if not from 10.0.0.0/8"]]);
});

test("a port of one address block is a frontend of its own where it leads elsewhere", () => {
  const rule = (block: string, chain: string) =>
    `KUBE-NODEPORTS ${block}-p tcp -m comment --comment "default/web" -m tcp --dport 30080 -j ${chain}`;
  const at = (chain: string) => rows(aDump([rule("-d 127.0.0.0/8 ", chain), rule("", "KUBE-EXT-A")]), "default");
  expect(at("KUBE-EXT-A")).toEqual([["default/web", "node port 30080/TCP KUBE-EXT"]]);
  expect(at("KUBE-EXT-B")).toEqual([
    ["default/web", "node port 30080/TCP KUBE-EXT", "node port 30080/TCP at 127.0.0.0/8 KUBE-EXT"],
  ]);
});

test("all Services that a rule names are known", () => {
  expect(servicesOf(sample("mixed-six-services"))).toEqual([
    "default/kubernetes",
    "door/bell",
    "edge/gate",
    "pier/dock",
    "shop/cart",
    "void/null",
    "wall/moat",
  ]);
});
