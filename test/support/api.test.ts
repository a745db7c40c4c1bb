import { connect } from "node:http2";
import { get as httpsGet } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { Access } from "./access.ts";
import { startApi, type ApiOptions, type FakeApi } from "./api.ts";
import { aService, get, post, told, watch } from "./client.ts";
import type { Fault } from "./faults.ts";

const services = "/api/v1/services";
const slices = "/apis/discovery.k8s.io/v1/endpointslices";
const open: FakeApi[] = [];

async function start(options: ApiOptions = {}): Promise<FakeApi> {
  const api = await startApi({ tls: false, ...options });
  open.push(api);
  return api;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((api) => api.stop()));
});

describe("access", () => {
  const lists = { verb: "list", group: "", resource: "services" };
  const good = "Bearer good";
  test.each<[string, Access, string | undefined, string, number]>([
    ["nobody is asked", {}, undefined, services, 200],
    ["the token is right", { tokens: ["other", "good"] }, good, services, 200],
    ["the token is wrong", { tokens: ["other"] }, good, services, 401],
    ["it is no bearer token", { tokens: ["good"] }, "Basic good", services, 401],
    ["there is no token", { tokens: ["good"] }, undefined, services, 403],
    ["there is no token, but it is for all", { tokens: ["good"] }, undefined, "/version", 200],
    ["there is no token, and it is not for all", { tokens: ["good"] }, undefined, "/apis", 403],
    ["the rule is there", { tokens: ["good"], rbac: [lists] }, good, services, 200],
    ["the rule is for another verb", { rbac: [lists] }, good, `${services}?watch=true`, 403],
    ["the rule is for another object", { rbac: [lists] }, good, "/api/v1/nodes", 403],
    ["the rule is for another group", { rbac: [{ ...lists, resource: "endpointslices" }] }, good, slices, 403],
    ["the rule is for everything", { rbac: [{ verb: "*", group: "*", resource: "*" }] }, good, slices, 200],
    ["nothing is served there", {}, good, "/api/v1/pods", 404],
    ["no such group", {}, good, "/apis/apps/v1/services", 404],
  ])("%s", async (_title, access, authorization, path, status) => {
    const api = await start(access);
    expect((await get(api, path, authorization === undefined ? {} : { authorization })).status).toBe(status);
  });

  test("says who may not do what, as real servers do", async () => {
    const { body } = await get(await start({ rbac: [] }), slices);
    expect(body).toMatchObject({
      reason: "Forbidden",
      message:
        'endpointslices.discovery.k8s.io is forbidden: User "system:serviceaccount:kube-system:rulewright" cannot list resource "endpointslices" in API group "discovery.k8s.io" at the cluster scope',
      details: { group: "discovery.k8s.io", kind: "endpointslices" },
    });
  });

  test("changes while the server runs; open watches go on", async () => {
    const api = await start({ tokens: ["old"] });
    const ask = async (token: string) => (await get(api, services, { authorization: `Bearer ${token}` })).status;
    await api.setAccess({ tokens: ["new"] });
    expect([await ask("old"), await ask("new")]).toEqual([401, 200]);
    await api.setAccess({ tokens: undefined });
    const { next } = await watch(api, `${services}?resourceVersion=1`);
    await api.setAccess({ tokens: ["new"], rbac: [] });
    await api.set(aService("a"));
    expect(told(await next(1))).toEqual(["ADDED a"]);
    expect(await ask("new")).toBe(403);
  });
});

