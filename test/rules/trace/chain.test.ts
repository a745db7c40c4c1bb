import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { compileChain, stepsFor, type WalkableChain } from "../../../rules/trace/chain.ts";
import { every } from "../../../rules/trace/match/test.ts";
import { aPacket, aTraveller, answerOf, dumpText, firewallOf, someSurroundings, vaguePacket } from "./a-trace.ts";

function chainOf(rules: readonly string[]): WalkableChain {
  const { dump } = firewallOf(dumpText({ nat: [":X", ":TARGET", ...rules.map((rule) => `-A X ${rule}`)] }));
  const chain = dump.tables.get("nat")?.chains.get("X");
  if (chain === undefined) throw new Error("bug: there is no chain");
  return compileChain(chain, someSurroundings(), (name) => name === "TARGET");
}

test("a chain is compiled rule by rule, with the lines of the dump", () => {
  const { steps, index } = chainOf(["-p tcp -j TARGET", "-j ELSEWHERE"]);
  expect(steps.map(({ line, effect }) => [line, effect.kind])).toEqual([
    [5, "call"],
    [6, "unknown"],
  ]);
  expect(index).toBe(undefined);
});

describe("what a rule does with recent lists", () => {
  const rest = "--name L --mask 255.255.255.255 --rsource";
  test.each<readonly [string, unknown]>([
    ["-p tcp", undefined],
    [`-m recent --set ${rest}`, { remembers: "L", forgets: undefined, seconds: undefined }],
    [`-m recent --rcheck --seconds 60 --reap ${rest}`, { remembers: undefined, forgets: undefined, seconds: 60 }],
    [`-m recent --update --seconds 60 ${rest}`, { remembers: "L", forgets: undefined, seconds: 60 }],
    [`-m recent --remove ${rest}`, { remembers: undefined, forgets: "L", seconds: undefined }],
    [`-m recent ! --update ${rest}`, { remembers: undefined, forgets: undefined, seconds: undefined }],
    [
      "-m recent --set --name L --mask 255.255.255.255 --rdest",
      { remembers: undefined, forgets: undefined, seconds: undefined },
    ],
  ])("%s", (words, use) => {
    expect(chainOf([words]).steps[0]?.recent).toEqual(use);
  });
});

describe("of a long chain only those steps are asked that may match", () => {
  const rules = [
    "-d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j TARGET",
    "-p tcp -m tcp --dport 80 -j TARGET",
    "-p 6 -m tcp --dport 80 -j TARGET",
    "-p udp -m udp --dport 80 -j TARGET",
    "! -d 10.96.0.1/32 -j TARGET",
    "-d 10.96.0.0/24 -j TARGET",
    "! -p tcp -j TARGET",
    "-p tcp -m tcp --dport 80:81 -j TARGET",
    "-d 10.96.0.2/32 -j TARGET",
    "-j TARGET",
  ];
  const chain = chainOf(rules);
  const asked = (destination: string, fields = {}) =>
    stepsFor(chain, aTraveller(fields, aPacket({ destination }))).map(({ line }) => line - 5);

  test.each<readonly [string, object, readonly number[]]>([
    ["10.96.0.1", {}, [0, 1, 2, 4, 5, 6, 7, 9]],
    ["10.96.0.2", {}, [1, 2, 4, 5, 6, 7, 8, 9]],
    ["10.96.0.3", { destinationPort: 81 }, [4, 5, 6, 7, 9]],
    ["10.96.0.1", { protocol: "udp" }, [0, 3, 4, 5, 6, 7, 9]],
    ["10.96.0.1", { destinationPort: undefined }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ])("to %s %j", (destination, fields, numbers) => {
    expect(asked(destination, fields)).toEqual(numbers);
  });

  const parts = {
    address: ["", "-d 10.96.0.1/32", "-d 10.96.0.2/32", "! -d 10.96.0.1/32", "-d 10.96.0.0/24"],
    port: [
      "",
      "-p tcp -m tcp --dport 80",
      "-p udp -m udp --dport 80",
      "-p tcp -m tcp --dport 80:90",
      "! -p tcp",
      "-p tcp",
    ],
  };
  const rule = fc
    .tuple(fc.constantFrom(...parts.address), fc.constantFrom(...parts.port))
    .map((words) => [...words, "-j TARGET"].filter((word) => word !== "").join(" "));
  const travellers = fc.record({
    destination: fc.constantFrom("10.96.0.1", "10.96.0.2", "10.96.0.3", "10.97.0.1"),
    protocol: fc.constantFrom("tcp", "udp", "icmp"),
    destinationPort: fc.constantFrom(80, 81, 85),
  });

  test("none of those left out would match", () => {
    fc.assert(
      fc.property(fc.array(rule, { minLength: 9, maxLength: 30 }), travellers, (list, packet) => {
        const long = chainOf(list);
        const traveller = aTraveller({}, aPacket(packet));
        const matching = long.steps.filter(({ tests }) => every(tests, ({ ask }) => ask(traveller)) !== false);
        const found = stepsFor(long, traveller);
        expect(found.filter((step) => matching.includes(step))).toEqual(matching);
      }),
    );
  });

  test("where the port is not known none is left out", () => {
    expect(stepsFor(chain, aTraveller({}, vaguePacket()))).toBe(chain.steps);
    expect(answerOf(rules[0] ?? "", aTraveller({}, vaguePacket({ destination: "10.96.0.1" })))).toBe(undefined);
  });
});
