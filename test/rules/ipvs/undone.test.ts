// Tests of rules/ipvs/undone.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { diffServers } from "../../../rules/ipvs/diff-servers.ts";
import { parseServers } from "../../../rules/ipvs/parse.ts";
import { renderServerChanges, renderServers } from "../../../rules/ipvs/render.ts";
import { undoneChanges } from "../../../rules/ipvs/undone.ts";
import { clusters } from "../../make/arbitrary.ts";
import { createFakeIpvs } from "../../make/fake-ipvs.ts";
import { drained, ipvsOf } from "../../make/ipvs.ts";

const read = (text: string) => parseServers(text, 4, () => true).table;

test("of a batch that the kernel takes nothing is undone, and of one that it never saw all is", () => {
  fc.assert(
    fc.property(clusters(25), clusters(25), (a, b) => {
      const before = renderServers(ipvsOf(a).state.servers);
      const { changes } = diffServers(read(before), ipvsOf(b).state.servers, drained);
      const fake = createFakeIpvs({ servers: before });
      expect(undoneChanges(changes, read(fake.servers()))).toEqual(changes);
      expect(fake.ipvsadm(renderServerChanges(changes)).refused).toEqual([]);
      expect(undoneChanges(changes, read(fake.servers()))).toEqual([]);
    }),
    { numRuns: 25 },
  );
});

test("finds the lines that were refused, although the batch goes on", () => {
  const fake = createFakeIpvs({ schedulers: ["rr"] });
  const wanted = read(
    "-A -t 10.0.0.1:80 -s lc\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1\n-A -t 10.0.0.2:80 -s rr\n-a -t 10.0.0.2:80 -r 10.1.0.1:80 -m -w 1\n",
  );
  const { changes } = diffServers(read(""), wanted, drained);
  expect(fake.ipvsadm(renderServerChanges(changes)).code).toBe(0);
  const undone = undoneChanges(changes, read(fake.servers()));
  expect(undone.map(({ kind, server }) => `${kind} ${server.ip}`)).toEqual([
    "add-server 10.0.0.1",
    "add-real 10.0.0.1",
  ]);
});
