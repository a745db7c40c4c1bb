// Tests of src/events/event.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  buildEvent,
  buildPatch,
  cutNote,
  eventKey,
  eventName,
  namespaceOf,
  nodeReference,
  objectKey,
  occasions,
  serviceReference,
  type Event,
} from "../../../src/events/event.ts";
import { anyString } from "../../make/any-string.ts";

const event: Event = { regarding: serviceReference("default/web"), ...occasions.RulesRefused, note: "line 3" };
const reporter = { controller: "rulewright", nodeName: "node-1" };
const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

test("is what events.k8s.io/v1 wants", () => {
  expect(buildEvent(event, { firstAt: at, lastAt: at, count: 1 }, { name: "web.1", reporter })).toEqual({
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: "web.1", namespace: "default" },
    eventTime: "2026-01-02T03:04:05.006000Z",
    reportingController: "rulewright",
    reportingInstance: "rulewright-node-1",
    action: "WriteRules",
    reason: "RulesRefused",
    type: "Warning",
    regarding: { apiVersion: "v1", kind: "Service", namespace: "default", name: "web" },
    note: "line 3",
  });
});

test("says how often it was seen where that is more than once", () => {
  const series = { firstAt: at, lastAt: at + 1000, count: 3 };
  const patch = { series: { count: 3, lastObservedTime: "2026-01-02T03:04:06.006000Z" } };
  expect(buildPatch(series)).toEqual(patch);
  expect(buildEvent(event, series, { name: "web.1", reporter })).toMatchObject(patch);
});

test("about a Node is in default, and has its name as uid", () => {
  expect(nodeReference("node-1")).toEqual({ apiVersion: "v1", kind: "Node", name: "node-1", uid: "node-1" });
  expect(namespaceOf(nodeReference("node-1"))).toBe("default");
  expect(namespaceOf(serviceReference("other/web", "u"))).toBe("other");
});

describe("which events are the same", () => {
  test.each<[string, Partial<Event>]>([
    ["note", { note: "line 4" }],
    ["reason", { reason: "Other" }],
    ["type", { type: "Normal" }],
    ["action", { action: "Other" }],
    ["object", { regarding: serviceReference("default/other") }],
    ["namespace", { regarding: serviceReference("other/web") }],
    ["uid", { regarding: serviceReference("default/web", "u") }],
  ])("not those with another %s", (_, fields) => {
    expect(eventKey({ ...event, ...fields })).not.toBe(eventKey(event));
  });

  test("objects are told apart by what names them", () => {
    expect(objectKey(nodeReference("a"))).not.toBe(objectKey(serviceReference("/a", "a")));
    expect(eventKey({ ...event })).toBe(eventKey(event));
  });
});

test("every reason stands under its own name", () => {
  expect(Object.entries(occasions).filter(([name, { reason }]) => name !== reason)).toEqual([]);
});

describe("keeps to the server's limits", () => {
  test("whatever the note", () => {
    fc.assert(
      fc.property(anyString(3000), (note) => {
        const cut = cutNote(note);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(1024);
        expect(cut).toMatch(/^[\x20-\x7e]*$/);
        if (/^[\x20-\x7e]{0,1024}$/.test(note)) expect(cut).toBe(note);
      }),
    );
  });

  test.each([253, 240, 20])("a name of %d characters stays a name", (length) => {
    const name = eventName(nodeReference("a.".repeat(150).slice(0, length - 1) + "a"), "18f0a1b2c3d4e5f6");
    expect(name.length).toBeLessThanOrEqual(253);
    expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
  });

  test("whatever the node's name", () => {
    const long = { controller: "rulewright", nodeName: "n".repeat(253) };
    const built = buildEvent(event, { firstAt: at, lastAt: at, count: 1 }, { name: "web.1", reporter: long });
    expect((built as { reportingInstance: string }).reportingInstance).toHaveLength(128);
  });
});
