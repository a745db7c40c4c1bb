import { describe, expect, test } from "@jest/globals";
import { change, type Changing } from "../../../rules/trace/change.ts";
import type { Traveller } from "../../../rules/trace/traveller.ts";
import { aCidr, anIp } from "../../make/objects.ts";
import { aNode, aPacket, aTraveller, ownPacket, type NodeFields } from "./a-trace.ts";

const after = (effect: Changing, traveller: Traveller = aTraveller(), node: NodeFields = {}) =>
  change(traveller, effect, aNode(node));
const all = 0xffffffff;
const twoIps = { localIps: ["192.168.0.2", "10.1.0.1", "fd00:192::2"].map(anIp) };

describe("destinations", () => {
  test.each<readonly [string, Changing, string, number | undefined]>([
    ["address and port", { kind: "dnat", ip: anIp("10.1.0.1"), port: 8080 }, "10.1.0.1", 8080],
    ["address alone", { kind: "dnat", ip: anIp("10.1.0.1"), port: undefined }, "10.1.0.1", 80],
    ["port alone", { kind: "dnat", ip: undefined, port: 8080 }, "10.1.0.9", 8080],
  ])("%s, and the table is done with it", (_, effect, ip, port) => {
    const changed = after(effect);
    expect(changed).toMatchObject({
      traveller: { destination: { ip }, destinationPort: port, dnat: true },
      endsTable: true,
    });
    expect(changed?.traveller.original.destination.ip).toBe("10.1.0.9");
  });

  test.each<readonly [string, Traveller, NodeFields, string | undefined]>([
    ["from the network: the address of its interface", aTraveller(), {}, "192.168.0.2"],
    ["by another interface", aTraveller({ inInterface: "cni0" }), twoIps, "10.1.0.1"],
    ["by one that has none of the addresses", aTraveller({ inInterface: "cni0" }), {}, undefined],
    ["by one that nothing is known of, of the only address", aTraveller({ inInterface: "eth9" }), {}, "192.168.0.2"],
    ["by one that is not known, of several addresses", aTraveller({ inInterface: undefined }), twoIps, undefined],
    ["from the node: loopback", aTraveller({}, ownPacket()), {}, "127.0.0.1"],
    ["from the node, IPv6", aTraveller({}, ownPacket({ destination: "fd00:1::9" })), {}, "::1"],
    ["from the network, IPv6", aTraveller({}, aPacket({ destination: "fd00:1::9" })), {}, "fd00:192::2"],
  ])("REDIRECT %s", (_, traveller, node, ip) => {
    const changed = after({ kind: "redirect", port: 8080 }, traveller, node);
    expect(changed?.traveller.destination.ip).toBe(ip);
    expect(changed?.traveller.destinationPort).toBe(ip === undefined ? undefined : 8080);
  });
});

describe("sources", () => {
  test.each<readonly [string, Changing, Partial<Traveller>, NodeFields, string | undefined]>([
    ["SNAT", { kind: "snat", ip: anIp("1.2.3.4") }, {}, {}, "1.2.3.4"],
    ["SNAT to a range", { kind: "snat", ip: undefined }, {}, {}, undefined],
    ["MASQUERADE, of the only address", { kind: "masquerade" }, {}, {}, "192.168.0.2"],
    ["MASQUERADE by the interface", { kind: "masquerade" }, { outInterface: "cni0" }, twoIps, "10.1.0.1"],
    ["MASQUERADE by the other", { kind: "masquerade" }, { outInterface: "eth0" }, twoIps, "192.168.0.2"],
    ["MASQUERADE by one not known", { kind: "masquerade" }, { outInterface: "eth9" }, twoIps, undefined],
    ["MASQUERADE without an address", { kind: "masquerade" }, {}, { localIps: [] }, undefined],
  ])("%s", (_, effect, fields, node, ip) => {
    const changed = after(effect, aTraveller({ hook: "POSTROUTING", ...fields }), node);
    expect(changed).toMatchObject({ endsTable: true, traveller: { source: { ip: "203.0.113.7" } } });
    expect(changed?.traveller.snat?.to?.ip).toBe(ip);
  });
});

