// Tests of rules/iptables/text/parse-rule.ts. What is known is tested with render-rule.test.ts; here: what is not known is kept.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseRule } from "../../../../rules/iptables/text/parse-rule.ts";
import { splitWords } from "../../../../rules/iptables/text/quote.ts";
import { renderRule } from "../../../../rules/iptables/text/render-rule.ts";
import { hostileText } from "./hostile.ts";

test.each([
  "-p tcp -m tcp --sport 80 -j ACCEPT",
  "-p tcp -m tcp --dport 80 --tcp-flags SYN,RST SYN -j ACCEPT",
  "-p tcp -m tcp ! --dport 80 -j ACCEPT",
  "-p icmp -m icmp --icmp-type 8 -j DROP",
  "-f -j DROP",
  "-m set --match-set x dst,dst -j KUBE-SVC-X",
  "-m set ! --match-set x dst -j RETURN",
  '-m limit --limit 5/min -j LOG --log-prefix "a -j b "',
  "-m comment --comment -j -j DROP",
  "-m conntrack --ctstate NEW --ctdir ORIGINAL -j ACCEPT",
  "-m mark --mark 0x1/0x2 --mark 0x3 -j ACCEPT",
  "-m recent --update --seconds 5 --name X --mask 255.255.255.255 --rsource -j DROP",
  "-m recent ! --rcheck --name X --mask 255.255.255.255 --rsource -j DROP",
  "-m recent --rcheck --seconds 5 --name X --mask 255.255.255.255 --rsource -j DROP",
  "-m statistic --mode nth --every 3 --packet 0 -j ACCEPT",
  "-m statistic --mode random ! --probability 0.50000000000 -j ACCEPT",
  "-m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT",
  "-m nfacct --nfacct-name x -j DROP",
  "-m multiport --dports 1,2,3 -j ACCEPT",
  '-m u32 --u32 "0x0>>0x16&0x3c@0x4>>0x1a&0x3f=0x2" -j ACCEPT',
  "-g cali-X",
  "-j DNAT --to-destination 10.0.0.1:80 --persistent",
  "-j MASQUERADE --to-ports 1024-65535",
  "-j MARK --set-xmark 0x1/0xffffffff",
  "-j SNAT --to-source 1.2.3.4",
  "-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
  "-s 10.0.0.0/255.0.255.0 -j DROP",
  "! -i lo ! -o eth+ ! -p tcp -j DROP",
])("%s is written as it was read", (text) => {
  expect(renderRule(parseRule(splitWords(text)))).toBe(` ${text}`);
});

test("never fails, whatever the words", () => {
  const word = fc.oneof(
    hostileText,
    fc.constantFrom(
      "-m",
      "-j",
      "-g",
      "-s",
      "-d",
      "-p",
      "!",
      "comment",
      "--comment",
      "tcp",
      "--dport",
      "80",
      "mark",
      "--mark",
      "recent",
      "statistic",
      "addrtype",
      "REJECT",
      "DNAT",
      "MARK",
    ),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      expect(renderRule(parseRule(words))).toMatch(/^[\x20-\x7e]*$/);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [
    '-m comment --comment "x cluster IP" -m tcp -p tcp -d 10.96.0.1 --dport 80 ! -s 10.0.0.0/8 -j KUBE-MARK-MASQ',
    ' ! -s 10.0.0.0/8 -d 10.96.0.1/32 -p tcp -m comment --comment "x cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ',
  ],
  ["-m mark --mark 0x4000/0x4000 -i eth0 -j ACCEPT", " -i eth0 -m mark --mark 0x4000/0x4000 -j ACCEPT"],
  ["-m comment --comment -d -j ACCEPT", " -m comment --comment -d -j ACCEPT"],
])("what kube-proxy writes reads as what the kernel gives back: %s", (written, saved) => {
  expect(renderRule(parseRule(splitWords(written)))).toBe(saved);
});
