// Tests of src/http/authorization.ts.
import { describe, expect, test } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import type { Request } from "../../../src/http/answer.ts";
import { createGuard, type Authorize, type GuardSettings } from "../../../src/http/authorization.ts";

function aRequest(parts: Partial<Request> = {}): Request {
  return {
    method: "GET",
    path: "/debug/state",
    query: new URLSearchParams(),
    token: "good",
    remoteAddress: "10.0.0.1",
    ...parts,
  };
}

/** A guard over an API server that knows one token, and what that was asked. */
function aGuard(settings: Partial<GuardSettings> = {}) {
  const asked: string[] = [];
  const authorize: Authorize = (token, path, verb) => {
    asked.push(`${token} ${verb} ${path}`);
    return Promise.resolve(token === "good" ? "allowed" : token === "bad" ? "denied" : "unknown");
  };
  const guard = createGuard({ authorize, ...settings });
  return { asked, statusOf: async (request: Request) => (await guard(request))?.status };
}

describe("a request to a guarded path", () => {
  test.each([
    ["of a token that may", {}, undefined, ["good get /debug/state"]],
    ["of HEAD", { method: "HEAD" }, undefined, ["good get /debug/state"]],
    ["of a token that may not", { token: "bad" }, 403, ["bad get /debug/state"]],
    ["of a token that is nobody's", { token: "strange" }, 401, ["strange get /debug/state"]],
    ["without a token", { token: undefined }, 401, []],
    ["from loopback, without a token", { token: undefined, remoteAddress: "127.0.0.1" }, undefined, []],
    ["from loopback over IPv6", { token: undefined, remoteAddress: "::1" }, undefined, []],
  ])("%s: refused with %p", async (_, parts, status, questions) => {
    const { asked, statusOf } = aGuard();
    expect([await statusOf(aRequest(parts)), asked]).toEqual([status, questions]);
  });

  test.each([
    ["127.0.0.1", undefined],
    ["10.0.0.1", 403],
  ])("from %s, where there is nobody to ask: refused with %p", async (remoteAddress, status) => {
    const { statusOf } = aGuard({ authorize: undefined });
    expect(await statusOf(aRequest({ remoteAddress }))).toBe(status);
  });

  test.each([undefined, "strange"])("names the scheme where the token is %p", async (token) => {
    const guard = createGuard({ authorize: () => Promise.resolve("unknown") });
    expect(await guard(aRequest({ token }))).toMatchObject({ headers: { "WWW-Authenticate": "Bearer" } });
  });
});

describe("answers of the API server", () => {
  test.each([
    ["good", undefined],
    ["bad", 403],
    ["strange", 401],
  ])("about the token %s are kept for a while", async (token, status) => {
    let nowSeconds = 0;
    const { asked, statusOf } = aGuard({ nowSeconds: () => nowSeconds, cacheSeconds: 10 });
    for (nowSeconds of [0, 5, 9.9]) expect(await statusOf(aRequest({ token }))).toBe(status);
    expect(asked).toHaveLength(1);
    nowSeconds = 10;
    expect(await statusOf(aRequest({ token }))).toBe(status);
    expect(asked).toHaveLength(2);
  });

  test.each([
    ["token", { token: "bad" }, 403],
    ["path", { path: "/debug/other" }, undefined],
    ["method", { method: "POST" }, undefined],
  ])("are not taken for another %s", async (_, parts, status) => {
    const { asked, statusOf } = aGuard();
    await statusOf(aRequest());
    expect(await statusOf(aRequest(parts))).toBe(status);
    expect(asked).toHaveLength(2);
  });

  test("to GET are taken for HEAD", async () => {
    const { asked, statusOf } = aGuard();
    for (const method of ["GET", "HEAD"]) expect(await statusOf(aRequest({ method }))).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  test("are shared by those who ask at once", async () => {
    const { asked, statusOf } = aGuard();
    const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf(aRequest())));
    expect([new Set(statuses), asked.length]).toEqual([new Set([undefined]), 1]);
  });

  test("that are errors refuse, and are asked for again", async () => {
    let broken = true;
    const authorize: Authorize = () => (broken ? Promise.reject(new Error("down")) : Promise.resolve("allowed"));
    const { statusOf } = aGuard({ authorize });
    expect(await statusOf(aRequest())).toBe(503);
    broken = false;
    expect(await statusOf(aRequest())).toBeUndefined();
  });

  test("that are errors are told once in a minute, however many ask", async () => {
    let nowSeconds = 0;
    const told: [number, string][] = [];
    const { statusOf } = aGuard({
      authorize: () => Promise.reject(new Error("down")),
      nowSeconds: () => nowSeconds,
      onProblem: (text) => told.push([nowSeconds, text]),
    });
    for (nowSeconds of [0, 1, 59, 60, 61]) await statusOf(aRequest());
    expect(told).toEqual([0, 60].map((at) => [at, expect.stringContaining("down")]));
  });

  test("that never come count as errors, and make room for others", async () => {
    let silent = true;
    const authorize: Authorize = () => (silent ? new Promise(() => undefined) : Promise.resolve("allowed"));
    const { statusOf } = aGuard({ authorize, askSeconds: 0.05, maxAsking: 1 });
    expect(await statusOf(aRequest())).toBe(503);
    silent = false;
    expect(await statusOf(aRequest())).toBeUndefined();
  });

  test("are asked for by so many at once and no more", async () => {
    let under = 0;
    let most = 0;
    const authorize: Authorize = async () => {
      most = Math.max(most, ++under);
      await pause(20);
      under--;
      return "allowed";
    };
    const { statusOf } = aGuard({ authorize, maxAsking: 3 });
    const tokens = Array.from({ length: 10 }, (_, index) => `token-${index}`);
    const statuses = await Promise.all(tokens.map((token) => statusOf(aRequest({ token }))));
    expect([most, statuses.filter((status) => status === 503).length]).toEqual([3, 7]);
    expect(await statusOf(aRequest({ token: "token-9" }))).toBeUndefined();
  });

  test("are forgotten when there are too many, the oldest first", async () => {
    const { asked, statusOf } = aGuard({ cacheEntries: 2 });
    for (const token of ["a", "b", "c"]) await statusOf(aRequest({ token }));
    asked.length = 0;
    for (const token of ["c", "b", "a"]) await statusOf(aRequest({ token }));
    expect(asked).toEqual(["a get /debug/state"]);
  });
});