describe("marks: bits of one mask are cleared, then the value is put in", () => {
  test.each<readonly [number | undefined, number, number, number | undefined]>([
    [0, 0x4000, 0x4000, 0x4000],
    [0x4000, 0x4000, 0x4000, 0x4000],
    [0x4000, 0x4000, 0, 0],
    [0xff, 0, 0xf0, 0x0f],
    [0xff, 0x1, all, 0x1],
    [all, 0, 0x80000000, 0x7fffffff],
    [0, 0x80000000, 0, 0x80000000],
    [undefined, 0x1, all, 0x1],
    [undefined, 0x1, 0x1, undefined],
  ])("%s with %s/%s is %s", (before, value, mask, wanted) => {
    const packet = after({ kind: "set-mark", bits: { value, mask } }, aTraveller({ mark: before }));
    expect(packet).toMatchObject({ endsTable: false, traveller: { markChanges: 1, connectionMarkChanges: 0 } });
    expect(packet?.traveller.mark).toBe(wanted);
    const connection = after(
      { kind: "set-connection-mark", bits: { value, mask } },
      aTraveller({ connectionMark: before }),
    );
    expect(connection?.traveller.connectionMark).toBe(wanted);
  });

  test.each<readonly [number | undefined, number | undefined, number, number, number | undefined]>([
    [0x12, 0, all, all, 0x12],
    [0x12, 0xff00, 0xff, 0xff, 0xff12],
    [0x12, 0xff00, 0xf0, 0xff00, 0x10],
    [0x12, 0x1, 0xff, 0, 0x13],
    [undefined, 0x5, 0xff, 0xff, undefined],
    [0x12, undefined, 0xff, 0xff, undefined],
    [0x12, undefined, 0xf, all, 0x2],
    [0x80000000, 0, all, all, 0x80000000],
  ])("%s copied over %s with masks %s and %s is %s", (source, into, from, to, wanted) => {
    const saved = after({ kind: "save-mark", from, to }, aTraveller({ mark: source, connectionMark: into }));
    expect(saved?.traveller.connectionMark).toBe(wanted);
    const restored = after({ kind: "restore-mark", from, to }, aTraveller({ mark: into, connectionMark: source }));
    expect(restored?.traveller.mark).toBe(wanted);
  });

  test("a packet without a connection has no connection's mark to save, set or restore", () => {
    const lost = aTraveller({ state: "UNTRACKED", mark: 3, connectionMark: 0 });
    for (const effect of [
      { kind: "save-mark", from: all, to: all },
      { kind: "restore-mark", from: all, to: all },
      { kind: "set-connection-mark", bits: { value: 1, mask: 1 } },
    ] as const)
      expect(after(effect, lost)?.traveller).toBe(lost);
  });
});

test("NOTRACK is for packets that are not tracked yet", () => {
  const tracked = aTraveller();
  expect(after({ kind: "untrack" }, tracked)?.traveller).toBe(tracked);
  expect(after({ kind: "untrack" }, aTraveller({ isTracked: false }))?.traveller.state).toBe("UNTRACKED");
});

test("a set that is changed is noted", () => {
  const changed = after({ kind: "change-set", set: "s" });
  expect(changed).toMatchObject({ traveller: { changedSets: { last: "s" } }, endsTable: false });
});

test("the interface that a packet leaves by has its address in one of its blocks", () => {
  const node = { ...twoIps, interfaces: [{ name: "eth0", blocks: [aCidr("192.168.0.0/24")] }] };
  const changed = after({ kind: "masquerade" }, aTraveller({ outInterface: "eth0" }), node);
  expect(changed?.traveller.snat?.to?.ip).toBe("192.168.0.2");
});
