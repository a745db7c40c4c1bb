// Rewrites the expected files of cases. In: CaseFolder. Out: Update, what was done.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { orphanFinding, type Outcome } from "./check.ts";
import type { Finding } from "./compare.ts";
import { expectedFiles, type ExpectedFile } from "./expected-file.ts";
import type { CaseFolder } from "./find.ts";
import { loadCase } from "./load.ts";
import { checkPackets } from "./packets-check.ts";
import { renderCase } from "./render.ts";

/** What was done to one case. */
export type Update =
  | { readonly kind: "updated"; readonly path: string; readonly edits: readonly Edit[] }
  /** Its files are up to date, but rows of its `packets.yaml` fail; or it is an orphan, without edits. */
  | {
      readonly kind: "failed";
      readonly path: string;
      readonly edits: readonly Edit[];
      readonly findings: readonly Finding[];
    }
  | Extract<Outcome, { readonly kind: "broken" }>;

/** What was done to one file. Files that were right are not touched. */
export type Edit = { readonly kind: "created" | "rewritten" | "removed"; readonly file: ExpectedFile };

/**
 * Makes the expected files what the case gives now. `packets.yaml` is people's: it is checked, and left as it is. An orphan is left as it is, and reported: its input may only be misnamed.
 * Never rejects.
 */
export async function updateCase(folder: CaseFolder): Promise<Update> {
  const { path } = folder;
  const orphan = orphanFinding(folder);
  if (orphan !== undefined) return { kind: "failed", path, edits: [], findings: [orphan] };
  try {
    const loaded = await loadCase(folder);
    const actual = renderCase(loaded);
    const edits: Edit[] = [];
    for (const file of expectedFiles) {
      const [before, after] = [loaded.expected.get(file), actual.get(file)];
      if (before === after) continue;
      if (after === undefined) await rm(join(path, file));
      else await writeFile(join(path, file), after);
      edits.push({ kind: before === undefined ? "created" : after === undefined ? "removed" : "rewritten", file });
    }
    const findings = checkPackets(loaded, actual);
    return findings.length === 0 ? { kind: "updated", path, edits } : { kind: "failed", path, edits, findings };
  } catch (error) {
    return { kind: "broken", path, because: error instanceof Error ? error.message : String(error) };
  }
}
