// Who may see what is not for everybody. In: a request, what the API server says of its token. Out: nothing, or a refusal.
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { isFromLoopback, textAnswer, type Answer, type Request } from "./answer.ts";

/**
 * Asks the API server (TokenReview, then SubjectAccessReview of `nonResourceAttributes`) whether the token's owner may. `verb` is in lower
 * case. Rejects where it could not be asked.
 */
export type Authorize = (token: string, path: string, verb: string) => Promise<boolean>;

export type GuardSettings = {
  /** Undefined where there is nobody to ask: then all but loopback is refused. */
  readonly authorize: Authorize | undefined;
  readonly cacheSeconds?: number;
  /** Answers kept; the oldest go first. */
  readonly cacheEntries?: number;
  /** More questions under way at once are refused unasked, so that guessing tokens here is no load on the API server. */
  readonly maxAsking?: number;
  /** An API server that is silent for so long counts as out of reach. */
  readonly askSeconds?: number;
  /** A clock that only rises. */
  readonly nowSeconds?: () => number;
};

/** Undefined where the request may pass, else the refusal to send. */
export type Guard = (request: Request) => Promise<Answer | undefined>;

/** A Guard that lets loopback pass: programs of this host, and pods in its network namespace. */
export function createGuard(settings: GuardSettings): Guard {
  const { authorize } = settings;
  if (authorize === undefined) return (request) => Promise.resolve(isFromLoopback(request) ? undefined : forbidden);
  const allowed = createCache(authorize, settings);
  return async (request) => {
    if (isFromLoopback(request)) return undefined;
    if (request.token === undefined) return unauthorized;
    try {
      return (await allowed({ token: request.token, path: request.path, verb: request.method.toLowerCase() }))
        ? undefined
        : forbidden;
    } catch {
      return unavailable;
    }
  };
}

const unauthorized = textAnswer(401, "a bearer token is needed from other hosts\n", { "WWW-Authenticate": "Bearer" });
const forbidden = textAnswer(403, "not allowed\n");
const unavailable = textAnswer(503, "whether this is allowed cannot be asked just now\n", { "Retry-After": "5" });

type Question = { readonly token: string; readonly path: string; readonly verb: string };
type Kept = { readonly allowed: Promise<boolean>; readonly untilSeconds: number };

/** Equal questions share one asking; failed ones are not kept. Tokens are kept as digests only. */
function createCache(authorize: Authorize, settings: GuardSettings): (question: Question) => Promise<boolean> {
  const { cacheSeconds = 10, cacheEntries = 256, maxAsking = 8, askSeconds = 10 } = settings;
  const now = settings.nowSeconds ?? (() => performance.now() / 1000);
  const kept = new Map<string, Kept>();
  let asking = 0;
  const ask = async ({ token, path, verb }: Question): Promise<boolean> => {
    asking++;
    const timer = new AbortController();
    const late = pause(askSeconds * 1000, undefined, { signal: timer.signal, ref: false }).then(() => {
      throw new Error(`no answer in ${askSeconds} s`);
    });
    try {
      return await Promise.race([authorize(token, path, verb), late]);
    } finally {
      asking--;
      timer.abort();
      late.catch(() => undefined);
    }
  };
  return async (question) => {
    const { token, path, verb } = question;
    const key = [createHash("sha256").update(token).digest("base64"), verb, path].join(" ");
    const known = kept.get(key);
    if (known !== undefined && known.untilSeconds > now()) return known.allowed;
    if (asking >= maxAsking) throw new Error("too many questions under way");
    const allowed = ask(question);
    kept.delete(key);
    kept.set(key, { allowed, untilSeconds: now() + cacheSeconds });
    const [oldest] = kept.keys();
    if (kept.size > cacheEntries && oldest !== undefined) kept.delete(oldest);
    try {
      return await allowed;
    } catch (error) {
      if (kept.get(key)?.allowed === allowed) kept.delete(key);
      throw error;
    }
  };
}
