// Bodies in pieces. In: bytes, where to cut. Out: chunks; what was made of them.

/** The bytes in chunks of these sizes in turn, for ever; a size of 0 is one of 1. */
export function chunksOf(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes.length === 0 ? bytes.length : Math.max(1, sizes[turn % sizes.length] ?? 1);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** As a response's body gives them. */
export async function* bodyOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

/** Everything that a splitter gives. */
export async function collect(groups: AsyncGenerator<readonly unknown[], unknown>) {
  const all: (readonly unknown[])[] = [];
  for (;;) {
    const next = await groups.next();
    if (next.done === true) return { groups: all, items: all.flat(), end: next.value };
    all.push(next.value);
  }
}
