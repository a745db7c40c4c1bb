// Tests of src/from-cluster/list.ts, against a fake API server.
import { afterEach, describe, expect, test } from "@jest/globals";
import { listOnce } from "../../../src/from-cluster/list.ts";
import { ApiError } from "../../../src/watch/api-error.ts";
import type { Api } from "../../../src/watch/api.ts";
import { serviceCidrs, services, type Resource } from "../../../src/watch/resources.ts";
import { bodyOf } from "../watch/chunks.ts";
import { anApi, aServer, aServiceObject, stopAll } from "../watch/harness.ts";

afterEach(stopAll);

async function all(api: Api, resource: Resource<unknown> = services): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const group of listOnce(api, resource)) items.push(...group);
  return items;
}

const names = (items: readonly unknown[]) =>
  items.map((item) => (item as { readonly metadata: { readonly name: string } }).metadata.name);

/** Answers each request with the next of these texts, or refuses it with the next of these statuses. */
function scripted(...answers: readonly (string | number)[]): { readonly api: Api; readonly asked: object[] } {
  const asked: object[] = [];
  const left = [...answers];
  const get: Api["get"] = (path, options) => {
    asked.push(options?.query ?? {});
    const answer = left.shift() ?? 500;
    if (typeof answer === "number") throw new ApiError(`GET ${path}: ${answer}`, { status: answer, reason: "" });
    return Promise.resolve({ status: 200, headers: {}, body: bodyOf([Buffer.from(answer)]) });
  };
  return { api: { ...anApi({ url: "http://127.0.0.1:1", caPem: undefined }), get }, asked };
}

const page = (items: readonly unknown[], next = "") =>
  JSON.stringify({ kind: "ServiceList", metadata: { resourceVersion: "1", continue: next }, items });

test.each([
  [0, 1],
  [500, 1],
  [501, 2],
  [1200, 3],
])("%d objects come in %d pages, each once and in order", async (count, pages) => {
  const fake = await aServer();
  const wanted = Array.from({ length: count }, (_, at) => `s${String(at).padStart(5, "0")}`);
  await fake.set(...wanted.map((name) => aServiceObject(name)));
  expect(names(await all(anApi(fake)))).toEqual(wanted);
  expect(await fake.requests()).toHaveLength(pages);
});

test("a selector that a server refuses is left out, in the following pages too", async () => {
  const { api, asked } = scripted(400, page([1], "more"), page([2]));
  expect(await all(api)).toEqual([1, 2]);
  expect(asked.map((query) => ["fieldSelector" in query, "continue" in query])).toEqual([
    [true, false],
    [false, false],
    [false, true],
  ]);
});

test("a kind that a server need not have is empty there", async () => {
  expect(await all(scripted(404).api, serviceCidrs)).toEqual([]);
  await expect(all(scripted(404).api, services)).rejects.toMatchObject({ status: 404 });
});

test.each([null, []])("a list whose items are %j is empty", async (items) => {
  expect(await all(scripted(JSON.stringify({ metadata: {}, items })).api)).toEqual([]);
});

describe("is not tried again, and throws an ApiError that names the path:", () => {
  test.each<[string, readonly (string | number)[], number]>([
    ["400 without a selector to blame", [400, 400], 2],
    ["403", [403], 1],
    ["410 for a later page", [page([1], "more"), 410], 2],
    ["500", [500], 1],
    ["what is no JSON", ["<html>"], 1],
    ["what ends too early", ['{"items":[{"a":1},'], 1],
    ["what is no list", ["{}"], 1],
  ])("%s", async (_, answers, requests) => {
    const { api, asked } = scripted(...answers);
    const error: unknown = await all(api).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).message).toContain("GET /api/v1/services: ");
    expect(asked).toHaveLength(requests);
  });
});

test.each([
  [services, 'apiGroups [""], resources ["services"], verbs ["list"]'],
  [serviceCidrs, 'apiGroups ["networking.k8s.io"], resources ["servicecidrs"], verbs ["list"]'],
])("403 says which right is missing: %#", async (resource, right) => {
  await expect(all(scripted(403).api, resource)).rejects.toMatchObject({
    status: 403,
    message: expect.stringContaining(right),
  });
});
