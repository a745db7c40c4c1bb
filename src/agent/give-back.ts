// What memory an agent keeps. In: nothing. Out: a heap that grows slowly, and one without gaps once it has started.
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Has V8 collect before it takes more memory. To be called first: with this the first load of 10,000 Services takes 200 instead of 300 MB at
 * most, and no more time that could be measured; while endpoints change the heap stays within half of what it holds (Node 20). A heap that is
 * large already takes long to collect: from there on the first load goes without, until `giveBackMemory`.
 */
export function growSlowly(): void {
  setFlagsFromString("--optimize-for-size");
  // What is good for commands that end in a second (src/main.ts) is not for one that fills its memory once.
  setFlagsFromString("--parallel-scavenge");
  watching = setInterval(() => {
    if (getHeapStatistics().used_heap_size < largeBytes) return;
    setFlagsFromString("--no-optimize-for-size");
    clearInterval(watching);
  }, 200).unref();
}

const largeBytes = 200_000_000;
let watching: NodeJS.Timeout | undefined;

/**
 * Collects and compacts `afterMs` from now, once; nothing waits for it. The first list and the first load use twice the memory that is held
 * for good, and V8 keeps what it has in case that comes again: of 10,000 Services 90 of 220 MB (measured, Node 20). It stops the program for
 * a quarter of a second, so it is not for every day.
 */
export function giveBackMemory(afterMs = 5000): void {
  setTimeout(() => {
    clearInterval(watching);
    setFlagsFromString("--optimize-for-size");
    setFlagsFromString("--expose-gc");
    setFlagsFromString("--compact-on-every-full-gc");
    const collect = runInNewContext("gc") as (how?: object) => void;
    collect();
    // The second time pages that the first has emptied go.
    collect({ type: "major", flavor: "last-resort" });
    setFlagsFromString("--no-compact-on-every-full-gc");
  }, afterMs).unref();
}
