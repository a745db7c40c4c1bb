// Runs the built command line once. In: arguments. Out: its wall time, CPU time, peak memory, standard output in a file.
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

export type Ran = {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly code: number | null;
};

/** Runs `node dist/rulewright.js ARGS` in this directory, and has it say what it used when it exits. */
export async function runBuilt(
  args: readonly string[],
  output: string,
  nodeArgs: readonly string[] = [],
): Promise<Ran> {
  const out = openSync(output, "w");
  const start = performance.now();
  const command = [...nodeArgs, "--import", onExit, "dist/rulewright.js", ...args];
  const child = spawn(process.execPath, command, { stdio: ["ignore", out, "inherit", "pipe"] });
  closeSync(out);
  let said = "";
  child.stdio[3]?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const wallMs = performance.now() - start;
  const { cpu, status } = JSON.parse(said) as { cpu: { user: number; system: number }; status: string };
  const peakKb = Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]);
  return { wallMs, cpuMs: (cpu.user + cpu.system) / 1000, peakMb: peakKb / 1000, code };
}

/**
 * Loaded before the program. Not the parent's view of a dead child: Node gives none, and ru_maxrss would count the parent's own
 * memory, which a child has until it executes another program.
 */
const onExit = `data:text/javascript,${encodeURIComponent(`
import { readFileSync, writeSync } from "node:fs";
process.on("exit", () => {
  const status = readFileSync("/proc/self/status", "utf8");
  writeSync(3, JSON.stringify({ cpu: process.cpuUsage(), status }));
});`)}`;
