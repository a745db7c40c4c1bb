// Tests of rules/offline/services.ts.
import { describe, expect, test } from "@jest/globals";
import { addressPool, nodePortPool } from "../../../rules/offline/placeholder.ts";
import { completeClusterIps, completeNodePorts } from "../../../rules/offline/services.ts";
import { aService, cidrs } from "./an.ts";

const addresses = () => addressPool(cidrs("10.96.0.0/12", "fd96::/108"), new Set());
const others = { labels: { "service.kubernetes.io/service-proxy-name": "other" } };

describe("cluster IPs", () => {
  test("are made up for each family, marked and listed", () => {
    const { service, placeholders, problems } = completeClusterIps(aService(), [6, 4], addresses());
    expect(service.clusterIpsArePlaceholders).toBe(true);
    expect(placeholders.map(({ object, field, value, from }) => [object, field, value, from])).toEqual([
      ["Service default/web", "spec.clusterIP", service.clusterIps[0], "fd96::/108"],
      ["Service default/web", "spec.clusterIPs[1]", service.clusterIps[1], "10.96.0.0/12"],
    ]);
    expect(problems).toEqual([]);
  });

  test.each([
    ["are given", aService({ clusterIP: "10.96.0.1" })],
    ["are None", aService({ clusterIP: "None" })],
    ["belong to an ExternalName", aService({ type: "ExternalName", externalName: "x.y" })],
    ["are left to others", aService({}, others)],
  ])("are not made up where they %s", (_, service) => {
    const completed = completeClusterIps(service, [4], addresses());
    expect(completed.service).toBe(service);
    expect(completed.placeholders).toEqual([]);
  });

  test("of a family without range are reported, the other is served", () => {
    const completed = completeClusterIps(aService(), [4, 6], addressPool(cidrs("10.96.0.0/12"), new Set()));
    expect(completed.service.clusterIps).toHaveLength(1);
    expect(completed.problems.map(({ code }) => code)).toEqual(["no-range-for-placeholder"]);
  });

  test("are reported where no family is known", () => {
    const completed = completeClusterIps(aService(), [], addresses());
    expect(completed.problems.map(({ code }) => code)).toEqual(["no-range-for-placeholder"]);
  });
});

describe("node ports", () => {
  const ports = () => nodePortPool({ low: 30000, high: 32767 }, new Set());

  test.each([
    ["NodePort", {}, true],
    ["LoadBalancer", {}, true],
    ["LoadBalancer", { allocateLoadBalancerNodePorts: false }, false],
    ["NodePort", { allocateLoadBalancerNodePorts: false }, true],
    ["ClusterIP", {}, false],
    ["ExternalName", {}, false],
  ])("of a %s with %j are made up: %s", (type, spec, made) => {
    const { service, placeholders } = completeNodePorts(aService({ type, ...spec }), ports());
    expect(service.ports[0]?.nodePort !== undefined).toBe(made);
    expect(service.ports[0]?.nodePortIsPlaceholder).toBe(made ? true : undefined);
    expect(placeholders.map(({ field, from }) => [field, from])).toEqual(
      made ? [["spec.ports[0].nodePort", "30000-32767"]] : [],
    );
  });

  test("that are given stay, and so does the Service", () => {
    const service = aService({ type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] });
    expect(completeNodePorts(service, ports()).service).toBe(service);
  });

  test("are not made up for health checks", () => {
    const service = aService({ type: "LoadBalancer", externalTrafficPolicy: "Local" });
    expect(completeNodePorts(service, ports()).service.healthCheckNodePort).toBeUndefined();
  });

  test("are left to others with their Service", () => {
    const service = aService({ type: "NodePort" }, others);
    expect(completeNodePorts(service, ports()).service).toBe(service);
  });

  test("of one number and two protocols differ", () => {
    const both = [
      { name: "a", port: 53, protocol: "UDP" },
      { name: "b", port: 53 },
    ];
    const { service } = completeNodePorts(aService({ type: "NodePort", ports: both }), ports());
    expect(new Set(service.ports.map(({ nodePort }) => nodePort)).size).toBe(2);
  });

  test("that find no room are reported at their port", () => {
    const { problems } = completeNodePorts(
      aService({ type: "NodePort" }),
      nodePortPool({ low: 2, high: 1 }, new Set()),
    );
    expect(problems.map(({ code, path }) => [code, path])).toEqual([
      ["no-range-for-placeholder", ["spec", "ports", 0, "nodePort"]],
    ]);
  });
});
