// Asks the API server about a token. In: Api; a token, a path, a verb. Out: Permission.
import * as z from "zod";
import { ApiError } from "../watch/api-error.ts";
import type { Api } from "../watch/api.ts";
import type { Authorize } from "./authorization.ts";

/** A question that nobody waits for any longer is given up. */
const askSeconds = 10;

/**
 * Whose token it is (TokenReview), then whether they may (SubjectAccessReview of `nonResourceAttributes`). Keeps nothing. Rejects with an
 * ApiError where the server cannot be asked, and where it does not let this agent ask. Source: authentication.k8s.io/v1, authorization.k8s.io/v1.
 */
export function createAuthorize(api: Api): Authorize {
  return async (token, path, verb) => {
    const signal = AbortSignal.timeout(askSeconds * 1000);
    const ask = async <T>({ group, kind, resource, status }: Review<T>, spec: object): Promise<T> => {
      const [apiVersion, place] = [`${group}/v1`, `/apis/${group}/v1/${resource}`];
      const answer = await api.send("POST", place, { body: { apiVersion, kind, spec }, signal });
      const read = z.object({ status }).safeParse(answer).data;
      if (read !== undefined) return read.status;
      throw new ApiError(`POST ${place}: the server sent no ${kind}`, { status: undefined, reason: "NotOfTheApi" });
    };
    const { authenticated, user } = await ask(tokenReview, { token });
    // Without a name an access review would be about groups alone.
    if (authenticated !== true || user?.username === undefined || user.username === "") return "unknown";
    const { username, uid, groups, extra } = user;
    const { allowed, denied } = await ask(accessReview, {
      ...{ user: username, uid, groups, extra },
      nonResourceAttributes: { path, verb },
    });
    return allowed && denied !== true ? "allowed" : "denied";
  };
}

type Review<T> = {
  readonly group: string;
  readonly kind: string;
  readonly resource: string;
  readonly status: z.ZodType<T>;
};

const tokenReview = {
  group: "authentication.k8s.io",
  kind: "TokenReview",
  resource: "tokenreviews",
  status: z.object({
    authenticated: z.boolean().optional(),
    user: z
      .object({
        username: z.string().optional(),
        uid: z.string().optional(),
        groups: z.array(z.string()).optional(),
        extra: z.record(z.string(), z.array(z.string())).optional(),
      })
      .optional(),
  }),
};

const accessReview = {
  group: "authorization.k8s.io",
  kind: "SubjectAccessReview",
  resource: "subjectaccessreviews",
  status: z.object({ allowed: z.boolean(), denied: z.boolean().optional() }),
};