describe("faults of answers", () => {
  const ask = async (api: FakeApi, path = services) => {
    const start = performance.now();
    const answered = await get(api, path).then(
      ({ status, body }) => ({ status, items: (body.items as unknown[] | undefined)?.length }),
      (error: unknown) => ({ failed: (error as NodeJS.ErrnoException).code ?? (error as Error).name }),
    );
    return { ...answered, ms: performance.now() - start };
  };

  test.each<[Fault, object]>([
    [{ status: 500 }, { status: 500 }],
    [{ status: 429, retryAfterSeconds: 3 }, { status: 429 }],
    ["reset", { failed: "ECONNRESET" }],
    ["garbage", { failed: "SyntaxError" }],
    ["truncated", { failed: "ECONNRESET" }],
    [{ slowMs: 100 }, { status: 200, items: 300 }],
    [{ dripMs: 10 }, { status: 200, items: 300 }],
  ])("%j happens as often as ordered", async (fault, outcome) => {
    const api = await start();
    await api.fill({ services: 300, endpoints: 1 });
    await api.failNext(2, fault);
    const [first, second, third] = [await ask(api), await ask(api), await ask(api)];
    expect([first, second]).toMatchObject([outcome, outcome]);
    expect(third).toMatchObject({ status: 200, items: 300 });
    if (typeof fault === "object" && !("status" in fault)) expect(first.ms).toBeGreaterThan(95);
  });

  test("happens to those that match only, in the order of the orders", async () => {
    const api = await start();
    await api.failNext(1, { status: 500 }, { resource: "endpointslices" });
    await api.failNext(1, { status: 503 }, { verb: "list" });
    await api.failNext(1, { status: 502 }, { resource: "services", verb: "watch" });
    const statuses = [];
    for (const path of [services, services, `${services}?watch=true&timeoutSeconds=1`, slices, slices])
      statuses.push((await get(api, path)).status);
    expect(statuses).toEqual([503, 200, 502, 500, 200]);
    await api.failNext(9, "reset");
    await api.clearFaults();
    expect((await get(api, services)).status).toBe(200);
  });

  test("a Retry-After comes with the status that it belongs to", async () => {
    const api = await start();
    await api.failNext(1, { status: 429, retryAfterSeconds: 3 });
    const { headers, body } = await get(api, services);
    expect([headers["retry-after"], body.reason]).toEqual(["3", "TooManyRequests"]);
  });

  test("a truncated watch ends within an event", async () => {
    const api = await start();
    await api.failNext(1, "truncated", { verb: "watch" });
    const { ended } = await watch(api, `${services}?resourceVersion=1`);
    await api.set(aService("a"));
    expect(await ended).toEqual({ how: "broken", rest: expect.stringMatching(/^\{"type":"ADDED"/) });
  });

  test("a hanging request gets nothing, others do", async () => {
    const api = await start();
    await api.failNext(1, "hang");
    const hanging = get(api, services).catch(() => "broken");
    expect((await get(api, slices)).status).toBe(200);
    await api.stop();
    expect(await hanging).toBe("broken");
  });
});

describe("TLS", () => {
  const list = (api: FakeApi, settings: object) =>
    new Promise<unknown>((resolve) => {
      httpsGet(api.url + services, { ca: api.caPem, ...settings }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code);
      });
    });

  test.each([
    ["its own authority", {}, 200],
    ["no authority", { ca: undefined }, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ["a name in the certificate", { servername: "kubernetes.default.svc" }, 200],
    ["an extra name in the certificate", { servername: "api.example" }, 200],
    ["another name", { servername: "example.com" }, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ])("a client that trusts %s", async (_title, settings, outcome) => {
    const api = await start({ tls: true, names: ["api.example"] });
    expect(await list(api, settings)).toBe(outcome);
  });

  test("on IPv6", async () => {
    const api = await start({ tls: true, address: "::1" });
    expect(await list(api, {})).toBe(200);
  });

  test("HTTP/2 carries several watches and lists, and cuts them", async () => {
    const api = await start({ tls: true });
    await api.fill({ services: 500, endpoints: 5 });
    const session = connect(api.url, { ca: api.caPem ?? "" });
    session.on("error", () => undefined);
    const request = (path: string) => {
      const stream = session.request({ ":path": path, accept: "application/json" });
      let text = "";
      stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      const ended = new Promise<string | number>((resolve) => {
        stream
          .on("error", () => undefined)
          .on("close", () => {
            resolve(stream.rstCode);
          });
      });
      return { ended, text: () => text };
    };
    const [reset, clean, all] = [
      request(`${services}?watch=1&resourceVersion=0`),
      request(`${slices}?watch=1`),
      request(slices),
    ];
    expect(await all.ended).toBe(0);
    expect((JSON.parse(all.text()) as { items: unknown[] }).items).toHaveLength(500);
    expect(await api.watches()).toHaveLength(2);
    await api.cutWatches("mid-chunk", "services");
    await api.cutWatches("clean", "endpointslices");
    expect(await clean.ended).toBe(0);
    expect(clean.text().split("\n")).toHaveLength(501);
    expect(await reset.ended).toBe(2); // INTERNAL_ERROR
    const last = request(`${services}?watch=1&resourceVersion=1001`);
    while ((await api.watches()).length === 0) await sleep(5);
    const closed = new Promise((resolve) => session.on("close", resolve));
    await api.cutWatches("reset");
    await Promise.all([closed, last.ended]);
  });
});

describe("writes", () => {
  const events = "/api/v1/namespaces/default/events";
  const event = {
    metadata: { name: "a.1", namespace: "default" },
    involvedObject: { kind: "Service", namespace: "default", name: "a" },
    reason: "Failed",
    message: "text",
    type: "Warning",
    count: 1,
  };

  test("an event is stored, patched and read back", async () => {
    const api = await start();
    expect(await post(api, events, event)).toMatchObject({ status: 201, body: { kind: "Event", apiVersion: "v1" } });
    expect(await post(api, events, event)).toMatchObject({ status: 409, body: { reason: "AlreadyExists" } });
    const patched = await post(api, `${events}/a.1`, { count: 2, message: null }, "PATCH");
    expect(patched).toMatchObject({ status: 200, body: { count: 2 } });
    const [stored] = await api.objects("Event");
    expect(stored).toMatchObject({ count: 2, reason: "Failed", metadata: { name: "a.1" } });
    expect(stored).not.toHaveProperty("message");
  });

  test("an event of the newer group is stored too, and named by the server where it has a prefix", async () => {
    const api = await start();
    const path = "/apis/events.k8s.io/v1/namespaces/default/events";
    const newer = {
      metadata: { generateName: "node-" },
      regarding: { kind: "Node", name: "n" },
      eventTime: "2024-05-06T07:08:09.000000Z",
      reportingController: "rulewright",
      reportingInstance: "rulewright-n",
      action: "Sync",
      reason: "Failed",
      type: "Warning",
    };
    expect((await post(api, path, newer)).status).toBe(201);
    expect((await post(api, path, { ...newer, action: "" })).status).toBe(422);
    expect(await api.objects("Event")).toMatchObject([
      { apiVersion: "events.k8s.io/v1", metadata: { name: expect.stringMatching(/^node-/) } },
    ]);
  });

  test.each<[string, string, object, string, number]>([
    ["about something in another namespace", events, { ...event, involvedObject: { namespace: "x" } }, "POST", 422],
    ["that has another namespace", events, { ...event, metadata: { name: "b", namespace: "x" } }, "POST", 400],
    ["without a name", events, { ...event, metadata: {} }, "POST", 422],
    ["that is not there", `${events}/none`, { count: 2 }, "PATCH", 404],
    ["that is to be deleted", `${events}/none`, {}, "DELETE", 405],
  ])("an event %s is refused", async (_title, path, body, method, status) => {
    expect((await post(await start(), path, body, method)).status).toBe(status);
  });

  test("a Service cannot be written by clients", async () => {
    const { status } = await post(await start(), "/api/v1/namespaces/default/services", aService("a"));
    expect(status).toBe(405);
  });

  test("tokens and access are reviewed", async () => {
    const api = await start({ reviewed: { secret: { name: "prometheus", may: ["get /metrics"] } } });
    const token = async (value: string) =>
      (await post(api, "/apis/authentication.k8s.io/v1/tokenreviews", { spec: { token: value } })).body["status"];
    const access = async (user: string, path: string) =>
      (
        await post(api, "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
          spec: { user, nonResourceAttributes: { path, verb: "get" } },
        })
      ).body["status"];
    expect(await token("secret")).toMatchObject({ authenticated: true, user: { username: "prometheus" } });
    expect(await token("wrong")).not.toHaveProperty("authenticated");
    expect(await access("prometheus", "/metrics")).toEqual({ allowed: true });
    expect(await access("prometheus", "/debug")).toMatchObject({ allowed: false });
    expect(await access("nobody", "/metrics")).toMatchObject({ allowed: false });
  });
});

test("requests are recorded, also those that are refused", async () => {
  const api = await start({ tokens: ["x"] });
  const before = Date.now();
  await get(api, `${services}?limit=5&continue=`, { "user-agent": "me/1" });
  const [request, ...others] = await api.requests();
  expect(others).toEqual([]);
  expect(request).toEqual({
    method: "GET",
    path: services,
    query: { limit: "5", continue: "" },
    at: expect.any(Number),
    userAgent: "me/1",
  });
  expect(request?.at).toBeGreaterThanOrEqual(before);
  await api.forgetRequests();
  expect(await api.requests()).toEqual([]);
});

test.each(["/healthz", "/livez", "/readyz"])("%s is ok", async (path) => {
  expect((await get(await start(), path)).text).toBe("ok");
});
