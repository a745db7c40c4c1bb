// Tests of rules/dns/render-records.ts.
import { expect, test } from "@jest/globals";
import { renderRecords } from "../../../rules/dns/render-records.ts";
import type { DnsRecord } from "../../../rules/dns/records.ts";

const a: DnsRecord = { name: "web.default.svc.cluster.local.", type: "A", value: "10.96.0.10" };

test.each<[string, readonly DnsRecord[], string]>([
  ["nothing for none", [], ""],
  ["one line", [a], "web.default.svc.cluster.local.  A  10.96.0.10\n"],
  [
    "columns as wide as their widest",
    [a, { name: "x.", type: "CNAME", value: "y." }],
    "web.default.svc.cluster.local.  A      10.96.0.10\nx.                              CNAME  y.\n",
  ],
])("renders %s", (_, records, text) => {
  expect(renderRecords(records)).toBe(text);
});

test("stands a hundred thousand records", () => {
  expect(renderRecords(Array.from({ length: 100_000 }, () => a))).toHaveLength(100_000 * 46);
});
