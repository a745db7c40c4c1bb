// Tests of rules/graph/conditions.ts.
import { expect, test } from "@jest/globals";
import { conditions, masqueradeWords } from "../../../rules/graph/conditions.ts";
import { parseRule } from "../../../rules/iptables/text/parse-rule.ts";
import { splitWords } from "../../../rules/iptables/text/quote.ts";

const words = (text: string, unsaid: Parameters<typeof conditions>[1] = { protocol: "tcp" }) =>
  conditions(parseRule(splitWords(text)), unsaid);

test.each([
  ["", []],
  ["-p tcp -m tcp -j DNAT --to-destination 10.0.0.1:80", []],
  ["-p udp -j X", ["over udp"]],
  ["! -p tcp -j X", ["not over tcp"]],
  ["-s 10.0.0.0/8 -j X", ["from 10.0.0.0/8"]],
  ["! -s 10.0.0.0/8 -j X", ["not from 10.0.0.0/8"]],
  ["-s 10.0.0.1/32 -d 10.0.0.2/32 -j X", ["from 10.0.0.1", "to 10.0.0.2"]],
  ["-s fd00::1/128 -j X", ["from fd00::1"]],
  ["-s fd00::/64 -j X", ["from fd00::/64"]],
  ["-s 10.0.0.0/128 -j X", ["-s 10.0.0.0/128"]],
  ["-i cni0 -o eth0 -j X", ["entering by cni0", "leaving by eth0"]],
  ["-p tcp -m tcp --dport 80 -j X", ["to port 80"]],
  ["-p tcp -m tcp --dport 80:90 -j X", ["to port 80-90"]],
  ["-m addrtype --src-type LOCAL -j X", ["from the node"]],
  ["-m addrtype ! --dst-type LOCAL -j X", ["not to the node"]],
  ["-m addrtype --dst-type BROADCAST -j X", ["to a BROADCAST address"]],
  ["-m conntrack --ctstate NEW -j X", ["in state NEW"]],
  ["-m mark ! --mark 0x4000/0x4000 -j X", ["not marked 0x4000/0x4000"]],
  [
    "-m recent --rcheck --seconds 60 --reap --name L --mask 255.255.255.255 --rsource -j X",
    ["client seen within 60 s"],
  ],
  ["-m recent --set --name L --mask 255.255.255.255 --rsource -j X", []],
  ['-m comment --comment "web" -m statistic --mode random --probability 0.5 -j X', []],
  ["-m nfacct --nfacct-name  localhost_nps_accepted_pkts -j X", []],
  ["-m hashlimit --hashlimit-name x -j X", ["hashlimit --hashlimit-name x"]],
])("%s asks for %j", (text, expected) => {
  expect(words(text)).toEqual(expected);
});

test("a frontend's own address and port are not said of it", () => {
  const text = "-s 10.0.0.0/8 -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j X";
  expect(words(text, { protocol: "tcp", frontend: true })).toEqual(["from 10.0.0.0/8"]);
});

test.each([
  [[], "masquerade"],
  [["not from 10.0.0.0/8", "from the node"], "masquerade if not from 10.0.0.0/8 and from the node"],
])("%j is told as %s", (given, expected) => {
  expect(masqueradeWords(given)).toBe(expected);
});
