// Tests of src/health/port-answer.ts.
import { expect, test } from "@jest/globals";
import { portAnswer } from "../../../src/health/port-answer.ts";

test.each([
  [2, true, 200],
  [1, true, 200],
  [0, true, 503],
  [2, false, 503],
  [0, false, 503],
])("%d local endpoints, healthy %p: %d", (localEndpoints, healthy, status) => {
  const answer = portAnswer({ service: "default/web", localEndpoints }, healthy);
  expect(answer.status).toBe(status);
  expect(answer.headers).toEqual({ "X-Load-Balancing-Endpoint-Weight": String(localEndpoints) });
  expect(JSON.parse(String(answer.body))).toEqual({
    service: { namespace: "default", name: "web" },
    localEndpoints,
    serviceProxyHealthy: healthy,
  });
});

test("the body is kube-proxy's to the byte", () => {
  const { body, contentType } = portAnswer({ service: "default/web", localEndpoints: 3 }, true);
  expect(contentType).toBe("application/json");
  expect(body).toBe(`{
\t"service": {
\t\t"namespace": "default",
\t\t"name": "web"
\t},
\t"localEndpoints": 3,
\t"serviceProxyHealthy": true
}`);
});
