// Makes the guest's kernel from Debian's package, once. In: a cache folder. Out: paths.
import { execa } from "execa";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { needTool } from "../lab/tool.ts";

/** Absolute paths, on the host and, for `modules`, in the guest too. */
export type Kernel = { readonly image: string; readonly initrd: string; readonly modules: string };

/** Downloading 70 MB takes 2 s here, unpacking 4 s; another test file may be at it already. */
const timeoutMs = 300_000;

const script = resolve("test/guest/kernel.sh");

/**
 * The kernel in the cache, made if there is none: that needs the network and apt-get, but no root. The folder is
 * RULEWRIGHT_GUEST_CACHE or /var/tmp/rulewright-guest. flock(1) holds the lock, so one that is killed leaves none behind.
 * Rejects with an ExecaError whose stderr says what apt-get or dpkg said.
 */
export async function makeKernel(): Promise<Kernel> {
  const cache = process.env["RULEWRIGHT_GUEST_CACHE"] ?? "/var/tmp/rulewright-guest";
  await mkdir(cache, { recursive: true });
  const arguments_ = [join(cache, "lock"), await needTool("bash"), script, cache];
  const { stdout } = await execa(await needTool("flock"), arguments_, {
    env: { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
    timeout: timeoutMs,
  });
  const folder = stdout.trim().split("\n").at(-1) ?? "";
  return { image: join(folder, "vmlinuz"), initrd: join(folder, "initrd.gz"), modules: join(folder, "modules") };
}
