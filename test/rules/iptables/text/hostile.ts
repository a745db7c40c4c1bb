// Rules with hostile text in every field that may hold text. In: nothing. Out: fast-check arbitraries.
import fc from "fast-check";
import type { Match, Negatable, Rule, Target } from "../../../../rules/iptables/ruleset/rule.ts";
import type { ChainName } from "../../../../rules/iptables/ruleset/chain-name.ts";
import type { Cidr } from "../../../../rules/net/cidr.ts";
import { anyString } from "../../../make/any-string.ts";

/** Text that tries to end a word, a line or the input, or to look like an option. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    '"',
    '\\"',
    "\\",
    "a\nCOMMIT\n",
    "x\r\n-A INPUT -j ACCEPT",
    '" -j ACCEPT #',
    "-j",
    "-m",
    "--comment",
    "!",
    "\u2028",
    "\u0000",
    "\t",
    "*nat",
    ":KUBE-SERVICES - [0:0]",
    "$(reboot)",
    "`reboot`",
    "é",
    "\ud800",
    "x".repeat(400),
    '"'.repeat(300),
  ),
  fc.string({ unit: fc.constantFrom(...Array.from("ab \"\\\n\r\t-!'`$#*:;,/é\u0000\u007f")), maxLength: 30 }),
  anyString(20),
);

const negatable = <T>(is: fc.Arbitrary<T>): fc.Arbitrary<Negatable<T>> =>
  fc.record({ not: fc.constant(true as const), is }, { requiredKeys: ["is"] });

const word = negatable(hostileText);
const number = fc.nat(0xffffffff);

const match: fc.Arbitrary<Match> = fc.oneof(
  fc.record({ kind: fc.constant("comment" as const), text: hostileText }),
  fc.record({
    kind: fc.constant("destination-ports" as const),
    protocol: hostileText,
    low: fc.nat(65535),
    high: fc.nat(65535),
  }),
  fc.record(
    { kind: fc.constant("address-type" as const), source: word, destination: word },
    { requiredKeys: ["kind", "source"] },
  ),
  fc.record({
    kind: fc.constant("connection-state" as const),
    states: fc.array(hostileText, { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant("mark" as const), value: number, mask: number }),
  fc.record(
    {
      kind: fc.constant("recent" as const),
      action: fc.constantFrom("set" as const, "rcheck" as const),
      list: hostileText,
      reapSeconds: fc.nat(86400),
      mask: hostileText,
    },
    { requiredKeys: ["kind", "action", "list", "mask"] },
  ),
  fc.record({ kind: fc.constant("statistic" as const), share: fc.nat(2 ** 31) }),
  fc.record({
    kind: fc.constant("other" as const),
    module: hostileText,
    options: fc.array(hostileText, { maxLength: 3 }),
  }),
);

const target: fc.Arbitrary<Target> = fc.oneof(
  fc.record({ kind: fc.constant("jump" as const), chain: hostileText.map((text) => text as ChainName) }),
  fc.record({ kind: fc.constant("reject" as const), with: hostileText }),
  fc.record({ kind: fc.constant("dnat" as const), to: hostileText }),
  fc.record({ kind: fc.constant("other" as const), words: fc.array(hostileText, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant("set-mark" as const), value: number, mask: number }),
);

/** Rules with hostile text in any field. */
export const hostileRule: fc.Arbitrary<Rule> = fc.record(
  {
    source: negatable(hostileText.map((text) => text as Cidr)),
    destination: negatable(hostileText.map((text) => text as Cidr)),
    inInterface: word,
    outInterface: word,
    protocol: word,
    matches: fc.array(match, { maxLength: 3 }),
    target,
  },
  { requiredKeys: ["matches"] },
);
