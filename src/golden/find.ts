// Finds the case folders below directories. In: paths. Out: CaseFolder[], orphans among them, sorted by path.
import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../desired/desired.ts";
import { configFile, expectedFiles, inputFiles, nodeFile, packetsFile } from "./expected-file.ts";

/** A folder with an input, an expected file or a table of packets. Without any input it is an orphan. */
export type CaseFolder = {
  /** As the user can type it: below the directory that was given. */
  readonly path: string;
  /** The names in it that mean something here. */
  readonly files: ReadonlySet<string>;
};

/**
 * Every case in `directories` and in the folders below them, each once however often it is given. Hidden folders and
 * `node_modules` are not entered, nor are links to folders.
 * @throws InputError for a directory that cannot be read, or that holds no case at all.
 */
export async function findCases(directories: readonly string[]): Promise<readonly CaseFolder[]> {
  const found = new Map<string, CaseFolder>();
  for (const directory of directories) {
    const folders = await attempt(directory, findBelow(directory));
    if (folders.length === 0)
      throw new InputError(
        `looked for cases in ${JSON.stringify(directory)}, found none: a case is a folder with ${inputFiles.join(" or ")}`,
      );
    for (const folder of folders) {
      const place = await attempt(folder.path, realpath(folder.path));
      if (!found.has(place)) found.set(place, folder);
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

const ownFiles: ReadonlySet<string> = new Set([...inputFiles, configFile, nodeFile, packetsFile, ...expectedFiles]);
const caseFiles: ReadonlySet<string> = new Set([...inputFiles, packetsFile, ...expectedFiles]);

async function findBelow(directory: string): Promise<CaseFolder[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory() && ownFiles.has(entry.name)).map(({ name }) => name);
  const found: CaseFolder[] = files.some((name) => caseFiles.has(name))
    ? [{ path: directory, files: new Set(files) }]
    : [];
  for (const entry of entries) {
    if (!entry.isDirectory() || entry.name.startsWith(".") || entry.name === "node_modules") continue;
    found.push(...(await findBelow(join(directory, entry.name))));
  }
  return found;
}

async function attempt<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new InputError(`cannot read ${JSON.stringify(path)}: ${message}`, { cause: error });
  }
}
