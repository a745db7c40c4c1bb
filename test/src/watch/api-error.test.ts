// Tests of src/watch/api-error.ts.
import { describe, expect, test } from "@jest/globals";
import { ApiError, networkError, statusError } from "../../../src/watch/api-error.ts";

const expired = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version: 1 (5)" };

describe("a Status", () => {
  test("gives status, reason, message, and how long to wait", () => {
    const error = statusError({ ...expired, details: { retryAfterSeconds: 7 } }, "GET /x");
    expect(error).toMatchObject({ status: 410, reason: "Expired", retryAfterSeconds: 7 });
    expect(error.message).toBe("GET /x: 410 too old resource version: 1 (5)");
  });

  test("gives way to what the HTTP answer says", () => {
    expect(statusError(expired, "GET /x", { status: 503, retryAfterSeconds: 1 })).toMatchObject({
      status: 503,
      retryAfterSeconds: 1,
    });
  });

  test.each([undefined, null, "x", [], { code: "410", reason: 1, message: {}, details: 1 }])(
    "may be anything: %j",
    (input) => {
      expect(statusError(input, "GET /x", { status: 502, text: "<html>\n\u001b[31mbad" })).toMatchObject({
        status: 502,
        reason: "",
        message: "GET /x: 502 <html> [31mbad",
      });
      expect(statusError(input, "GET /x").status).toBeUndefined();
    },
  );
});

describe("a network error", () => {
  test("keeps its code as reason, and the error as cause", () => {
    const cause = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    expect(networkError(cause, "GET /x")).toMatchObject({ status: undefined, reason: "ECONNREFUSED", cause });
  });

  test("may be anything", () => {
    expect(networkError("x", "GET /x")).toMatchObject({ reason: "Failed", message: "GET /x: x" });
  });

  test("that is an ApiError comes out as it is", () => {
    const error = new ApiError("x", { status: 1, reason: "y" });
    expect(networkError(error, "GET /x")).toBe(error);
  });
});
