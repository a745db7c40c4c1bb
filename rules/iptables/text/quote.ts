// Words of iptables-save and iptables-restore lines. In: any text. Out: one word that reads back as itself; and lines back into words.

/**
 * One word as iptables-restore reads it. Everything that comes from outside reaches a script through here, so a character that
 * could end a word, a line or the input cannot get through: what is not printable ASCII becomes `?`.
 * Source: iptables xshared.c add_param_to_argv: words end at a space, tab or newline; `"` quotes; `\` escapes inside quotes.
 */
export function quote(word: string): string {
  return /^[A-Za-z0-9_.:,/+=%@[\]-]+$/.test(word) ? word : inQuotes(word);
}

/** A comment, quoted as iptables-save does: unless it is made of letters, digits, `_` and the like only. */
export function quoteComment(text: string): string {
  const kept = text.length > maxComment ? text.slice(0, maxComment) : text;
  return /^[A-Za-z0-9_-]+$/.test(kept) ? kept : inQuotes(kept);
}

function inQuotes(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && !text.includes('"') && !text.includes("\\")) return `"${text}"`;
  return `"${text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "\\$&")}"`;
}

/** Longest comment that the kernel keeps. Source: xt_comment.h XT_MAX_COMMENT_LEN, less the end. */
const maxComment = 255;

/** The words of a line, quotes resolved. */
export function splitWords(line: string): string[] {
  if (!line.includes('"')) return line.split(" ").filter((word) => word !== "");
  const words: string[] = [];
  let word: string | undefined;
  let inQuotes = false;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (inQuotes && char === "\\" && at + 1 < line.length) word = (word ?? "") + line.charAt(++at);
    else if (char === '"') {
      inQuotes = !inQuotes;
      word ??= "";
    } else if (!inQuotes && (char === " " || char === "\t")) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  return word === undefined ? words : [...words, word];
}

/** The lines of a text, one at a time: that of a large cluster need not be held twice. */
export function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start);
    yield text.slice(start, end < 0 ? text.length : end);
    start = end < 0 ? text.length : end + 1;
  }
}
