import { gunzipSync } from "node:zlib";
import { get as httpGet } from "node:http";
import { afterEach, describe, expect, test } from "@jest/globals";
import { startApi, type ApiOptions, type FakeApi } from "./api.ts";
import { aNode, aService, get } from "./client.ts";

const services = "/api/v1/services";
const open: FakeApi[] = [];

async function start(options: ApiOptions = {}): Promise<FakeApi> {
  const api = await startApi({ tls: false, ...options });
  open.push(api);
  return api;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((api) => api.stop()));
});

describe("a list", () => {
  test("has the revision of the last change and its items without kind", async () => {
    const api = await start();
    const revision = await api.set(aService("b"), aService("a"), aNode("n"));
    const { body } = await get(api, services);
    expect(body).toMatchObject({
      kind: "ServiceList",
      apiVersion: "v1",
      metadata: { resourceVersion: String(revision) },
      items: [{ metadata: { name: "a", namespace: "default" } }, { metadata: { name: "b" } }],
    });
    expect(body.items.filter((item) => "kind" in item || "apiVersion" in item)).toEqual([]);
  });

  test("is of one namespace where the path says so", async () => {
    const api = await start();
    const elsewhere = { ...aService("b"), metadata: { name: "b", namespace: "team" } };
    await api.set(aService("a"), elsewhere);
    const { body } = await get(api, "/api/v1/namespaces/team/services");
    expect(body.items.map(({ metadata }) => metadata.name)).toEqual(["b"]);
  });

  test("comes in pages of one revision, whatever changes meanwhile", async () => {
    const api = await start();
    const revision = await api.set(...["a", "b", "c", "d", "e"].map((name) => aService(name)));
    const first = await get(api, `${services}?limit=2`);
    await api.remove("Service", "default", "c");
    await api.set(aService("aa"));
    const second = await get(api, `${services}?limit=2&continue=${first.body.metadata.continue ?? ""}`);
    const third = await get(api, `${services}?limit=2&continue=${second.body.metadata.continue ?? ""}`);
    const pages = [first, second, third];
    expect(pages.map(({ body }) => body.items.map(({ metadata }) => metadata.name))).toEqual([
      ["a", "b"],
      ["c", "d"],
      ["e"],
    ]);
    expect(pages.map(({ body }) => body.metadata.resourceVersion)).toEqual(Array(3).fill(String(revision)));
    expect(pages.map(({ body }) => body.metadata.remainingItemCount)).toEqual([3, 1, undefined]);
    expect(third.body.metadata.continue).toBeUndefined();
  });

  test("cannot be read on once its revision has been compacted, but can be from what there is now", async () => {
    const api = await start();
    await api.set(aService("a"), aService("b"));
    const first = await get(api, `${services}?limit=1`);
    await api.set(aService("c"));
    await api.expireHistory();
    const second = await get(api, `${services}?limit=1&continue=${first.body.metadata.continue ?? ""}`);
    expect(second).toMatchObject({ status: 410, body: { kind: "Status", reason: "Expired", code: 410 } });
    const rest = await get(api, `${services}?continue=${second.body.metadata.continue ?? ""}`);
    expect(rest.body.items.map(({ metadata }) => metadata.name)).toEqual(["b", "c"]);
  });

  test("has no pages where any revision will do", async () => {
    const api = await start();
    await api.set(aService("a"), aService("b"));
    const { body } = await get(api, `${services}?limit=1&resourceVersion=0`);
    expect(body.items).toHaveLength(2);
  });

  test("of a revision that is not there yet times out", async () => {
    const api = await start();
    const { status, body, headers } = await get(api, `${services}?resourceVersion=999`);
    expect({ status, reason: body.reason, retry: headers["retry-after"] }).toEqual({
      status: 504,
      reason: "Timeout",
      retry: "1",
    });
  });

  test("is the same bytes compressed, where it is large and the client can", async () => {
    const api = await start({ managedFields: true });
    await api.fill({ services: 300, endpoints: 5 });
    const path = "/apis/discovery.k8s.io/v1/endpointslices";
    const plain = await get(api, path);
    const [encoding, bytes] = await new Promise<[string | undefined, Buffer]>((resolve) => {
      httpGet(api.url + path, { headers: { "accept-encoding": "gzip" } }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          resolve([response.headers["content-encoding"], Buffer.concat(chunks)]);
        });
      });
    });
    expect(encoding).toBe("gzip");
    expect(gunzipSync(bytes).toString()).toBe(plain.text);
    expect(plain.body.items).toHaveLength(300);
    expect(plain.body.items[0]?.metadata).toHaveProperty("managedFields");
    const small = await get(api, `${path}?limit=1`, { "accept-encoding": "gzip" });
    expect(small.headers["content-encoding"]).toBeUndefined();
  });
});

