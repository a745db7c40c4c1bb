// Resource versions, compactly. In: the text of the API. Out: Version, and which of two is the later.

/** A resourceVersion: a number where it is written as one, which takes a third of the memory of the text. */
export type Version = number | string;

/** The version, undefined where there is none. Two texts give the same Version only where they are the same text. */
export function parseVersion(text: string): Version | undefined {
  if (text === "") return undefined;
  return /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

/**
 * True where both are numbers and `a` is the older. Versions of one resource of one server can be compared so; where they are no
 * numbers, nothing is known. Source: KEP-5504, comparable resource versions.
 */
export function isOlder(a: Version, b: Version): boolean {
  return typeof a === "number" && typeof b === "number" && a < b;
}
