// Tests of rules/offline/backend-slices.ts.
import { describe, expect, test } from "@jest/globals";
import { podBackends } from "../../../rules/offline/backend.ts";
import { buildBackendSlices } from "../../../rules/offline/backend-slices.ts";
import { addressPool } from "../../../rules/offline/placeholder.ts";
import type { Pod } from "../../../rules/decode/pod.ts";
import type { Service } from "../../../rules/decode/service.ts";
import type { Family } from "../../../rules/net/ip.ts";
import { aPod, aService, cidrs, containers, running } from "./an.ts";

const build = (
  service: Service,
  pods: readonly Pod[],
  families: readonly Family[] = [4],
  podCidrs = ["10.244.0.0/16", "fd44::/64"],
) =>
  buildBackendSlices(service, podBackends(pods, service, new Map()), {
    families,
    take: addressPool(cidrs(...podCidrs), new Set()),
  });

const numbers = (built: ReturnType<typeof build>) =>
  built.slices.map(({ ports, endpoints }) => [ports.map(({ port }) => port), endpoints.length]);

const named = (ports: readonly Record<string, unknown>[]) => ({ spec: containers(...ports) });

describe("ports", () => {
  const http = aService({ ports: [{ port: 80, targetPort: "http" }] });

  test.each([
    ["the port itself without targetPort", aService(), [80]],
    ["the number given", aService({ ports: [{ port: 80, targetPort: 8080 }] }), [8080]],
    ["the number of the container port named", http, [8000]],
  ])("are %s", (_, service, ports) => {
    expect(numbers(build(service, [aPod("a", named([{ name: "http", containerPort: 8000 }]))]))).toEqual([[ports, 1]]);
  });

  test("of one name and different numbers come in several slices", () => {
    const pods = [8000, 9000, 8000].map((containerPort, index) =>
      aPod(`p${index}`, named([{ name: "http", containerPort }])),
    );
    expect(numbers(build(http, pods))).toEqual([
      [[8000], 2],
      [[9000], 1],
    ]);
  });

  test("must have the protocol too", () => {
    const dns = aService({ ports: [{ port: 53, protocol: "UDP", targetPort: "dns" }] });
    const both = [
      { name: "dns", containerPort: 5353 },
      { name: "dns", containerPort: 5354, protocol: "UDP" },
    ];
    expect(numbers(build(dns, [aPod("a", named(both))]))).toEqual([[[5354], 1]]);
  });

  test("are found in restartable init containers, but not in others", () => {
    const init = (restartPolicy?: string) =>
      aPod("a", { spec: { initContainers: [{ restartPolicy, ports: [{ name: "http", containerPort: 1 }] }] } });
    expect(numbers(build(http, [init("Always")]))).toEqual([[[1], 1]]);
    expect(numbers(build(http, [init()]))).toEqual([]);
  });

  test("that no Pod names are warned about, and the others still served", () => {
    const service = aService({
      ports: [
        { name: "a", port: 80, targetPort: "http" },
        { name: "b", port: 81 },
      ],
    });
    const built = build(service, [aPod("a")]);
    expect(built.problems).toMatchObject([
      { code: "named-port-not-found", severity: "warning", path: ["spec", "ports", 0, "targetPort"] },
    ]);
    expect(numbers(built)).toEqual([[[81], 1]]);
  });

  test("that some Pod names are not warned about", () => {
    const pods = [aPod("a"), aPod("b", named([{ name: "http", containerPort: 1 }]))];
    expect(build(http, pods).problems).toEqual([]);
  });

  test("that nothing could name are not warned about", () => {
    expect(build(http, []).problems).toEqual([]);
  });

  test("may be none in a headless Service", () => {
    expect(numbers(build(aService({ clusterIP: "None", ports: [] }), [aPod("a")]))).toEqual([[[], 1]]);
  });
});

describe("names", () => {
  const endpointsOf = (service: Service, pod: Pod) => build(service, [pod]).slices[0]?.endpoints;

  test("of a Pod with a hostname below the Service are both in the slice", () => {
    const pod = aPod("a", { spec: { hostname: "h", subdomain: "web" } });
    expect(endpointsOf(aService(), pod)).toMatchObject([{ hostname: "h", pod: "a" }]);
  });

  test("that are unknown are no keys", () => {
    const [endpoint = {}] = endpointsOf(aService(), aPod("a", { spec: { hostname: "h" } })) ?? [];
    expect(Object.keys(endpoint)).not.toContain("hostname");
  });
});

describe("addresses", () => {
  test("go to the slice of their family, and only the Service's families count", () => {
    const pods = [aPod("a", { status: running("10.1.0.1", "fd01::1") }), aPod("b", { status: running("10.1.0.2") })];
    const types = (families: readonly Family[]) =>
      build(aService(), pods, families).slices.map(({ addressType, endpoints }) => [addressType, endpoints.length]);
    expect(types([4, 6])).toEqual([
      ["IPv4", 2],
      ["IPv6", 1],
    ]);
    expect(types([6])).toEqual([["IPv6", 1]]);
  });

  test("that are real are not marked, those made up are marked and listed", () => {
    const built = build(aService(), [aPod("a", { status: running("10.1.0.1") }), aPod("b")]);
    expect(built.slices[0]?.endpoints.map(({ placeholder }) => placeholder)).toEqual([undefined, true]);
    expect(built.placeholders).toMatchObject([
      { object: "Pod default/b", field: "status.podIP", from: "10.244.0.0/16" },
    ]);
  });

  test("that find no room are reported once for a family", () => {
    const built = build(aService(), [aPod("a"), aPod("b")], [4, 6], ["10.244.0.0/16"]);
    expect(built.problems.map(({ code }) => code)).toEqual(["no-range-for-placeholder"]);
    expect(built.slices).toHaveLength(1);
  });
});
