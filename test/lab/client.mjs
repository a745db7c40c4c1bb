// Sends connections and datagrams and counts what became of them. In: a request. Out: a tally.
import { createSocket } from "node:dgram";
import { connect } from "node:net";

/**
 * What to send. `parallel` attempts run at once; each takes at most `timeoutMs`.
 * @typedef {{ to: string, port: number, protocol: "TCP" | "UDP", source?: string, sourcePort?: number,
 *   count: number, parallel: number, timeoutMs: number, intervalMs?: number }} Request
 * What became of all attempts. `clients` are the addresses that the servers saw.
 * @typedef {{ answered: Record<string, number>, clients: string[], refused: number, timedOut: number, failed: Record<string, number> }} Tally
 * @typedef {{ kind: "answered", server: string, client: string } | { kind: "refused" } | { kind: "timedOut" } | { kind: "failed", code: string }} Outcome
 */

/**
 * Makes `count` attempts and resolves with their tally.
 * @param {Request} request
 * @returns {Promise<Tally>}
 */
export async function send(request) {
  const tally = emptyTally();
  let left = request.count;
  await each(Math.min(request.parallel, request.count), async () => {
    while (left > 0) {
      left -= 1;
      add(tally, await attempt(request));
    }
  });
  return sorted(tally);
}

/**
 * Makes attempts until stopped, each of the `parallel` ones pausing `intervalMs` in between; `stop` resolves with the tally
 * when the last attempts have ended, so what is counted is exactly what was sent.
 * @param {Request} request
 * @returns {{ stop: () => Promise<Tally> }}
 */
export function sendUntilStopped(request) {
  const tally = emptyTally();
  let stopped = false;
  const done = each(request.parallel, async () => {
    while (!stopped) {
      add(tally, await attempt(request));
      if (!stopped) await new Promise((resolve) => setTimeout(resolve, request.intervalMs ?? 0));
    }
  });
  return {
    stop: async () => {
      stopped = true;
      await done;
      return sorted(tally);
    },
  };
}

/** @returns {Promise<Outcome>} */
function attempt(request) {
  if (request.protocol === "UDP") return attemptUdp(request);
  return request.to.includes(":") ? attemptTcp6(request) : attemptTcp(request);
}

// Over IPv6 the kernel loses about one in 500 ICMP errors to a SYN here: it drops those that come while the connecting socket is
// still locked (see takeByThread in network.ts). So when half the time is over a second connection looks whether there is an
// error. If that one is answered the attempt has timed out all the same: a lost SYN must not go uncounted.
async function attemptTcp6(request) {
  const half = request.timeoutMs / 2;
  let second;
  const timer = setTimeout(() => (second = attemptTcp({ ...request, sourcePort: undefined, timeoutMs: half })), half);
  const outcome = await attemptTcp(request);
  clearTimeout(timer);
  if (outcome.kind !== "timedOut" || second === undefined) return outcome;
  const error = await second;
  return error.kind === "answered" ? outcome : error;
}

function attemptTcp({ to, port, source, sourcePort, timeoutMs }) {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ host: to, port, localAddress: source, localPort: sourcePort, autoSelectFamily: false });
    const finish = (outcome) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish({ kind: "timedOut" }), timeoutMs);
    socket.setEncoding("utf8");
    socket.on("data", (part) => (text += part));
    socket.on("end", () => finish(answered(text)));
    socket.on("error", (error) => finish(failure(error)));
  });
}

// The kernel picks UDP ports at random. Of some hundred datagrams two would often share one, and the second would follow the
// first one's connection in the node's conntrack instead of the rules. So: one port after the other, below the kernel's range
// and node ports.
const udpPorts = { first: 10_000, count: 20_000 };
let udpPortsUsed = 0;

function nextPort() {
  udpPortsUsed += 1;
  return udpPorts.first + (udpPortsUsed % udpPorts.count);
}

// The socket is connected: an unconnected one never hears of an ICMP port unreachable.
function attemptUdp({ to, port, source, sourcePort, timeoutMs }) {
  return new Promise((resolve) => {
    const socket = createSocket({ type: to.includes(":") ? "udp6" : "udp4", ipv6Only: to.includes(":") });
    let open = true;
    const finish = (outcome) => {
      if (!open) return;
      open = false;
      clearTimeout(timer);
      socket.close();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish({ kind: "timedOut" }), timeoutMs);
    // EPERM (Linux): a rule of this node dropped the packet. Where that rule was a REJECT an ICMP error follows, after a DROP nothing.
    const check = (error) => error && error.code !== "EPERM" && finish(failure(error));
    socket.on("message", (message) => finish(answered(message.toString("utf8"))));
    const bind = () => socket.bind({ address: source, port: sourcePort ?? nextPort() });
    socket.on("error", (error) => (error.code === "EADDRINUSE" && sourcePort === undefined ? bind() : check(error)));
    socket.on("listening", () => socket.connect(port, to, (error) => (error ? check(error) : socket.send("?", check))));
    bind();
  });
}

function answered(text) {
  try {
    const { server, client } = JSON.parse(text);
    return { kind: "answered", server, client };
  } catch {
    return { kind: "failed", code: "ENOANSWER" };
  }
}

function failure(error) {
  switch (error.code) {
    case "ECONNREFUSED":
      return { kind: "refused" };
    case "ETIMEDOUT":
      return { kind: "timedOut" };
    default:
      return { kind: "failed", code: error.code ?? String(error) };
  }
}

function emptyTally() {
  return { answered: {}, clients: new Set(), refused: 0, timedOut: 0, failed: {} };
}

function add(tally, outcome) {
  switch (outcome.kind) {
    case "answered":
      tally.answered[outcome.server] = (tally.answered[outcome.server] ?? 0) + 1;
      tally.clients.add(outcome.client);
      break;
    case "failed":
      tally.failed[outcome.code] = (tally.failed[outcome.code] ?? 0) + 1;
      break;
    default:
      tally[outcome.kind] += 1;
  }
}

function sorted({ answered, clients, refused, timedOut, failed }) {
  const byKey = (counts) => Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { answered: byKey(answered), clients: [...clients].sort(), refused, timedOut, failed: byKey(failed) };
}

async function each(count, run) {
  await Promise.all(Array.from({ length: count }, run));
}
