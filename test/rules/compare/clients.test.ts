import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  classOf,
  clientsOf,
  learn,
  noDistinctions,
  packetOf,
  type Distinctions,
} from "../../../rules/compare/clients.ts";
import { cidrHolds, networkOf } from "../../../rules/net/cidr.ts";
import type { Distinction } from "../../../rules/trace/match/test.ts";
import type { TraceNode } from "../../../rules/trace/packet.ts";
import { aCidr, anIp } from "../../make/objects.ts";
import { node } from "./a-tracer.ts";

const block = (cidr: string): Distinction => ({ kind: "block", block: aCidr(cidr) });
const byInterface = (name: string): Distinction => ({ kind: "interface", name });
const range = (low: string, high: string): Distinction => ({ kind: "range", low: anIp(low), high: anIp(high) });

function knowing(distinctions: readonly Distinction[], family: 4 | 6 = 4): Distinctions {
  const known = noDistinctions(family);
  for (const each of distinctions) learn(known, each);
  return known;
}

function names(distinctions: readonly Distinction[], on: TraceNode = node): string[] {
  return clientsOf(knowing(distinctions), on).map(({ name, inInterface = "" }) => `${name} ${inInterface}`.trim());
}

describe("learning", () => {
  test.each<[string, Distinction]>([
    ["a block", block("10.0.0.0/8")],
    ["an address", block("10.0.0.1/32")],
    ["a range", range("10.0.0.1", "10.0.0.9")],
    ["an interface", byInterface("cni0")],
  ])("%s is news once", (_, distinction) => {
    const known = noDistinctions(4);
    expect([learn(known, distinction), learn(known, distinction)]).toEqual([true, false]);
  });

  test.each<[string, Distinction]>([
    ["that a rule asks whether the sender is the node", { kind: "own" }],
    ["a block of the other family", block("fd00::/8")],
  ])("%s is none", (_, distinction) => {
    expect(learn(noDistinctions(4), distinction)).toBe(false);
  });
});

describe("senders", () => {
  test.each<[string, Distinction[], string[]]>([
    ["the node and somebody else, where nothing tells them apart", [], ["the node", "anywhere else"]],
    ["in a block and not", [block("10.0.0.0/8")], ["the node", "10.0.0.0/8", "anywhere else"]],
    [
      "in nested blocks",
      [block("10.0.0.0/8"), block("10.0.0.0/16")],
      ["the node", "10.0.0.0/8", "10.0.0.0/16", "anywhere else"],
    ],
    [
      "in no part that another fills",
      [block("10.0.0.0/31"), block("10.0.0.0/32"), block("10.0.0.1/32")],
      ["the node", "10.0.0.0", "10.0.0.1", "anywhere else"],
    ],
    ["in a range", [range("10.0.0.1", "10.0.0.9")], ["the node", "10.0.0.1-10.0.0.9", "anywhere else"]],
    ["an address", [block("10.0.0.1/32")], ["the node", "10.0.0.1", "anywhere else"]],
    ["in the part of a large block that can send", [block("0.0.0.0/1")], ["the node", "0.0.0.0/1", "anywhere else"]],
    ["nobody in a block that cannot send", [block("127.0.0.0/8"), block("224.0.0.0/4")], ["the node", "anywhere else"]],
    [
      "not the node's own address from the network",
      [block("192.168.0.2/32")],
      ["the node", "the node", "anywhere else"],
    ],
    [
      "by an interface, by each kind and by another",
      [byInterface("cni0"), byInterface("veth+")],
      ["the node", "anywhere else by cni0 cni0", "anywhere else by veth0 veth0", "anywhere else by other0 other0"],
    ],
    [
      "by one that a pattern means and no name or longer pattern does",
      [byInterface("eth+"), byInterface("eth0"), byInterface("eth1+")],
      ["the node", ...["eth2", "eth0", "eth10", "other0"].map((name) => `anywhere else by ${name} ${name}`)],
    ],
    [
      "by one beside a pattern for all that begin so",
      [byInterface("other0")],
      ["the node", "anywhere else by other0 other0", "anywhere else by other1 other1"],
    ],
  ])("%s", (_, distinctions, expected) => {
    expect(names(distinctions).sort()).toEqual(expected.sort());
  });

  test("beside the node's own addresses, in a block that holds little else", () => {
    const own: TraceNode = { ...node, localIps: [anIp("10.0.0.1"), anIp("10.0.0.3")] };
    expect(names([block("10.0.0.0/30"), block("10.0.0.0/32")], own)).toContain("10.0.0.0/30");
  });

  test("each has a class of its own, and is of it", () => {
    const known = knowing([block("10.0.0.0/8"), byInterface("cni0"), block("10.0.0.7/32")]);
    const clients = clientsOf(known, node);
    expect(new Set(clients.map(({ key }) => key)).size).toBe(clients.length);
    expect(clients.map((client) => classOf(known, client).key)).toEqual(clients.map(({ key }) => key));
  });

  test("there is one in each part that blocks make, whatever they are", () => {
    const ip = (last: number) => anIp(`10.0.0.${last}`);
    const someBlock = fc
      .record({ last: fc.nat(31), bits: fc.integer({ min: 27, max: 32 }) })
      .map(({ last, bits }) => networkOf(ip(last), bits));
    fc.assert(
      fc.property(fc.uniqueArray(someBlock, { maxLength: 10 }), (blocks) => {
        const holders = (each: Parameters<typeof cidrHolds>[1]) =>
          blocks.filter((cidr) => cidrHolds(cidr, each)).join(" ");
        const found = clientsOf(knowing(blocks.map((each) => block(each))), node)
          .filter(({ origin }) => origin === "network")
          .map(({ source }) => holders(source));
        const wanted = new Set([...Array.from({ length: 32 }, (_, last) => holders(ip(last))), ""]);
        expect(found.toSorted()).toEqual([...wanted].sort());
      }),
      { numRuns: 300 },
    );
  });
});

describe("the packet of a sender", () => {
  const to = { destination: anIp("10.96.0.1"), protocol: "tcp", destinationPort: 80 };
  const [own] = clientsOf(noDistinctions(4), node);
  const [, , byBridge] = clientsOf(knowing([byInterface("cni0")]), node).toSorted((a, b) => (a.name < b.name ? 1 : -1));

  test("of the node comes from its address, and from the loopback address if it goes there", () => {
    if (own === undefined) throw new Error("bug: the node sends");
    expect(packetOf(own, to)).toEqual({ ...to, source: "192.168.0.2", origin: "node" });
    const toLoopback = { ...to, destination: anIp("127.0.0.1") };
    expect(packetOf(own, toLoopback)).toEqual({ ...toLoopback, source: "127.0.0.1", origin: "node" });
  });

  test("of the network comes in by its interface", () => {
    if (byBridge === undefined) throw new Error("bug: somebody sends by it");
    expect(packetOf(byBridge, to)).toEqual({ ...to, source: "203.0.113.77", origin: "network", inInterface: "cni0" });
  });
});
