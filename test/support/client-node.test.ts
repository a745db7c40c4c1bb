import { CoreV1Api, DiscoveryV1Api, KubeConfig, Watch, type V1Service } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { startApi, type FakeApi } from "./api.ts";
import { aService } from "./client.ts";

let api: FakeApi;

beforeEach(async () => {
  api = await startApi({ tokens: ["good"] });
});

afterEach(() => api.stop());

function config(credentials?: Parameters<FakeApi["kubeconfig"]>[0]): KubeConfig {
  const loaded = new KubeConfig();
  loaded.loadFromString(api.kubeconfig(credentials));
  return loaded;
}

const core = (credentials?: Parameters<FakeApi["kubeconfig"]>[0]) => config(credentials).makeApiClient(CoreV1Api);

test("lists by page", async () => {
  await api.fill({ services: 5, endpoints: 2 });
  const names: unknown[] = [];
  let next: string | undefined;
  do {
    const list = await core().listServiceForAllNamespaces({
      limit: 2,
      ...(next === undefined ? {} : { _continue: next }),
    });
    names.push(...list.items.map(({ metadata }) => metadata?.name));
    next = list.metadata?._continue;
  } while (next !== undefined);
  expect(names.sort()).toEqual([0, 1, 2, 3, 4].map((number) => `service-0000${number}`));
  const slices = await config()
    .makeApiClient(DiscoveryV1Api)
    .listEndpointSliceForAllNamespaces({ resourceVersion: "0" });
  expect(slices.items.map(({ endpoints }) => endpoints.length)).toEqual([2, 2, 2, 2, 2]);
});

test("is told of changes", async () => {
  const revision = await api.set(aService("a"));
  await api.set(aService("b"));
  const seen: string[] = [];
  const ended = new Promise((resolve) => {
    void new Watch(config()).watch(
      "/api/v1/services",
      { resourceVersion: String(revision) },
      (phase, service: V1Service) => {
        seen.push(`${phase} ${service.metadata?.name ?? ""}`);
        if (seen.length === 1) void api.remove("Service", "default", "a");
        else void api.cutWatches();
      },
      resolve,
    );
  });
  await ended;
  expect(seen).toEqual(["ADDED b", "DELETED a"]);
});

test("understands 401, 403, 404, and 410 of a page that has expired", async () => {
  await api.set(aService("a"), aService("b"));
  await expect(core({ token: "bad" }).listNode()).rejects.toMatchObject({ code: 401 });
  await expect(core({}).listNode()).rejects.toMatchObject({ code: 403 });
  await expect(core().readNamespacedService({ namespace: "default", name: "c" })).rejects.toMatchObject({ code: 404 });
  const { metadata } = await core().listServiceForAllNamespaces({ limit: 1 });
  await api.set(aService("c"));
  await api.expireHistory();
  await expect(
    core().listServiceForAllNamespaces({ limit: 1, _continue: metadata?._continue ?? "" }),
  ).rejects.toMatchObject({ code: 410 });
});

test("refuses a server that another authority vouches for", async () => {
  const other = await startApi();
  try {
    await expect(core({ url: other.url, token: "good" }).listNode()).rejects.toThrow("certificate");
    expect(await other.requests()).toEqual([]);
  } finally {
    await other.stop();
  }
});

test("reads from a server without TLS", async () => {
  const plain = await startApi({ tls: false });
  try {
    const loaded = new KubeConfig();
    loaded.loadFromString(plain.kubeconfig());
    expect((await loaded.makeApiClient(CoreV1Api).listNode()).items).toEqual([]);
  } finally {
    await plain.stop();
  }
});

test("writes events", async () => {
  const body = {
    metadata: { name: "a.1" },
    involvedObject: { kind: "Node", name: "n" },
    type: "Normal",
    reason: "Done",
  };
  await core().createNamespacedEvent({ namespace: "default", body });
  expect(await api.objects("Event")).toMatchObject([{ reason: "Done", metadata: { namespace: "default" } }]);
});
