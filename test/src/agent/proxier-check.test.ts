// Tests of what src/agent/proxier.ts reads back: whether all is as written, and where jumps stand. On a kernel in memory.
import { describe, expect, test } from "@jest/globals";
import { createProxier } from "../../../src/agent/proxier.ts";
import type { Kernel } from "../../../src/kernel/kernel.ts";
import { aView } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { aKernel, rulesIn, rulesOf } from "./a-kernel.ts";

const view = aView();

/** Services a, b, ... with an endpoint each. */
const cluster = (...names: string[]) =>
  aCluster(
    ...names.flatMap((name) => [
      aService({ name, clusterIps: [`10.96.0.${name.charCodeAt(0)}`] }),
      aSlice({ service: name, endpoints: [`10.1.0.${name.charCodeAt(0)}`] }),
    ]),
  );

/** Others' rules that were there before ours; they end up below. */
const foreign =
  "*filter\n:cali-FORWARD - [0:0]\n-A FORWARD -j cali-FORWARD\n-A FORWARD -s 192.0.2.0/24 -j DROP\nCOMMIT\n";

/** A proxier that has written `a` and `b`, on a kernel in which `during` is done while its rules are read by a check. */
async function running(fields: { readonly during?: () => Promise<unknown>; readonly writes?: boolean } = {}) {
  const kernel = aKernel({}, { rules: { 4: foreign } });
  const slow: Kernel = {
    ...kernel,
    scanRules: async (family, take) => {
      await kernel.scanRules(family, take);
      await fields.during?.();
    },
  };
  const proxier = createProxier(slow, { writes: fields.writes ?? true });
  await proxier.sync({ cluster: cluster("a", "b"), view });
  kernel.take();
  const edit = async (table: string, ...lines: string[]) => {
    expect(await kernel.restore(4, [`*${table}`, ...lines, "COMMIT", ""].join("\n"))).toEqual({ ok: true });
    kernel.take();
  };
  const chainOf = async (service: string) =>
    new RegExp(`^-A (KUBE-SVC-\\S+) .*"default/${service}[ "]`, "m").exec(await kernel.readRules(4))?.[1] ?? "";
  const inChain = async (table: string, chain: string) => {
    const section = (await kernel.readRules(4)).split(`*${table}\n`)[1]?.split("COMMIT")[0] ?? "";
    return [...section.matchAll(new RegExp(`^-A ${chain} (.*)$`, "gm"))].map(([, rule = ""]) => rule);
  };
  return { kernel, proxier, edit, chainOf, inChain };
}

const [partly, fully] = [false, true];

describe("a check", () => {
  test("after a pass finds all as written, by one scan and nothing else, again and again", async () => {
    const { kernel, proxier } = await running();
    for (const how of [partly, fully, partly]) {
      expect(await proxier.check(how)).toBe("as-written");
      expect(kernel.take()).toEqual(["scan"]);
    }
  });

  test("keeps up with passes", async () => {
    const { proxier } = await running();
    await proxier.check(partly);
    for (const names of [["a"], ["a", "c"], ["b", "c", "d"], []]) {
      await proxier.sync({ cluster: cluster(...names), view });
      expect(await proxier.check(partly)).toBe("as-written");
    }
  });

  test.each([true, false])("finds what somebody changed; checked before: %s", async (isKnown) => {
    const { proxier, edit, chainOf } = await running();
    if (isKnown) await proxier.check(partly);
    await edit("nat", `-D ${await chainOf("b")} 1`);
    expect(await proxier.check(partly)).toBe("differs");
    expect(await proxier.check(partly)).toBe("differs");
    await proxier.repair();
    expect(await proxier.check(partly)).toBe("as-written");
  });

  test("leaves alone what others do with what is theirs", async () => {
    const { proxier, edit } = await running();
    await proxier.check(partly);
    await edit("nat", ":others - [0:0]", "-A PREROUTING -j others", "-A others -j RETURN");
    expect(await proxier.check(partly)).toBe("as-written");
  });

  test("finds a difference without reading while nobody knows what is there", async () => {
    const { kernel, proxier } = await running();
    Object.assign(kernel.refusal, { lines: /^\*nat/, naming: "nothing" });
    await proxier.sync({ cluster: cluster("a"), view });
    kernel.take();
    expect(await proxier.check(partly)).toBe("differs");
    expect(kernel.take()).toEqual([]);
    kernel.refusal.lines = undefined;
    expect(await proxier.repair()).toMatchObject({ failure: undefined });
    expect(await proxier.check(partly)).toBe("as-written");
  });

  test("that cannot read is told in the tool's words", async () => {
    const { proxier } = await running({ during: () => Promise.reject(new Error("iptables-save was killed")) });
    await expect(proxier.check(partly)).rejects.toThrow("was killed");
  });

  test("has nothing to find in a dry run", async () => {
    const { kernel, proxier } = await running({ writes: false });
    expect(await proxier.check(fully)).toBe("as-written");
    expect(kernel.take()).toEqual([]);
  });
});

