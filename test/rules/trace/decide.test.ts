import { describe, expect, test } from "@jest/globals";
import { compileChain, type Step } from "../../../rules/trace/chain.ts";
import { decide, type Decision } from "../../../rules/trace/decide.ts";
import { listOf, type Traveller } from "../../../rules/trace/traveller.ts";
import { aTraveller, chanceText, dumpText, firewallOf, ownPacket, someSurroundings, vaguePacket } from "./a-trace.ts";

function step(words: string): Step {
  const chain = firewallOf(dumpText({ filter: [`-A X ${words}`] }))
    .dump.tables.get("filter")
    ?.chains.get("X");
  const [first] = chain === undefined ? [] : compileChain(chain, someSurroundings(), () => false).steps;
  if (first === undefined) throw new Error("bug: there is no rule");
  return first;
}

const own = aTraveller({}, ownPacket());
const vague = aTraveller({}, vaguePacket());
const text = ({ chance, conditions }: Traveller) =>
  [...listOf(conditions).map(({ on, holds }) => `${holds ? "" : "not "}${on}`), chanceText(chance)].join(", ");
const texts = (decision: Decision | undefined) =>
  decision === undefined ? undefined : [text(decision.taken), ...decision.left.map(text)];

describe("a rule takes a packet, or not, or in some cases", () => {
  test.each<readonly [string, Traveller, readonly string[] | undefined]>([
    ["-p tcp", own, ["1"]],
    ["", own, ["1"]],
    ["-p udp", own, undefined],
    ["-m statistic --mode nth --every 4 --packet 0", own, ["1/4", "3/4"]],
    ["-m statistic --mode nth ! --every 1 --packet 0", own, undefined],
    ["-p udp -m statistic --mode nth --every 4 --packet 0", own, undefined],
    ["-m owner --uid-owner 1", own, ["-m owner --uid-owner 1, 1", "not -m owner --uid-owner 1, 1"]],
    ["-p udp -m owner --uid-owner 1", own, undefined],
    [
      "-m owner --uid-owner 1 -m limit --limit 1/sec",
      own,
      ["-m owner --uid-owner 1 -m limit --limit 1/sec, 1", "not -m owner --uid-owner 1 -m limit --limit 1/sec, 1"],
    ],
    [
      "-m owner --uid-owner 1 -m statistic --mode nth --every 4 --packet 0",
      own,
      ["-m owner --uid-owner 1, 1/4", "-m owner --uid-owner 1, 3/4", "not -m owner --uid-owner 1, 1"],
    ],
  ])("%s", (words, traveller, wanted) => {
    expect(texts(decide(step(words), traveller))).toEqual(wanted);
  });

  test("where it takes it for sure the packet is the same, and nothing is left", () => {
    const decision = decide(step("-p tcp"), own);
    expect(decision?.taken).toBe(own);
    expect(decision?.left).toEqual([]);
  });
});

describe("what a branch takes for granted", () => {
  const first = decide(step("-m owner --uid-owner 1"), own);
  const [yes, no] = [first?.taken ?? own, first?.left[0] ?? own];

  test.each<readonly [string, Traveller, readonly string[] | undefined]>([
    ["-m owner --uid-owner 1", yes, ["-m owner --uid-owner 1, 1"]],
    ["-m owner --uid-owner 1", no, undefined],
    ["-m owner ! --uid-owner 1", yes, undefined],
    ["-m owner ! --uid-owner 1", no, ["not -m owner --uid-owner 1, 1"]],
    [
      "-m owner --uid-owner 1 -m socket",
      yes,
      ["-m owner --uid-owner 1, -m socket, 1", "-m owner --uid-owner 1, not -m socket, 1"],
    ],
    [
      "-m owner --uid-owner 1 -m statistic --mode nth --every 4 --packet 0",
      yes,
      ["-m owner --uid-owner 1, 1/4", "-m owner --uid-owner 1, 3/4"],
    ],
  ])("%s is asked once", (words, traveller, wanted) => {
    expect(texts(decide(step(words), traveller))).toEqual(wanted);
  });

  test("what counts by itself is asked again", () => {
    const limit = step("-m limit --limit 1/sec");
    expect(texts(decide(limit, decide(limit, own)?.taken ?? own))).toEqual([
      "-m limit --limit 1/sec, -m limit --limit 1/sec, 1",
      "-m limit --limit 1/sec, not -m limit --limit 1/sec, 1",
    ]);
  });

  test("a value that is taken for granted is known", () => {
    const decision = decide(step("-p tcp -m tcp --dport 80"), vague);
    expect([decision?.taken.destinationPort, decision?.left[0]?.destinationPort]).toEqual([80, undefined]);
    const opposite = decide(step("! -i eth0"), vague);
    expect([opposite?.taken.inInterface, opposite?.left[0]?.inInterface]).toEqual([undefined, "eth0"]);
  });

  test("of several questions that do not all hold none says a value", () => {
    const decision = decide(step("! -i eth0 -m socket"), vague);
    expect(decision?.left.map(({ inInterface }) => inInterface)).toEqual([undefined]);
  });
});
