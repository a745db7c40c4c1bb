// Tests of rules/model/hash.ts.
import { expect, test } from "@jest/globals";
import { hash16 } from "../../../rules/model/hash.ts";

// Source: names in kube-proxy's own unit tests and in dumps of real nodes.
test.each([
  ["ns1/svc1:p80tcp", "XPGD46QRK7WJZT7O"],
  ["ns1/svc1:p80tcp10.180.0.1:80", "SXIVWICOYRO3J4NJ"],
  ["default/kubernetes:httpstcp", "NPX46M4PTMTKRN6Y"],
  ["kube-system/kube-dns:dnsudp", "TCOU7JCQXEZGVUNU"],
  ["default/footcp", "2ET4SOZOXOH76MUL"],
])("%s is %s", (text, hash) => {
  expect(hash16(text)).toBe(hash);
});
