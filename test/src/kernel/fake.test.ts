// Tests of src/kernel/fake.ts: it refuses what the kernel refuses.
import { describe, expect, test } from "@jest/globals";
import { createFakeKernel } from "../../../src/kernel/fake.ts";

const section = (table: string, ...lines: readonly string[]) => [`*${table}`, ...lines, "COMMIT", ""].join("\n");
const start = section("nat", ":A - [0:0]", ":B - [0:0]", "-A A -j B", "-A B -j RETURN", "-A PREROUTING -j A");

async function after(...scripts: readonly string[]) {
  const kernel = createFakeKernel({ rules: { 4: start } });
  const results = [];
  for (const script of scripts) results.push(await kernel.restore(4, script));
  return { results, text: await kernel.readRules(4) };
}

const before = await createFakeKernel({ rules: { 4: start } }).readRules(4);

describe("refuses", () => {
  test.each([
    ["a jump to a missing chain", 3, [":A - [0:0]", "-A A -j MISSING"]],
    ["a jump to a chain declared later", 2, ["-A A -j LATER", ":LATER - [0:0]"]],
    ["a rule for a missing chain", 2, ["-A MISSING -j RETURN"]],
    ["the deletion of a missing chain", 2, ["-X MISSING"]],
    ["the deletion of a chain in use", 3, [":B - [0:0]", "-X B"]],
    ["the deletion of a chain that is not empty", 3, ["-D PREROUTING -j A", "-X A"]],
    ["the deletion of a built-in chain", 2, ["-X OUTPUT"]],
    ["the deletion of a rule that is not there", 2, ["-D A -j RETURN"]],
    ["a name that is too long", 2, [`:${"X".repeat(29)} - [0:0]`]],
    ["a target's name for a chain", 2, [":DROP - [0:0]"]],
    ["a line that makes no sense", 2, ["hello"]],
    ["a quote without its end", 2, ['-A A -m comment --comment "x']],
    ["a word that is no option", 2, ["-A A foo"]],
    ["a target of another table", 2, ["-A A -j DROP"]],
    ["an insertion beyond the end", 2, ["-I A 9 -j RETURN"]],
    ["a policy for a chain of one's own", 2, [":A ACCEPT [0:0]"]],
    ["a loop", 3, ["-A B -j A"]],
  ])("%s, naming line %i, and then the section changes nothing", async (_, line, lines) => {
    const { results, text } = await after(section("nat", ...lines));
    expect(results).toMatchObject([{ ok: false, line }]);
    expect(text).toBe(before);
  });

  test("an unknown table, a section without end, and a line outside", async () => {
    const { results, text } = await after("*gnat\nCOMMIT\n", "*nat\n:C - [0:0]\n", ":C - [0:0]\n");
    expect(results.map(({ ok }) => ok)).toEqual([false, false, false]);
    expect(text).toBe(before);
  });
});

describe("takes", () => {
  test("sections one after the other: those before a refused one stay", async () => {
    const { results, text } = await after(
      section("nat", ":C - [0:0]") + section("filter", "-X MISSING") + section("nat", ":D - [0:0]"),
    );
    expect(results).toMatchObject([{ ok: false, line: 5 }]);
    expect(text).toContain(":C - [0:0]");
    expect(text).not.toContain(":D - [0:0]");
  });

  test("a chain line that empties its chain, and leaves the rest as it was", async () => {
    const { text } = await after(section("nat", ":A - [0:0]", "-A A -j ACCEPT"));
    expect(text).toBe(before.replace("-A A -j B", "-A A -j ACCEPT"));
  });

  test("a built-in chain's line without emptying it", async () => {
    expect((await after(section("nat", ":PREROUTING ACCEPT [0:0]"))).text).toBe(before);
  });

  test("insertions at the front, deletions of the first equal rule, and deletions of chains no longer used", async () => {
    const { results, text } = await after(
      section("nat", "-I PREROUTING 1 -j B", "-D PREROUTING -j A", ":A - [0:0]", "-X A"),
    );
    expect(results).toEqual([{ ok: true }]);
    expect(text).toContain("-A PREROUTING -j B\n");
    expect(text).not.toContain(":A ");
  });

  test("a quoted word that looks like a jump for what it is", async () => {
    const { results } = await after(section("nat", '-A B -m comment --comment "-j" -j ACCEPT'));
    expect(results).toEqual([{ ok: true }]);
  });
});

test("prints built-in chains first, then others by name", () => {
  expect(before.match(/^:\S+/gm)).toEqual([":PREROUTING", ":INPUT", ":OUTPUT", ":POSTROUTING", ":A", ":B"]);
});

test("families do not meet", async () => {
  const kernel = createFakeKernel({ rules: { 4: start } });
  expect(await kernel.readRules(6)).toBe("");
});

test("a check changes nothing, and does not see what only the kernel refuses", async () => {
  const kernel = createFakeKernel({ rules: { 4: start } });
  expect(await kernel.check(4, section("nat", ":B - [0:0]", "-X B"))).toEqual({ ok: true });
  expect(await kernel.check(4, section("nat", "-A A -j MISSING"))).toMatchObject({ ok: false, line: 2 });
  expect(await kernel.readRules(4)).toBe(before);
  expect(kernel.restored).toEqual([]);
});

test("remembers scripts that it took, and refuses what a test wants refused", async () => {
  const kernel = createFakeKernel({ refuse: (_, script) => (script.includes("BAD") ? "line 2 failed" : undefined) });
  expect(await kernel.restore(6, section("nat", ":BAD - [0:0]"))).toMatchObject({
    ok: false,
    message: "line 2 failed",
  });
  expect(await kernel.restore(6, section("nat", ":GOOD - [0:0]"))).toEqual({ ok: true });
  expect(kernel.restored).toEqual([{ family: 6, script: section("nat", ":GOOD - [0:0]") }]);
});

test("keeps sysctls", async () => {
  const kernel = createFakeKernel({ sysctls: { "net/a": "0" } });
  await kernel.writeSysctl("net/b", "1");
  expect([
    await kernel.readSysctl("net/a"),
    await kernel.readSysctl("net/b"),
    await kernel.readSysctl("net/c"),
  ]).toEqual(["0", "1", undefined]);
});
