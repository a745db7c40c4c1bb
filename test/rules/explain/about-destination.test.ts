// Tests of rules/explain/about-destination.ts.
import { expect, test } from "@jest/globals";
import { aService, gone, lingering, type EndpointFields } from "../../make/objects.ts";
import { aContext, ask, endpoints, reasonsOf } from "./a-context.ts";

const checked = aService({
  type: "LoadBalancer",
  externalTrafficPolicy: "Local",
  healthCheckNodePort: 32000,
  ports: [{ port: 80 }, { name: "b", port: 81 }],
});

test.each<[string, readonly (string | EndpointFields)[], number, number]>([
  [
    "counts addresses of this node, not ports",
    [
      { ip: "10.1.0.1", nodeName: "here" },
      { ip: "10.1.0.2", nodeName: "there" },
    ],
    1,
    200,
  ],
  [
    "does not count what terminates",
    [
      { ip: "10.1.0.1", nodeName: "here", ...lingering },
      { ip: "10.1.0.2", nodeName: "here", ...gone },
    ],
    0,
    503,
  ],
  ["is 503 without endpoints", [], 0, 503],
])("the answer to a health check %s", (_, members, local, answer) => {
  const [first] = reasonsOf(ask("203.0.113.9", "192.168.0.2:32000", aContext([checked, endpoints(...members)])));
  expect(first).toMatchObject({ code: "health-check-port", local, answer });
});

test.each([
  ["an endpoint's address at another port", "10.1.0.1:9999", "address-of-nobody"],
  ["the same port by UDP is no health check", "192.168.0.2:32000/udp", "node-port-of-nobody"],
  ["a health-check port of somebody else", "192.168.0.3:32000", "address-of-nobody"],
  ["a loopback address", "127.0.0.1:5000", "node-port-of-nobody"],
])("%s", (_, to, code) => {
  const [first] = reasonsOf(ask("node", to, aContext([checked, endpoints("10.1.0.1")])));
  expect(first?.code).toBe(code);
});
