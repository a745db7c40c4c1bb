// The built command line on a lab's node: another process than the test's. In: a command, files. Out: what it printed.
import { execa } from "execa";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lab } from "../lab/lab.ts";
import { texts, type Situation } from "./harness.ts";
import { nodeName } from "./objects.ts";

const root = join(import.meta.dirname, "..", "..");
const bundle = join(root, "dist", "rulewright.js");

/** Builds the bundle if a source is newer than it, or it is not there. */
export async function buildIfStale(): Promise<void> {
  const built = await stat(bundle).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  if (built < (await newestSource())) await execa(process.execPath, [join(".config", "build.js")], { cwd: root });
}

/** `rulewright apply` of a situation. Rejects unless it exits with 0. */
export async function runApply(lab: Lab, situation: Situation): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rulewright-packets-"));
  try {
    const { manifest, config } = texts(situation);
    const [input, configuration] = [join(folder, "input.json"), join(folder, "config.json")];
    await Promise.all([writeFile(input, manifest), writeFile(configuration, config)]);
    return await run(lab, ["apply", "-f", input, "--config", configuration, "--node-name", nodeName]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** `rulewright cleanup`. */
export async function runCleanup(lab: Lab): Promise<string> {
  return run(lab, ["cleanup"]);
}

async function run(lab: Lab, args: readonly string[]): Promise<string> {
  const variant = ["--variant", lab.variant];
  return (await lab.node.exec(process.execPath, [bundle, ...args, ...variant])).stdout;
}

async function newestSource(): Promise<number> {
  const folders = ["src", "rules"].map((folder) => join(root, folder));
  const lists = await Promise.all(folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })));
  const files = lists.flat().filter((entry) => entry.isFile() && entry.name.endsWith(".ts"));
  const times = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).mtimeMs));
  return Math.max(...times);
}
