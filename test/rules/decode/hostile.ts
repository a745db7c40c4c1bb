// Text that must never become part of a rule, a comment or a line of a log. In: nothing. Out: strings to try in every field.
import fc from "fast-check";
import { anyString } from "../../make/any-string.ts";

/** Rows for `test.each`. */
export const hostileTexts: readonly string[] = [
  "a\nb",
  "a\n",
  "\na",
  'a"b',
  "a'b",
  "a b",
  "a\\b",
  "a`b",
  "a$b",
  "a;b",
  "a\u0000b",
  "a\u001b[31m",
  "a\u2028b",
  "\u00e4",
  "\ud800",
  "__proto__",
  "-a",
  "A",
  "a/b",
  "x".repeat(300),
];

/** Any text, often one that is nearly a name. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  anyString(70),
  fc.string({ unit: fc.constantFrom(...Array.from("ab09-._\n\"'\\ __proto__")), maxLength: 20 }),
  fc.constantFrom(...hostileTexts),
);

/** What names are made of. */
export const cleanName = /^[a-z0-9.-]*$/;
