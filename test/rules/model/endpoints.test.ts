// Tests of rules/model/endpoints.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { chooseEndpoints, endpointsOf, type EndpointUse } from "../../../rules/model/endpoints.ts";
import { servedAt } from "../../make/arbitrary.ts";
import { aSlice, gone, lingering, type EndpointFields } from "../../make/objects.ts";
import { aView } from "../../make/node.ts";

const port = { name: "", protocol: "TCP" } as const;
const both: EndpointUse = { cluster: true, local: true };
const view = aView();

const here = { nodeName: "here" };
const there = { nodeName: "there" };

function sets(endpoints: readonly EndpointFields[], use = both, on = view) {
  const chosen = chooseEndpoints(endpointsOf([aSlice({ endpoints })], port, on), use, on);
  const names = (list: typeof chosen.cluster) => list.map(({ ip }) => ip.replace("10.1.0.", "")).join("");
  return [names(chosen.cluster), names(chosen.local), chosen.any];
}

/** Endpoints 10.1.0.1, 10.1.0.2 ... with these fields. */
const list = (...fields: readonly Omit<EndpointFields, "ip">[]) =>
  fields.map((each, at) => ({ ip: `10.1.0.${at + 1}`, ...each }));

describe("which endpoints are used", () => {
  test.each<[string, Omit<EndpointFields, "ip">[], (string | boolean)[]]>([
    ["none of none", [], ["", "", false]],
    ["all that are ready; local ones for local traffic", [here, there, {}], ["123", "1", true]],
    ["not those that are not ready", [{ ...here, ready: false, serving: false }, there], ["2", "", true]],
    ["not those that terminate while one is ready", [{ ...here, ...lingering }, there], ["2", "1", true]],
    [
      "those that serve while they terminate, where none is ready anywhere",
      [
        { ...here, ...lingering },
        { ...there, ...lingering },
      ],
      ["12", "1", true],
    ],
    [
      "local ones that linger, where no local one is ready",
      [{ ...here, ...lingering }, { ...here, ...gone }, there],
      ["3", "1", true],
    ],
    ["local ones that are ready before local ones that linger", [here, { ...here, ...lingering }], ["1", "1", true]],
    [
      "none that neither serves nor is ready",
      [
        { ...here, ...gone },
        { ...there, ...gone },
      ],
      ["", "", false],
    ],
    [
      "none that serves but neither is ready nor terminates",
      [{ ...here, ready: false, serving: true }],
      ["", "", false],
    ],
    [
      "one that is ready although it terminates (publishNotReadyAddresses)",
      [{ ...here, terminating: true }],
      ["1", "1", true],
    ],
  ])("%s", (_, fields, expected) => {
    expect(sets(list(...fields))).toEqual(expected);
  });

  test.each<[string, EndpointUse, (string | boolean)[]]>([
    ["both", both, ["12", "1", true]],
    ["the cluster's", { cluster: true, local: false }, ["12", "", true]],
    ["the local ones", { cluster: false, local: true }, ["", "1", true]],
    ["neither", { cluster: false, local: false }, ["", "", true]],
  ])("only the sets that are used: %s", (_, use, expected) => {
    expect(sets(list(here, there), use)).toEqual(expected);
  });

  test("no endpoint is local where the node's name is not known", () => {
    expect(sets(list(here, {}), both, aView({ node: { name: undefined } }))).toEqual(["12", "", true]);
  });
});

describe("topology hints", () => {
  const [a, b] = [{ zoneHints: ["zone-a"] }, { zoneHints: ["zone-b"] }];
  test.each<[string, Omit<EndpointFields, "ip">[], string]>([
    ["this zone's, where all have one", [a, b], "1"],
    ["all, where one has none", [a, b, {}], "123"],
    ["all, where none is for this zone", [b, b], "12"],
    ["hints of those that are not ready do not count", [a, b, { ready: false, serving: false }], "1"],
    ["one hint among several", [{ zoneHints: ["zone-b", "zone-a"] }, b], "1"],
    [
      "this node's, before the zone's",
      [
        { ...a, nodeHints: ["here"] },
        { ...a, nodeHints: ["there"] },
      ],
      "1",
    ],
    [
      "the zone's, where no node hint is for this node",
      [
        { ...a, nodeHints: ["there"] },
        { ...b, nodeHints: ["there"] },
      ],
      "1",
    ],
    ["the zone's, where not all have node hints", [{ ...b, nodeHints: ["here"] }, a], "2"],
    [
      "all that linger: hints are not for them",
      [
        { ...a, ...lingering },
        { ...b, ...lingering },
      ],
      "12",
    ],
  ])("%s", (_, fields, expected) => {
    expect(sets(list(...fields))[0]).toBe(expected);
  });

  test("do not touch the local set", () => {
    expect(sets(list({ ...here, ...b }, { ...there, ...a }))).toEqual(["2", "1", true]);
  });

  test("do not count where the zone is not known", () => {
    expect(sets(list(a, b), both, aView({ node: { zone: undefined } }))[0]).toBe("12");
  });
});

