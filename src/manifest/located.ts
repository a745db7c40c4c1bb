// Problems with their place in a file. In: Problem and place. Out: LocatedProblem, and the one line a person reads.
import { printable, renderProblem, type Problem } from "../../rules/problem.ts";

/** A problem and where it stands; without `source` where no file holds its object. */
export type LocatedProblem = { readonly problem: Problem; readonly source: SourcePosition | undefined };

/** A place in a file. Line and column count from 1; a column counts UTF-16 code units, as editors do. */
export type SourcePosition = { readonly file: string; readonly line: number; readonly column: number };

/** `web.yaml:12:9: Service default/web spec.ports[1].port: is 70000, must be 1 to 65535`, on one line of printable ASCII. */
export function renderLocated({ problem, source }: LocatedProblem): string {
  return source === undefined ? renderProblem(problem) : `${renderPosition(source)}: ${renderProblem(problem)}`;
}

/** `web.yaml:12:9`, printable whatever the file is called. */
export function renderPosition(source: SourcePosition): string {
  return `${printable(source.file)}:${source.line}:${source.column}`;
}
