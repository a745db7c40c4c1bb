// Tests of rules/ipset/ with the kernel as oracle: sets are made with ipset in namespaces of their own, saved, and asked by ipset and packets.
import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { hostPort, type Ip } from "../../../rules/net/ip.ts";
import { setHolds, type SetValue } from "../../../rules/ipset/holds.ts";
import { describeType, type IpSet, type SetDimension } from "../../../rules/ipset/set.ts";
import { freePrefix } from "../../lab/network.ts";
import { canMakeNamespaces, hasTool, iptablesWorks } from "../../lab/probe.ts";
import { needTool, runTool } from "../../lab/tool.ts";
import { anIp, parseText, values } from "./an.ts";

// Each test makes namespaces and runs many tools in them, which takes long where other tests do so too.
jest.setTimeout(60_000);

type Sh = (script: string, input?: string) => Promise<string>;

/** Runs `use` with a new namespace, and removes it. `sh` runs a script there. */
async function inNamespace<T>(use: (sh: Sh) => Promise<T>): Promise<T> {
  const ip = await needTool("ip");
  const name = `${freePrefix()}-sets`;
  await runTool(ip, ["netns", "add", name]);
  try {
    return await use(async (script, input = "") => {
      const { stdout } = await runTool(ip, ["netns", "exec", name, "/bin/sh", "-c", script], { input });
      return stdout;
    });
  } finally {
    await runTool(ip, ["netns", "del", name]);
  }
}

/** Why sets cannot be made here; undefined if they can. */
async function whyNoSets(): Promise<string | undefined> {
  for (const ask of [() => hasTool("ipset"), canMakeNamespaces]) {
    const answer = await ask();
    if (!answer.yes) return answer.because;
  }
  return undefined;
}

const noSets = await whyNoSets();

/** Why the kernel takes no set of this kind; undefined if it does. */
async function whyNot(create: string): Promise<string | undefined> {
  if (noSets !== undefined) return noSets;
  const said = await inNamespace((sh) => sh(`ipset create s ${create} 2>&1 || true`));
  return said === "" ? undefined : said.trim();
}

/** A part of an entry, and the value that it is. */
type Case = { readonly text: string; readonly value: SetValue };

const four = ["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.1.0.1", "11.0.0.1"].map(anIp);
const six = ["fd00::1", "fd00::2", "fd00::1:1", "fd00:1::1", "2001:db8::1"].map(anIp);

function cases(dimension: SetDimension, family: 4 | 6): readonly Case[] {
  switch (dimension) {
    case "ip":
    case "net":
      return (family === 4 ? four : six).map((ip) => ({ text: ip, value: { kind: "ip", ip } }));
    case "port":
      return [
        { text: "tcp:80", value: { kind: "port", protocol: "tcp", port: 80 } },
        { text: "udp:80", value: { kind: "port", protocol: "17", port: 80 } },
        { text: "sctp:81", value: { kind: "port", protocol: "sctp", port: 81 } },
        { text: "gre:0", value: { kind: "port", protocol: "gre", port: undefined } },
        family === 4
          ? { text: "icmp:3/4", value: { kind: "port", protocol: "icmp", port: 3 * 256 + 4 } }
          : { text: "icmpv6:135/0", value: { kind: "port", protocol: "icmpv6", port: 135 * 256 } },
      ];
    case "mark":
      return [0, 0x34, 0x1234, 0xffffffff].map((mark) => ({ text: String(mark), value: { kind: "mark", mark } }));
    case "iface":
      return ["eth0", "eth1", "lan"].map((name) => ({ text: name, value: { kind: "iface", name } }));
    default:
      throw new Error(`bug: no cases of ${dimension}`);
  }
}

/** The text of one dimension of an entry to add. */
function added(dimension: SetDimension, family: 4 | 6): fc.Arbitrary<string> {
  const whole = fc.constantFrom(...cases(dimension, family).map(({ text }) => text));
  const lengths = family === 4 ? [1, 8, 15, 16, 23, 24, 31, 32] : [1, 16, 32, 64, 111, 112, 127, 128];
  if (dimension === "net") return fc.tuple(whole, fc.constantFrom(...lengths)).map(([ip, bits]) => `${ip}/${bits}`);
  return dimension === "iface" ? fc.oneof(whole, fc.constantFrom("eth wildcard", "e wildcard")) : whole;
}

