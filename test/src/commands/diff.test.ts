// Tests of src/commands/diff.ts, through the built file.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { aFolder, badInput, config } from "../golden/a-case.ts";
import { aWeb, aWeb6, madeUp } from "./a-manifest.ts";
import { built, cli } from "./cli.ts";
import { describeNodes } from "./node.ts";

beforeAll(built, 120_000);

const before = aWeb({ endpoints: ["10.244.0.5"] });
const after = aWeb({ endpoints: ["10.244.0.6"] });

const planOf = async (input: string, ...args: string[]) => (await cli(["plan", "-f", "-", ...args], { input })).stdout;

/** What there is, and then `rulewright diff` of `input` against it. */
async function diff(dump: string, input: string, ...args: string[]) {
  const file = join(await aFolder({ "node.rules": dump }), "node.rules");
  return cli(["diff", "-f", "-", "--against", file, ...args], { input });
}

test.each(["4", "6", "both"])(
  "against a plan of the same manifests there is no difference, --family %s",
  async (family) => {
    const input = aWeb() + aWeb6() + madeUp;
    const { code, stdout } = await diff(await planOf(input, "--family", family), input, "--family", family);
    expect(code).toBe(0);
    for (const line of stdout.trimEnd().split("\n")) expect(line).toMatch(/^(IPv[46]: no change|# placeholder: .*)$/);
  },
);

test.each(["4", "6", "both"])("the same in IPVS mode, --family %s; another endpoint drains", async (family) => {
  const input = aWeb() + aWeb6() + madeUp;
  const args = ["--backend", "ipvs", "--family", family];
  const dump = await planOf(input, ...args);
  const { code, stdout } = await diff(dump, input, ...args);
  expect(code).toBe(0);
  for (const line of stdout.trimEnd().split("\n")) expect(line).toMatch(/^(IPv[46]: no change|# placeholder: .*)$/);
  const other = await diff(dump, input.replace("10.244.0.5", "10.244.0.6").replace("fd00::5", "fd00::6"), ...args);
  expect([other.code, other.stdout]).toEqual([1, expect.stringMatching(/^ {2}~ ipvsadm -e .* -w 0 \(drains\)$/m)]);
});

test("changes are grouped by Service, with the cause, and the exit status is 1", async () => {
  const { code, stdout, stderr } = await diff(await planOf(before), after);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^info: .*IPv6.*\n$/)]);
  expect(stdout).toMatch(
    /^IPv4: 2 rewritten\ndefault\/web: endpoint 10\.244\.0\.6:8080 is new; endpoint 10\.244\.0\.5:8080 is gone\n {2}~ nat KUBE-SVC-/,
  );
});

describe("a dump", () => {
  test("of IPv4 alone leaves IPv6 out, and that is said", async () => {
    const { stdout, stderr } = await diff(await planOf(before), before);
    expect(stdout).toBe("IPv4: no change\n");
    expect(stderr).toMatch(/^info: .*IPv6/);
  });

  test("of both, one after the other, is compared with both", async () => {
    const dump = await planOf(before + aWeb6(), "--family", "both");
    const { code, stdout } = await diff(dump, after + aWeb6(), "--log-level", "error");
    expect([code, stdout.match(/^IPv.*/gm)]).toEqual([1, ["IPv4: 2 rewritten", "IPv6: no change"]]);
  });

  test("of a node without rules, which is empty, is one that all is missing from", async () => {
    const { code, stdout } = await diff("", before);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^IPv4: \d+ chains created, \d+ jumps inserted\n/)]);
  });

  test("of the other family is trouble: nothing was compared", async () => {
    const { code, stdout } = await diff(await planOf(before), before, "--family", "6");
    expect([code, stdout]).toEqual([2, ""]);
  });
});

