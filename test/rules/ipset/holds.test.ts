// Tests of rules/ipset/holds.ts, with a search through all entries as oracle. kernel.test.ts has the kernel's own answers.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { setHolds } from "../../../rules/ipset/holds.ts";
import { aSet, parseText, values } from "./an.ts";

const none = new Map<string, never>();

describe.each<[string, readonly string[], readonly (readonly [string, boolean | undefined])[]]>([
  [
    "hash:ip",
    ["10.0.0.1", "10.0.0.4-10.0.0.9 timeout 1", '10.1.0.0/24 comment "x"'],
    [
      ["10.0.0.1", true],
      ["10.0.0.2", false],
      ["10.0.0.9", true],
      ["10.0.0.10", false],
      ["10.1.0.255", true],
      ["::1", false],
      ["?", undefined],
    ],
  ],
  [
    "hash:ip netmask 24",
    ["10.0.0.0"],
    [
      ["10.0.0.77", true],
      ["10.0.1.0", false],
    ],
  ],
  [
    "hash:ip family inet6 bitmask ffff::ffff",
    ["fd00::1"],
    [
      ["fd00:1234::1", true],
      ["fd00::2", false],
      ["0.0.0.1", false],
    ],
  ],
  [
    "hash:ip,port",
    ["10.0.0.1,tcp:80", "10.0.0.1,udp:53-60", "10.0.0.1,gre:0", "10.0.0.1,icmp:echo-request", "10.0.0.1,200:0"],
    [
      ["10.0.0.1 tcp:80", true],
      ["10.0.0.1 6:80", true],
      ["10.0.0.1 udp:80", false],
      ["10.0.0.1 udp:60", true],
      ["10.0.0.1 tcp:?", undefined],
      ["10.0.0.1 gre:?", true],
      ["10.0.0.1 47:5", true],
      ["10.0.0.1 200:?", true],
      ["10.0.0.1 esp:?", false],
      ["10.0.0.1 icmp:2048", true],
      ["10.0.0.1 icmp:0", false],
      ["10.0.0.1 icmp:?", undefined],
      ["10.0.0.1 ipv6-icmp:2048", false],
      ["10.0.0.1 nosuch:1", undefined],
      ["::1 tcp:?", false],
      ["? tcp:80", undefined],
      ["10.0.0.1", false],
      ["?", undefined],
      ["10.0.0.1 tcp:80 10.9.9.9", true],
      ["tcp:80 10.0.0.1", undefined],
    ],
  ],
  [
    "hash:ip,port,net",
    ["10.0.0.1,tcp:80,10.0.0.0/8", "10.0.0.1,tcp:80,10.1.0.0/16 nomatch", "10.0.0.1,tcp:80,10.1.1.0/24"],
    [
      ["10.0.0.1 tcp:80 10.2.0.1", true],
      ["10.0.0.1 tcp:80 10.1.0.1", false],
      ["10.0.0.1 tcp:80 10.1.1.1", true],
      ["10.0.0.2 tcp:80 10.1.1.1", false],
    ],
  ],
  [
    "hash:ip,port,net",
    // The length of a range's blocks must not come before that of nets.
    ["10.0.0.1,tcp:80,10.0.0.0/8", "10.0.0.0-10.0.0.3,tcp:80-81,10.1.0.0/16 nomatch"],
    [["10.0.0.1 tcp:80 10.1.0.1", false]],
  ],
  [
    "hash:net",
    ["0.0.0.0/0", "10.0.0.0/8 nomatch", "10.1.1.1"],
    [
      ["11.0.0.1", true],
      ["10.0.0.1", false],
      ["10.1.1.1", true],
      ["::1", false],
    ],
  ],
  [
    "hash:net,net",
    // The first net's length decides before the second's: Linux ip_set_hash_gen.h, mtype_test_cidrs.
    ["10.0.0.0/16,10.0.0.0/8", "10.0.0.0/8,10.0.0.0/24 nomatch"],
    [
      ["10.0.0.1 10.0.0.1", true],
      ["10.1.0.1 10.0.0.1", false],
    ],
  ],
  [
    "hash:net,port",
    ["10.0.0.0/8,tcp:80"],
    [
      ["10.9.9.9 tcp:80", true],
      ["10.9.9.9 tcp:81", false],
    ],
  ],
  [
    "hash:net,port,net",
    ["10.0.0.0/8,tcp:80,0.0.0.0/0"],
    [
      ["10.9.9.9 tcp:80 1.1.1.1", true],
      ["11.9.9.9 tcp:80 1.1.1.1", false],
    ],
  ],
  [
    "hash:ip,port,ip",
    ["10.0.0.1,80,10.0.0.2"],
    [
      ["10.0.0.1 tcp:80 10.0.0.2", true],
      ["10.0.0.2 tcp:80 10.0.0.1", false],
    ],
  ],
  [
    "hash:ip,mark markmask 0xff",
    ["10.0.0.1,0x34"],
    [
      ["10.0.0.1 #4660", true],
      ["10.0.0.1 #1", false],
      ["10.0.0.1 #?", undefined],
    ],
  ],
  [
    "hash:net,iface",
    [
      "10.0.0.0/8,eth0",
      "10.1.0.0/16,eth1",
      "11.0.0.0/8,eth1 nomatch",
      "11.0.0.0/8,eth wildcard",
      "12.0.0.0/8,physdev:eth0",
    ],
    [
      ["10.0.0.1 @eth0", true],
      ["10.0.0.1 @eth", false],
      ["10.1.0.1 @eth1", true],
      ["10.1.0.1 @eth0", false],
      ["11.0.0.1 @eth1", false],
      ["11.0.0.1 @eth10", true],
      ["11.0.0.1 @veth", false],
      ["11.0.0.1 @", false],
      ["11.0.0.1 @?", undefined],
      ["12.0.0.1 @eth0", undefined],
      ["13.0.0.1 @eth0", false],
    ],
  ],
  [
    "bitmap:port range 1-100",
    ["80", "10-12"],
    [
      ["tcp:80", true],
      ["udp:11", true],
      ["udp:13", false],
      // Linux ip_set_getport.c, ip_set_get_ip_port.
      ["sctp:80", false],
      ["tcp:?", undefined],
    ],
  ],
  [
    "bitmap:ip range 10.0.0.0/16 netmask 24",
    ["10.0.3.0"],
    [
      ["10.0.3.4", true],
      ["10.0.4.4", false],
      ["11.0.3.4", false],
    ],
  ],
  [
    "bitmap:ip,mac range 10.0.0.0/24",
    ["10.0.0.1,00:11:22:33:44:55", "10.0.0.2"],
    [
      ["10.0.0.1 ?", undefined],
      ["::1 ?", false],
    ],
  ],
  ["hash:mac", ["00:11:22:33:44:55"], [["?", undefined]]],
  ["hash:mac", [], [["?", false]]],
  [
    "hash:ip,vlan family inet",
    ["10.0.0.1,3"],
    [
      ["10.0.0.1 ?", undefined],
      ["::1 ?", undefined],
    ],
  ],
  ["hash:ip", [], [["?", false]]],
])("%s with %j", (create, entries, rows) => {
  const set = aSet(create, ...entries);
  test.each(rows)("of %s: %p", (words, answer) => {
    expect(setHolds(set, values(...words.split(" ")), none)).toBe(answer);
  });
});

