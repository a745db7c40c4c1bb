// Tests of src/main.ts, through the built file.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { findTool, needTool } from "../lab/tool.ts";
import { aWeb, madeUp } from "./commands/a-manifest.ts";
import { built, bundle, cli } from "./commands/cli.ts";
import { aFolder, badInput } from "./golden/a-case.ts";

beforeAll(built, 120_000);

const escape = "\u001b[";
const terminal = await findTool("script");

test("--version is the package's", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
  expect(await cli(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

test.each(["plan", "diff", "apply", "cleanup", "run", "demo", "golden check", "golden update"])(
  "%s --help gives an example",
  async (command) => {
    const { code, stdout, stderr } = await cli([...command.split(" "), "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`\nExample:\n  rulewright ${command}\\b.*\n$`));
  },
);

describe("what makes no sense exits with 2, says so in its first line, and prints no result:", () => {
  test.each([
    "nonsense",
    "plan",
    "plan -f",
    "plan -f - --famly 4",
    "plan -f - --family 5",
    "plan -f - -o xml",
    "plan -f - --variant ipvs",
    "plan -f - --node-address 10.0.0.300",
    "plan -f - --service-cidr 10.0.0.0",
    "plan -f - --pod-cidr 10.0.0.0/33",
    "plan -f - --node-port-range 2-1",
    "plan -f - --log-level loud",
    "plan -f - more",
    "plan -f - -f -",
    "plan -f /missing",
    "plan -f - --config /missing",
    "diff -f - -o sh",
    "diff -f - --against /missing",
    "cleanup -f -",
    "golden check",
    "golden check /missing",
  ])("%s", async (line) => {
    const { code, stdout, stderr } = await cli(line.split(" "));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: \S.*\n/);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe("logs", () => {
  const input = badInput + madeUp;

  test("are on standard error, one line each, and results alone on standard output", async () => {
    const { code, stdout, stderr } = await cli(["plan", "-f", "-"], { input });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^(error|warn|info): \S.*\n((error|warn|info): \S.*\n)*$/);
    expect(stdout).toMatch(/^(#.*\n|\*.*\n|:.*\n|-[AI] .*\n|COMMIT\n)+$/);
    expect(stdout + stderr).not.toContain(escape);
  });

  test("are JSON lines where that is asked for", async () => {
    const { stderr } = await cli(["plan", "-f", "-", "--log-format", "json"], { input });
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ level }) => level)).toContain("error");
    for (const line of lines) expect(Object.keys(line).sort()).toEqual(["level", "message", "timestamp"]);
  });

  test("below the level that is asked for are left out", async () => {
    const { stderr } = await cli(["plan", "-f", "-", "--log-level", "error"], { input });
    expect(stderr).toMatch(/^error: .*\n$/);
    expect((await cli(["plan", "-f", "-"], { input })).stderr).toMatch(/^info: /m);
  });

  test("and an error that stops a command are JSON too", async () => {
    const { stderr } = await cli(["plan", "-f", "/missing", "--log-format", "json"]);
    expect(JSON.parse(stderr)).toMatchObject({ level: "error" });
  });
});

describe("colour", () => {
  const command = (file: string, dump: string) =>
    [process.execPath, bundle, "diff", "-f", file, "--against", dump].map((word) => `'${word}'`).join(" ");
  const prepare = async () => {
    const folder = await aFolder({ "web.yaml": aWeb() + madeUp, "dump.rules": "" });
    return command(join(folder, "web.yaml"), join(folder, "dump.rules"));
  };
  const run = async (file: string, args: readonly string[], env: Record<string, string> = {}) => {
    // In CI Node takes every terminal for one without colours.
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== "CI"));
    const settings = { reject: false, input: "", all: true, extendEnv: false } as const;
    return (await execa(file, args, { ...settings, env: { ...inherited, TERM: "xterm", ...env } })).all;
  };

  test("is not used where there is no terminal", async () => {
    expect(await run(await needTool("sh"), ["-c", await prepare()])).not.toContain(escape);
  });

  (terminal === undefined ? test.skip : test)(
    `is used on a terminal, for results and logs${terminal === undefined ? " (skipped: script is not installed)" : ""}`,
    async () => {
      const all = await run(terminal ?? "", ["-qec", await prepare(), "/dev/null"]);
      expect(all).toMatch(/\u001b\[32m {4}\+ -A KUBE-/);
      expect(all).toMatch(/\u001b\[\d+minfo\u001b/);
      const plain = await run(terminal ?? "", ["-qec", await prepare(), "/dev/null"], { NO_COLOR: "1" });
      expect(plain).not.toContain(escape);
    },
  );
});

test("a reader that has seen enough is no trouble", async () => {
  const many = Array.from({ length: 400 }, (_, at) =>
    aWeb({ name: `web-${at}`, ip: `10.96.${1 + (at >> 8)}.${at & 255}` }),
  );
  const file = join(await aFolder({ "many.yaml": many.join("") }), "many.yaml");
  const line = '{ "$0" "$1" plan -f "$2"; echo "status $?" >&2; } | head -1';
  const { stdout, stderr } = await execa(await needTool("sh"), ["-c", line, process.execPath, bundle, file]);
  expect(stdout.split("\n")).toHaveLength(1);
  expect(stderr).toBe("status 0");
});
