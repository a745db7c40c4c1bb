// Tests of src/watch/requests.ts.
import { describe, expect, test } from "@jest/globals";
import { afterRefusedList, listQuery, probeQuery, watchQuery, withoutRefused } from "../../../src/watch/requests.ts";
import { endpointSlices, services } from "../../../src/watch/resources.ts";

const all = { refusable: true, streaming: true };
const labelSelector = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";
const fieldSelector = "spec.clusterIP!=None";
const subject = { resource: services, abilities: all };
const old = { resource: services, abilities: { refusable: false, streaming: false } };

describe("a list", () => {
  test.each([
    [{ kind: "cache" }, undefined, { limit: "500", resourceVersion: "0" }],
    [{ kind: "not-older", version: 7 }, undefined, { resourceVersion: "7", resourceVersionMatch: "NotOlderThan" }],
    [{ kind: "newest", paged: true }, undefined, { limit: "500" }],
    [{ kind: "newest", paged: false }, undefined, {}],
    [{ kind: "cache" }, "x", { limit: "500", continue: "x" }],
    [{ kind: "not-older", version: 7 }, "x", { limit: "500", continue: "x" }],
  ] as const)("from %j, page %j, asks for %j", (from, next, query) => {
    expect(listQuery(subject, from, next)).toEqual({ labelSelector, fieldSelector, ...query });
    expect(listQuery(old, from, next)).toEqual({ labelSelector, ...query });
  });

  test.each([
    [{ kind: "cache" }, false, true],
    [{ kind: "not-older", version: 7 }, false, true],
    [{ kind: "newest", paged: true }, false, false],
    [{ kind: "newest", paged: true }, true, false],
    [{ kind: "cache" }, true, false],
  ] as const)(
    "that is out of date (%j, later page: %j) is followed by the newest, paged: %j",
    (from, isLater, paged) => {
      expect(afterRefusedList(from, isLater)).toEqual({ kind: "newest", paged });
    },
  );
});

test("a look at the server's version asks for one object", () => {
  expect(probeQuery(subject)).toEqual({ labelSelector, fieldSelector, limit: "1" });
});

describe("a watch", () => {
  const always = { labelSelector, watch: "true", allowWatchBookmarks: "true", timeoutSeconds: "300" };

  test("goes on from a version", () => {
    expect(watchQuery(old, 7, 300)).toEqual({ ...always, resourceVersion: "7" });
  });

  test("begins with everything where there is none", () => {
    expect(watchQuery(subject, undefined, 300)).toEqual({
      ...always,
      fieldSelector,
      sendInitialEvents: "true",
      resourceVersionMatch: "NotOlderThan",
    });
  });
});

describe("what is refused", () => {
  const [noField, noStream, none] = [
    { refusable: false, streaming: true },
    { refusable: true, streaming: false },
    { refusable: false, streaming: false },
  ];
  test.each([
    ["services", 400, "streaming", all, noField],
    ["services", 422, "streaming", all, noStream],
    ["services", 400, "streaming", noField, none],
    ["services", 422, "streaming", noField, none],
    ["services", 400, "list", noStream, none],
    ["services", 422, "watch", noStream, none],
    ["services", 400, "watch", none, undefined],
    ["services", 400, "page", none, undefined],
    ["endpointslices", 400, "streaming", all, noStream],
    ["endpointslices", 422, "streaming", all, noStream],
    ["endpointslices", 400, "list", all, undefined],
    ["endpointslices", 422, "watch", noStream, undefined],
  ] as const)("%s, status %d to a %s request with %j leaves %j", (name, status, asked, abilities, left) => {
    const resource = name === "services" ? services : endpointSlices;
    expect(withoutRefused({ resource, abilities }, status, asked)).toEqual(left);
  });
});
