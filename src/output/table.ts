// Text tables. In: a heading and rows of cells. Out: aligned lines.

/** Columns padded to their widest cell and parted by three spaces, as kubectl prints them. Ends with a newline. */
export function renderTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading, ...rows];
  const widths = heading.map((_, column) => all.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd();
  return all.map((row) => `${line(row)}\n`).join("");
}
