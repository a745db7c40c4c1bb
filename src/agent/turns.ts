// One thing at a time. In: work from several sides. Out: each done after the one before, whatever became of that.

export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** A queue of one: passes and repairs share the kernel, and must not overlap. */
export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}
