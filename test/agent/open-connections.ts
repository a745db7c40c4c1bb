// TCP connections that stay open while rules change. In: a lab, who connects to what. Out: what was exchanged on each, and which broke.
import { spawn, type ChildProcess } from "node:child_process";
import type { Lab } from "../lab/lab.ts";
import { needTool } from "../lab/tool.ts";

/** A client of the lab, with the address it connects from, and an address where some host of `echo` answers. */
export type Route = { readonly from: string; readonly source: string; readonly to: string; readonly port: number };

/** What became of one connection. */
export type Exchanged = {
  /** Numbers that were sent and came back, in order. */
  readonly count: number;
  /** Between two that came back. */
  readonly longestSilenceMs: number;
  /** Why it ended before it was told to; undefined where it did not. */
  readonly broken: string | undefined;
};

/** A namespace's process that answers each byte with the same. Ends when it is told to, or with this process. */
export async function echo(lab: Lab, host: string, port: number): Promise<() => Promise<void>> {
  const addresses = [lab.address(host, 4), lab.address(host, 6)];
  const child = await startIn(lab, host, [server, JSON.stringify({ addresses, port })]);
  await firstLine(child);
  return async () => {
    await end(child);
  };
}

/** Opens a connection by each route; resolves when all exchange numbers, one every 20 ms. Then `stop` ends them and tells. */
export async function keepOpen(lab: Lab, routes: readonly Route[]): Promise<() => Promise<Exchanged[]>> {
  const clients = await Promise.all(
    routes.map(({ from, source, to, port }) => startIn(lab, from, [client, JSON.stringify({ source, to, port })])),
  );
  await Promise.all(clients.map(firstLine));
  return () => Promise.all(clients.map(async (child) => JSON.parse(await end(child)) as Exchanged));
}

/** Where a host of a lab lives; hosts beyond the uplink share a namespace. */
async function startIn(lab: Lab, host: string, script: readonly [string, string]): Promise<ChildProcess> {
  const place = host === "node" || host.startsWith("pod-") ? host : "outside";
  const namespace = lab.node.namespace.replace(/node$/, place);
  const [program, argument] = script;
  return spawn(await needTool("ip"), ["netns", "exec", namespace, process.execPath, "-e", program, argument], {
    env: {},
    stdio: ["pipe", "pipe", "inherit"],
  });
}

async function firstLine(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once("data", () => {
      resolve();
    });
    child.once("exit", () => {
      reject(new Error("an open connection, or its server, ended before it began"));
    });
  });
}

/** What it prints once its standard input is at its end. */
async function end(child: ChildProcess): Promise<string> {
  let printed = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const gone = new Promise((resolve) => child.once("close", resolve));
  child.stdin?.end();
  await gone;
  return printed;
}

const server = `
const { addresses, port } = JSON.parse(process.argv[1]);
let left = addresses.length;
for (const host of addresses)
  require("node:net")
    .createServer((socket) => socket.on("error", () => {}).pipe(socket))
    .listen({ host, port, ipv6Only: true }, () => (left -= 1) === 0 && console.log("ready"));
process.stdin.on("end", () => process.exit()).resume();
`;

// Each number waits for the one before: what is lost is a silence.
const client = `
const { source, to, port } = JSON.parse(process.argv[1]);
const socket = require("node:net").connect({ host: to, port, localAddress: source, noDelay: true });
let [count, longestSilenceMs, last, broken] = [0, 0, performance.now(), undefined];
const heard = () => {
  const now = performance.now();
  longestSilenceMs = Math.max(longestSilenceMs, now - last);
  last = now;
};
const say = () => socket.write(String.fromCharCode(count % 256), "latin1");
socket.setEncoding("latin1");
socket.on("connect", () => { last = performance.now(); say(); });
socket.on("data", (text) => {
  heard();
  if (text !== String.fromCharCode(count % 256)) broken ??= "answered with another number";
  if ((count += 1) === 1) console.log("open");
  setTimeout(say, 20);
});
socket.on("error", (error) => { broken ??= error.code; });
socket.on("close", () => { broken ??= "closed"; });
process.stdin.on("end", () => {
  heard();
  console.log(JSON.stringify({ count, longestSilenceMs, broken }));
  process.exit();
}).resume();
`;
