// DNS records as text. In: DnsRecord[]. Out: aligned lines that a zone file could hold.
import type { DnsRecord } from "./records.ts";

/** One line each: `web.default.svc.cluster.local.  A  10.96.0.10`, columns padded to the longest of them. Empty for none. */
export function renderRecords(records: readonly DnsRecord[]): string {
  const widest = (texts: readonly string[]) => texts.reduce((most, text) => Math.max(most, text.length), 0);
  const nameWidth = widest(records.map(({ name }) => name));
  const typeWidth = widest(records.map(({ type }) => type));
  return records
    .map(({ name, type, value }) => `${name.padEnd(nameWidth)}  ${type.padEnd(typeWidth)}  ${value}\n`)
    .join("");
}
