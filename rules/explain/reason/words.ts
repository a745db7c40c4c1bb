// Words that many sentences need. In: counts and lists. Out: text.

/** `1 endpoint`, `3 endpoints`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** `a`, `a and b`, `a, b and 7 more`: at most `most` are told. */
export function list(items: readonly string[], most = 8): string {
  const shown = items.slice(0, most);
  const more = items.length - shown.length;
  const parts = more > 0 ? [...shown, `${more} more`] : shown;
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1) ?? ""}`;
}

/** The end of a sentence: `; did you mean a or b?`, or a full stop. */
export function didYouMean(names: readonly string[]): string {
  return names.length === 0 ? "." : `; did you mean ${names.join(" or ")}?`;
}

/** The first letter of a sentence; not for those that begin with a name or a field. */
export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
