// The built command line, as its users run it. In: arguments. Out: its exit status and what it printed.
import { mkdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { buildIfStale } from "../../packets/cli.ts";

export const bundle = join(import.meta.dirname, "..", "..", "..", "dist", "rulewright.js");

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** `before` is a command that is to run it (`ip netns exec NAME`). Without `input`, standard input is empty. */
export type CliSettings = {
  readonly input?: string;
  readonly before?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

/** Runs `rulewright` and waits for it, whatever its exit status. */
export async function cli(
  args: readonly string[],
  { input = "", before = [], env = {} }: CliSettings = {},
): Promise<Ended> {
  const [file = "", ...rest] = [...before, process.execPath, bundle, ...args];
  const { exitCode, stdout, stderr, shortMessage } = await execa(file, rest, {
    input,
    env,
    reject: false,
    stripFinalNewline: false,
    timeout: 60_000,
  });
  if (exitCode === undefined) throw new Error(shortMessage ?? "bug: no exit code");
  return { code: exitCode, stdout, stderr };
}

const lock = join(tmpdir(), "rulewright-test-build.lock");

/** Builds the bundle where a source is newer than it. One jest worker does it, the others wait. */
export async function built(): Promise<void> {
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch {
      // Left behind by a process that was killed.
      const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: Date.now() }));
      if (Date.now() - mtimeMs > 60_000) await rm(lock, { recursive: true, force: true });
      await sleep(100);
    }
  }
  try {
    await buildIfStale();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}
