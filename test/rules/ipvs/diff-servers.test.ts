// Tests of rules/ipvs/diff-servers.ts.
import { expect, test } from "@jest/globals";
import { diffServers, type DrainView } from "../../../rules/ipvs/diff-servers.ts";
import { parseServers } from "../../../rules/ipvs/parse.ts";
import { renderServerChanges } from "../../../rules/ipvs/render.ts";
import { drained, patient } from "../../make/ipvs.ts";
import { aCidr } from "../../make/objects.ts";

const table = (...lines: readonly string[]) => parseServers(lines.join("\n"), 4, () => true).table;

function lines(before: readonly string[], after: readonly string[], view: DrainView = patient): string[] {
  return renderServerChanges(diffServers(table(...before), table(...after), view).changes)
    .split("\n")
    .slice(0, -1);
}

const web = "-A -t 10.0.0.1:80 -s rr";
const dns = "-A -u 10.0.0.1:53 -s rr";
const sctp = "-A --sctp-service 10.0.0.1:80 -s rr";
const real = (at: string, weight = 1, of = "-t 10.0.0.1:80") => `-a ${of} -r ${at} -m -w ${weight}`;
const edit = (at: string, weight: number, of = "-t 10.0.0.1:80") => real(at, weight, of).replace("-a", "-e");
const gone = (at: string, of = "-t 10.0.0.1:80") => `-d ${of} -r ${at}`;
const [one, two, three] = ["10.1.0.1:80", "10.1.0.2:80", "10.1.0.3:80"];

test.each<[string, string[], string[], string[]]>([
  ["nothing differs", [web, real(one)], [web, real(one)], []],
  ["a new one comes with its real servers", [], [web, real(one), real(two)], [web, real(one), real(two)]],
  [
    "new real servers come before old ones lose weight",
    [web, real(two)],
    [web, real(one), real(three)],
    [real(one), real(three), edit(two, 0)],
  ],
  ["one that drains is left alone", [web, real(one, 0), real(two)], [web, real(two)], []],
  [
    "one that drains and is wanted again gets its weight back",
    [web, real(one, 0), real(two)],
    [web, real(one), real(two)],
    [edit(one, 1)],
  ],
  ["another weight is put right", [web, real(one, 7)], [web, real(one)], [edit(one, 1)]],
  ["another method is put right", [web, real(one).replace("-m", "-g")], [web, real(one)], [edit(one, 1)]],
  ["another scheduler is an edit", [web, real(one)], [web.replace("rr", "lc"), real(one)], ["-E -t 10.0.0.1:80 -s lc"]],
  ["affinity is an edit", [web, real(one)], [`${web} -p 60`, real(one)], [`-E -t 10.0.0.1:80 -s rr -p 60`]],
  ["options of others are taken away", [`${web} -o`, real(one)], [web, real(one)], ["-E -t 10.0.0.1:80 -s rr"]],
  ["one that nobody wants drains whole", [web, real(one), real(two, 0)], [], [edit(one, 0)]],
  ["one without real servers goes at once", [web], [], ["-D -t 10.0.0.1:80"]],
  [
    "UDP goes at once",
    [dns, real(one, 1, "-u 10.0.0.1:53"), real(two, 1, "-u 10.0.0.1:53")],
    [dns, real(two, 1, "-u 10.0.0.1:53")],
    [gone(one, "-u 10.0.0.1:53")],
  ],
  ["a UDP virtual server goes at once", [dns, real(one, 1, "-u 10.0.0.1:53")], [], ["-D -u 10.0.0.1:53"]],
  ["SCTP drains", [sctp, real(one, 1, "--sctp-service 10.0.0.1:80")], [], [edit(one, 0, "--sctp-service 10.0.0.1:80")]],
])("%s", (_, before, after, expected) => {
  expect(lines(before, after)).toEqual(expected);
});

test.each<[string, string[], string[], string[]]>([
  ["a real server", [web, real(one, 0), real(two)], [web, real(two)], [gone(one)]],
  ["the last one, and the virtual server", [web, real(one, 0)], [], ["-D -t 10.0.0.1:80"]],
  // It had connections when it was looked at.
  ["not one that has weight", [web, real(one), real(two)], [web, real(two)], [edit(one, 0)]],
])("what is drained goes: %s", (_, before, after, expected) => {
  expect(lines(before, after, drained)).toEqual(expected);
});

test("is asked of each real server by itself whether it is drained", () => {
  const view: DrainView = { ...patient, isDrained: (server, { ip }) => server.port === 80 && ip === "10.1.0.1" };
  expect(lines([web, real(one, 0), real(two, 0)], [], view)).toEqual([gone(one)]);
});

test("says which virtual servers only drain", () => {
  const draining = (before: readonly string[], view: DrainView) => [
    ...diffServers(table(...before), table(), view).draining,
  ];
  expect(draining([web, real(one, 0)], patient)).toEqual(["0a000001t0050"]);
  expect(draining([web, real(one, 0)], drained)).toEqual([]);
  expect(draining([dns, real(one, 1, "-u 10.0.0.1:53")], patient)).toEqual([]);
});

test("those in excluded blocks are not deleted, and one that is wanted there is seen to", () => {
  const view: DrainView = { ...drained, excludeCidrs: [aCidr("10.0.0.0/24")] };
  expect(lines([web, real(one, 0)], [], view)).toEqual([]);
  expect(lines([web, real(one)], [web, real(two)], view)).toEqual([real(two), edit(one, 0)]);
});

test("those of others are not touched, also where one is wanted", () => {
  expect(lines([], [web, real(one)], { ...patient, others: new Set(["0a000001t0050"]) })).toEqual([]);
});