const kinds: readonly (readonly [type: string, options: string, family: 4 | 6])[] = [
  ["hash:ip", "", 4],
  ["hash:ip", "family inet6", 6],
  ["hash:ip", "netmask 23", 4],
  ["hash:ip", "family inet6 netmask 31", 6],
  ["hash:ip", "bitmask 255.0.0.255", 4],
  ["hash:ip", "timeout 600 counters comment skbinfo", 4],
  ["hash:net", "", 4],
  ["hash:net", "family inet6", 6],
  ["hash:net,net", "", 4],
  ["hash:net,net", "bitmask 255.0.255.0", 4],
  ["hash:ip,port", "", 4],
  ["hash:ip,port", "family inet6", 6],
  ["hash:ip,port", "netmask 24", 4],
  ["hash:ip,port,ip", "", 4],
  ["hash:ip,port,net", "", 4],
  ["hash:ip,port,net", "family inet6", 6],
  ["hash:net,port", "", 4],
  ["hash:net,port,net", "", 4],
  ["hash:net,iface", "", 4],
  ["hash:net,iface", "family inet6", 6],
  ["hash:ip,mark", "markmask 0xff", 4],
  ["bitmap:ip", "range 10.0.0.0-10.1.255.255 netmask 24", 4],
];

/** Kinds that this kernel does not know. */
const unknown: { readonly create: string; readonly because: string }[] = [];

for (const [type, options, family] of kinds) {
  const create = `${type} ${options}`.trimEnd();
  const because = await whyNot(create);
  const title = `a ${create} holds what ipset says it holds`;
  if (because === undefined)
    test(title, async () => {
      await agrees(create, describeType(type).dimensions, family);
    });
  else if (noSets !== undefined) test.skip(`${title} (skipped: ${because})`, noTest);
  else unknown.push({ create, because });
}

test("only kinds that kernels are built without are not tried", () => {
  const rare = ["hash:net,net", "hash:net,net bitmask 255.0.255.0", "hash:net,port,net", "hash:ip,mark markmask 0xff"];
  for (const { create, because } of unknown) {
    expect(rare).toContain(create);
    expect(because).toContain("set type not supported");
  }
});

async function agrees(create: string, dimensions: readonly SetDimension[], family: 4 | 6): Promise<void> {
  const flags = dimensions.includes("net") ? fc.constantFrom("", " nomatch") : fc.constant("");
  const entry = fc
    .tuple(fc.tuple(...dimensions.map((each) => added(each, family))), flags)
    .map(([parts, flag]) => parts.join() + flag);
  const questions = fc.array(fc.tuple(...dimensions.map((each) => fc.constantFrom(...cases(each, family)))), {
    minLength: 40,
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 4, maxLength: 14 }), questions, async (entries, asked) => {
      const lines = await inNamespace(async (sh) => {
        // One at a time: the kernel may refuse an entry (no /0, out of the range), and then the others are added all the same.
        await sh(
          `ipset create s ${create}; while read -r entry; do ipset -q -exist add s $entry || true; done`,
          `${entries.join("\n")}\n`,
        );
        const saved = await sh("ipset save");
        const elements = asked.map((each) => each.map(({ text }) => text).join());
        const said = await sh(
          "while read -r element; do ipset test s $element 2>&1 || true; done",
          `${elements.join("\n")}\n`,
        );
        return { saved, said: said.trimEnd().split("\n") };
      });
      const { sets, problems } = parseText(lines.saved);
      expect(problems).toEqual([]);
      const set = sets.get("s");
      const ours = asked.map(
        (each) =>
          set &&
          setHolds(
            set,
            each.map(({ value }) => value),
            sets,
          ),
      );
      expect(
        ours.map((answer, at) => `${answer ? "in" : "out"}: ${asked[at]?.map(({ text }) => text).join() ?? ""}`),
      ).toEqual(
        lines.said.map((line, at) => `${kernelAnswer(line)}: ${asked[at]?.map(({ text }) => text).join() ?? ""}`),
      );
      expect(ours).not.toContain(undefined);
    }),
    { numRuns: 4 },
  );
}

