// Reads manifest files. In: the arguments of -f. Out: names and texts, and problems with files that are no text.
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { lineFinder } from "./lines.ts";
import type { LocatedProblem } from "./located.ts";
import type { Source } from "./parse.ts";
import { printable, quoted } from "../../rules/problem.ts";

/** What `-f` led to, in the order of the arguments; files of a directory are sorted by name. */
export type Read = { readonly sources: readonly Source[]; readonly problems: readonly LocatedProblem[] };

/** How to read: whether directories inside directories count, and what `-` stands for. */
export type ReadSettings = { readonly recursive: boolean; readonly stdin: AsyncIterable<Uint8Array> };

/** A file or directory that was asked for cannot be read. `code` is that of the system (`ENOENT`), or says what is wrong. */
export class ManifestReadError extends Error {
  override readonly name = "ManifestReadError";
  readonly path: string;
  readonly code: string;

  constructor(path: string, code: string, because: { readonly text: string; readonly cause?: unknown }) {
    super(`cannot read ${quoted(path)}: ${printable(because.text)}`, { cause: because.cause });
    this.path = path;
    this.code = code;
  }
}

/**
 * Reads files, directories and `-` (standard input, once). A directory stands for its files *.yaml, *.yml and *.json, as in
 * kubectl; symbolic links to files are followed, links to directories inside a directory are not.
 * @throws ManifestReadError for what is missing, unreadable or empty of manifests.
 */
export async function readSources(paths: readonly string[], settings: ReadSettings): Promise<Read> {
  if (paths.filter((path) => path === "-").length > 1)
    throw new ManifestReadError("-", "stdin-twice", { text: "standard input can be read only once, give - once" });
  const sources: Source[] = [];
  const problems: LocatedProblem[] = [];
  for (const path of paths) {
    for (const [name, bytes] of await readPath(path, settings)) {
      const decoded = decodeText(name, bytes);
      if ("problem" in decoded) problems.push(decoded);
      else sources.push(decoded);
    }
  }
  return { sources, problems };
}

async function readPath(path: string, settings: ReadSettings): Promise<[name: string, bytes: Uint8Array][]> {
  if (path === "-") return [["stdin", await attempt("-", readAll(settings.stdin))]];
  const entry = await attempt(path, stat(path));
  if (!entry.isDirectory()) return [[path, await attempt(path, readFile(path))]];
  const files = await listManifests(path, settings.recursive);
  if (files.length === 0)
    throw new ManifestReadError(path, "no-manifests", {
      text: `the directory holds no *.yaml, *.yml or *.json file${settings.recursive ? "" : " (directories inside it are not looked at)"}`,
    });
  const read: [string, Uint8Array][] = [];
  for (const file of files) read.push([file, await attempt(file, readFile(file))]);
  return read;
}

async function listManifests(directory: string, recursive: boolean): Promise<readonly string[]> {
  const entries = await attempt(directory, readdir(directory, { withFileTypes: true }));
  const files: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (recursive) files.push(...(await listManifests(path, recursive)));
    } else if (/\.(yaml|yml|json)$/.test(entry.name)) {
      // Named pipes and sockets would block for ever.
      if ((await attempt(path, stat(path))).isFile()) files.push(path);
    }
  }
  return files;
}

async function readAll(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function attempt<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ManifestReadError(path, code ?? "unknown", { text: message, cause: error });
  }
}

function decodeText(name: string, bytes: Uint8Array): Source | LocatedProblem {
  try {
    return { name, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    const problem = {
      code: "not-utf8",
      severity: "error",
      object: "File",
      path: [],
      text: "is not valid UTF-8, and was left out",
    } as const;
    return { problem, source: { file: name, ...firstBadByte(bytes) } };
  }
}

/** Near enough: where the first replacement character stands, unless the file is too long even for a string. */
function firstBadByte(bytes: Uint8Array): { readonly line: number; readonly column: number } {
  const text = new TextDecoder().decode(bytes.subarray(0, 1 << 24));
  return lineFinder(text)(Math.max(0, text.indexOf("\uFFFD")));
}