describe("a list", () => {
  const { sets, problems } = parseText(
    [
      "create ips hash:ip\nadd ips 10.0.0.1",
      "create ports hash:ip,port\nadd ports 10.0.0.2,tcp:80",
      "create both list:set\nadd both ips\nadd both ports",
      "create self list:set\nadd self self\nadd self ips",
      "create one list:set\nadd one two\ncreate two list:set\nadd two one\nadd two ports",
      "create missing list:set\nadd missing nosuch\nadd missing ips",
      "create empty list:set",
    ].join("\n"),
  );
  const ask = (name: string, ...words: readonly string[]) => {
    const set = sets.get(name);
    if (set === undefined || problems.length > 0) throw new Error(`bug: ${JSON.stringify(problems)}`);
    return setHolds(set, ({ dimensions }) => values(...words).slice(0, dimensions.length), sets);
  };

  test.each<[string, string[], boolean | undefined]>([
    ["both", ["10.0.0.1"], true],
    ["both", ["10.0.0.2"], false],
    ["both", ["10.0.0.2", "tcp:80"], true],
    ["both", ["10.0.0.1", "tcp:?"], true],
    ["both", ["10.0.0.2", "tcp:?"], undefined],
    ["self", ["10.0.0.1"], true],
    ["self", ["10.0.0.2"], false],
    ["one", ["10.0.0.2", "tcp:80"], true],
    ["one", ["10.0.0.2", "tcp:81"], false],
    ["missing", ["10.0.0.1"], true],
    ["missing", ["10.0.0.2"], undefined],
    ["empty", ["10.0.0.1"], false],
  ])("%s holds %j: %p", (name, words, answer) => {
    expect(ask(name, ...words)).toBe(answer);
  });

  test("a value that does not fit a member leaves it open", () => {
    const both = sets.get("both");
    expect(both && setHolds(both, [{ kind: "unknown" }], sets)).toBeUndefined();
  });

  test("lists of lists come to an end, however many and deep", () => {
    const depth = 20_000;
    const lines = Array.from({ length: depth }, (_, at) =>
      [
        `create l${at} list:set`,
        `add l${at} l${at + 1}`,
        `add l${at} l${Math.min(at + 2, depth - 1)}`,
        `add l${at} l0`,
      ].join("\n"),
    );
    const deep = parseText(lines.join("\n")).sets;
    const first = deep.get("l0");
    expect(first && setHolds(first, values("10.0.0.1"), deep)).toBeUndefined();
  });
});

