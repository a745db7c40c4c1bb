import { describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { declareAddressFacts } from "./address-facts.ts";
import { describeGuest } from "./describe-guest.ts";
import { startGuest, type Guest } from "./guest.ts";
import { declareIpsetFacts } from "./ipset-facts.ts";
import { declareIptablesFacts } from "./iptables-facts.ts";
import { declareIpvsFacts } from "./ipvs-facts.ts";

/** What both machines must do. */
function declareItself(guest: () => Guest): void {
  describe("itself", () => {
    test("has a kernel with ip_vs", async () => {
      const { code, stdout } = await guest().run("cat", ["/proc/net/ip_vs"]);
      expect({ code, stdout }).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^IP Virtual Server version 1\./),
      });
    });

    test("loads a module by itself when it is first used", async () => {
      const loaded = "grep -c ^xt_statistic /proc/modules";
      const use = `unshare -n iptables-${guest().variant} -A OUTPUT -m statistic --mode random --probability 0.5`;
      const command = `${loaded}; ${use} && ${loaded}`;
      expect((await guest().run("sh", ["-c", command])).stdout).toBe("0\n1\n");
    });

    test("sees this tree, and keeps what it writes to itself", async () => {
      const path = fileURLToPath(new URL("written-in-the-guest", import.meta.url));
      const { code } = await guest().run("sh", [
        "-c",
        'ls "$0" && echo x >"$1" && cat "$1"',
        fileURLToPath(import.meta.url),
        path,
      ]);
      expect(code).toBe(0);
      expect(existsSync(path)).toBe(false);
    });

    test("gives a program its input and environment and hands back output and exit code", async () => {
      const settings = { input: "in: é\n".repeat(20_000), env: { WORD: "a b" } };
      expect(await guest().run("sh", ["-c", 'cat; echo "$WORD $1" >&2; exit 3', "sh", "argument"], settings)).toEqual({
        code: 3,
        stdout: settings.input,
        stderr: "a b argument\n",
      });
    });

    test("rejects for a program that is not there, and for one that a signal ends", async () => {
      await expect(guest().run("no-such-program", [])).rejects.toThrow("ENOENT");
      await expect(guest().run("sh", ["-c", "kill -9 $$"])).rejects.toThrow("SIGKILL");
    });
  });
}

await describeGuest("a guest of User Mode Linux", declareItself, { machine: "uml" });

await describeGuest("a guest of QEMU", (guest) => {
  declareItself(guest);
  declareIpvsFacts(guest);
  declareIpsetFacts(guest);
  declareAddressFacts(guest);
  declareIptablesFacts(guest);

  test("one that takes longer than its limit is ended, and says so", async () => {
    for (const machine of ["qemu", "uml"] as const)
      await expect(startGuest({ machine, limitSeconds: 1 })).rejects.toThrow("was ended after 1 s");
  });
});