function kernelAnswer(line: string): "in" | "out" {
  if (/ is in set s\.$/.test(line)) return "in";
  if (/ is NOT in set s\.$/.test(line) || line.endsWith("Element is out of the range of the set")) return "out";
  throw new Error(`asked ipset whether an element is in a set, it said ${JSON.stringify(line)}`);
}

const title = "what ipset save prints of every type is read without a problem";
if (noSets === undefined)
  test(title, async () => {
    const { saved, made } = await inNamespace(async (sh) => {
      const taken = await sh(
        'while read -r line; do eval "ipset $line" 2>/dev/null && echo "$line"; done; true',
        everything.join("\n"),
      );
      return { made: taken.trimEnd().split("\n"), saved: await sh("ipset save") };
    });
    const { sets, problems } = parseText(saved);
    expect(problems).toEqual([]);
    expect([...sets.keys()].sort()).toEqual(
      made.flatMap((line) => (line.startsWith("create") ? [line.split(" ")[1] ?? ""] : [])).sort(),
    );
    expect([...sets.values()].filter(({ entries }) => entries.kind === "unknown")).toEqual([]);
    expect(made.length).toBeGreaterThan(everything.length / 2);
  });
else test.skip(`${title} (skipped: ${noSets})`, noTest);

/** As given to a shell: a comment of blanks and backslashes, every ICMP name, every protocol, marks, MAC addresses. */
const everything: readonly string[] = [
  "create ips hash:ip timeout 0 counters comment skbinfo forceadd",
  "add ips 10.0.0.1 skbmark 0x11/0xff skbprio 1:10 skbqueue 3 packets 7 bytes 8 timeout 90",
  `add ips 10.0.0.2 comment 'a  b \\ nomatch #c'`,
  "add ips 10.0.0.3 skbprio ffff:ffff skbmark 0x1",
  "create masked hash:ip netmask 24",
  "create bits hash:ip,port bitmask 255.0.255.0",
  "create ports hash:ip,port",
  ...Array.from({ length: 255 }, (_, at) => `add ports 10.0.0.1,${at + 1}:0`),
  ...Array.from({ length: 20 * 17 }, (_, at) => `add ports 10.0.0.2,icmp:${Math.floor(at / 17)}/${at % 17}`),
  "create ports6 hash:ip,port family inet6",
  ...[1, 2, 3, 4, 128, 129, 133, 134, 135, 136, 137].flatMap((type) =>
    [0, 1, 2, 3, 4, 5].map((code) => `add ports6 fd00::1,icmpv6:${type}/${code}`),
  ),
  "create nets hash:net,iface",
  "add nets 10.0.0.0/8,physdev:eth0",
  "add nets 0.0.0.0/0,eth wildcard nomatch",
  "create marks hash:ip,mark markmask 0xff",
  "add marks 10.0.0.1,0x1234",
  "create macs hash:mac",
  "add macs 00:11:22:aa:bb:cc",
  "create ipmacs bitmap:ip,mac range 10.0.0.0/24",
  "add ipmacs 10.0.0.1,00:11:22:aa:bb:cc",
  "add ipmacs 10.0.0.2",
  "create numbers bitmap:port range 1-1000",
  "add numbers 80-90",
  "create some bitmap:ip range 10.0.0.0/24",
  "add some 10.0.0.16/29",
  "create lists list:set timeout 0",
  "add lists ips",
  "add lists ports before ips timeout 4",
];

const packetAnswer = noSets === undefined ? await iptablesWorks("nft") : ({ yes: false, because: noSets } as const);

