// Tests of rules/iptables/ruleset/chain-name.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  chainName,
  chainPrefixes,
  hashedName,
  isReadable,
  readableName,
} from "../../../../rules/iptables/ruleset/chain-name.ts";

// Source: kube-proxy's own unit tests and dumps.
test.each([
  ["KUBE-SVC-", "ns1/svc1:p80tcp", "KUBE-SVC-XPGD46QRK7WJZT7O"],
  ["KUBE-SEP-", "ns1/svc1:p80tcp10.180.0.1:80", "KUBE-SEP-SXIVWICOYRO3J4NJ"],
  ["KUBE-SVL-", "ns4/svc4:p80tcp", "KUBE-SVL-4SW47YFZTEDKD3PK"],
  ["KUBE-EXT-", "ns5/svc5:p80tcp", "KUBE-EXT-NUKIZ6OKUXPJNT4C"],
  ["KUBE-SVC-", "default/kubernetes:httpstcp", "KUBE-SVC-NPX46M4PTMTKRN6Y"],
  ["KUBE-SVC-", "kube-system/kube-dns:dnsudp", "KUBE-SVC-TCOU7JCQXEZGVUNU"],
  ["KUBE-FW-", "default/footcp", "KUBE-FW-2ET4SOZOXOH76MUL"],
] as const)("%s of %s is %s, as kube-proxy names it", (prefix, identity, name) => {
  expect(hashedName(prefix, identity)).toBe(name);
});

test.each([
  ["10.96.32.0/20", "KUBE-SVC-10.96.32.0/20"],
  ["255.255.255.255/32", "KUBE-SVC-255.255.255.255/32"],
  ["fd00:96::/112", "KUBE-SVC-fd00:96::/112"],
])("%s is short enough to be read", (text, name) => {
  expect(readableName("KUBE-SVC-", text)).toBe(name);
});

test("any text gives a name of at most 28 printable characters", () => {
  const text = fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdef:./-")), minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(fc.constantFrom(...chainPrefixes), text, (prefix, given) => {
      const name = readableName(prefix, given);
      expect(name).toMatch(/^KUBE-[\x21-\x7e]+$/);
      expect(name.length).toBeLessThanOrEqual(28);
      expect(name === prefix + given).toBe(isReadable(prefix, given));
    }),
  );
});

test.each(["", "a b", "x".repeat(29), "a\nb", "é"])("%j is no chain name", (text) => {
  expect(() => chainName(text)).toThrow("bug:");
});
