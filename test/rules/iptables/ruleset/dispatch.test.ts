// Tests of rules/iptables/ruleset/dispatch.ts: every frontend is found by its address, protocol and port, and nothing else is.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { dispatchShape, type AddressPart } from "../../../../rules/iptables/ruleset/dispatch.ts";
import { replaceTree } from "../../../../rules/iptables/ruleset/tree.ts";
import type { Rule } from "../../../../rules/iptables/ruleset/rule.ts";
import type { Chain } from "../../../../rules/iptables/ruleset/chain.ts";
import { ruleLine } from "../../../../rules/iptables/text/render-rule.ts";
import { frontendKey } from "../../../../rules/model/service-port.ts";
import { hostCidr } from "../../../../rules/net/cidr.ts";
import { ipFromDigits, type Ip } from "../../../../rules/net/ip.ts";
import { emptyRadix, radixOf, remove, set, values, type Radix } from "../../../../rules/radix/radix.ts";
import { readDump, walk } from "../../../make/walk.ts";

type Front = { readonly ip: Ip | undefined; readonly protocol: "TCP" | "UDP" | "SCTP"; readonly port: number };

const protocol = fc.constantFrom<Front["protocol"][]>("TCP", "TCP", "TCP", "UDP", "SCTP");
const port = fc.oneof(fc.constantFrom(53, 80, 443), fc.integer({ min: 1, max: 65535 }));
const hex = (number: number, width: number) => number.toString(16).padStart(width, "0");

/** Addresses as clusters have them: most in one block, some anywhere. */
const v4 = fc
  .oneof(
    { weight: 4, arbitrary: fc.nat(0xffff).map((low) => `0a60${hex(low, 4)}`) },
    { weight: 1, arbitrary: fc.nat(0xff).map((low) => `0a6000${hex(low, 2)}`) },
    { weight: 1, arbitrary: fc.integer({ min: 0x01000000, max: 0xdfffffff }).map((all) => hex(all, 8)) },
  )
  .map(ipFromDigits);
const v6 = fc
  .oneof(
    { weight: 4, arbitrary: fc.nat(0xffff).map((low) => `fd000096${hex(0, 20)}${hex(low, 4)}`) },
    { weight: 1, arbitrary: fc.nat(0xffff).map((mid) => `20010db8${hex(mid, 4)}${hex(0, 19)}1`) },
  )
  .map(ipFromDigits);

const kinds = [
  { name: "IPv4 addresses", part: 4, ip: v4, prefix: "KUBE-SVC-" },
  { name: "IPv6 addresses", part: 6, ip: v6, prefix: "KUBE-SVC-" },
  { name: "node ports", part: "none", ip: fc.constant(undefined), prefix: "KUBE-EXT-" },
] as const;

const ruleFor = (front: Front): Rule => ({
  ...(front.ip === undefined ? {} : { destination: { is: hostCidr(front.ip) } }),
  protocol: { is: front.protocol.toLowerCase() },
  matches: [{ kind: "destination-ports", protocol: front.protocol.toLowerCase(), low: front.port, high: front.port }],
  target: { kind: "dnat", to: idOf(front) },
});

const idOf = ({ ip, protocol: proto, port: number }: Front) => `${ip ?? "node"}/${proto}/${number}`;

function treeOf(fronts: readonly Front[]): Radix<Rule> {
  return radixOf(fronts.map((front) => ({ key: frontendKey(front), value: ruleFor(front) })));
}

function drawn(
  tree: Radix<Rule>,
  part: AddressPart,
): { readonly chains: readonly Chain[]; readonly root: readonly Rule[] } {
  const shape = dispatchShape(part === "none" ? "KUBE-EXT-" : "KUBE-SVC-", part);
  const chains = replaceTree(emptyRadix<Chain>(), { before: emptyRadix<Rule>(), after: tree }, shape);
  return { chains: values(chains), root: shape.rules(tree, "") };
}

function dumpOf({ chains, root }: ReturnType<typeof drawn>): string {
  const declared = ["ROOT", ...chains.map((chain) => chain.name)].map((name) => `:${name} - [0:0]`);
  const lines = [
    ...root.map((rule) => ruleLine("ROOT", rule)),
    ...chains.flatMap((chain) => chain.rules.map((rule) => ruleLine(chain.name, rule))),
  ];
  return ["*nat", ...declared, ...lines, "COMMIT", ""].join("\n");
}

