// Writes a golden case. In: a folder, the case's texts. Out: files in it, or a refusal.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dump } from "js-yaml";
import type { Backend } from "../config/settings.ts";
import { InputError } from "../desired/desired.ts";
import { configFile, inputFiles, nodeFile } from "../golden/expected-file.ts";
import { nodeSettingsKind } from "../golden/node-settings.ts";
import type { Family, Ip } from "../../rules/index.ts";

/** What a case is made from. */
export type RecordedCase = {
  /** YAML of its objects. */
  readonly input: string;
  /** The configuration's own text. */
  readonly config: string | undefined;
  readonly node: RecordedNode;
};

/** As `plan` was told it; empty lists are as if not given. */
export type RecordedNode = {
  readonly name: string | undefined;
  readonly addresses: readonly Ip[];
  readonly families: readonly Family[];
  readonly backend?: Backend | undefined;
};

/** Throws InputError for a folder that holds anything, or that cannot be read. One that is not there is good. */
export async function refuseUnlessEmpty(folder: string): Promise<void> {
  const shown = JSON.stringify(folder);
  let names: readonly string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw new InputError(`cannot record into ${shown}: ${messageOf(error)}`, { cause: error });
  }
  if (names.length > 0)
    throw new InputError(`cannot record into ${shown}: it is not empty; name a new folder, or empty it first`);
}

/** Makes the folder and its files; no file that is there is written over. Throws InputError. */
export async function writeCase(folder: string, { input, config, node }: RecordedCase): Promise<void> {
  const files = [
    [inputFiles[0], input],
    [nodeFile, renderNode(node)],
    ...(config === undefined ? [] : [[configFile, config] as const]),
  ] as const;
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, text] of files) await writeFile(join(folder, name), text, { flag: "wx" });
  } catch (error) {
    throw new InputError(`cannot record into ${JSON.stringify(folder)}: ${messageOf(error)}`, { cause: error });
  }
}

/** With a kind, so that `plan -f` of the folder passes over it as over any other kind that it does not know. */
function renderNode({ name, addresses, families, backend }: RecordedNode): string {
  return dump({
    kind: nodeSettingsKind,
    ...(name === undefined ? {} : { name }),
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(families.length === 0 ? {} : { families }),
    ...(backend === undefined ? {} : { backend }),
    placeholders: "none",
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
