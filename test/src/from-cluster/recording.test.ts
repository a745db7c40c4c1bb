// Tests of src/from-cluster/recording.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createRecording } from "../../../src/from-cluster/recording.ts";
import type { RecordedKind } from "../../../src/from-cluster/trim.ts";
import { loadSources } from "../../../src/manifest/load.ts";
import { parseSource } from "../../../src/manifest/parse.ts";
import { anObject, decoderOf } from "./any-object.ts";

type Given = { readonly kind: RecordedKind; readonly object: unknown };

function record(given: readonly Given[]): string {
  const recording = createRecording();
  for (const { kind, object } of given) recording.add(kind, object);
  return recording.render();
}

const valuesOf = (text: string) => parseSource({ name: "a", text }).documents.map(({ value }) => value);
const named = (kind: RecordedKind, name: string, namespace?: string): Given => ({
  kind,
  object: { metadata: { name, ...(namespace === undefined ? {} : { namespace }) } },
});

test("is by namespace, name and kind, and each object says what it is", () => {
  const text = record([
    named("Service", "web", "shop"),
    named("EndpointSlice", "web-1", "shop"),
    named("Service", "db", "shop"),
    named("Service", "web", "default"),
    named("Node", "n"),
    named("EndpointSlice", "web", "default"),
    named("ServiceCIDR", "kubernetes"),
  ]);
  const values = valuesOf(text) as {
    apiVersion: string;
    kind: string;
    metadata: { namespace?: string; name: string };
  }[];
  expect(
    values.map(
      ({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.namespace ?? ""}/${metadata.name}`,
    ),
  ).toEqual([
    "networking.k8s.io/v1 ServiceCIDR /kubernetes",
    "v1 Node /n",
    "discovery.k8s.io/v1 EndpointSlice default/web",
    "v1 Service default/web",
    "v1 Service shop/db",
    "v1 Service shop/web",
    "discovery.k8s.io/v1 EndpointSlice shop/web-1",
  ]);
});

test("a cluster without anything is a manifest without objects", () => {
  expect(valuesOf(record([]))).toEqual([]);
});

test("the list decides what an object is, not the object", () => {
  const [value] = valuesOf(record([{ kind: "Service", object: { kind: "Secret", apiVersion: "v9", metadata: {} } }]));
  expect(value).toEqual({ apiVersion: "v1", kind: "Service", metadata: {} });
});

describe("for any objects", () => {
  const objects = fc.array(anObject, { maxLength: 6 });

  test("the order in which they come makes no difference", () => {
    fc.assert(
      fc.property(
        objects.chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length }))),
        ([given, shuffled]) => {
          expect(record(shuffled)).toBe(record(given));
        },
      ),
    );
  });

  test("what is loaded from the text is what was decoded at first hand, with the same problems", () => {
    fc.assert(
      fc.property(anObject, ({ kind, object }) => {
        // What is no object has no place to say what it is: it is a problem either way.
        fc.pre(typeof object === "object" && object !== null && !Array.isArray(object));
        const first = decoderOf(kind)(object) as { value?: unknown; problems: readonly unknown[] };
        const { objects: loaded, problems } = loadSources([{ name: "a", text: record([{ kind, object }]) }]);
        const lists = { Service: loaded.services, EndpointSlice: loaded.slices, Node: loaded.nodes, ServiceCIDR: [] };
        expect(lists[kind]).toEqual(first.value === undefined ? [] : [first.value]);
        expect(problems.map(({ problem }) => problem)).toEqual(first.problems);
      }),
      { numRuns: 1000 },
    );
  });
});
