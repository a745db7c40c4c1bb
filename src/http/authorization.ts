// Who may see what is not for everybody. In: a request, what the API server says of its token. Out: nothing, or a refusal.
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { never } from "../../rules/never.ts";
import { isFromLoopback, textAnswer, type Answer, type Request } from "./answer.ts";

/** `unknown`: the token is nobody's. `denied`: its owner may not. */
export type Permission = "allowed" | "denied" | "unknown";

/**
 * Asks the API server (TokenReview, then SubjectAccessReview of `nonResourceAttributes`) whether the token's owner may. `verb` is in lower
 * case, and `get` for HEAD too. Rejects where it could not be asked.
 */
export type Authorize = (token: string, path: string, verb: string) => Promise<Permission>;

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
  /** Told why the API server could not be asked, at most once in `tellSeconds`, since anybody can make a guard ask. */
  readonly onProblem?: (text: string) => void;
};

const tellSeconds = 60;

/** Undefined where the request may pass, else the refusal to send. */
export type Guard = (request: Request) => Promise<Answer | undefined>;

/** A Guard that lets loopback pass: programs of this host, and pods in its network namespace. */
export function createGuard(settings: GuardSettings): Guard {
  const { authorize } = settings;
  if (authorize === undefined) return (request) => Promise.resolve(isFromLoopback(request) ? undefined : forbidden);
  const permission = createCache(authorize, settings);
  const complain = createComplaint(settings);
  return async (request) => {
    if (isFromLoopback(request)) return undefined;
    if (request.token === undefined) return unauthorized;
    try {
      return refusal(await permission({ token: request.token, path: request.path, verb: verbOf(request) }));
    } catch (error) {
      complain(error);
      return unavailable;
    }
  };
}

/** HEAD shows less than GET, and who may get needs no rule for it. Source: kubelet, pkg/kubelet/server/auth.go. */
function verbOf({ method }: Request): string {
  return method === "HEAD" ? "get" : method.toLowerCase();
}

function refusal(permission: Permission): Answer | undefined {
  switch (permission) {
    case "allowed":
      return undefined;
    case "denied":
      return forbidden;
    case "unknown":
      return unknownToken;
    default:
      return never(permission);
  }
}

function createComplaint(settings: GuardSettings): (error: unknown) => void {
  const { onProblem, nowSeconds = risingSeconds } = settings;
  let last = -Infinity;
  return (error) => {
    const now = nowSeconds();
    if (now - last < tellSeconds) return;
    last = now;
    onProblem?.(`whether a request is allowed: ${error instanceof Error ? error.message : String(error)}`);
  };
}

const scheme = { "WWW-Authenticate": "Bearer" };
const unauthorized = textAnswer(401, "a bearer token is needed from other hosts\n", scheme);
const unknownToken = textAnswer(401, "the API server does not know this token\n", scheme);
const forbidden = textAnswer(403, "not allowed\n");
const unavailable = textAnswer(503, "whether this is allowed cannot be asked just now\n", { "Retry-After": "5" });

type Question = { readonly token: string; readonly path: string; readonly verb: string };
type Kept = { readonly permission: Promise<Permission>; readonly untilSeconds: number };

/** Equal questions share one asking; failed ones are not kept. Tokens are kept as digests only. */
function createCache(authorize: Authorize, settings: GuardSettings): (question: Question) => Promise<Permission> {
  const { cacheSeconds = 10, cacheEntries = 256, maxAsking = 8, askSeconds = 10 } = settings;
  const now = settings.nowSeconds ?? risingSeconds;
  const kept = new Map<string, Kept>();
  let asking = 0;
  const ask = async ({ token, path, verb }: Question): Promise<Permission> => {
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
    if (known !== undefined && known.untilSeconds > now()) return known.permission;
    if (asking >= maxAsking) throw new Error("too many questions under way");
    const permission = ask(question);
    kept.delete(key);
    kept.set(key, { permission, untilSeconds: now() + cacheSeconds });
    const [oldest] = kept.keys();
    if (kept.size > cacheEntries && oldest !== undefined) kept.delete(oldest);
    try {
      return await permission;
    } catch (error) {
      if (kept.get(key)?.permission === permission) kept.delete(key);
      throw error;
    }
  };
}

function risingSeconds(): number {
  return performance.now() / 1000;
}
