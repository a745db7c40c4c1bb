// Reads one case. In: CaseFolder. Out: GoldenCase, what it is made from and what it should give.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../desired/desired.ts";
import { readSources, type Read } from "../manifest/read.ts";
import {
  configFile,
  expectedFiles,
  inputFiles,
  nodeFile,
  packetsFile,
  type ExpectedFile,
  type ExpectedTexts,
} from "./expected-file.ts";
import type { CaseFolder } from "./find.ts";
import { decodeNodeSettings, noNodeSettings, type NodeSettings } from "./node-settings.ts";
import { decodePackets, type PacketRow } from "./packets-decode.ts";

/** A case. Its files are named without their folder, so that no output depends on where the folder is. */
export type GoldenCase = {
  readonly read: Read;
  readonly config: { readonly name: string; readonly text: string } | undefined;
  readonly node: NodeSettings;
  readonly expected: ExpectedTexts;
  /** Empty where the case has no `packets.yaml`. */
  readonly packets: readonly PacketRow[];
};

/**
 * Reads a folder that is no orphan.
 * @throws InputError, ManifestReadError where a file cannot be read, there are two inputs, or the node settings or the table of packets are wrong.
 */
export async function loadCase(folder: CaseFolder): Promise<GoldenCase> {
  const inputs = inputFiles.filter((name) => folder.files.has(name));
  const [input, second] = inputs;
  if (input === undefined) throw new Error("bug: an orphan has nothing to load");
  if (second !== undefined) throw new InputError(`has both ${inputs.join(" and ")}, must have one`);
  return {
    read: await readInput(folder, input),
    config: folder.files.has(configFile) ? { name: configFile, text: await readText(folder, configFile) } : undefined,
    node: await readNodeSettings(folder),
    expected: await readExpected(folder),
    packets: await readPackets(folder),
  };
}

async function readInput({ path }: CaseFolder, name: string): Promise<Read> {
  const { sources, problems } = await readSources([join(path, name)], { recursive: false, stdin: nothing });
  return {
    sources: sources.map(({ text }) => ({ name, text })),
    problems: problems.map(({ problem, source }) => ({ problem, source: source && { ...source, file: name } })),
  };
}

async function readNodeSettings(folder: CaseFolder): Promise<NodeSettings> {
  if (!folder.files.has(nodeFile)) return noNodeSettings;
  const decoded = decodeNodeSettings(await readText(folder, nodeFile), nodeFile);
  if (decoded.kind === "refused") throw new InputError(decoded.lines.join("\n"));
  return decoded.settings;
}

async function readPackets(folder: CaseFolder): Promise<readonly PacketRow[]> {
  if (!folder.files.has(packetsFile)) return [];
  const decoded = decodePackets(await readText(folder, packetsFile), packetsFile);
  if (decoded.kind === "refused") throw new InputError(decoded.lines.join("\n"));
  return decoded.rows;
}

async function readExpected(folder: CaseFolder): Promise<ExpectedTexts> {
  const texts = new Map<ExpectedFile, string>();
  for (const name of expectedFiles) if (folder.files.has(name)) texts.set(name, await readText(folder, name));
  return texts;
}

async function readText({ path }: CaseFolder, name: string): Promise<string> {
  try {
    return await readFile(join(path, name), "utf8");
  } catch (error) {
    throw new InputError(`cannot read ${name}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Standard input is nobody's case. */
const nothing: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};
