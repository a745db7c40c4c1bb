// Watches or scans the rules of the namespace that it is run in. In: `watch` or `scan`, a variant. Out: news, a line each; Scanned as JSON.
import type { Variant } from "../../../src/kernel/kernel.ts";
import { openKernel } from "../../../src/kernel/tools.ts";

/** What reading and scanning came to: the text, or the error's name and message. */
export type Scanned = { readonly read: string; readonly scanned: string; readonly pieces: number };

const [, , what, variant] = process.argv;
const kernel = await openKernel(variant as Variant);

if (what === "scan") {
  const say = (error: unknown): string => String(error);
  const pieces: string[] = [];
  const scanning = kernel.scanRules(4, (text) => pieces.push(text));
  const scanned = await scanning.then(() => pieces.join(""), say);
  const found: Scanned = { read: await kernel.readRules(4).catch(say), scanned, pieces: pieces.length };
  process.stdout.write(JSON.stringify(found));
} else {
  const stop = kernel.watchRules((news) => process.stdout.write(`${news}\n`));
  // Nothing else keeps this process, so that it ends only if nothing of the watch is left over.
  process.stdin.once("end", stop).resume();
}
