// The one port to the kernel's packet filter. In: nothing. Out: the Kernel type, which the real tools and the fake implement.
import type { Family } from "../../rules/index.ts";

/** Which of the two iptables implementations a node uses. */
export type Variant = "nft" | "legacy";

/** The packet filter of one network namespace. */
export type Kernel = {
  readonly variant: Variant;
  /** All tables as iptables-save prints them. Throws CommandError. */
  readonly readRules: (family: Family) => Promise<string>;
  /** The same text in pieces, as it comes. `take` must not throw. */
  readonly scanRules: (family: Family, take: (text: string) => void) => Promise<void>;
  /** Tells of what is done to the rules of both families, by anybody, as it happens, until the function it gives is called. */
  readonly watchRules: (told: (news: RulesetNews) => void) => () => void;
  /** All sets of both families as `ipset save` prints them; empty where they cannot be read, or there is no ipset tool. */
  readonly readSets: () => Promise<string>;
  /** Feeds iptables-restore `--noflush`: each table section is one atomic commit. Never throws for what the tool refuses. */
  readonly restore: (family: Family, script: string) => Promise<Restored>;
  /** As `restore`, but changes nothing. Does not find what only the kernel refuses (a chain still in use). */
  readonly check: (family: Family, script: string) => Promise<Restored>;
  /** Reads a value under /proc/sys; undefined where there is none. */
  readonly readSysctl: (name: string) => Promise<string | undefined>;
  readonly writeSysctl: (name: string, value: string) => Promise<void>;
};

/**
 * `commit`: one that changed a chain of ours or a built-in one. `began`: from now on none is missed. `gap`: some may have been missed from
 * here to the next `began`, which never comes where the kernel tells nothing (iptables-legacy).
 */
export type RulesetNews = "commit" | "began" | "gap";

/** Whether a script was taken; if not, the tool's own words, and the line of the script they name. */
export type Restored =
  { readonly ok: true } | { readonly ok: false; readonly message: string; readonly line: number | undefined };
