// Ends a switch over a union. In: a value no case is left for. Out: never returns.

/** Makes an unhandled kind a compile error here, and a clear failure where types were bypassed. */
export function never(value: never): never {
  throw new Error(`bug: unhandled kind ${JSON.stringify(value)}`);
}
