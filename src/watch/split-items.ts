// Takes the response to a list apart while it arrives. In: bytes in any chunks. Out: its items in groups, then the list without them.

/**
 * The items of a List, parsed one by one and in groups: all that end in one chunk. The value returned at the end is the list itself
 * with `items` empty (null where it is null). No more than a chunk, an item and the list's own fields are held at a time: a cluster's
 * response read as a whole takes five times the memory (measured with 20,000 objects). Throws a SyntaxError where the text is no JSON
 * object, goes on behind it, or ends too early.
 */
export async function* splitItems(body: AsyncIterable<Buffer>): AsyncGenerator<readonly unknown[], unknown> {
  const head = createHead();
  let item: Item | undefined;
  let inItems = false;
  for await (const chunk of body) {
    const values: unknown[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (!inItems) {
        at = readHead(head, chunk, at);
        inItems = head.atItems;
      } else if (item === undefined) {
        const code = chunk[at] ?? 0;
        if (code === closeBracket) {
          inItems = head.atItems = false;
          // The head reads the bracket itself.
        } else if (isSpace(code) || code === comma) at++;
        else item = { depth: 0, inString: false, escaped: false, begun: [] };
      } else {
        const end = itemEnd(item, chunk, at);
        if (end === undefined) {
          item.begun.push(chunk.subarray(at));
          break;
        }
        const last = chunk.subarray(at, end);
        values.push(
          JSON.parse((item.begun.length === 0 ? last : Buffer.concat([...item.begun, last])).toString("utf8")),
        );
        item = undefined;
        at = end;
      }
    }
    if (values.length > 0) yield values;
  }
  if (inItems) throw new SyntaxError("the list ends inside its items");
  return JSON.parse(Buffer.concat(head.parts).toString("utf8")) as unknown;
}

/** One item that is being read: how deep, and its bytes of earlier chunks. */
type Item = { depth: number; inString: boolean; escaped: boolean; readonly begun: Buffer[] };

/** The offset behind the item, or undefined where the chunk ends before it. Brackets are counted, JSON.parse matches them. */
function itemEnd(item: Item, chunk: Buffer, from: number): number | undefined {
  let { depth, inString, escaped } = item;
  for (let at = from; at < chunk.length; at++) {
    const code = chunk[at] ?? 0;
    if (inString) {
      if (escaped) escaped = false;
      else if (code === backslash) escaped = true;
      else if (code === quote) {
        inString = false;
        if (depth === 0) return at + 1;
      }
    } else if (code === quote) inString = true;
    else if (code === openBrace || code === openBracket) depth++;
    else if (code === closeBrace || code === closeBracket) {
      // A bare number or word ends where the list does.
      if (depth === 0) return at;
      depth--;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (code === comma || isSpace(code))) return at;
  }
  item.depth = depth;
  item.inString = inString;
  item.escaped = escaped;
  return undefined;
}

/** The list's own text, without its items. `key` is the last one at the top level, `string` the offset of an open string in `text`. */
type Head = {
  readonly parts: Buffer[];
  atItems: boolean;
  depth: number;
  inString: boolean;
  escaped: boolean;
  /** The bytes of the string that was read last at the top level. */
  word: number[];
  key: string | undefined;
};

function createHead(): Head {
  return { parts: [], atItems: false, depth: 0, inString: false, escaped: false, word: [], key: undefined };
}

/** Reads up to and with the bracket that opens the items, or to the end of the chunk. Out: the offset behind what was read. */
function readHead(head: Head, chunk: Buffer, from: number): number {
  let at = from;
  while (at < chunk.length && !head.atItems) {
    readHeadByte(head, chunk[at] ?? 0);
    at++;
  }
  // A copy, so that the head does not hold whole chunks.
  head.parts.push(Buffer.from(chunk.subarray(from, at)));
  return at;
}

function readHeadByte(head: Head, code: number): void {
  if (head.inString) {
    if (head.escaped) head.escaped = false;
    else if (code === backslash) head.escaped = true;
    else if (code === quote) head.inString = false;
    if (head.depth === 1 && head.inString && head.word.length < longestKey) head.word.push(code);
    return;
  }
  switch (code) {
    case quote:
      head.inString = true;
      head.word = [];
      return;
    case colon:
      if (head.depth === 1) head.key = Buffer.from(head.word).toString("latin1");
      return;
    case openBracket:
      if (head.depth === 1 && head.key === "items") head.atItems = true;
      head.depth++;
      return;
    case openBrace:
      head.depth++;
      return;
    case closeBrace:
    case closeBracket:
      head.depth--;
      return;
    default:
      if (!isSpace(code)) head.key = code === comma ? undefined : head.key;
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Longer than `items`, so that a longer key is not taken for it. */
const longestKey = 6;
const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