describe("endpointsOf", () => {
  const ips = (...slices: Parameters<typeof aSlice>[0][]) =>
    endpointsOf(slices.map(aSlice), port, view).map((endpoint) => `${endpoint.ip}:${endpoint.port}`);

  test("merges slices, each address and port once, in order of ip:port", () => {
    expect(
      ips(
        { endpoints: ["10.1.0.9", "10.1.0.1"] },
        { endpoints: ["10.1.0.1", "10.1.0.2"] },
        { endpoints: ["10.1.0.1"], ports: [80] },
      ),
    ).toEqual(["10.1.0.1:80", "10.1.0.1:8080", "10.1.0.2:8080", "10.1.0.9:8080"]);
  });

  test.each([
    ["of the other family", { addressType: "IPv6", endpoints: ["fd00::1"] }],
    ["of host names", { addressType: "FQDN", endpoints: [{ ip: undefined }] }],
    ["left to other proxies", { leftToOthers: true }],
    ["of another port name", { ports: [{ name: "other" }] }],
    ["of another protocol", { ports: [{ protocol: "UDP" }] }],
    ["without a port number", { ports: [{ port: undefined }] }],
  ] as const)("passes over slices %s", (_, fields) => {
    expect(ips(fields)).toEqual([]);
  });

  test.each<[string, Omit<EndpointFields, "ip">, Omit<EndpointFields, "ip">, boolean]>([
    ["ready before not ready", { ready: false }, {}, true],
    ["not terminating before terminating", { terminating: true }, {}, true],
    ["ready and terminating before not ready", { ready: false }, { terminating: true }, true],
  ])("of two that say one address the better counts, whichever comes first: %s", (_, worse, better, ready) => {
    for (const [first, second] of [
      [worse, better],
      [better, worse],
    ]) {
      const found = endpointsOf(
        [
          aSlice({ name: "a", endpoints: [{ ip: "10.1.0.1", ...first }] }),
          aSlice({ name: "b", endpoints: [{ ip: "10.1.0.1", ...second }] }),
        ],
        port,
        view,
      );
      expect(found).toHaveLength(1);
      expect(found[0]?.ready).toBe(ready);
      expect(found[0]?.terminating).toBe(better.terminating ?? false);
    }
  });

  test("of two that are as good always the same counts, whichever comes first", () => {
    const [a, b] = ["zone-a", "zone-b"].map((zone) => aSlice({ endpoints: [{ ip: "10.1.0.1", zoneHints: [zone] }] }));
    if (a === undefined || b === undefined) throw new Error("bug: no slices");
    expect(endpointsOf([b, a], port, view)).toEqual(endpointsOf([a, b], port, view));
  });

  test("the order of slices and of endpoints in them does not matter", () => {
    fc.assert(
      fc.property(servedAt(0), ({ service, slices }) => {
        for (const each of service.ports) {
          const turned = [...slices]
            .reverse()
            .map((slice) => ({ ...slice, endpoints: [...slice.endpoints].reverse() }));
          expect(chosen(turned, each)).toEqual(chosen(slices, each));
        }
      }),
      { numRuns: 300 },
    );
  });

  const chosen = (slices: Parameters<typeof endpointsOf>[0], of: Parameters<typeof endpointsOf>[1]) => {
    const { cluster, local, any } = chooseEndpoints(endpointsOf(slices, of, view), both, view);
    return { any, cluster: cluster.map(({ ip }) => ip), local: local.map(({ ip }) => ip) };
  };
});
