// Where programs are. In: a program's name. Out: its absolute path.
import { access, constants } from "node:fs/promises";

/** Where the system keeps its own programs. */
export const directories = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];

/** The absolute path of a program, looked for only there; undefined where there is none that may be run. */
export async function findTool(tool: string): Promise<string | undefined> {
  for (const directory of directories) {
    const path = `${directory}/${tool}`;
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}
