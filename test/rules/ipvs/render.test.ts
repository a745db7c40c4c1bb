// Tests of rules/ipvs/render.ts.
import { expect, test } from "@jest/globals";
import { diffServers } from "../../../rules/ipvs/diff-servers.ts";
import { parseServers } from "../../../rules/ipvs/parse.ts";
import { renderServerChanges, renderServers } from "../../../rules/ipvs/render.ts";
import { emptyRadix } from "../../../rules/radix/radix.ts";
import { patient } from "../../make/ipvs.ts";

// As ipvsadm 1.31 prints them.
test.each([
  [4, "-A -t 10.0.0.1:80 -s rr"],
  [4, "-A -u 10.0.0.1:53 -s wrr"],
  [4, "-A --sctp-service 10.0.0.1:80 -s rr"],
  [4, "-A -t 10.0.0.1:80 -s rr -p 10800"],
  [4, "-A -t 10.0.0.1:80 -s rr -p 100 -M 255.255.255.0"],
  [4, "-A -t 10.0.0.1:80 -s rr -p 100 -M 0.0.0.0"],
  [4, "-A -t 10.0.0.1:80 -s mh -p 9 -b mh-fallback,mh-port"],
  [4, "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.2:8080 -m -w 0\n-a -t 10.0.0.1:80 -r 10.1.0.3:80 -g -w 1"],
  [6, "-A -t [fd00::1]:80 -s rr -p 100 -M 64\n-a -t [fd00::1]:80 -r [fd01::2]:8080 -m -w 3"],
] as const)("IPv%i: %s", (family, text) => {
  expect(renderServers(parseServers(text, family, () => true).table)).toBe(`${text}\n`);
});

test("each change is one line, in order", () => {
  const { table } = parseServers("-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1\n", 4, () => true);
  const { changes } = diffServers(emptyRadix(), table, patient);
  expect(
    renderServerChanges(changes)
      .split("\n")
      .map((line) => line.slice(0, 2)),
  ).toEqual(["-A", "-a", ""]);
  expect(changes.map(({ kind }) => kind)).toEqual(["add-server", "add-real"]);
});
