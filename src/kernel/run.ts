// Runs one program. In: an absolute path, arguments, input. Out: its exit code and output. Never a shell.

/** How a program ended. `failure` is set where it could not be run at all or had to be stopped. */
export type Ended = {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly failure?: string;
};

export type RunOptions = {
  readonly input?: string;
  readonly timeoutSeconds?: number;
  /** Takes standard output piece by piece, cut anywhere between characters; what is given back of it is then empty. */
  readonly onOutput?: (text: string) => void;
};

/**
 * Runs `file` with `args` and waits for it. Its environment is fixed, so that messages are in English and nothing of the caller's
 * reaches it. It is not stopped when this process is told to stop: a half-written batch is worse than a late end.
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const lockFile = process.env["XTABLES_LOCKFILE"];
  const { onOutput } = options;
  // Loaded with the first program that is run: many commands run none, and start in less time without it.
  const { execa } = await import("execa");
  const running = execa(file, args, {
    ...(onOutput === undefined ? {} : { buffer: { stdout: false } }),
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
    reject: false,
    cleanup: false,
    detached: true,
    preferLocal: false,
    stripFinalNewline: false,
    extendEnv: false,
    env: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      LC_ALL: "C",
      ...(lockFile === undefined ? {} : { XTABLES_LOCKFILE: lockFile }),
    },
    timeout: (options.timeoutSeconds ?? 300) * 1000,
    forceKillAfterDelay: 1000,
    maxBuffer: 1_000_000_000,
  });
  if (onOutput !== undefined) running.stdout.setEncoding("utf8").on("data", onOutput);
  const result = await running;
  const { exitCode, stdout, stderr } = result;
  return {
    code: exitCode,
    stdout,
    stderr,
    ...(exitCode === undefined ? { failure: result.shortMessage ?? "did not run" } : {}),
  };
}

/** A command that failed: what was run, how it ended, and the first lines it said. */
export class CommandError extends Error {
  constructor(file: string, args: readonly string[], ended: Ended) {
    const how = ended.failure ?? `exit status ${String(ended.code)}`;
    const said = ended.stderr.trim().split("\n").slice(0, 5).join("; ");
    super(`${[file, ...args].join(" ")}: ${how}${said === "" ? "" : `: ${said}`}`);
    this.name = "CommandError";
  }
}
