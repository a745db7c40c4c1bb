// Tests of rules/explain/reason/endpoint-reason.ts.
import { expect, test } from "@jest/globals";
import { renderEndpointReason, type EndpointReason } from "../../../../rules/explain/reason/endpoint-reason.ts";

const service = "default/web:http";

test.each<[EndpointReason, string]>([
  [
    { code: "no-endpoint-ready", service, total: 3, notReady: 2, terminating: 1 },
    "No endpoint of default/web:http is ready (3 exist: 2 not ready, 1 terminating): the connection is refused.",
  ],
  [
    { code: "no-endpoint-ready", service, total: 1, notReady: 0, terminating: 1 },
    "No endpoint of default/web:http is ready (1 exist: 1 terminating): the connection is refused.",
  ],
  [
    { code: "no-local-endpoint", policy: "internal", service, of: 4, node: "node-a" },
    "internalTrafficPolicy is Local and none of the 4 endpoints of default/web:http is on node-a: dropped.",
  ],
  [
    { code: "no-local-endpoint", policy: "external", service, of: 1, node: "node-a" },
    "externalTrafficPolicy is Local and the one endpoint of default/web:http is not on node-a: dropped.",
  ],
  [
    { code: "hints-leave", by: "zone", place: "zone a", left: 2, of: 6 },
    "Zone hints leave these 2 of 6 endpoints for zone a.",
  ],
  [
    { code: "local-leaves", policy: "external", left: 2, of: 3, node: "node-a" },
    "externalTrafficPolicy Local leaves these 2 of 3 endpoints: those on node-a.",
  ],
  [
    { code: "terminating-used", used: 2, local: true },
    "No local endpoint is ready; 2 endpoints that still serve while they terminate are used.",
  ],
])("%j", (reason, sentence) => {
  expect(renderEndpointReason(reason)).toBe(sentence);
});
