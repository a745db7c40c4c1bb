// Makes a machine's kernel from Debian's package, once. In: a machine's name. Out: the folder that holds it.
import { execa } from "execa";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { needTool } from "../lab/tool.ts";
import type { MachineName } from "./machines.ts";

/** Downloading 70 MB takes 2 s here, unpacking 4 s; another test file may be at it already. */
const timeoutMs = 300_000;

const script = resolve("test/guest/kernel.sh");

/**
 * The absolute path of the kernel in the cache, made if there is none: that needs the network and apt-get, but no root. What is in it is
 * said in kernel.sh; the guest sees it under the same path. The cache is RULEWRIGHT_GUEST_CACHE or /var/tmp/rulewright-guest. flock(1)
 * holds the lock, so one that is killed leaves none behind. Rejects with an ExecaError whose stderr says what apt-get or dpkg said.
 */
export async function makeKernel(machine: MachineName): Promise<string> {
  const cache = process.env["RULEWRIGHT_GUEST_CACHE"] ?? "/var/tmp/rulewright-guest";
  await mkdir(cache, { recursive: true });
  const arguments_ = [join(cache, "lock"), await needTool("bash"), script, cache, machine];
  const { stdout } = await execa(await needTool("flock"), arguments_, {
    env: { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
    timeout: timeoutMs,
  });
  return stdout.trim().split("\n").at(-1) ?? "";
}
