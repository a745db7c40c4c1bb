// Short names that stand for long ones. In: text. Out: 16 characters of its SHA-256.
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

/** The first 16 characters of base32(sha256(text)): 80 bits, RFC 4648 alphabet. Source: kube-proxy portProtoHash. */
export function hash16(text: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const digest = sha256(utf8ToBytes(text));
  const codes: number[] = [];
  for (let at = 0; at < 10; at += 5) {
    const bytes = digest.subarray(at, at + 5).reduce((sum, byte) => sum * 256 + byte, 0);
    for (let shift = 7; shift >= 0; shift--) codes.push(alphabet.charCodeAt(Math.floor(bytes / 32 ** shift) % 32));
  }
  return String.fromCharCode(...codes);
}
