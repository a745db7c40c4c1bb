// Passes over JSON text without reading it. In: text, an offset. Out: the offset behind what stands there.

/** The first offset from `at` on that holds no white space. */
export function skipSpace(text: string, at: number): number {
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** The end of the string that begins here; of the text, where it does not end. */
export function skipString(text: string, open: number): number {
  for (let from = open + 1; ;) {
    const end = text.indexOf('"', from);
    if (end < 0) return text.length;
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return end + 1;
    from = end + 1;
  }
}

/** The end of the value that begins here. Brackets are counted, not matched, so the depth has no limit. */
export function skipValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === quote) at = skipString(text, at);
    else if (code === openBrace || code === openBracket) {
      depth++;
      at++;
    } else if (code === closeBrace || code === closeBracket) {
      if (depth === 0) return at;
      depth--;
      at++;
    } else if (depth === 0 && (code === comma || isSpace(code))) return at;
    else {
      at++;
      continue;
    }
    if (depth === 0) return at;
  }
  return text.length;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
