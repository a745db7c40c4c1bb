// Tests of src/debug/status-shape.ts.
import { describe, expect, test } from "@jest/globals";
import { decodeStatus } from "../../../src/debug/status-shape.ts";
import { aStatus, before } from "./a-status.ts";

test("what an agent says is read as it is", () => {
  const status = aStatus({
    lastFailure: { at: before(60), family: 6, message: "line 3 failed" },
    quarantined: { count: 7, first: [{ service: "default/web", message: "no" }] },
    drift: { chains: 2, lastAt: before(5) },
  });
  expect(decodeStatus(JSON.parse(JSON.stringify(status)))).toEqual(status);
});

test("fields of a newer agent are passed over", () => {
  expect(decodeStatus({ ...aStatus(), news: 1 })).toEqual(aStatus());
});

describe("is no status:", () => {
  test.each([
    [undefined],
    ["text"],
    [[]],
    [{}],
    [{ ...aStatus(), at: "yesterday" }],
    [{ ...aStatus(), healthy: "yes" }],
    [{ ...aStatus(), variant: "ipvs" }],
    [{ ...aStatus(), families: [{ family: 5 }] }],
    [{ ...aStatus(), quarantined: undefined }],
  ])("%j", (input) => {
    expect(decodeStatus(input)).toBeUndefined();
  });
});
