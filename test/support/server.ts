// Routes requests: who asks, may they, what is it. In: exchanges. Out: answers, and a record of what was asked.
import { authenticate, authorize, authorizePath, type Access } from "./access.ts";
import { documentAt } from "./discovery.ts";
import { writeEvent } from "./events.ts";
import { answer, answerRefusal, answerText, bodyOf, type Body, type Exchange } from "./exchange.ts";
import type { Faults } from "./faults.ts";
import type { Lister } from "./list.ts";
import { isTrue, parseQuery } from "./query.ts";
import { parsePath, type Target } from "./resources.ts";
import { reviewAccess, reviewToken } from "./reviews.ts";
import { refuse, type Refusal } from "./status.ts";
import type { ApiObject, Store } from "./store.ts";
import type { Features } from "./versions.ts";
import type { Watches } from "./watch.ts";

/** One request as it came in. */
export type SeenRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly userAgent: string;
};

export type Parts = {
  readonly store: Store;
  readonly lister: Lister;
  readonly watches: Watches;
  readonly faults: Faults;
  readonly features: Features;
};

export type Server = {
  /** Never rejects. */
  readonly handle: (exchange: Exchange) => Promise<void>;
  readonly requests: () => readonly SeenRequest[];
  readonly forgetRequests: () => void;
  readonly setAccess: (access: Access) => void;
};

type Call = { readonly exchange: Exchange; readonly target: Target; readonly verb: string };

export function createServer(parts: Parts, firstAccess: Access): Server {
  let access = firstAccess;
  let seen: SeenRequest[] = [];

  const route = async (exchange: Exchange) => {
    const target = parsePath(exchange.path, parts.features.minor);
    const verb = verbOf(exchange, target);
    const spoilt = await parts.faults.apply(exchange, { resource: target?.resource.plural ?? "", verb });
    if (spoilt === undefined) return;
    const known = authenticate(access, text(exchange.headers["authorization"]));
    if ("code" in known) {
      await answerRefusal(spoilt, known);
      return;
    }
    if (target === undefined) {
      await answerPath(spoilt, known.user);
      return;
    }
    const refusal = authorize(access, known.user, { verb, resource: target.resource });
    if (refusal !== undefined) await answerRefusal(spoilt, refusal);
    else await serve({ exchange: spoilt, target, verb });
  };

  const answerPath = async (exchange: Exchange, user: string) => {
    const refusal = authorizePath(user, exchange.path);
    const document = documentAt(exchange.path, parts.features);
    if (refusal !== undefined) await answerRefusal(exchange, refusal);
    // Not a Status: no handler of the API has seen the request.
    else if (document === undefined) await answerText(exchange, 404, "404 page not found\n");
    else if (typeof document === "string") await answerText(exchange, 200, document);
    else await answer(exchange, 200, bodyOf(JSON.stringify(document)));
  };

  const serve = async (call: Call) => {
    const { exchange, target, verb } = call;
    const accept = text(exchange.headers["accept"]) ?? "*/*";
    const reads = ["get", "list", "watch"].includes(verb);
    if (!/json|\*\/\*/.test(accept))
      await answerRefusal(exchange, refuse(406, "only the following media types are accepted: application/json"));
    else if (reads && target.resource.use !== "asked") await read(call);
    else if (target.resource.use === "written" && ["create", "update", "patch"].includes(verb)) await write(call);
    else if (target.resource.use === "asked" && verb === "create") await review(call);
    else await answerRefusal(exchange, refuse(405, "the server does not allow this method on the requested resource"));
  };

  const read = async ({ exchange, target, verb }: Call) => {
    const { name } = target;
    if (verb === "get" && name !== undefined) {
      await send(exchange, parts.lister.get({ ...target, name }));
      return;
    }
    const query = parseQuery(exchange.query, target.resource, parts.features);
    if ("code" in query) await answerRefusal(exchange, query);
    else if (verb === "watch") parts.watches.open(exchange, target, query);
    else await send(exchange, parts.lister.list(target, query));
  };

  const write = async ({ exchange, target, verb }: Call) => {
    const body = decode(await exchange.body());
    if (body === undefined) await answerRefusal(exchange, refuse(400, "the object provided is unrecognized"));
    else {
      const written = writeEvent(parts.store, { verb: verb as "create" | "update" | "patch", target, body });
      await send(exchange, typeof written === "string" ? bodyOf(written) : written, verb === "create" ? 201 : 200);
    }
  };

  const review = async ({ exchange, target }: Call) => {
    const body = decode(await exchange.body());
    const reviewed = target.resource.kind === "TokenReview" ? reviewToken : reviewAccess;
    if (body === undefined) await answerRefusal(exchange, refuse(400, "the object provided is unrecognized"));
    else await answer(exchange, 201, bodyOf(JSON.stringify(reviewed(access, body))));
  };

  return {
    handle: async (exchange) => {
      const { method, path, query, headers } = exchange;
      seen.push({ method, path, query, at: Date.now(), userAgent: text(headers["user-agent"]) ?? "" });
      try {
        await route(exchange);
      } catch (error) {
        // A fault of this server. It must not look like one of the API server's, so nobody gets an answer, and jest is told.
        console.error("fake API:", error);
        exchange.breakOff("reset");
      }
    },
    requests: () => seen,
    forgetRequests: () => {
      seen = [];
    },
    setAccess: (changed) => {
      access = { ...access, ...changed };
    },
  };
}

async function send(exchange: Exchange, body: Body | Refusal, code = 200): Promise<void> {
  if ("code" in body) await answerRefusal(exchange, body);
  else await answer(exchange, code, body);
}

const verbs: Readonly<Record<string, string>> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };

/** As RBAC calls it. */
function verbOf({ method, query }: Exchange, target: Target | undefined): string {
  if (method !== "GET") return verbs[method] ?? method.toLowerCase();
  if (target?.name !== undefined) return "get";
  return isTrue(query["watch"]) ? "watch" : "list";
}

function decode(body: string): ApiObject | undefined {
  try {
    const value = JSON.parse(body) as unknown;
    return typeof value === "object" && value !== null ? (value as ApiObject) : undefined;
  } catch {
    return undefined;
  }
}

function text(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}
