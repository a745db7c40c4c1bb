// Declares tests of what ip(8) does with a batch. In: a guest. Out: tests that fail when another version does something else.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { type Outcome, type Trial, tryBatches } from "./batches.ts";
import type { Guest } from "./guest.ts";

const [one, two] = [add("10.0.0.1/32"), add("10.0.0.2/32")];
const exists = "RTNETLINK answers: File exists\n";

const batches: readonly [string, "" | "-force", readonly string[], Outcome][] = [
  [
    "a failed line stops the batch",
    "",
    [one, one, two],
    { code: 1, said: `${exists}Command failed -:2\n`, after: ["10.0.0.1/32"] },
  ],
  [
    "-force passes over a failed line and the exit code tells",
    "-force",
    [one, one, two],
    { code: 1, said: `${exists}Command failed -:2\n`, after: ["10.0.0.1/32", "10.0.0.2/32"] },
  ],
  [
    "taking away an address that is not there fails",
    "-force",
    [`addr del 10.0.0.9/32 dev vips`, two],
    {
      code: 1,
      said: "RTNETLINK answers: Cannot assign requested address\nCommand failed -:1\n",
      after: ["10.0.0.2/32"],
    },
  ],
  [
    "an unknown device fails",
    "-force",
    ["addr add 10.0.0.1/32 dev nosuch", two],
    { code: 1, said: 'Cannot find device "nosuch"\nCommand failed -:1\n', after: ["10.0.0.2/32"] },
  ],
  [
    "an address that cannot be read stops the batch even with -force, and no line is named",
    "-force",
    [one, add("10.0.0.999/32"), two],
    {
      code: 1,
      said: 'Error: any valid prefix is expected rather than "10.0.0.999/32".\n',
      after: ["10.0.0.1/32"],
    },
  ],
  [
    "replace takes both a new address and one that is there; comments and empty lines are passed over",
    "",
    ["# comment", "", one, one.replace("addr add", "addr replace"), two.replace("addr add", "addr replace")],
    { code: 0, said: "", after: ["10.0.0.1/32", "10.0.0.2/32"] },
  ],
];

const trial: Omit<Trial, "take"> = {
  clear: "ip link del vips 2>/dev/null; ip link add vips type dummy",
  show: "ip -br addr show dev vips",
};

/** Declares them; they use a device `vips` in the guest's first namespace. */
export function declareAddressFacts(guest: () => Guest): void {
  const inNamespace = (command: string, input = "") => guest().run("unshare", ["-n", "sh", "-c", command], { input });

  const outcomes = new Map<string, readonly Outcome[]>();
  beforeAll(async () => {
    for (const options of ["", "-force"])
      outcomes.set(options, await tryBatches(guest(), { ...trial, take: `ip ${options} -batch -` }, inputs(options)));
  }, 60_000);

  describe("ip -batch", () => {
    test.each(batches)("%s", (_, options, lines, outcome) => {
      const found = outcomes.get(options)?.[inputs(options).indexOf(lines)];
      const [, , ...addresses] = found?.after[0]?.trim().split(/\s+/) ?? [];
      expect({ ...found, after: addresses }).toEqual(outcome);
    });
  });

  test("ip -j addr prints a dummy device that is down, with an address of each family", async () => {
    const { stdout } = await inNamespace(
      "ip link add vips type dummy && ip -batch - && ip -j addr show dev vips",
      `${one}\n${add("fd00::1/128")}\n`,
    );
    const forever = { valid_life_time: 4294967295, preferred_life_time: 4294967295 };
    expect(JSON.parse(stdout)).toEqual([
      {
        ifindex: 2,
        ifname: "vips",
        flags: ["BROADCAST", "NOARP"],
        mtu: 1500,
        qdisc: "noop",
        operstate: "DOWN",
        group: "default",
        txqlen: 1000,
        link_type: "ether",
        address: expect.stringMatching(/^[0-9a-f:]{17}$/),
        broadcast: "ff:ff:ff:ff:ff:ff",
        addr_info: [
          { family: "inet", local: "10.0.0.1", prefixlen: 32, scope: "global", label: "vips", ...forever },
          { family: "inet6", local: "fd00::1", prefixlen: 128, scope: "global", ...forever },
        ],
      },
    ]);
  });

  test("an address on a device that is down is local all the same", async () => {
    const command =
      "ip link add vips type dummy && ip -batch - && ip route show table local && ip -6 route show table local";
    const { stdout } = await inNamespace(command, `${one}\n${add("fd00::1/128")}\n`);
    expect(stdout).toMatch(/^local 10\.0\.0\.1 dev vips /m);
    expect(stdout).toMatch(/^local fd00::1 dev vips /m);
  });

  test("ip -j addr show of a device that is not there fails", async () => {
    const outcome = { code: 1, stdout: "", stderr: 'Device "nosuch" does not exist.\n' };
    expect(await guest().run("ip", ["-j", "addr", "show", "dev", "nosuch"])).toEqual(outcome);
  });
}

function add(address: string): string {
  return `addr add ${address} dev vips`;
}

function inputs(options: string): (readonly string[])[] {
  return batches.filter((row) => row[1] === options).map(([, , lines]) => lines);
}
