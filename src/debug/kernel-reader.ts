// Reads the kernel for people without wearing it out. In: Kernel. Out: KernelReader, which gives the last text again if that is young.
import type { Family } from "../../rules/index.ts";
import type { Kernel } from "../kernel/kernel.ts";

export type KernelReader = {
  /** What iptables-save prints, at most `youngSeconds` old. Rejects as `Kernel.readRules` does. */
  readonly read: (family: Family) => Promise<string>;
};

/** Reading the rules of 10,000 Services takes a second of a core. */
const youngSeconds = 5;

/** Those who ask while it is being read get the same text. `now` in seconds, only rising. */
export function createKernelReader(kernel: Kernel, now: () => number = () => performance.now() / 1000): KernelReader {
  const kept = new Map<Family, { readonly at: number; readonly text: Promise<string> }>();
  return {
    read: (family) => {
      const known = kept.get(family);
      if (known !== undefined && now() - known.at < youngSeconds) return known.text;
      const text = kernel.readRules(family);
      kept.set(family, { at: now(), text });
      // What failed is not kept.
      text.catch(() => kept.delete(family));
      return text;
    },
  };
}
