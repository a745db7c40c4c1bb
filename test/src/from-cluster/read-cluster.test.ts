// Tests of src/from-cluster/read-cluster.ts, against a fake API server.
import { afterEach, expect, test } from "@jest/globals";
import { readCluster } from "../../../src/from-cluster/read-cluster.ts";
import type { RecordedKind } from "../../../src/from-cluster/trim.ts";
import { loadSources } from "../../../src/manifest/load.ts";
import type { ApiObject } from "../../support/store.ts";
import { anApi, aServer, stopAll } from "../watch/harness.ts";
import { aServiceObject, someObjects } from "./a-cluster.ts";

afterEach(stopAll);

const quiet = { nodeName: undefined, onMissing: () => undefined };
const sorted = (texts: readonly string[]) => texts.toSorted();
const namesIn = (list: readonly { readonly name: string }[]) => sorted(list.map(({ name }) => name));

async function aServerWith(...objects: readonly ApiObject[]) {
  const fake = await aServer();
  await fake.set(...objects);
  return fake;
}

test("objects, problems and what was skipped are those of manifests that say the same", async () => {
  const bad = { ...aServiceObject("bad", "10.96.0.99"), spec: { ports: "no" } };
  const objects = [...someObjects, bad];
  const read = await readCluster(anApi(await aServerWith(...objects)), quiet);
  const loaded = loadSources([{ name: "a", text: JSON.stringify({ kind: "List", apiVersion: "v1", items: objects }) }]);
  const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1);
  for (const list of ["services", "slices", "nodes"] as const)
    expect([...read.objects[list]].sort(byName)).toEqual([...loaded.objects[list]].sort(byName));
  expect(read.problems.map(({ problem }) => problem)).toEqual(loaded.problems.map(({ problem }) => problem));
  expect(read.problems.length).toBeGreaterThan(0);
  expect(read.skipped).toEqual(loaded.skipped);
});

test("one Node is read where one is named", async () => {
  const api = anApi(await aServerWith(...someObjects));
  expect(namesIn((await readCluster(api, quiet)).objects.nodes)).toEqual(["node-a", "node-b"]);
  expect(namesIn((await readCluster(api, { ...quiet, nodeName: "node-b" })).objects.nodes)).toEqual(["node-b"]);
});

test("each object is told as it was sent, malformed ones too", async () => {
  const bad: ApiObject = { ...aServiceObject("bad", "x"), spec: "nothing" };
  const told: [RecordedKind, unknown][] = [];
  const onObject = (kind: RecordedKind, object: unknown) => told.push([kind, object]);
  await readCluster(anApi(await aServerWith(...someObjects, bad)), { ...quiet, onObject });
  const nameOf = (object: unknown) => String((object as { metadata: { name: unknown } }).metadata.name);
  expect(sorted(told.map(([kind, object]) => `${kind} ${nameOf(object)}`))).toEqual(
    sorted([...someObjects, bad].map((object) => `${String(object["kind"])} ${nameOf(object)}`)),
  );
  expect(told.find(([, object]) => nameOf(object) === "bad")?.[1]).toMatchObject({ spec: "nothing" });
});

test("ServiceCIDRs may be refused, which is told; an error of another kind is thrown", async () => {
  const fake = await aServerWith(...someObjects);
  const missing: string[] = [];
  const options = { ...quiet, onMissing: (text: string) => missing.push(text) };
  await fake.failNext(1, { status: 403 }, { resource: "servicecidrs" });
  expect((await readCluster(anApi(fake), options)).skipped).toEqual(new Map());
  expect(missing).toEqual([expect.stringContaining("servicecidrs")]);
  await fake.failNext(1, { status: 500 }, { resource: "servicecidrs" });
  await expect(readCluster(anApi(fake), options)).rejects.toMatchObject({ status: 500 });
  await fake.failNext(1, { status: 403 }, { resource: "services" });
  await expect(readCluster(anApi(fake), options)).rejects.toMatchObject({ status: 403 });
});
