// Tests of rules/offline/backend.ts.
import { describe, expect, test } from "@jest/globals";
import { maxReplicas, podBackends, workloadBackends } from "../../../rules/offline/backend.ts";
import { aNode, aPod, aService, aWorkload, running } from "./an.ts";

const nodes = new Map(
  [aNode("a", "192.168.0.1", "fd01::1"), aNode("b", "192.168.0.2")].map((node) => [node.name, node]),
);
const notReady = { ...running("10.1.0.1"), conditions: [] };
const deleting = { deletionTimestamp: "2026-01-01T00:00:00Z" };

describe("Backends of Pods", () => {
  test.each([
    ["ready by the Ready condition", {}, { status: running("10.1.0.1") }, {}, [true, true, false]],
    ["not ready without it", {}, { status: notReady }, {}, [false, false, false]],
    ["ready in a plain manifest", {}, {}, {}, [true, true, false]],
    ["ready in a plain manifest with an empty status", {}, { status: {} }, {}, [true, true, false]],
    [
      "ready where not-ready addresses are published",
      { publishNotReadyAddresses: true },
      { status: notReady },
      {},
      [true, false, false],
    ],
    ["not ready but serving while they end", {}, { status: running("10.1.0.1") }, deleting, [false, true, true]],
    ["neither while they end not ready", {}, { status: notReady }, deleting, [false, false, true]],
    [
      "published while they end too",
      { publishNotReadyAddresses: true },
      { status: running("10.1.0.1") },
      deleting,
      [true, true, true],
    ],
  ])("are %s", (_, spec, fields, metadata, [ready, serving, terminating]) => {
    const pod = aPod("web-0", fields, metadata);
    expect(podBackends([pod], aService(spec), nodes)).toMatchObject([{ ready, serving, terminating }]);
  });

  test.each([
    ["has succeeded", { ...running("10.1.0.1"), phase: "Succeeded" }],
    ["has failed", { ...running("10.1.0.1"), phase: "Failed" }],
    ["has no address yet", { phase: "Pending" }],
  ])("are none where the Pod %s", (_, status) => {
    expect(podBackends([aPod("web-0", { status })], aService(), nodes)).toEqual([]);
  });

  test.each([
    ["the Pod's, where it has a status", { status: running("10.1.0.1", "fd01::9") }, ["10.1.0.1", "fd01::9"]],
    ["to be made up in a plain manifest", {}, undefined],
    [
      "those of its Node on the host's network",
      { spec: { hostNetwork: true, nodeName: "a" } },
      ["192.168.0.1", "fd01::1"],
    ],
    ["to be made up where the Node is not given", { spec: { hostNetwork: true, nodeName: "z" } }, undefined],
  ])("addresses are %s", (_, fields, ips) => {
    expect(podBackends([aPod("web-0", fields)], aService(), nodes)[0]?.ips).toEqual(ips);
  });
});

describe("names of Backends", () => {
  const [spec, web] = [{ hostname: "h", subdomain: "web" }, { app: "web" }];
  const template = { metadata: { labels: web }, spec };

  test.each([
    ["in the Service that its subdomain names", { spec }, "h"],
    ["not in another", { spec: { ...spec, subdomain: "db" } }, undefined],
    ["not without a subdomain", { spec: { hostname: "h" } }, undefined],
    ["not without a hostname", { spec: { subdomain: "web" } }, undefined],
  ])("a Pod has its hostname %s", (_, fields, hostname) => {
    expect(podBackends([aPod("p", fields)], aService(), nodes)).toMatchObject([{ hostname, pod: "p" }]);
  });

  const names = (...[kind, fields, metadata]: Parameters<typeof aWorkload>) =>
    workloadBackends(aWorkload(kind, fields, metadata), aService(), new Map()).map(({ hostname, pod }) => [
      hostname,
      pod,
    ]);

  test.each<[string, Parameters<typeof aWorkload>, (string | undefined)[][]]>([
    [
      "a StatefulSet's Pods are numbered, also in DNS below its Service",
      ["StatefulSet", { replicas: 2, serviceName: "web" }, { name: "db" }],
      [
        ["db-0", "db-0"],
        ["db-1", "db-1"],
      ],
    ],
    [
      "a StatefulSet's Pods are numbered from the first ordinal",
      ["StatefulSet", { serviceName: "web", ordinals: { start: 7 } }],
      [["web-7", "web-7"]],
    ],
    [
      "a StatefulSet's Pods have no hostname below another Service",
      ["StatefulSet", { serviceName: "other" }],
      [[undefined, "web-0"]],
    ],
    [
      "a StatefulSet overrules its template",
      ["StatefulSet", { serviceName: "other", template }],
      [[undefined, "web-0"]],
    ],
    [
      "a StatefulSet's Pods whose names are no label have no hostname",
      ["StatefulSet", { serviceName: "web" }, { name: "a.b" }],
      [[undefined, "a.b-0"]],
    ],
    [
      "a StatefulSet's Pods whose names are too long have no hostname",
      ["StatefulSet", { serviceName: "web" }, { name: "a".repeat(62) }],
      [[undefined, `${"a".repeat(62)}-0`]],
    ],
    ["a Deployment's Pods have no known names", ["Deployment", { serviceName: "web" }], [[undefined, undefined]]],
    ["a Deployment's Pods have the hostname of the template", ["Deployment", { template }], [["h", undefined]]],
    ["a DaemonSet's too", ["DaemonSet", { template }], [["h", undefined]]],
  ])("%s", (_, workload, expected) => {
    expect(names(...workload)).toEqual(expected);
  });
});

describe("Backends of workloads", () => {
  test.each([
    ["Deployment", {}, [undefined]],
    ["Deployment", { replicas: 2 }, [undefined, undefined]],
    ["StatefulSet", { replicas: 0 }, []],
    ["DaemonSet", {}, ["a", "b"]],
  ] as const)("of a %s with %j are on nodes %j", (kind, spec, names) => {
    expect(workloadBackends(aWorkload(kind, spec), aService(), nodes).map(({ nodeName }) => nodeName)).toEqual(names);
  });

  test("of a DaemonSet without Nodes are one", () => {
    expect(workloadBackends(aWorkload("DaemonSet"), aService(), new Map())).toHaveLength(1);
  });

  test("have different keys, and different ones from those of another workload", () => {
    const backends = [
      ...workloadBackends(aWorkload("Deployment", { replicas: 2 }), aService(), nodes),
      ...workloadBackends(aWorkload("ReplicaSet", { replicas: 2 }), aService(), nodes),
    ];
    expect(new Set(backends.map(({ key }) => key)).size).toBe(4);
  });

  test("are limited, so that a slip of the pen costs no memory", () => {
    expect(workloadBackends(aWorkload("Deployment", { replicas: 2147483647 }), aService(), nodes)).toHaveLength(
      maxReplicas,
    );
  });
});
