// A shell that stays in a namespace of the guest, to run one tool after the other. In: a guest, a namespace. Out: what each tool printed.
import type { Variant } from "../../src/kernel/kernel.ts";
import type { Finished } from "./channel.ts";
import type { Guest } from "./guest.ts";

/** Runs a tool in its namespace; a process costs a third of what it costs by `Guest.run` with `ip netns exec`. */
export type Shell = {
  readonly namespace: string;
  /** Of the guest's iptables. */
  readonly variant: Variant;
  /** Tools run one after the other, in the order in which they are asked for. An exit code does not reject. */
  readonly run: (file: string, args: readonly string[], input?: string) => Promise<Finished>;
  /** How often `run` was called. */
  readonly count: () => number;
};

/** Delimits; no tool prints it. */
const end = "=end-of-tool=";

/** A here-document of more characters costs the emulated shell more than a process does. */
const mostInline = 20_000;

/** Opens one, which ends with the guest. */
export function openShell(guest: Guest, namespace: string): Shell {
  const errors = `/run/${namespace}.stderr`;
  let text = "";
  let taken = 0;
  const waiting: ((finished: Finished) => void)[] = [];
  const shell = guest.start("ip", ["netns", "exec", namespace, "sh"], (piece) => {
    text += piece;
    for (;;) {
      const found = new RegExp(`^([^]*?)${end}(\\d+)\n([^]*?)${end}\n`).exec(text);
      if (found === null) return;
      const [all, stdout = "", code, stderr = ""] = found;
      text = text.slice(all.length);
      waiting.shift()?.({ code: Number(code), stdout, stderr });
    }
  });
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work, work);
    last = done.catch(() => undefined);
    return done;
  };
  const ask = (command: string) =>
    new Promise<Finished>((resolve, reject) => {
      waiting.push(resolve);
      shell.finished.then(({ stderr }) => {
        reject(new Error(`the shell in ${namespace} has ended: ${stderr}`));
      }, reject);
      shell.write(command);
    });
  return {
    namespace,
    variant: guest.variant,
    count: () => taken,
    run: (file, args, input = "") => {
      taken += 1;
      const words = [file, ...args].map(quoted).join(" ");
      if (input.length > mostInline)
        return inTurn(() => guest.run("ip", ["netns", "exec", namespace, file, ...args], { input }));
      const given = input === "" ? "</dev/null" : `<<'${end}'`;
      const body = input === "" ? "" : `${input}${input.endsWith("\n") ? "" : "\n"}${end}\n`;
      const command = `${words} 2>${errors} ${given}\n${body}echo "${end}$?"; [ ! -s ${errors} ] || cat ${errors}; echo "${end}"\n`;
      return inTurn(() => ask(command));
    },
  };
}

function quoted(word: string): string {
  return /^[\w./:,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
