// Chain names. In: what a chain is for. Out: ChainName, made nowhere else.
import { flat } from "../../flat.ts";
import { hash16 } from "../../model/hash.ts";

/** A chain's name: at most 28 characters (XT_EXTENSION_MAXNAMELEN less the end), printable, without spaces. Made only here. */
export type ChainName = string & { readonly __brand: "ChainName" };

/** Most characters that a chain name may have. */
export const maxChainName = 28;

/** The prefixes of chains that belong to one Service, endpoint or part of the dispatch tree. kube-proxy owns and cleans up the same. */
export const chainPrefixes = ["KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-", "KUBE-SEP-"] as const;
export type ChainPrefix = (typeof chainPrefixes)[number];

/** A name as it is: a fixed chain, or one read from the kernel. Refuses what no tool would accept. */
export function chainName(text: string): ChainName {
  if (!/^[\x21-\x7e]{1,28}$/.test(text)) throw new Error(`bug: ${JSON.stringify(text)} is no chain name`);
  return text as ChainName;
}

/** `prefix` and 16 characters that stand for `identity`. Source: kube-proxy servicePortChainName and its kin. */
export function hashedName(prefix: ChainPrefix, identity: string): ChainName {
  return flat(prefix, hash16(identity)) as ChainName;
}

/** `prefix` and 16 characters made by `hash16` before. */
export function chainOfHash(prefix: ChainPrefix, hash: string): ChainName {
  return flat(prefix, hash) as ChainName;
}

/** `prefix` and `text` itself where that is not too long, else its hash. */
export function readableName(prefix: ChainPrefix, text: string): ChainName {
  return isReadable(prefix, text) ? chainName(prefix + text) : hashedName(prefix, text);
}

/** Whether `readableName` keeps the text. */
export function isReadable(prefix: ChainPrefix, text: string): boolean {
  return prefix.length + text.length <= maxChainName && !text.includes(" ");
}
