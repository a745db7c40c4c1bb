// Tests of src/http/routes.ts.
import { describe, expect, test } from "@jest/globals";
import { textAnswer, type Request } from "../../../src/http/answer.ts";
import { routeHandler, type Route } from "../../../src/http/routes.ts";

const open = () => Promise.resolve(undefined);
const closed = () => Promise.resolve(textAnswer(403, "guarded"));

function aRequest(method: string, path: string): Request {
  return { method, path, query: new URLSearchParams(), token: undefined, remoteAddress: "10.0.0.1" };
}

function route(path: string): Route {
  return { path, answer: () => textAnswer(200, path) };
}

const table = ["/metrics", "/debug/state", "/debug/services/", "/debug/services/all", "/debug/services/deep/"].map(
  route,
);

describe("a path finds", () => {
  const handle = routeHandler(table, open);
  test.each([
    ["/metrics", "/metrics"],
    ["/debug/services/", "/debug/services/"],
    ["/debug/services/default/web", "/debug/services/"],
    ["/debug/services/all", "/debug/services/all"],
    ["/debug/services/all/more", "/debug/services/"],
    ["/debug/services/deep/er/still", "/debug/services/deep/"],
    ["/metrics/", undefined],
    ["/metrics/more", undefined],
    ["/Metrics", undefined],
    ["//metrics", undefined],
    ["/x/../metrics", undefined],
    ["/debug/services", undefined],
    ["/", undefined],
    ["", undefined],
    ["http://host/metrics", undefined],
  ])("%j: the route %j", async (path, expected) => {
    const { status, body } = await handle(aRequest("GET", path));
    expect([status, body]).toEqual(expected === undefined ? [404, "404 page not found\n"] : [200, expected]);
  });

  test("everything below a route for /", async () => {
    const { body } = await routeHandler([route("/")], open)(aRequest("GET", "/a/b"));
    expect(body).toBe("/");
  });
});

describe("methods", () => {
  const handle = routeHandler(table, open);
  test.each([
    ["GET", 200],
    ["HEAD", 200],
    ["POST", 405],
    ["PUT", 405],
    ["DELETE", 405],
    ["OPTIONS", 405],
    ["get", 405],
  ])("%s is answered with %d", async (method, status) => {
    const answer = await handle(aRequest(method, "/metrics"));
    expect([answer.status, answer.headers?.["Allow"]]).toEqual([status, status === 405 ? "GET, HEAD" : undefined]);
  });
});

describe("the guard", () => {
  const handle = routeHandler(table, closed);
  test.each([
    ["/debug", 403],
    ["/debug/", 403],
    ["/debug/state", 403],
    ["/debug/not/there", 403],
    ["/metrics", 200],
    ["/debugger", 404],
    ["/%64ebug/state", 404],
    ["//debug/state", 404],
    ["/metrics/../debug/state", 404],
    ["/DEBUG/state", 404],
  ])("has its say about %s: %d", async (path, status) => {
    expect((await handle(aRequest("GET", path))).status).toBe(status);
  });
});

test("two routes with one path are a bug", () => {
  expect(() => routeHandler([route("/a"), route("/a")], open)).toThrow(/^bug: /);
});
