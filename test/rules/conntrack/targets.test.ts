// Tests of rules/conntrack/targets.ts.
import { describe, expect, test } from "@jest/globals";
import { isBalanced, targetsOf } from "../../../rules/conntrack/targets.ts";
import { servicePorts } from "../../../rules/model/model.ts";
import { modelOf } from "../../make/node.ts";
import {
  aCluster,
  aService,
  aSlice,
  gone,
  lingering,
  type EndpointFields,
  type ServiceFields,
} from "../../make/objects.ts";

const udp = { ports: [{ name: "dns", protocol: "UDP" as const, port: 53, nodePort: 30053 }] };
const slicePort = { ports: [{ name: "dns", protocol: "UDP" as const, port: 5353 }] };

/** What each frontend of a Service may lead to, and whether new flows are balanced. */
function targets(fields: ServiceFields, endpoints: readonly EndpointFields[]) {
  const model = modelOf(aCluster(aService({ ...udp, ...fields }), aSlice({ ...slicePort, endpoints })));
  const frontends = servicePorts(model).flatMap((port) => port.frontends);
  return Object.fromEntries(
    frontends.map((frontend) => [
      frontend.kind,
      { to: [...targetsOf(model, frontend)], balanced: isBalanced(frontend) },
    ]),
  );
}

const here = { ip: "10.1.0.1", nodeName: "here" };
const there = { ip: "10.1.0.2", nodeName: "there" };
const both = ["10.1.0.1:5353", "10.1.0.2:5353"];

describe("endpoints that may keep their flows", () => {
  test.each([
    ["ready ones", [here, there], both],
    ["draining ones beside ready ones", [here, { ...there, ...lingering }], both],
    ["not those that serve no longer", [here, { ...there, ...gone }], ["10.1.0.1:5353"]],
    [
      "those that hints pass over",
      [
        { ...here, zoneHints: ["zone-a"] },
        { ...there, zoneHints: ["zone-b"] },
      ],
      both,
    ],
    ["none where there is none", [], []],
  ])("%s", (_, endpoints, to) => {
    expect(targets({ type: "NodePort" }, endpoints)).toEqual({
      "cluster-ip": { to, balanced: to.length > 0 },
      "node-port": { to, balanced: to.length > 0 },
    });
  });

  test("a policy that keeps every client to the node leaves only its own", () => {
    expect(targets({ type: "NodePort", internalTrafficPolicy: "Local" }, [here, there])).toMatchObject({
      "cluster-ip": { to: ["10.1.0.1:5353"], balanced: true },
      "node-port": { to: both },
    });
    expect(targets({ internalTrafficPolicy: "Local" }, [there])).toMatchObject({
      "cluster-ip": { to: [], balanced: false },
    });
  });

  test("an external policy Local leaves all, since pods and the node itself still reach all", () => {
    expect(targets({ type: "NodePort", externalTrafficPolicy: "Local" }, [here, there])).toMatchObject({
      "node-port": { to: both, balanced: true },
    });
  });
});

test("endpoints of another port of the Service do not count", () => {
  const model = modelOf(
    aCluster(
      aService(udp),
      aSlice({ ...slicePort, endpoints: ["10.1.0.1"] }),
      aSlice({ name: "web-2", ports: [{ name: "other", protocol: "UDP", port: 9 }], endpoints: ["10.1.0.2"] }),
    ),
  );
  const [frontend] = servicePorts(model).flatMap((port) => port.frontends);
  expect(frontend === undefined ? undefined : [...targetsOf(model, frontend)]).toEqual(["10.1.0.1:5353"]);
});
