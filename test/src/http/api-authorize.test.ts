// Tests of src/http/api-authorize.ts, by itself and behind the guard, with a fake API server.
import { afterEach, describe, expect, test } from "@jest/globals";
import type { Request } from "../../../src/http/answer.ts";
import { createAuthorize } from "../../../src/http/api-authorize.ts";
import { createGuard } from "../../../src/http/authorization.ts";
import type { Api } from "../../../src/watch/api.ts";
import { anApi, aServer, stopAll } from "../watch/harness.ts";

afterEach(stopAll);

const path = "/debug/status";
const tokens = {
  scraper: { name: "system:serviceaccount:monitoring:scraper", may: [`get ${path}`] },
  other: { name: "other", may: ["get /metrics", "get /debug/plan"] },
};

/** An API server that gives these answers, one after the other, and what it was sent. */
function answering(...statuses: readonly unknown[]) {
  const sent: unknown[] = [];
  const left = [...statuses];
  const send: Api["send"] = (method, place, { body }) => {
    sent.push([method, place, JSON.parse(JSON.stringify(body))]);
    return Promise.resolve({ status: left.shift() });
  };
  return { sent, api: { send } as Api };
}

describe("what the API server is asked", () => {
  const user = { username: "jane", uid: "1", groups: ["a", "b"], extra: { "example.org/scope": ["x"] } };
  const reviewOf = (spec: object) => [
    "POST",
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec },
  ];

  test("is whose token it is, and then whether all that is known of them may", async () => {
    const { api, sent } = answering({ authenticated: true, user }, { allowed: true });
    expect(await createAuthorize(api)("secret", path, "get")).toBe("allowed");
    expect(sent).toEqual([
      [
        "POST",
        "/apis/authentication.k8s.io/v1/tokenreviews",
        { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: "secret" } },
      ],
      reviewOf({
        ...{ user: "jane", uid: "1", groups: ["a", "b"], extra: { "example.org/scope": ["x"] } },
        nonResourceAttributes: { path, verb: "get" },
      }),
    ]);
  });

  test("leaves out what is not known of them", async () => {
    const { api, sent } = answering({ authenticated: true, user: { username: "jane" } }, { allowed: false });
    expect(await createAuthorize(api)("secret", path, "get")).toBe("denied");
    expect(sent[1]).toEqual(reviewOf({ user: "jane", nonResourceAttributes: { path, verb: "get" } }));
  });

  test.each([
    ["of nobody", { authenticated: false, error: "expired" }],
    ["without a word", {}],
    ["of a user without a name", { authenticated: true, user: { username: "", groups: ["system:masters"] } }],
    ["of no user", { authenticated: true }],
  ])("about a token %s: no access review", async (_, status) => {
    const { api, sent } = answering(status, { allowed: true });
    expect([await createAuthorize(api)("secret", path, "get"), sent.length]).toEqual(["unknown", 1]);
  });
});

test("a review that both allows and denies denies", async () => {
  const { api } = answering({ authenticated: true, user: { username: "jane" } }, { allowed: true, denied: true });
  expect(await createAuthorize(api)("secret", path, "get")).toBe("denied");
});

test.each([
  ["token", [undefined]],
  ["token", [{ authenticated: "yes", user: { username: "jane" } }]],
  ["access", [{ authenticated: true, user: { username: "jane" } }, {}]],
  ["access", [{ authenticated: true, user: { username: "jane" } }, { allowed: "true" }]],
])("an answer that is no %s review rejects", async (_, statuses) => {
  const { api } = answering(...statuses);
  await expect(createAuthorize(api)("secret", path, "get")).rejects.toMatchObject({ reason: "NotOfTheApi" });
});

describe("a request from another host", () => {
  const request = (token: string | undefined): Request => ({
    ...{ method: "GET", path, query: new URLSearchParams(), token, remoteAddress: "192.0.2.9" },
  });
  /** Who asks has to be let in by the API server too. */
  const aGuard = async (rbac?: { verb: string; group: string; resource: string }[]) => {
    const server = await aServer({ reviewed: tokens, rbac });
    const problems: string[] = [];
    const guard = createGuard({
      authorize: createAuthorize(anApi(server)),
      cacheSeconds: 0,
      onProblem: (text) => problems.push(text),
    });
    return { server, problems, statusOf: async (token?: string) => (await guard(request(token)))?.status };
  };

  test.each([
    ["scraper", undefined],
    ["other", 403],
    ["nobodys", 401],
    [undefined, 401],
  ])("with the token %s: refused with %p", async (token, status) => {
    const { statusOf, problems } = await aGuard();
    expect([await statusOf(token), problems]).toEqual([status, []]);
  });

  test("is refused as long as the API server is away", async () => {
    const { server, statusOf, problems } = await aGuard();
    await server.down();
    expect([await statusOf("scraper"), problems.length]).toEqual([503, 1]);
    await server.up();
    expect(await statusOf("scraper")).toBeUndefined();
  });

  test("is refused, and says why, where the agent may not ask", async () => {
    const { statusOf, problems } = await aGuard([]);
    expect(await statusOf("scraper")).toBe(503);
    expect(problems).toEqual([expect.stringMatching(/tokenreviews: 403 /)]);
  });

  test("is refused from when the API server no longer allows it", async () => {
    const { server, statusOf } = await aGuard();
    expect(await statusOf("scraper")).toBeUndefined();
    await server.setAccess({ reviewed: { ...tokens, scraper: { ...tokens.scraper, may: [] } } });
    expect(await statusOf("scraper")).toBe(403);
  });
});
