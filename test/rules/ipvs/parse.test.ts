// Tests of rules/ipvs/parse.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseServers } from "../../../rules/ipvs/parse.ts";
import { renderServers } from "../../../rules/ipvs/render.ts";
import { values } from "../../../rules/radix/radix.ts";
import { clusters, views } from "../../make/arbitrary.ts";
import { ipvsOf } from "../../make/ipvs.ts";

const read = (text: string, family: 4 | 6 = 4) => parseServers(text, family, () => true);

test("reads virtual and real servers as ipvsadm prints them, sorted as builds have them", () => {
  const text = [
    "-A -t 10.0.0.1:80 -s sh -p 100 -M 255.255.255.0 -b sh-fallback,sh-port",
    "-a -t 10.0.0.1:80 -r 10.1.0.9:80 -m -w 0",
    "-a -t 10.0.0.1:80 -r 10.1.0.10:80 -g -w 7",
    "-A --sctp-service 10.0.0.1:80 -s wlc -o",
    "-a --sctp-service 10.0.0.1:80 -r 10.1.0.4:80 -i -w 7 --tun-type ipip",
    "",
  ].join("\n");
  const { table, problems } = read(text);
  const at = { ip: "10.0.0.1", port: 80, service: undefined };
  expect(problems).toEqual([]);
  expect(values(table)).toEqual([
    {
      ...at,
      protocol: "SCTP",
      scheduler: "wlc",
      flags: [],
      persistentSeconds: undefined,
      persistentBits: 32,
      others: ["-o"],
      servers: [{ ip: "10.1.0.4", port: 80, method: "tunnelling", weight: 7 }],
    },
    {
      ...at,
      protocol: "TCP",
      scheduler: "sh",
      flags: ["sh-fallback", "sh-port"],
      persistentSeconds: 100,
      persistentBits: 24,
      others: [],
      servers: [
        { ip: "10.1.0.10", port: 80, method: "routing", weight: 7 },
        { ip: "10.1.0.9", port: 80, method: "masquerading", weight: 0 },
      ],
    },
  ]);
});

test.each([
  ["of the other family", "-A -t [fd00::1]:80 -s rr\n-a -t [fd00::1]:80 -r [fd00::2]:80 -m -w 1\n"],
  ["by firewall mark", "-A -f 5 -s rr\n-a -f 5 -r 10.1.0.1:80 -m -w 1\n"],
])("passes over what is %s", (_, text) => {
  expect(read(text)).toMatchObject({ table: { size: 0 }, problems: [] });
});

test("IPv6", () => {
  const { table } = read("-A -u [fd00::1]:53 -s rr -p 100 -M 64\n-a -u [fd00::1]:53 -r [fd01::2]:5353 -m -w 3\n", 6);
  expect(values(table)[0]).toMatchObject({
    ip: "fd00::1",
    protocol: "UDP",
    persistentBits: 64,
    servers: [{ ip: "fd01::2", port: 5353, weight: 3 }],
  });
});

test("what is not ours is only known by its key", () => {
  const text = "-A -t 10.0.0.1:80 -s rr\n-A -t 10.0.0.2:80 -s rr\n-a -t 10.0.0.2:80 -r 10.1.0.1:80 -m -w 1\n";
  const { table, others } = parseServers(text, 4, ({ ip }) => ip === "10.0.0.1");
  expect([values(table).map(({ ip }) => ip), [...others]]).toEqual([["10.0.0.1"], ["0a000002t0050"]]);
});

const web = "-A -t 10.0.0.1:80 -s rr\n";

test.each([
  ["IP Virtual Server version 1.2.1 (size=4096)\n", "not-a-server-line", 1],
  ["-C\n", "not-a-server-line", 1],
  ["-A -t 10.0.0.999:80 -s rr\n", "not-a-service", 1],
  ["-A -t 10.0.0.1:99999 -s rr\n", "not-a-service", 1],
  ["-A -t 10.0.0.1:80 -s rr -p 9 -M 255.0.255.0\n", "not-a-service", 1],
  ["-A __proto__ 10.0.0.1:80 -s rr\n", "not-a-service", 1],
  [`${web}${web}`, "duplicate-service", 2],
  ["-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1\n", "no-such-service", 1],
  [`${web}-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w x\n`, "not-a-real-server", 2],
  [`${web}-a -t 10.0.0.1:80 -r 10.1.0.1:80\n`, "not-a-real-server", 2],
  [`${web}-a -t 10.0.0.1:80 -r [fd00::1]:80 -m -w 1\n`, "not-a-real-server", 2],
])("%j has the problem %s on line %i", (text, code, line) => {
  expect(read(text).problems.map((problem) => [problem.code, problem.line])).toEqual([[code, line]]);
});

test("every build's own text reads back as it was", () => {
  fc.assert(
    fc.property(clusters(30), views(), (cluster, view) => {
      const text = renderServers(ipvsOf(cluster, view).state.servers);
      const { table, problems } = read(text, view.family);
      expect([renderServers(table), problems]).toEqual([text, []]);
    }),
    { numRuns: 25 },
  );
});

test("no text makes an exception, and problems are safe to print", () => {
  const word = fc.constantFrom(
    "-A",
    "-a",
    "-t",
    "-u",
    "10.0.0.1:80",
    "[fd00::1]:80",
    "-r",
    "-m",
    "-w",
    "-s",
    "-M",
    "-b",
    "\u001b[2J",
    "constructor",
  );
  const line = fc.array(word, { maxLength: 9 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(line).map((lines) => lines.join("\n")),
      ),
      (text) => {
        for (const problem of read(text).problems) expect(problem.text).toMatch(/^[\x20-\x7e]*$/);
      },
    ),
  );
});
