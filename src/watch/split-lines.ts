// Takes a stream of watch events apart. In: bytes in any chunks. Out: each line's JSON value.

/**
 * The values of newline-delimited JSON, in groups: all lines that end in one chunk. A character may be split between chunks. A line
 * that is no JSON throws a SyntaxError; what follows the last newline is the beginning of an event that never came, and is dropped.
 */
export async function* splitLines(body: AsyncIterable<Buffer>): AsyncGenerator<readonly unknown[]> {
  let begun: Buffer[] = [];
  for await (const chunk of body) {
    const values: unknown[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const rest = chunk.subarray(start, end);
      const line = (begun.length === 0 ? rest : Buffer.concat([...begun, rest])).toString("utf8");
      begun = [];
      start = end + 1;
      if (line.trim() !== "") values.push(JSON.parse(line));
    }
    if (start < chunk.length) begun.push(chunk.subarray(start));
    yield values;
  }
}

const newline = 0x0a;
