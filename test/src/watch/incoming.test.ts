// Tests of src/watch/incoming.ts.
import { describe, expect, test } from "@jest/globals";
import { readEvent, readIdentity, readListHead } from "../../../src/watch/incoming.ts";

const nonsense = [undefined, null, 1, "x", [], {}, { type: 1 }, { metadata: 1 }, { metadata: { name: 1 } }];

describe("an event", () => {
  const object = { metadata: { name: "a" } };
  const end = { "k8s.io/initial-events-end": "true" };
  test.each([
    [
      { type: "ADDED", object },
      { kind: "set", object },
    ],
    [
      { type: "MODIFIED", object },
      { kind: "set", object },
    ],
    [
      { type: "DELETED", object },
      { kind: "gone", object },
    ],
    [
      { type: "ERROR", object: { code: 410 } },
      { kind: "error", status: { code: 410 } },
    ],
    [{ type: "NEW", object }, { kind: "unknown" }],
    [
      { type: "BOOKMARK", object: { metadata: { resourceVersion: "7" } } },
      { kind: "bookmark", version: 7, endsInitial: false },
    ],
    [
      { type: "BOOKMARK", object: { metadata: { resourceVersion: "7", annotations: end } } },
      { kind: "bookmark", version: 7, endsInitial: true },
    ],
    [
      { type: "BOOKMARK", object: 1 },
      { kind: "bookmark", version: undefined, endsInitial: false },
    ],
    ...nonsense.map((input) => [input, { kind: "unknown" }] as const),
  ])("%j is %j", (input, event) => {
    expect(readEvent(input)).toEqual(event);
  });
});

describe("an object", () => {
  const trigger = "endpoints.kubernetes.io/last-change-trigger-time";
  test.each([
    [
      { namespace: "n", name: "a", resourceVersion: "7" },
      { key: "n/a", version: 7, triggeredAt: undefined },
    ],
    [{ name: "a" }, { key: "a", version: undefined, triggeredAt: undefined }],
    [
      { name: "a", annotations: null },
      { key: "a", version: undefined, triggeredAt: undefined },
    ],
    [
      { name: "a", annotations: { [trigger]: "1970-01-01T00:00:01Z" } },
      { key: "a", version: undefined, triggeredAt: 1000 },
    ],
    [
      { name: "a", annotations: { [trigger]: "soon", b: 1 } },
      { key: "a", version: undefined, triggeredAt: undefined },
    ],
    [
      { name: "a", annotations: 1 },
      { key: "a", version: undefined, triggeredAt: undefined },
    ],
    [
      { name: "a", uid: "7c0f2d3e-0000-4000-8000-000000000001" },
      { key: "a", version: undefined, triggeredAt: undefined, uid: "7c0f2d3e-0000-4000-8000-000000000001" },
    ],
    [{ name: "a", uid: 7 }, { key: "a" }],
    [{ name: "a", uid: "x".repeat(65) }, { key: "a" }],
  ])("with the metadata %j is %j", (metadata, identity) => {
    expect(readIdentity({ metadata })).toEqual(identity);
  });

  test.each([...nonsense, { metadata: { name: "" } }])("is not %j", (input) => {
    expect(readIdentity(input)).toBeUndefined();
  });
});

describe("a list", () => {
  test.each([
    [{ resourceVersion: "7" }, { version: 7, next: undefined }],
    [
      { resourceVersion: "7", continue: "" },
      { version: 7, next: undefined },
    ],
    [
      { resourceVersion: "7", continue: "x" },
      { version: 7, next: "x" },
    ],
    [{}, { version: undefined, next: undefined }],
  ])("with the metadata %j is %j", (metadata, head) => {
    expect(readListHead({ metadata })).toEqual(head);
  });

  test.each([undefined, null, [], {}, { metadata: 1 }])("is not %j", (input) => {
    expect(readListHead(input)).toBeUndefined();
  });
});
