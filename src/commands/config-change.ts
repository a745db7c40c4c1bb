// Notices that the configuration file says something else. In: the file's name, what it said. Out: a promise of the change.
import { setTimeout as after } from "node:timers/promises";

export type ConfigFile = {
  readonly name: string;
  /** What the agent was started with. */
  readonly text: string;
};

export type ConfigWatch = {
  /** Rejects where the file cannot be read. */
  readonly read: (name: string) => Promise<string>;
  /** Errors of a text with which no agent could start; empty for a good one. */
  readonly errorsOf: (text: string) => readonly string[];
  readonly warn: (line: string) => void;
  readonly everySeconds: number;
  readonly signal: AbortSignal;
};

/**
 * Resolves once the file holds other, usable text; never, where the signal comes first. The content is read again and again: a ConfigMap's
 * volume swaps a link above the file, of which no watch of the file itself hears. kube-proxy ends for any change; here one that no agent
 * could start with is told once and waited out, so that a slip in a ConfigMap does not stop every node's agent.
 */
export async function configChange(file: ConfigFile, watch: ConfigWatch): Promise<"changed"> {
  const { signal } = watch;
  let told: string | undefined;
  const tell = (line: string): void => {
    if (line !== told) watch.warn(line);
    told = line;
  };
  for (;;) {
    await pause(watch.everySeconds, signal);
    if (signal.aborted) return new Promise(() => undefined);
    try {
      const text = await watch.read(file.name);
      if (text === file.text) {
        told = undefined;
        continue;
      }
      const errors = watch.errorsOf(text);
      if (errors.length === 0) return "changed";
      tell(`${file.name} was changed, but cannot be used; the agent goes on as it was started: ${errors.join("; ")}`);
    } catch (error) {
      tell(`the configuration cannot be read any more: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return after(seconds * 1000, undefined, { signal, ref: false }).then(noop, noop);
}

function noop(): void {
  // A pause that is cut short is over.
}
