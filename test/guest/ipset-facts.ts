// Declares tests of what ipset does with a batch. In: a guest. Out: tests that fail when another version does something else.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { type Outcome, tryBatches } from "./batches.ts";
import type { Guest } from "./guest.ts";

const a = "create a hash:ip";
const aMade = "create a hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12";
const cidr = "The value of the CIDR parameter of the IP address is invalid";

const batches: readonly [string, readonly string[], Outcome][] = [
  [
    "an entry that is there stops the batch",
    [a, "add a 10.0.0.1", "add a 10.0.0.1", "add a 10.0.0.2"],
    said(3, "Element cannot be added to the set: it's already added", aMade, "add a 10.0.0.1"),
  ],
  [
    "an entry that is not there stops the batch",
    [a, "add a 10.0.0.1", "del a 10.0.0.7", "add a 10.0.0.2"],
    said(3, "Element cannot be deleted from the set: it's not added", aMade, "add a 10.0.0.1"),
  ],
  [
    "a set that is there stops the batch",
    [a, "add a 10.0.0.1", a, "add a 10.0.0.2"],
    said(3, "Set cannot be created: set with the same name already exists", aMade, "add a 10.0.0.1"),
  ],
  [
    "a full set stops the batch",
    [`${a} maxelem 1`, "add a 10.0.0.1", "add a 10.0.0.2", "add a 10.0.0.3"],
    said(3, "Hash is full, cannot add more elements", aMade.replace("65536", "1"), "add a 10.0.0.1"),
  ],
  // These are found before the kernel is asked, and entries that wait to be sent together are lost.
  [
    "an entry that cannot be read loses those before it",
    [a, "add a 10.0.0.1", "add a 10.0.0.999"],
    said(3, "Syntax error: cannot parse 10.0.0.999: resolving to IPv4 address failed", aMade),
  ],
  [
    "a set that is not there loses the entries before it",
    [a, "add a 10.0.0.1", "add nosuch 10.0.0.9"],
    said(3, "The set with the given name does not exist", aMade),
  ],
  ["hash:net takes no /0", ["create a hash:net", "add a 0.0.0.0/0"], said(2, cidr, aMade.replace("ip", "net"))],
  [
    "hash:net takes no ::/0",
    ["create a hash:net family inet6", "add a ::/0"],
    said(2, cidr, aMade.replace("ip family inet", "net family inet6")),
  ],
  [
    "hash:ip,port,net takes no /0",
    ["create a hash:ip,port,net", "add a 10.0.0.1,tcp:80,0.0.0.0/0"],
    said(2, cidr, aMade.replace("ip", "ip,port,net")),
  ],
  [
    "hash:net takes two halves instead",
    ["create a hash:net", "add a 0.0.0.0/1", "add a 128.0.0.0/1"],
    ok(aMade.replace("ip", "net"), "add a 0.0.0.0/1", "add a 128.0.0.0/1"),
  ],
  [
    "sets of different types are not swapped",
    [a, "create b hash:ip,port", "swap a b"],
    said(
      3,
      "The sets cannot be swapped: their type does not match",
      aMade,
      aMade.replace("a hash:ip", "b hash:ip,port"),
    ),
  ],
  [
    "sets of different families are not swapped",
    [a, "create b hash:ip family inet6", "swap a b"],
    said(
      3,
      "The sets cannot be swapped: their type does not match",
      aMade,
      aMade.replace("a hash:ip family inet", "b hash:ip family inet6"),
    ),
  ],
  [
    "entries print in one form; comments and empty lines are passed over",
    [
      "create a hash:ip,port,net",
      "# comment",
      "",
      "add a 10.0.0.1,80,10.0.0.5/32",
      "add a 10.0.0.1,sctp:80,10.1.2.3/8",
    ],
    ok(aMade.replace("ip", "ip,port,net"), "add a 10.0.0.1,sctp:80,10.0.0.0/8", "add a 10.0.0.1,tcp:80,10.0.0.5"),
  ],
];

const trial = { clear: "ipset destroy", show: "ipset save" };

/** Declares them; they use the guest's first namespace. */
export function declareIpsetFacts(guest: () => Guest): void {
  let outcomes: readonly Outcome[] = [];
  let forgiven: readonly Outcome[] = [];
  beforeAll(async () => {
    const inputs = batches.map(([, lines]) => lines);
    outcomes = (await tryBatches(guest(), { ...trial, take: "ipset restore" }, inputs)).map(withoutChance);
    const twice = [a, "add a 10.0.0.1", a, "add a 10.0.0.1", "del a 10.0.0.7", "add a 10.0.0.2"];
    forgiven = (await tryBatches(guest(), { ...trial, take: "ipset restore -exist" }, [twice])).map(withoutChance);
  }, 60_000);

  describe("ipset restore", () => {
    test.each(batches.map(([title, , outcome], index) => ({ title, outcome, index })))(
      "$title",
      ({ outcome, index }) => {
        expect(outcomes[index]).toEqual(outcome);
      },
    );

    test("with -exist passes over entries and sets that are there, and entries that are not", () => {
      expect(forgiven).toEqual([ok(aMade, "add a 10.0.0.1", "add a 10.0.0.2")]);
    });

    test("grows a set in use without a gap: swap is one step, and the rule stays", async () => {
      const command = [
        "ipset create used hash:ip maxelem 1 && iptables-nft -A OUTPUT -m set --match-set used dst -j ACCEPT",
        "ipset destroy used; ipset rename used other; ipset restore; ipset list -t used; iptables-nft -S OUTPUT",
      ].join("; ");
      const input =
        "create next hash:ip maxelem 8\nadd next 10.0.0.1\nadd next 10.0.0.2\nswap next used\ndestroy next\n";
      const { code, stdout, stderr } = await guest().run("unshare", ["-n", "sh", "-c", command], { input });
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: [
          "ipset v7.17: Set cannot be destroyed: it is in use by a kernel component\n",
          "ipset v7.17: Set cannot be renamed: it is in use by another system\n",
        ].join(""),
      });
      expect(stdout).toContain("maxelem 8 ");
      expect(stdout).toContain("References: 1\nNumber of entries: 2\n");
      expect(stdout).toContain("-A OUTPUT -m set --match-set used dst -j ACCEPT\n");
    });
  });
}

function ok(...after: readonly string[]): Outcome {
  return { code: 0, said: "", after };
}

function said(line: number, text: string, ...after: readonly string[]): Outcome {
  return { code: 1, said: `ipset v7.17: Error in line ${line}: ${text}\n`, after };
}

/** The seed of a hash is chance, and so is the order of its entries. */
function withoutChance({ after, ...rest }: Outcome): Outcome {
  const lines = after.map((line) => line.replace(/ initval 0x\w+/, ""));
  const sets = lines.filter((line) => line.startsWith("create"));
  return { ...rest, after: [...sets, ...lines.filter((line) => line.startsWith("add")).sort()] };
}
