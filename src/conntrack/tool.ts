// The conntrack tool of this host. In: nothing. Out: RunConntrack, or undefined where it is not installed.
import { run, type Ended, type RunOptions } from "../kernel/run.ts";
import { findTool } from "../kernel/find-tool.ts";

/** Runs the conntrack tool in one network namespace. Resolves however it ends. */
export type RunConntrack = (args: readonly string[], options?: RunOptions) => Promise<Ended>;

/** Looks for the tool where the system keeps its own. */
export async function findConntrack(): Promise<RunConntrack | undefined> {
  const path = await findTool("conntrack");
  return path === undefined ? undefined : (args, options) => run(path, args, options);
}