describe.each(kinds)("$name", ({ part, ip, prefix }) => {
  const front: fc.Arbitrary<Front> = fc.record({ ip, protocol, port });
  const sets = fc.uniqueArray(front, { maxLength: 3000, selector: idOf, size: "max" });
  const small = fc.uniqueArray(front, { maxLength: 200, selector: idOf, size: "max" });
  const from = part === 6 ? "2001:db8::99" : "192.0.2.99";
  const targetsFor = (dump: ReturnType<typeof readDump>, sent: Front) =>
    walk(
      dump,
      { table: "nat", chain: "ROOT" },
      {
        from,
        to: sent.ip ?? "192.168.0.2",
        protocol: sent.protocol.toLowerCase() as "tcp",
        port: sent.port,
      },
    ).map(({ target }) => target);

  test("every frontend is found, and its neighbours are not", () => {
    fc.assert(
      fc.property(sets, (fronts) => {
        const dump = readDump(dumpOf(drawn(treeOf(fronts), part)));
        const known = new Set(fronts.map(idOf));
        const led = (one: Front) => targetsFor(dump, one).join(" or ");
        expect(fronts.filter((one) => led(one) !== `DNAT --to-destination ${idOf(one)}`)).toEqual([]);
        const some = fronts.length > 300 ? fronts.filter(({ port }) => port % 7 === 0) : fronts;
        const others = some.flatMap(neighbours).filter((near) => !known.has(idOf(near)));
        expect(others.filter((near) => led(near) !== "")).toEqual([]);
      }),
      { numRuns: 6 },
    );
  });

  test("no chain is longer than 16, and names fit", () => {
    fc.assert(
      fc.property(sets, (fronts) => {
        const { chains, root } = drawn(treeOf(fronts), part);
        expect(root.length).toBeLessThanOrEqual(16);
        const isFit = ({ rules, name }: Chain): boolean =>
          rules.length > 1 && rules.length <= 16 && name.length <= 28 && name.startsWith(prefix);
        expect(chains.filter((chain) => !isFit(chain))).toEqual([]);
        expect(new Set(chains.map(({ name }) => name)).size).toBe(chains.length);
      }),
      { numRuns: 8 },
    );
  });

  test("the chains are the same whatever the history", () => {
    const shape = dispatchShape(prefix, part);
    fc.assert(
      fc.property(
        small,
        fc.array(fc.record({ at: fc.nat(199), gone: fc.boolean() }), { maxLength: 300, size: "max" }),
        (fronts, turns) => {
          let tree = emptyRadix<Rule>();
          let chains = emptyRadix<Chain>();
          const there = new Map<string, Front>();
          for (const { at, gone } of turns) {
            const one = fronts[at % Math.max(1, fronts.length)];
            if (one === undefined) continue;
            if (gone) there.delete(idOf(one));
            else there.set(idOf(one), one);
            const after = gone ? remove(tree, frontendKey(one)) : set(tree, frontendKey(one), ruleFor(one));
            chains = replaceTree(chains, { before: tree, after }, shape);
            tree = after;
          }
          const fresh = drawn(treeOf([...there.values()]), part);
          expect(dumpOf({ chains: values(chains), root: shape.rules(tree, "") })).toBe(dumpOf(fresh));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("going from any set to any other gives the chains of the other", () => {
    const shape = dispatchShape(prefix, part);
    fc.assert(
      fc.property(small, small, (a, b) => {
        const [before, after] = [treeOf(a), treeOf(b)];
        const first = replaceTree(emptyRadix<Chain>(), { before: emptyRadix<Rule>(), after: before }, shape);
        const chains = values(replaceTree(first, { before, after }, shape));
        expect(dumpOf({ chains, root: shape.rules(after, "") })).toBe(dumpOf(drawn(after, part)));
      }),
      { numRuns: 100 },
    );
  });
});

function neighbours(front: Front): Front[] {
  const { ip, port: number } = front;
  const others: Front[] = [
    { ...front, port: number === 65535 ? 1 : number + 1 },
    { ...front, port: number ^ 16 || 1 },
    ...(["TCP", "UDP", "SCTP"] as const).map((other) => ({ ...front, protocol: other })),
  ];
  if (ip === undefined) return others;
  const flip = (text: string) => text.replace(/[^.:]$/, (digit) => (digit === "1" ? "2" : "1"));
  return [...others, { ...front, ip: flip(ip) as Ip }];
}

test.each([
  [4, 17, "KUBE-SVC-10.96.0.0/28"],
  [4, 300, "KUBE-SVC-10.96.1.0/24"],
] as const)("a dispatch chain of family %d is named by the block it covers", (part, count, name) => {
  const fronts = Array.from({ length: count }, (_, at): Front => ({
    ip: ipFromDigits(`0a60${hex(at, 4)}`),
    protocol: "TCP",
    port: 80,
  }));
  expect(drawn(treeOf(fronts), part).chains.map((chain) => chain.name)).toContain(name);
});

test("a dispatch chain of node ports is named by the range it covers", () => {
  const fronts = Array.from({ length: 40 }, (_, at): Front => ({ ip: undefined, protocol: "TCP", port: 30720 + at }));
  expect(drawn(treeOf(fronts), "none").chains.map((chain) => chain.name)).toContain("KUBE-EXT-tcp-30720-30735");
});
