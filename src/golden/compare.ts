// Compares what a case gives with what it should. In: two sets of texts. Out: Finding[], none where they are the same.
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import { printable } from "../../rules/problem.ts";
import { expectedFiles, type ExpectedFile, type ExpectedTexts, type packetsFile } from "./expected-file.ts";
import type { RowFinding } from "./packets-check.ts";

/** What is wrong with a case; each fails it. */
export type Finding =
  /** The folder has files that say what must come out, but no input. */
  | { readonly kind: "orphan"; readonly files: readonly (ExpectedFile | typeof packetsFile)[] }
  /** The case gives this, and no file says so. */
  | { readonly kind: "missing"; readonly file: ExpectedFile }
  | { readonly kind: "empty"; readonly file: ExpectedFile }
  /** The file is there, and the case gives nothing of the kind any more. */
  | { readonly kind: "stale"; readonly file: ExpectedFile }
  /** Only the line ends differ: version control made them CR LF. */
  | { readonly kind: "line-ends"; readonly file: ExpectedFile }
  /** `patch`: unified diff in printable ASCII, from the file to what the case gives; undefined where it would take too long to find. */
  | { readonly kind: "different"; readonly file: ExpectedFile; readonly patch: string | undefined }
  /** A row of `packets.yaml` does not hold. */
  | RowFinding;

/** Every finding about expected files, in the order of `expectedFiles`. */
export function compareTexts(expected: ExpectedTexts, actual: ExpectedTexts): readonly Finding[] {
  return expectedFiles.flatMap((file): Finding[] => {
    const [before, after] = [expected.get(file), actual.get(file)];
    if (before === after) return [];
    if (before === undefined) return [{ kind: "missing", file }];
    if (after === undefined) return [{ kind: "stale", file }];
    if (before.trim() === "") return [{ kind: "empty", file }];
    if (before.replaceAll("\r\n", "\n") === after) return [{ kind: "line-ends", file }];
    return [{ kind: "different", file, patch: unifiedDiff(before, after, file) }];
  });
}

/** Lines that may differ, and the time that finding them may take: the search costs lines times differences. */
const limits = { maxEditLength: 2000, timeout: 10_000 };

function unifiedDiff(before: string, after: string, file: ExpectedFile): string | undefined {
  const patch = createTwoFilesPatch(file, `${file} (now)`, before, after, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
    ...limits,
  });
  // An expected file may come from a stranger's change: nothing in it may drive a terminal or a CI system's log.
  return patch?.split("\n").map(printable).join("\n");
}
