// Kernel settings as files. In: names of settings. Out: their values, read and written.
import { readFile, writeFile } from "node:fs/promises";

/** The settings of one network namespace. */
export type SysctlFiles = {
  /** Without white space around it; undefined where there is no such setting. Rejects where it cannot be read. */
  readonly read: (name: string) => Promise<string | undefined>;
  /** Rejects with Node's error (`EROFS`, `EACCES`, `EINVAL`, ...). */
  readonly write: (name: string, value: string) => Promise<void>;
};

/** The host's own, below `root`, which only tests change. */
export function hostFiles(root = ""): SysctlFiles {
  const path = (name: string) => `${root}${name.startsWith("/") ? name : `/proc/sys/${name}`}`;
  return {
    read: async (name) => {
      try {
        return (await readFile(path(name), "utf8")).trim();
      } catch (error) {
        if (codeOf(error) === "ENOENT") return undefined;
        throw error;
      }
    },
    // Not O_CREAT: a setting that is not there must not become a file.
    write: (name, value) => writeFile(path(name), value, { flag: "r+" }),
  };
}

/** Node's name of what went wrong, e.g. `EROFS`. */
export function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}
