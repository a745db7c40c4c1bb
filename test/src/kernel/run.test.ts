// Tests of src/kernel/run.ts.
import { afterEach, describe, expect, test } from "@jest/globals";
import { CommandError, run } from "../../../src/kernel/run.ts";

const node = process.execPath;
const script = (text: string) => ["-e", text];

describe("run", () => {
  test("gives back exit code and output as they are", async () => {
    const ended = await run(node, script("console.log('out\\n'); console.error('err'); process.exitCode = 3"));
    expect(ended).toEqual({ code: 3, stdout: "out\n\n", stderr: "err\n" });
  });

  test("feeds the input, all of it", async () => {
    const input = "x".repeat(3_000_000);
    expect((await run(node, script("process.stdin.pipe(process.stdout)"), { input })).stdout).toBe(input);
  });

  test("gives no input where there is none", async () => {
    expect((await run(node, script("process.stdin.pipe(process.stdout)"))).stdout).toBe("");
  });

  test("takes arguments as they are, since there is no shell", async () => {
    const args = ["$(id)", "a b", "*", "'\"", "; exit 1", ""];
    const { stdout } = await run(node, [
      ...script("console.log(JSON.stringify(process.argv.slice(1)))"),
      "--",
      ...args,
    ]);
    expect(JSON.parse(stdout)).toEqual(args);
  });

  test.each([
    ["is not there", "/missing/iptables"],
    ["may not be run", "/etc/passwd"],
  ])("says why where the program %s", async (_, file) => {
    const ended = await run(file, []);
    expect(ended.code).toBeUndefined();
    expect(ended.failure).toContain(file);
  });

  test("stops what takes too long, and says so", async () => {
    const ended = await run(node, script("setInterval(() => undefined, 1000)"), { timeoutSeconds: 0.3 });
    expect(ended.code).toBeUndefined();
    expect(ended.failure).toMatch(/timed out/);
  });

  test("says so where a signal ended it", async () => {
    const ended = await run(node, script("process.kill(process.pid, 'SIGKILL')"));
    expect(ended.code).toBeUndefined();
    expect(ended.failure).toMatch(/SIGKILL/);
  });

  describe("the environment", () => {
    const kept = process.env["XTABLES_LOCKFILE"];
    afterEach(() => {
      if (kept === undefined) Reflect.deleteProperty(process.env, "XTABLES_LOCKFILE");
      else process.env["XTABLES_LOCKFILE"] = kept;
    });

    test("is fixed, but for the lock file", async () => {
      process.env["XTABLES_LOCKFILE"] = "/tmp/lock";
      const { stdout } = await run(node, script("console.log(JSON.stringify(process.env))"));
      const env = JSON.parse(stdout) as Record<string, string>;
      expect(Object.keys(env).sort()).toEqual(["LC_ALL", "PATH", "XTABLES_LOCKFILE"]);
      expect(env).toMatchObject({ LC_ALL: "C", XTABLES_LOCKFILE: "/tmp/lock" });
    });
  });
});

describe("CommandError", () => {
  test("says what was run, how it ended, and what it said, on one line", () => {
    const { message, name } = new CommandError("/sbin/ip", ["link"], { code: 2, stdout: "", stderr: "one\ntwo\n" });
    expect(name).toBe("CommandError");
    expect(message).toBe("/sbin/ip link: exit status 2: one; two");
  });

  test("says why it did not run", () => {
    expect(
      new CommandError("/x", [], { code: undefined, stdout: "", stderr: "", failure: "no such file" }).message,
    ).toBe("/x: no such file");
  });

  test("leaves out what is said after five lines", () => {
    const stderr = [1, 2, 3, 4, 5, 6].map((line) => `line ${line}\n`).join("");
    expect(new CommandError("/x", [], { code: 1, stdout: "", stderr }).message).not.toContain("line 6");
  });
});