describe("a chain that cannot be deleted, since rules of others lead to it", () => {
  /** Somebody's rule leads to the chain of `b`, which then goes. */
  async function left() {
    const made = await running();
    const chain = await made.chainOf("b");
    await made.edit("nat", ":others - [0:0]", `-A others -j ${chain}`);
    const { left: why } = await made.proxier.sync({ cluster: cluster("a"), view });
    expect(why).toBeDefined();
    return { ...made, chain };
  }

  test("is no difference, but to a full check", async () => {
    const { proxier } = await left();
    expect(await proxier.check(partly)).toBe("as-written");
    expect(await proxier.check(fully)).toBe("differs");
  });

  test("is no news to a repair, and stays no difference after it", async () => {
    const { kernel, proxier } = await left();
    expect(await proxier.repair()).toEqual({ changes: [], failure: undefined });
    expect(await proxier.check(partly)).toBe("as-written");
    expect(await kernel.readRules(4)).toContain("-A others -j KUBE-SVC-");
  });

  test("goes with the next repair when nothing leads to it any more", async () => {
    const { kernel, proxier, edit, chain } = await left();
    await edit("nat", "-F others");
    expect((await proxier.repair()).changes.map(({ kind }) => kind)).toEqual(["delete-chain"]);
    expect(await kernel.readRules(4)).not.toContain(chain);
    expect(await proxier.check(fully)).toBe("as-written");
  });

  test("hides no other", async () => {
    const { proxier, edit } = await left();
    await edit("nat", ":KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]");
    expect(await proxier.check(partly)).toBe("differs");
  });
});

describe("a jump that rules of others have come before", () => {
  const natJump = '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES';
  const first = "-I PREROUTING 1 -p tcp -j ACCEPT";
  const again = ["-D PREROUTING -p tcp -j ACCEPT", first];

  test("is put first again once; whoever comes before it again is let be", async () => {
    const { kernel, proxier, edit, inChain } = await running();
    expect(await proxier.check(partly)).toBe("as-written");
    await edit("nat", first);
    expect(await proxier.check(partly)).toBe("differs");
    const { changes, failure } = await proxier.repair();
    expect([changes.map(({ kind }) => kind), failure]).toEqual([["move-jump"], undefined]);
    expect(await inChain("nat", "PREROUTING")).toEqual([natJump, "-p tcp -j ACCEPT"]);
    expect(await proxier.check(partly)).toBe("as-written");
    await edit("nat", ...again);
    expect(await proxier.check(partly)).toBe("as-written");
    expect((await proxier.repair()).changes).toEqual([]);
    expect(await inChain("nat", "PREROUTING")).toEqual(["-p tcp -j ACCEPT", natJump]);
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "b")));
  });

  test("by another rule than the one that was let be is put first again", async () => {
    const { proxier, edit, inChain } = await running();
    await proxier.check(partly);
    await edit("nat", first);
    await proxier.repair();
    await proxier.check(partly);
    await edit("nat", ...again);
    await proxier.check(partly);
    await edit("nat", "-I PREROUTING 1 -p udp -j ACCEPT");
    expect(await proxier.check(partly)).toBe("differs");
    expect((await proxier.repair()).changes.map(({ kind }) => kind)).toEqual(["move-jump"]);
    expect(await inChain("nat", "PREROUTING")).toEqual([natJump, "-p udp -j ACCEPT", "-p tcp -j ACCEPT"]);
  });

  test("before the first check stays where it is", async () => {
    const { proxier, edit } = await running();
    await edit("nat", first);
    expect(await proxier.check(partly)).toBe("as-written");
    expect((await proxier.repair()).changes).toEqual([]);
  });

  test("is moved in the same commit that repairs its table", async () => {
    const { kernel, proxier, edit, inChain } = await running();
    await proxier.check(partly);
    await edit("nat", first, "-F KUBE-MARK-MASQ");
    expect((await proxier.repair()).changes.map(({ kind }) => kind)).toEqual(["rewrite-chain", "move-jump"]);
    expect(kernel.take()).toEqual(["read", "write"]);
    expect((await inChain("nat", "PREROUTING"))[0]).toBe(natJump);
    expect(await proxier.check(partly)).toBe("as-written");
  });

  test("stays in the filter table behind what may be meant to come first, with what is refused", async () => {
    const { proxier, edit } = await running();
    await proxier.check(partly);
    await edit(
      "filter",
      "-I FORWARD 1 -s 198.51.100.0/24 -j DROP",
      "-D FORWARD -j cali-FORWARD",
      "-I FORWARD 1 -j cali-FORWARD",
    );
    expect(await proxier.check(partly)).toBe("as-written");
    expect((await proxier.repair()).changes).toEqual([]);
  });

  test("goes back before a rule of the filter table that it was moved behind, in the order that jumps had", async () => {
    const { kernel, proxier, edit, inChain } = await running();
    await proxier.check(partly);
    const before = await inChain("filter", "FORWARD");
    await edit("filter", "-D FORWARD -s 192.0.2.0/24 -j DROP", "-I FORWARD 1 -s 192.0.2.0/24 -j DROP");
    expect(await proxier.check(partly)).toBe("differs");
    const { changes } = await proxier.repair();
    expect(new Set(changes.map(({ kind }) => kind))).toEqual(new Set(["move-jump"]));
    const ours = (rules: readonly string[]) => rules.filter((rule) => rule.includes("-j KUBE-"));
    const after = await inChain("filter", "FORWARD");
    expect(after.slice(0, 4)).toEqual(ours(before));
    expect(after.toSorted()).toEqual(before.toSorted());
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "b")));
  });

  test("is tried again where the kernel refused to move it", async () => {
    const { kernel, proxier, edit } = await running();
    await proxier.check(partly);
    await edit("nat", first);
    Object.assign(kernel.refusal, { lines: /^-D PREROUTING/, naming: "nothing" });
    expect((await proxier.repair()).failure).toBeDefined();
    kernel.refusal.lines = undefined;
    expect((await proxier.repair()).changes.map(({ kind }) => kind)).toEqual(["move-jump"]);
    expect(await proxier.check(partly)).toBe("as-written");
  });
});