describe("selectors", () => {
  const other = "service.kubernetes.io/service-proxy-name";
  test.each([
    ["", "plain proxied web"],
    [`!${other},!service.kubernetes.io/headless`, "plain web"],
    [other, "proxied"],
    ["app=web", "web"],
    ["app==web", "web"],
    ["app!=web", "plain proxied"],
    ["app in (web,db)", "web"],
    ["app notin (web,db)", "plain proxied"],
    [`app=web,${other}`, ""],
  ])("label selector %s keeps %s", async (selector, names) => {
    const api = await start();
    await api.set(
      aService("plain"),
      aService("web", { labels: { app: "web" } }),
      aService("proxied", { labels: { [other]: "x" } }),
    );
    const { body } = await get(api, `${services}?labelSelector=${encodeURIComponent(selector)}`);
    expect(body.items.map(({ metadata }) => metadata.name).join(" ")).toBe(names);
  });

  test.each([
    ["1.36", "services", "spec.clusterIP!=None", "web"],
    ["1.31", "services", "spec.clusterIP!=None,spec.type=ClusterIP", "web"],
    ["1.28", "services", "metadata.name=web", "web"],
    ["1.28", "nodes", "metadata.name=n2", "n2"],
    ["1.28", "nodes", "metadata.name=n3", ""],
  ] as const)("%s: field selector of %s, %s, keeps %s", async (version, plural, selector, names) => {
    const api = await start({ version });
    await api.set(aService("web"), aService("headless", { spec: { clusterIP: "None", type: "ClusterIP" } }));
    await api.set(aNode("n1"), aNode("n2"));
    const { body } = await get(api, `/api/v1/${plural}?fieldSelector=${encodeURIComponent(selector)}`);
    expect(body.items.map(({ metadata }) => metadata.name).join(" ")).toBe(names);
  });

  test.each([
    ["1.30", `${services}?fieldSelector=spec.clusterIP!=None`, 400, "BadRequest"],
    ["1.36", "/api/v1/nodes?fieldSelector=spec.clusterIP!=None", 400, "BadRequest"],
    ["1.36", `${services}?labelSelector=a%20b`, 400, "BadRequest"],
    ["1.36", `${services}?fieldSelector=name`, 400, "BadRequest"],
    ["1.36", `${services}?resourceVersion=abc`, 400, "BadRequest"],
    ["1.36", `${services}?continue=x&resourceVersion=7`, 400, "BadRequest"],
    ["1.36", `${services}?continue=x`, 400, "BadRequest"],
    ["1.36", `${services}?sendInitialEvents=true`, 422, "Invalid"],
    ["1.36", `${services}?resourceVersionMatch=Exact`, 422, "Invalid"],
    ["1.28", `${services}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`, 422, "Invalid"],
    ["1.33", `${services}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`, 422, "Invalid"],
    ["1.36", `${services}?watch=1&sendInitialEvents=true`, 422, "Invalid"],
    ["1.36", `${services}?watch=1&resourceVersionMatch=NotOlderThan`, 422, "Invalid"],
  ] as const)("%s refuses %s with %i", async (version, path, code, reason) => {
    const { status, body } = await get(await start({ version }), path);
    expect({ status, kind: body.kind, code: body.code, reason: body.reason }).toEqual({
      status: code,
      kind: "Status",
      code,
      reason,
    });
  });
});

describe("versions", () => {
  test.each([
    ["1.28", 404],
    ["1.32", 404],
    ["1.33", 200],
    ["1.37", 200],
  ] as const)("%s answers a list of ServiceCIDRs with %i", async (version, status) => {
    const api = await start({ version });
    expect((await get(api, "/apis/networking.k8s.io/v1/servicecidrs")).status).toBe(status);
    expect((await get(api, "/version")).body).toMatchObject({ major: "1", minor: version.slice(2) });
  });

  test("a version that is none is the test's mistake", async () => {
    await expect(start({ version: "1.x" as "1.2" })).rejects.toThrow("no version");
  });
});

describe("objects", () => {
  test("keep uid and creation through updates and get others when made again", async () => {
    const api = await start();
    const read = async () => (await get(api, "/api/v1/namespaces/default/services/a")).body.metadata;
    await api.set(aService("a"));
    const born = await read();
    const revision = await api.set(aService("a", { labels: { x: "y" } }));
    expect(await read()).toEqual({ ...born, resourceVersion: String(revision), labels: { x: "y" } });
    await api.remove("Service", "default", "a");
    expect((await get(api, "/api/v1/namespaces/default/services/a")).body).toMatchObject({ code: 404 });
    await api.set(aService("a"));
    expect(await read()).not.toMatchObject({ uid: (born as { uid?: string }).uid });
  });

  test("that are set as they are do not change", async () => {
    const api = await start();
    const revision = await api.set(aService("a"));
    expect(await api.set(aService("a"))).toBe(revision);
    expect(await api.set(...(await api.objects("Service")))).toBe(revision);
  });

  test("that cannot be are the test's mistake", async () => {
    const api = await start();
    await expect(api.set({ apiVersion: "v1", kind: "Pod" })).rejects.toThrow("Pod");
    await expect(api.set({ apiVersion: "v1", kind: "Node", metadata: {} })).rejects.toThrow("metadata.name");
    await expect(api.remove("Service", "default", "none")).rejects.toThrow("default/none");
    await expect(api.objects("Pod")).rejects.toThrow("Pod");
  });
});
