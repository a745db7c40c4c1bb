// Tests of rules/offline/made-slices.ts.
import { describe, expect, test } from "@jest/globals";
import { maxReplicas } from "../../../rules/offline/backend.ts";
import { sliceMaker } from "../../../rules/offline/made-slices.ts";
import type { OfflineObjects } from "../../../rules/offline/objects.ts";
import { addressPool } from "../../../rules/offline/placeholder.ts";
import { aNode, aPod, aService, aSlice, aWorkload, anEndpoints, cidrs, objectsOf, running } from "./an.ts";

const make = (objects: Partial<OfflineObjects>, service = aService()) =>
  sliceMaker(objectsOf(objects))(service, { families: [4], take: addressPool(cidrs("10.244.0.0/16"), new Set()) });

const counted = (built: ReturnType<typeof make>) => built.slices.map(({ endpoints }) => endpoints.length);

const slices = [aSlice()];
const endpoints = [anEndpoints([{ addresses: [{ ip: "10.2.0.1" }, { ip: "10.2.0.2" }], ports: [{ port: 80 }] }])];
const pods = [aPod("a", { status: running("10.1.0.1") })];
const workloads = [aWorkload("Deployment", { replicas: 3 })];

describe("the source of a Service's slices", () => {
  test.each([
    ["its slices, to which nothing is added", { slices, endpoints, pods, workloads }, []],
    ["then its Endpoints", { endpoints, pods, workloads }, [2]],
    ["then its Pods", { pods, workloads }, [1]],
    ["then its workloads", { workloads }, [3]],
    ["else nothing", {}, []],
    ["Pods even where they are finished", { pods: [aPod("a", { status: { phase: "Succeeded" } })], workloads }, []],
    ["not another Service's slices", { slices: [aSlice({}, { labels: {} })], workloads }, [3]],
    [
      "not another namespace's slices",
      { slices: [aSlice({}, { namespace: "x", labels: { "kubernetes.io/service-name": "web" } })], workloads },
      [3],
    ],
    ["not another namespace's workloads", { workloads: [aWorkload("Deployment", {}, { namespace: "x" })] }, []],
  ])("is %s", (_, objects, counts) => {
    expect(counted(make(objects))).toEqual(counts);
  });

  test.each([
    ["has no selector", aService({ selector: {} })],
    ["is an ExternalName", aService({ type: "ExternalName" })],
    ["is left to others", aService({}, { labels: { "service.kubernetes.io/headless": "" } })],
  ])("is none where it %s", (_, service) => {
    expect(counted(make({ pods, workloads }, service))).toEqual([]);
  });

  test("serves a headless Service too", () => {
    expect(counted(make({ workloads }, aService({ clusterIP: "None" })))).toEqual([3]);
  });
});

describe("workloads", () => {
  const owned = (name: string) => ({
    name: "web-1",
    ownerReferences: [{ kind: "Deployment", name, controller: true }],
  });

  test("that another given one controls do not count twice", () => {
    const set = aWorkload("ReplicaSet", { replicas: 3 }, owned("web"));
    expect(counted(make({ workloads: [...workloads, set] }))).toEqual([3]);
  });

  test("whose controller is not given count", () => {
    expect(counted(make({ workloads: [aWorkload("ReplicaSet", { replicas: 2 }, owned("gone"))] }))).toEqual([2]);
  });

  test("of several kinds add up", () => {
    expect(counted(make({ workloads: [...workloads, aWorkload("StatefulSet")] }))).toEqual([4]);
  });

  test("that are DaemonSets have an endpoint on each Node", () => {
    const built = make({ workloads: [aWorkload("DaemonSet")], nodes: [aNode("b"), aNode("a")] });
    expect(built.slices[0]?.endpoints.map(({ nodeName }) => nodeName)).toEqual(["a", "b"]);
  });

  test("with more replicas than are made up are reported", () => {
    const built = make({ workloads: [aWorkload("Deployment", { replicas: maxReplicas + 1 })] });
    expect(built.problems.map(({ code }) => code)).toEqual(["too-many-replicas"]);
  });
});
