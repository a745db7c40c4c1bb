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

describe("Backends of workloads", () => {
  test.each([
    ["Deployment", {}, [undefined]],
    ["Deployment", { replicas: 2 }, [undefined, undefined]],
    ["StatefulSet", { replicas: 0 }, []],
    ["DaemonSet", {}, ["a", "b"]],
  ] as const)("of a %s with %j are on nodes %j", (kind, spec, names) => {
    expect(workloadBackends(aWorkload(kind, spec), nodes).map(({ nodeName }) => nodeName)).toEqual(names);
  });

  test("of a DaemonSet without Nodes are one", () => {
    expect(workloadBackends(aWorkload("DaemonSet"), new Map())).toHaveLength(1);
  });

  test("have different keys, and different ones from those of another workload", () => {
    const backends = [
      ...workloadBackends(aWorkload("Deployment", { replicas: 2 }), nodes),
      ...workloadBackends(aWorkload("ReplicaSet", { replicas: 2 }), nodes),
    ];
    expect(new Set(backends.map(({ key }) => key)).size).toBe(4);
  });

  test("are limited, so that a slip of the pen costs no memory", () => {
    expect(workloadBackends(aWorkload("Deployment", { replicas: 2147483647 }), nodes)).toHaveLength(maxReplicas);
  });
});