describe("trouble is told from a difference:", () => {
  test("bad input", async () => {
    const { code, stdout } = await diff(await planOf(badInput), badInput);
    expect([code, stdout]).toEqual([2, "IPv4: no change\n"]);
  });

  test("a dump that is missing", async () => {
    const { code, stderr } = await cli(["diff", "-f", "-", "--against", "/missing/node.rules"], { input: before });
    expect([code, stderr]).toEqual([2, expect.stringContaining("/missing/node.rules")]);
  });

  test("a configuration with errors", async () => {
    const file = join(await aFolder({ "c.yaml": `${config}iptables: { masqueradeBit: 40 }\n` }), "c.yaml");
    expect((await diff("", before, "--config", file)).code).toBe(2);
  });
});

test("-o json has each change with its cause", async () => {
  const { code, stdout } = await diff(await planOf(before), after, "-o", "json");
  expect(code).toBe(1);
  const { families, placeholders } = JSON.parse(stdout) as {
    readonly families: readonly { readonly family: number; readonly changes: readonly object[] }[];
    readonly placeholders: readonly object[];
  };
  expect(placeholders).toEqual([]);
  expect(families.map(({ family }) => family)).toEqual([4]);
  expect(families[0]?.changes).toContainEqual(
    expect.objectContaining({
      kind: "rewrite-chain",
      table: "nat",
      cause: {
        services: ["default/web"],
        texts: ["endpoint 10.244.0.6:8080 is new", "endpoint 10.244.0.5:8080 is gone"],
      },
    }),
  );
});

describe("what was made up is named as such in", () => {
  test.each(["text", "json", "script"])("%s", async (output) => {
    const { stdout } = await diff("", madeUp, "-o", output);
    if (output === "json")
      expect((JSON.parse(stdout) as { readonly placeholders: object[] }).placeholders).toHaveLength(4);
    else expect(stdout.match(/^# placeholder: /gm)).toHaveLength(4);
  });
});

await describeNodes("on a node", (node) => {
  test.each([
    ["an endpoint that is another", before, after],
    ["everything new", "", before],
    ["everything gone", before + aWeb({ name: "b", ip: "10.96.0.11" }), ""],
    ["another Service", before, before + aWeb({ name: "b", ip: "10.96.0.11", nodePort: 30080 })],
  ])("the script makes a second difference empty: %s", async (_, from, to) => {
    const folder = await aFolder({ "to.yaml": to });
    const file = join(folder, "node.rules");
    const { variant, run } = node();
    const save = async () => writeFile(file, (await run(`iptables-${variant}-save`, [])).stdout);
    const compare = (...args: string[]) =>
      cli([
        "diff",
        "-f",
        join(folder, "to.yaml"),
        "--against",
        file,
        "--variant",
        variant,
        "--log-level",
        "warn",
        ...args,
      ]);
    if (from !== "") await node().restore(4, await planOf(from, "--variant", variant, "--family", "4"));
    await save();
    const { code, stdout } = await compare("-o", "script");
    expect([code, stdout.split("\n")[0]]).toEqual([1, "# for iptables-restore --noflush"]);
    await node().restore(4, stdout);
    await save();
    expect(await compare()).toEqual({ code: 0, stdout: "IPv4: no change\n", stderr: "" });
  });

  test("against the kernel it is as against a dump of it, both families", async () => {
    const { variant, run } = node();
    const folder = await aFolder({ "web.yaml": after + aWeb6() });
    await node().restore(4, await planOf(before, "--variant", variant));
    const dumps = [await run(`iptables-${variant}-save`, []), await run(`ip6tables-${variant}-save`, [])];
    await writeFile(
      join(folder, "node.rules"),
      dumps.map(({ stdout }) => stdout).join("") + "# Generated by ip6tables-save\n",
    );
    const args = [
      "diff",
      "-f",
      join(folder, "web.yaml"),
      "--variant",
      variant,
      "--node-name",
      "a",
      "--node-address",
      "192.168.0.1",
      "--against",
    ];
    const live = await node().cli(...args, "live");
    expect(live.code).toBe(1);
    expect(live).toEqual(await node().cli(...args, join(folder, "node.rules")));
  });
});