describe("a search through all entries", () => {
  type Range = { readonly first: number; readonly last: number; readonly text: string; readonly bits: number };
  const low = fc.integer({ min: 0, max: 15 });
  const address = (last: number) => `10.0.0.${last}`;
  const range = (text: (value: number) => string) =>
    fc.tuple(low, low, fc.boolean()).map(([one, other, single]): Range => {
      const [first, last] = single ? [one, one] : [Math.min(one, other), Math.max(one, other)];
      return {
        first,
        last,
        text: first === last ? text(first) : `${text(first)}-${text(last).replace("tcp:", "")}`,
        bits: 0,
      };
    });
  const net = fc.tuple(low, fc.integer({ min: 28, max: 32 })).map(([value, bits]): Range => {
    const network = ipaddr.IPv4.networkAddressFromCIDR(`${address(value)}/${bits}`);
    const broadcast = ipaddr.IPv4.broadcastAddressFromCIDR(`${address(value)}/${bits}`);
    return {
      first: network.octets[3] ?? 0,
      last: broadcast.octets[3] ?? 0,
      text: `${network.toString()}/${bits}`,
      bits,
    };
  });
  const ranges = { ip: range(address), port: range((value) => `tcp:${value}`), net };

  test.each<[string, ("ip" | "port" | "net")[]]>([
    ["hash:ip", ["ip"]],
    ["hash:net", ["net"]],
    ["hash:ip,port", ["ip", "port"]],
    ["hash:net,net", ["net", "net"]],
    ["hash:net,port", ["net", "port"]],
    ["hash:ip,port,ip", ["ip", "port", "ip"]],
    ["hash:ip,port,net", ["ip", "port", "net"]],
    ["hash:net,port,net", ["net", "port", "net"]],
  ])("of a %s finds the same", (type, dimensions) => {
    const hasNet = dimensions.includes("net");
    const entry = fc.record({
      parts: fc.tuple(...dimensions.map((each) => ranges[each])),
      except: hasNet ? fc.boolean() : fc.constant(false),
    });
    const asked = fc.tuple(...dimensions.map(() => low));
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 12 }),
        fc.array(asked, { minLength: 20, maxLength: 20 }),
        (entries, questions) => {
          const lines = entries.map(
            ({ parts, except }) => `add s ${parts.map(({ text }) => text).join()}${except ? " nomatch" : ""}`,
          );
          const { sets, problems } = parseText([`create s ${type}`, ...lines].join("\n"));
          // What overlaps is a problem here and in the kernel, and is not added.
          const refused = new Set(problems.map(({ line }) => line - 2));
          expect(problems.filter(({ code }) => code !== "duplicate-entry")).toEqual([]);
          const kept = entries.filter((_, at) => !refused.has(at));
          const set = sets.get("s");
          for (const question of questions) {
            const holding = kept.filter(({ parts }) =>
              parts.every(({ first, last }, at) => (question[at] ?? -1) >= first && (question[at] ?? -1) <= last),
            );
            const lengths = ({ parts }: (typeof kept)[number]) =>
              parts.map(({ bits }) => String(bits).padStart(3, "0")).join();
            const [decides, ...others] = holding.sort((a, b) => (lengths(a) < lengths(b) ? 1 : -1));
            // Entries of one set of lengths may overlap in ranges only; then the kernel would have refused the second.
            if (
              decides !== undefined &&
              others.some((each) => lengths(each) === lengths(decides) && each.except !== decides.except)
            )
              continue;
            const words = question.map((value, at) => (dimensions[at] === "port" ? `tcp:${value}` : address(value)));
            expect(set && setHolds(set, values(...words), sets)).toBe(decides !== undefined && !decides.except);
          }
        },
      ),
    );
  });
});

test("a large set is asked as fast as a small one", () => {
  const entries = Array.from({ length: 65_536 }, (_, at) => `10.1.${at >> 8}.${at & 255},tcp:80`);
  const set = aSet("hash:ip,port", ...entries);
  const inside = values("10.1.77.7", "tcp:80");
  const outside = values("10.1.77.7", "tcp:81");
  const start = Date.now();
  let found = 0;
  for (let at = 0; at < 100_000; at++) if (setHolds(set, at % 2 === 0 ? inside : outside, none) === true) found++;
  expect(found).toBe(50_000);
  // Far more than it takes, and far less than 100 000 walks through the entries.
  expect(Date.now() - start).toBeLessThan(5_000);
});
