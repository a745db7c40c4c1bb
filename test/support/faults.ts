// Wrong, slow and missing answers that tests order. In: orders, requests. Out: the exchange to go on with, or none.
import { setTimeout as sleep } from "node:timers/promises";
import { answerRefusal, type Exchange } from "./exchange.ts";
import { refuse } from "./status.ts";

/**
 * What goes wrong with a request. `status`: that HTTP status and a Status. `reset`: the connection is. `garbage`: HTTP 200,
 * said to be JSON, is HTML. `truncated`: half of the first piece of the right answer (of a watch: of its first events), then it
 * breaks off. `hang`: nothing, ever. `slowMs`: the right answer, so much later. `dripMs`: the right answer, each of its pieces in
 * ten parts, so much apart.
 */
export type Fault =
  | { readonly status: number; readonly retryAfterSeconds?: number }
  | { readonly slowMs: number }
  | { readonly dripMs: number }
  | "reset"
  | "garbage"
  | "truncated"
  | "hang";

/** Which requests; without a field, all. `verb` as RBAC calls it: `list`, `watch`, `get`, `create`. */
export type Where = { readonly resource?: string; readonly verb?: string };

export type Faults = {
  /** The next `count` requests that match. Orders are carried out in turn. */
  readonly order: (count: number, fault: Fault, where?: Where) => void;
  /** Forgets what has not happened yet. */
  readonly clear: () => void;
  /** undefined: the request has got its answer, such as it is. */
  readonly apply: (exchange: Exchange, asked: Required<Where>) => Promise<Exchange | undefined>;
};

type Order = { left: number; readonly fault: Fault; readonly where: Where };

export function createFaults(): Faults {
  let orders: Order[] = [];
  return {
    order: (left, fault, where = {}) => void orders.push({ left, fault, where }),
    clear: () => {
      orders = [];
    },
    apply: async (exchange, asked) => {
      const order = orders.find(({ where }) =>
        (["resource", "verb"] as const).every((field) => (where[field] ?? asked[field]) === asked[field]),
      );
      if (order === undefined) return exchange;
      order.left -= 1;
      orders = orders.filter(({ left }) => left > 0);
      return spoil(exchange, order.fault);
    },
  };
}

async function spoil(exchange: Exchange, fault: Fault): Promise<Exchange | undefined> {
  if (fault === "hang") return undefined;
  if (fault === "truncated") return truncating(exchange);
  if (fault === "reset") {
    exchange.breakOff("reset");
    return undefined;
  }
  if (fault === "garbage") {
    exchange.start(200, { "content-type": "application/json" });
    await exchange.write("<!DOCTYPE html>\n<html><body>Please log in</body></html>\n");
    exchange.end();
    return undefined;
  }
  if ("status" in fault) {
    const { status, ...retry } = fault;
    await answerRefusal(exchange, { ...refuse(status, "ordered by a test"), ...retry });
    return undefined;
  }
  if ("dripMs" in fault) return dripping(exchange, fault.dripMs);
  await sleep(fault.slowMs);
  return exchange;
}

function truncating(exchange: Exchange): Exchange {
  let broken = false;
  return {
    ...exchange,
    write: async (bytes) => {
      if (broken) return;
      broken = true;
      const whole = Buffer.from(bytes as string);
      await exchange.write(whole.subarray(0, whole.length / 2));
      exchange.breakOff("mid-chunk");
    },
    end: () => {
      if (!broken) exchange.end();
    },
  };
}

function dripping(exchange: Exchange, pauseMs: number): Exchange {
  return {
    ...exchange,
    write: async (bytes) => {
      const whole = Buffer.from(bytes as string);
      const step = Math.ceil(whole.length / 10);
      for (let start = 0; start < whole.length; start += step) {
        await exchange.write(whole.subarray(start, start + step));
        await sleep(pauseMs);
      }
    },
  };
}
