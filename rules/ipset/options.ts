// What follows the type of a set or an entry. In: text such as `timeout 30 comment "a b" nomatch`. Out: options by name, or what is wrong.
import { quoted } from "../problem.ts";

/** Why a line cannot be used. `code` is stable, `text` one printable line. */
export type Fault = { readonly fault: { readonly code: string; readonly text: string } };

/** For each option that is allowed, how its value must look; `flag`: it has none. */
export type OptionForms = ReadonlyMap<string, RegExp | "flag">;

/** Options of `create`, of any type: which of them a type takes is left to ipset. Source: ipset(8); Linux ip_set_*.c, `*_head`. */
export const createOptions: OptionForms = new Map<string, RegExp | "flag">([
  ["family", /^inet6?$/],
  ["range", /^[\da-f.:/-]+$/],
  ["netmask", /^[1-9]\d{0,2}$/],
  ["bitmask", /^[\da-f.:]+$/],
  ["markmask", /^(?:0x[\da-f]{1,8}|\d{1,10})$/],
  ...["hashsize", "maxelem", "bucketsize", "timeout", "size", "probes", "resize"].map(
    (name) => [name, /^\d+$/] as const,
  ),
  ["initval", /^0x[\da-f]{1,8}$/],
  ...["counters", "comment", "skbinfo", "forceadd"].map((name) => [name, "flag"] as const),
]);

/** Options of `add` that every type may have. */
export const addOptions: OptionForms = new Map<string, RegExp | "flag">([
  ...["timeout", "packets", "bytes", "skbqueue"].map((name) => [name, /^\d+$/] as const),
  ["skbmark", /^0x[\da-f]{1,8}(?:\/0x[\da-f]{1,8})?$/],
  ["skbprio", /^[\da-f]{1,4}:[\da-f]{0,4}$/],
  ["comment", /^/],
]);

/** Of types with a net. */
export const netOptions: OptionForms = new Map([...addOptions, ["nomatch", "flag"]]);

/** Of `hash:net,iface`. */
export const interfaceOptions: OptionForms = new Map([...netOptions, ["wildcard", "flag"]]);

/** Of `list:set`. Members are asked all the same, in whatever order. */
export const memberOptions: OptionForms = new Map([...addOptions, ["before", /^\S+$/], ["after", /^\S+$/]]);

/**
 * Reads options, each at most once; a flag has the value "". Values may stand in double quotes, in which no character is special; there is
 * no way to say a double quote. Source: ipset(8), comment.
 */
export function parseOptions(text: string, forms: OptionForms): ReadonlyMap<string, string> | Fault {
  const words = splitWords(text);
  if (words === undefined) return fault("open-quotes", `${quoted(text)} has quotes that do not close`);
  const options = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const name = words[at] ?? "";
    const form = forms.get(name);
    if (form === undefined || options.has(name))
      return fault("unknown-option", `${quoted(name)} is no option here, or is said twice`);
    const value = form === "flag" ? "" : words[++at];
    if (value === undefined) return fault("bad-option", `${name} has no value: the line is cut`);
    if (form !== "flag" && !form.test(value)) return fault("bad-option", `${quoted(value)} is no value of ${name}`);
    options.set(name, value);
  }
  return options;
}

/** A fault of this code. */
export function fault(code: string, text: string): Fault {
  return { fault: { code, text } };
}

export function isFault(value: object): value is Fault {
  return "fault" in value;
}

function splitWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  const word = /[ \t]*(?:"([^"]*)"(?=[ \t]|$)|([^ \t"]\S*))/y;
  const end = text.trimEnd().length;
  while (word.lastIndex < end) {
    const found = word.exec(text);
    if (found === null) return undefined;
    words.push(found[1] ?? found[2] ?? "");
  }
  return words;
}
