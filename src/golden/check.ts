// Checks cases. In: CaseFolder. Out: Outcome: passed, failed with findings, or broken.
import { compareTexts, type Finding } from "./compare.ts";
import { expectedFiles, packetsFile } from "./expected-file.ts";
import type { CaseFolder } from "./find.ts";
import { loadCase } from "./load.ts";
import { checkPackets } from "./packets-check.ts";
import { renderCase } from "./render.ts";

/** How one case came out. `broken`: it could not be run, since a file of it cannot be read or its settings are wrong. */
export type Outcome =
  | { readonly kind: "passed"; readonly path: string }
  | { readonly kind: "failed"; readonly path: string; readonly findings: readonly Finding[] }
  | { readonly kind: "broken"; readonly path: string; readonly because: string };

/** Runs one case. Never rejects: what one case has to say stops no other. */
export async function checkCase(folder: CaseFolder): Promise<Outcome> {
  const { path } = folder;
  const orphan = orphanFinding(folder);
  if (orphan !== undefined) return { kind: "failed", path, findings: [orphan] };
  try {
    const loaded = await loadCase(folder);
    const texts = renderCase(loaded);
    const findings = [...compareTexts(loaded.expected, texts), ...checkPackets(loaded, texts)];
    return findings.length === 0 ? { kind: "passed", path } : { kind: "failed", path, findings };
  } catch (error) {
    return { kind: "broken", path, because: error instanceof Error ? error.message : String(error) };
  }
}

/** The finding of a folder without input; undefined where it has one. */
export function orphanFinding({ files }: CaseFolder): Finding | undefined {
  if (files.has("input.yaml") || files.has("input.json")) return undefined;
  return { kind: "orphan", files: [...expectedFiles, packetsFile].filter((file) => files.has(file)) };
}
