// Splits a YAML text into documents without parsing it. In: text. Out: ranges, so that a broken document loses no other.

/** From `start` up to, not including, `end`. */
export type Range = { readonly start: number; readonly end: number };

/**
 * `---` and `...` at the beginning of a line end a document wherever they stand, in block scalars and quotes too
 * (YAML 1.2.2, 9.1.1 to 9.1.3), so that no parsing is needed. A `---` after nothing but comments and directives (`%YAML 1.2`)
 * begins the document that they belong to.
 */
export function splitYaml(text: string): readonly Range[] {
  const ranges: Range[] = [];
  let start = 0;
  for (const match of text.matchAll(/(?:^|(?<=[\r\n]))\uFEFF?(---|\.\.\.)(?![^ \t\r\n])/g)) {
    const ends = match[1] === "...";
    if (!ends && isPrologue(text.slice(start, match.index))) continue;
    const end = ends ? match.index + match[0].length : match.index;
    ranges.push({ start, end });
    start = end;
  }
  ranges.push({ start, end: text.length });
  return ranges.filter((range) => !isPrologue(text.slice(range.start, range.end)));
}

/** Blank lines, comments and directives only: there is no line that is none of them. */
function isPrologue(text: string): boolean {
  return !/(?:^|(?<=[\r\n]))(?!\uFEFF?(?:%|[ \t]*(?:#|[\r\n]|$)))[^\r\n]/.test(text);
}
