// Runs one of the system's tools. In: a path, arguments, standard input. Out: its output.
import { access, constants } from "node:fs/promises";
import { execa } from "execa";

/** What a tool that exited with 0 printed. */
export type Output = { readonly stdout: string; readonly stderr: string };

/** Standard input and additional environment of a tool. */
export type ToolSettings = { readonly input?: string; readonly env?: Readonly<Record<string, string>> };

/** Bounds every tool: none of them takes seconds, but a tool that waits for a lock could wait for ever. */
const timeoutMs = 60_000;

/** Runs a tool, without a shell. Rejects with an ExecaError: command, exit code and stderr are in its message and its fields. */
export async function runTool(file: string, args: readonly string[], settings: ToolSettings = {}): Promise<Output> {
  const { stdout, stderr } = await execa(file, args, {
    input: settings.input ?? "",
    env: settings.env ?? {},
    stripFinalNewline: false,
    timeout: timeoutMs,
    maxBuffer: 1 << 30,
  });
  return { stdout, stderr };
}

/** The absolute path of a tool in the places where administrators' tools are, or undefined. */
export async function findTool(name: string): Promise<string | undefined> {
  for (const folder of ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"]) {
    const path = `${folder}/${name}`;
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

/** `findTool`, for a tool that must be there. */
export async function needTool(name: string): Promise<string> {
  const path = await findTool(name);
  if (path === undefined) throw new Error(`looked for ${name} in the sbin and bin folders, it is not installed`);
  return path;
}
