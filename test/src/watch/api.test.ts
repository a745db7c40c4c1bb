// Tests of src/watch/api.ts against a fake API server.
import { afterAll, afterEach, describe, expect, jest, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openApi, type Api } from "../../../src/watch/api.ts";
import { services } from "../../../src/watch/resources.ts";
import { aServer, aServiceObject, anApi, another, run, stopAll, until } from "./harness.ts";

jest.setTimeout(20_000);
const folder = await mkdtemp(join(tmpdir(), "rulewright-api-"));
const [kubeconfig, tokenFile] = [join(folder, "config"), join(folder, "token")];
afterEach(stopAll);
afterAll(() => rm(folder, { recursive: true, force: true }));

const userAgent = "rulewright/test";
const read = async (body: AsyncIterable<Buffer>) => {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
};
const getAll = async (api: Api, path: string) => read((await api.get(path)).body);

describe("over TLS, as a kubeconfig says", () => {
  test("gives a body, with the server's certificate and our token checked", async () => {
    const fake = await aServer({ tls: true, tokens: ["one"] });
    await fake.set(aServiceObject("a"));
    await writeFile(kubeconfig, fake.kubeconfig());
    const api = await openApi({ kubeconfig, userAgent });
    expect(await getAll(api, services.path)).toMatchObject({
      kind: "ServiceList",
      items: [{ metadata: { name: "a" } }],
    });
    api.close();
  });

  test("does not talk to a server whose certificate another authority gave", async () => {
    const [fake, other] = [await aServer({ tls: true }), await aServer({ tls: true })];
    await writeFile(kubeconfig, other.kubeconfig({ token: "x", url: fake.url }));
    const api = await openApi({ kubeconfig, userAgent });
    await expect(api.get("/version")).rejects.toMatchObject({ name: "ApiError", status: undefined });
    expect(await fake.requests()).toEqual([]);
  });

  test("a token that rotates while a reflector runs is picked up, and nothing is lost", async () => {
    const fake = await aServer({ tls: true, tokens: ["one"] });
    await fake.set(aServiceObject("a"));
    await writeFile(tokenFile, "one");
    await writeFile(kubeconfig, fake.kubeconfig({ tokenFile }));
    const api = await openApi({ kubeconfig, userAgent });
    const seen = run(api, services);
    await until(() => seen.synced.length === 1);
    await writeFile(tokenFile, "two");
    await fake.setAccess({ tokens: ["two"] });
    await another(seen, () => fake.cutWatches("reset"));
    await fake.set(aServiceObject("b"));
    await until(() => seen.objects.size === 2);
    expect(seen.reflector.stats()).toMatchObject({ lists: 1, failures: 1 });
    await seen.reflector.stop();
    api.close();
  });

  test("a token that stays wrong is an error, tried twice", async () => {
    const fake = await aServer({ tls: true, tokens: ["one"] });
    await writeFile(kubeconfig, fake.kubeconfig({ token: "two" }));
    const api = await openApi({ kubeconfig, userAgent });
    await expect(api.get(services.path)).rejects.toMatchObject({ status: 401, reason: "Unauthorized" });
    expect(await fake.requests()).toHaveLength(2);
    api.close();
  });
});

describe("an answer", () => {
  test("that is no 2xx is an error with the Status's reason and the wait that the server asks for", async () => {
    const fake = await aServer();
    const api = anApi(fake);
    await fake.failNext(1, { status: 429, retryAfterSeconds: 3 });
    await expect(api.get(services.path)).rejects.toMatchObject({ status: 429, retryAfterSeconds: 3 });
    await expect(api.get("/apis/nothing/v1/things")).rejects.toMatchObject({ status: 404 });
  });

  test("that never comes is an error after the idle time", async () => {
    const fake = await aServer();
    await fake.failNext(1, "hang");
    await expect(anApi(fake).get(services.path, { idleSeconds: 0.2 })).rejects.toMatchObject({ reason: "Stalled" });
  });

  test("that stops half way is an error after the idle time, though what came is given", async () => {
    const fake = await aServer();
    const { body } = await anApi(fake).get(services.path, { query: { watch: "true" }, idleSeconds: 0.3 });
    const chunks: string[] = [];
    const reading = (async () => {
      for await (const chunk of body) chunks.push(chunk.toString());
    })();
    await fake.set(aServiceObject("a"));
    await until(() => chunks.length > 0);
    await expect(reading).rejects.toMatchObject({ reason: "Stalled" });
  });

  test("that breaks off is an error", async () => {
    const fake = await aServer();
    await fake.set(aServiceObject("a"));
    await fake.failNext(1, "truncated");
    const { body } = await anApi(fake).get(services.path);
    await expect(read(body)).rejects.toMatchObject({ name: "ApiError", reason: "ECONNRESET" });
  });

  test("is given up when its signal says so", async () => {
    const fake = await aServer();
    const stopping = new AbortController();
    const { body } = await anApi(fake).get(services.path, { query: { watch: "true" }, signal: stopping.signal });
    const reading = read(body);
    stopping.abort();
    await expect(reading).rejects.toMatchObject({ name: "ApiError" });
    await until(async () => (await fake.watches()).length === 0);
  });
});

test("a server that refuses connections is an error with Node's code", async () => {
  const fake = await aServer();
  await fake.down();
  await expect(anApi(fake).get("/version")).rejects.toMatchObject({ reason: "ECONNREFUSED", status: undefined });
  await fake.up();
});

test("sends JSON and gives the answer's", async () => {
  const fake = await aServer({ reviewed: { good: { name: "prometheus", may: ["get /metrics"] } } });
  const answer = await anApi(fake).send("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: "good" } },
  });
  expect(answer).toMatchObject({ status: { authenticated: true, user: { username: "prometheus" } } });
});

test("says who asks and for what, and short requests share a connection", async () => {
  const connections = new Set<unknown>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    connections.add(request.socket);
    asked.push(`${request.headers["user-agent"] ?? ""} ${request.headers.accept ?? ""} ${request.url ?? ""}`);
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const api = anApi({ url: `http://127.0.0.1:${port}`, caPem: undefined });
  for (let at = 0; at < 3; at++) await read((await api.get("/x", { query: { labelSelector: "!a,b=c d" } })).body);
  expect(asked).toEqual(Array(3).fill(`${userAgent} application/json /x?labelSelector=%21a%2Cb%3Dc+d`));
  expect(connections.size).toBe(1);
  api.close();
  server.close();
});
