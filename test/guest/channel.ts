// Speaks with agent.mjs. In: the ways to it and back. Out: programs run and talked to.
import type { Readable } from "node:stream";
import { createInterface } from "node:readline";

/** What a program printed, and its exit code. */
export type Finished = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Standard input (default: none) and additional environment of a program. */
export type RunSettings = { readonly input?: string; readonly env?: Readonly<Record<string, string>> };

/** A program that goes on running. */
export type Running = {
  /** Writes to its standard input. */
  readonly write: (text: string) => void;
  /** Closes its standard input. */
  readonly close: () => void;
  /** Ends it by SIGKILL, which makes `finished` reject. */
  readonly kill: () => void;
  /** Rejects when it could not be started, was ended by a signal, or the guest is gone. */
  readonly finished: Promise<Finished>;
};

/** How programs in the guest are run. Searches PATH; no shell. */
export type Channel = {
  /** Resolves when the agent is there; rejects when the guest ends first. */
  readonly ready: Promise<void>;
  /** Runs a program to its end. An exit code other than 0 does not reject; that is the caller's to look at. */
  readonly run: (file: string, args: readonly string[], settings?: RunSettings) => Promise<Finished>;
  /** Starts a program. `onOutput` gets its standard output in pieces, as it comes. */
  readonly start: (file: string, args: readonly string[], onOutput: (text: string) => void) => Running;
  /** Makes everything that waits, and everything asked from now on, reject with this. */
  readonly fail: (error: Error) => void;
};

type Message = {
  readonly id: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly error?: string;
  readonly code?: number | null;
  readonly signal?: string | null;
};

type Waiting = { readonly take: (message: Message) => void; readonly reject: (error: Error) => void };

/** Opens the channel: `post` takes a request to agent.mjs, in one line; its answers come from `output`. */
export function openChannel(post: (line: string) => void, output: Readable): Channel {
  const waiting = new Map<number, Waiting>();
  let failure: Error | undefined;
  let last = 0;
  const say = (message: object) => {
    if (failure === undefined) post(JSON.stringify(message));
  };
  const fail = (error: Error) => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  createInterface({ input: output }).on("line", (line) => {
    const message = JSON.parse(line) as Message;
    waiting.get(message.id)?.take(message);
    if ("code" in message || "error" in message || message.id === 0) waiting.delete(message.id);
  });
  const ready = new Promise<void>((resolve, reject) => {
    waiting.set(0, {
      take: () => {
        resolve();
      },
      reject,
    });
  });
  const start = (command: Command, onOutput: (text: string) => void): Running => {
    last += 1;
    const id = last;
    const finished = new Promise<Finished>((resolve, reject) => {
      if (failure === undefined) waiting.set(id, collect(command, { onOutput, resolve, reject }));
      else reject(failure);
    });
    finished.catch(() => undefined); // who does not wait for it need not hear that it was killed
    say({ id, ...command });
    return {
      write: (text) => {
        say({ id, write: text });
      },
      close: () => {
        say({ id, close: true });
      },
      kill: () => {
        say({ id, kill: true });
      },
      finished,
    };
  };
  return {
    ready,
    run: (file, args, { input: text = "", env = {} } = {}) => {
      const { write, close, finished } = start({ file, args, env }, () => undefined);
      if (text !== "") write(text);
      close();
      return finished;
    },
    start: (file, args, onOutput) => start({ file, args, env: {} }, onOutput),
    fail,
  };
}

type Command = {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

type Settled = {
  readonly onOutput: (text: string) => void;
  readonly resolve: (finished: Finished) => void;
  readonly reject: (error: Error) => void;
};

function collect({ file, args }: Command, { onOutput, resolve, reject }: Settled): Waiting {
  const texts = { stdout: "", stderr: "" };
  const because = (what: string) => new Error(`in the guest, ${[file, ...args].join(" ")}: ${what}`);
  const take = ({ stdout, stderr, error, code, signal }: Message) => {
    texts.stdout += stdout ?? "";
    texts.stderr += stderr ?? "";
    if (stdout !== undefined) onOutput(stdout);
    if (error !== undefined) reject(because(error));
    else if (typeof code === "number") resolve({ code, ...texts });
    else if (typeof signal === "string") reject(because(`ended by ${signal}; ${texts.stderr}`));
  };
  return { take, reject };
}