/** Sets that rules of a namespace ask, and packets from its lo to its lo. */
const packetSets = [
  "create ips hash:ip\nadd ips 127.0.0.2",
  "create ports hash:ip,port\nadd ports 127.0.0.2,udp:53\nadd ports 127.0.0.3,udp:2000",
  "create loop hash:ip,port,ip\nadd loop 127.0.0.2,udp:53,127.0.0.2\nadd loop 127.0.0.2,udp:53,127.0.0.3",
  "create numbers bitmap:port range 1-100\nadd numbers 53",
  "create bits hash:ip netmask 31\nadd bits 127.0.0.2",
  "create nets hash:net\nadd nets 127.0.0.0/8\nadd nets 127.0.0.3 nomatch",
  "create through hash:net,iface\nadd through 127.0.0.0/8,lo\nadd through 127.0.0.3,eth0",
  "create empty hash:ip,port",
  "create six hash:ip family inet6\nadd six fd00::1",
  "create list list:set\nadd list ports\nadd list nets\nadd list empty\nadd list six",
].join("\n");

type Sent = {
  readonly source: Ip;
  readonly sourcePort: number;
  readonly destination: Ip;
  readonly destinationPort: number;
};

describe(`packets${packetAnswer.yes ? "" : ` (skipped: ${packetAnswer.because})`}`, () => {
  (packetAnswer.yes ? test : test.skip)("match the sets that setHolds says they match", async () => {
    const ips = ["127.0.0.2", "127.0.0.3"].map(anIp);
    const packets = ips.flatMap((source) =>
      ips.flatMap((destination) =>
        [53, 54].map((destinationPort): Sent => ({ source, sourcePort: 2000, destination, destinationPort })),
      ),
    );
    const flags = ["dst", "src", "dst,dst", "src,src", "dst,src", "dst,dst,src"];
    const { sets, problems } = parseText(packetSets);
    expect(problems).toEqual([]);
    // A rule of iptables names no set of IPv6 itself, only a list may.
    const named4 = [...sets.values()].filter(({ family }) => family !== 6);
    const rows = packets.flatMap((packet) => named4.flatMap((set) => flags.map((sides) => ({ packet, set, sides }))));
    const rules = rows.map(
      ({ packet: p, set, sides }) =>
        `-A OUTPUT -p udp -s ${p.source} -d ${p.destination} --sport ${p.sourcePort} --dport ${p.destinationPort} -m set --match-set ${set.name} ${sides}`,
    );
    const counted = await inNamespace(async (sh) => {
      await sh("ip link set lo up; ipset restore", `${packetSets}\n`);
      await sh("iptables-nft-restore", ["*filter", ...rules, "COMMIT", ""].join("\n"));
      await sh(`exec '${process.execPath}' -e '${sender}'`, JSON.stringify(packets));
      return sh("iptables-nft-save -t filter -c");
    });
    const counters = counted.split("\n").flatMap((line) => /^\[(\d+):\d+\] -A OUTPUT /.exec(line)?.[1] ?? []);
    const named = ({ packet, set, sides }: (typeof rows)[number]) =>
      `${hostPort(packet.source, packet.sourcePort)} to ${hostPort(packet.destination, packet.destinationPort)} in ${set.name} ${sides}`;
    const ours = rows.map(
      (row) => `${named(row)}: ${setHolds(row.set, (set) => packetValues(set, row), sets) ? 1 : 0}`,
    );
    expect(ours).toEqual(rows.map((row, at) => `${named(row)}: ${counters[at] ?? "not there"}`));
  });
});

/** The values for a rule's flags, as many as it has and the set takes. OUTPUT has no interface that a packet came in by. */
function packetValues({ dimensions }: IpSet, { packet, sides }: { packet: Sent; sides: string }): SetValue[] {
  return sides
    .split(",")
    .slice(0, dimensions.length)
    .flatMap((side, at) => {
      const dimension = dimensions[at];
      if (dimension === "port") return values(`udp:${side === "src" ? packet.sourcePort : packet.destinationPort}`);
      if (dimension === "iface") return values(side === "src" ? "@" : "@lo");
      return values(side === "src" ? packet.source : packet.destination);
    });
}

/** Sends one datagram for each packet on standard input. Plain, since it stands in a shell's single quotes. */
const sender = `
const packets = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
(async () => {
  for (const { source, sourcePort, destination, destinationPort } of packets) {
    const socket = require("node:dgram").createSocket("udp4");
    await new Promise((done) => socket.bind(sourcePort, source, done));
    await new Promise((done) => socket.send("x", destinationPort, destination, done));
    socket.close();
  }
})();`;

function noTest(): never {
  throw new Error("bug: a skipped test does not run");
}
