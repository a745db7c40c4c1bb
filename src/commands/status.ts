// `rulewright status`: how an agent is. In: where it listens. Out: text or JSON; exit 0 healthy, 1 unhealthy, 2 not reached.
import { setTimeout as pause } from "node:timers/promises";
import { InvalidArgumentError } from "commander";
import type { Logger } from "winston";
import { quoted } from "../../rules/problem.ts";
import { decodeStatus, type Status } from "../debug/status-shape.ts";
import { wantsColour } from "../output/changes.ts";
import { renderStatus } from "../output/status-text.ts";
import { exit } from "./report.ts";

export type StatusOptions = {
  readonly server: string;
  /** Seconds between two looks; undefined: one look. */
  readonly watch?: number;
  readonly output: (typeof statusOutputs)[number];
};

export const statusOutputs = ["text", "json"] as const;

/** Where an agent answers on its own host, by kube-proxy's default. */
export const defaultServer = "http://127.0.0.1:10249";

/** A URL without path; `HOST:PORT` means plain HTTP. */
export function readServer(value: string): string {
  const text = value.includes("://") ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.search + url.hash !== "")
    throw new InvalidArgumentError(`must be a URL without path, e.g. ${defaultServer}.`);
  return url.origin;
}

/** A number of seconds, at least 0.1. */
export function readSeconds(value: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : 0;
  if (seconds < 0.1 || seconds > 86_400)
    throw new InvalidArgumentError("must be a number of seconds, 0.1 or more, at most a day.");
  return seconds;
}

/** Asks once, or with `watch` again and again until SIGINT. Rejects where it asks once and gets no status. */
export async function status(options: StatusOptions, log: Logger): Promise<number> {
  if (options.watch !== undefined) return watch(options, options.watch, log);
  const found = await readStatus(options.server, AbortSignal.timeout(patienceMs));
  process.stdout.write(render(found, options));
  return found.healthy ? exit.ok : exit.problems;
}

const patienceMs = 5000;

/** Goes on where the agent does not answer: it may be restarting. */
async function watch(options: StatusOptions, seconds: number, log: Logger): Promise<number> {
  const stopping = new AbortController();
  const stop = (): void => {
    stopping.abort();
  };
  process.once("SIGINT", stop);
  // Nobody reads any more (`| head`).
  process.stdout.once("error", stop);
  const { signal } = stopping;
  for (let looks = 0; !isOver(signal); looks++) {
    const found = await readStatus(options.server, AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])).catch(
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    );
    if (isOver(signal)) break;
    if (process.stdout.isTTY)
      process.stdout.write(redrawn(found instanceof Error ? `${found.message}\n` : render(found, options)));
    else if (found instanceof Error) log.error(found.message);
    else process.stdout.write(`${looks === 0 ? "" : "\n"}${render(found, options)}`);
    await pause(seconds * 1000, undefined, { signal }).catch(() => undefined);
  }
  return exit.ok;
}

/** Read through a function, since TypeScript takes the signal not to change during a wait. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** From the top left corner, each line over the old one and cleared to its end, then all below cleared: nothing flickers. */
function redrawn(text: string): string {
  return `\u001b[H${text.replaceAll("\n", "\u001b[K\n")}\u001b[J`;
}

function render(found: Status, { output }: StatusOptions): string {
  return output === "json" ? `${JSON.stringify(found, undefined, 2)}\n` : renderStatus(found, wantsColour());
}

/** Throws an Error of one line: what was tried, what came back, what to do. */
async function readStatus(server: string, signal: AbortSignal): Promise<Status> {
  const url = `${server}/debug/status`;
  let answer: { readonly code: number; readonly text: string };
  try {
    const response = await fetch(url, { signal, redirect: "manual" });
    answer = { code: response.status, text: await response.text() };
  } catch (error) {
    throw new Error(`GET ${url}: ${reasonOf(error)}; ${howToReach}`, { cause: error });
  }
  const { code, text } = answer;
  const found = code === 200 ? decodeStatus(parsed(text)) : undefined;
  if (found !== undefined) return found;
  const came = `GET ${url}: ${code} ${quoted(text)}`;
  if (code === 401 || code === 403)
    throw new Error(`${came}; from other hosts a token is needed: run this on the node itself, or use curl with one`);
  if (code === 413 || code >= 500) throw new Error(`${came}; see the agent's log`);
  throw new Error(`${came}; what listens there is no agent of rulewright, or one of another version`);
}

const howToReach =
  "is `rulewright run` at work on this host (a dry run opens no port)? if metricsBindAddress is another, name it with --server";

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer in ${patienceMs / 1000} s`;
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
