// What IPVS mode needs of the real kernel, through ipset, ip and ipvsadm. In: the packet filter. Out: IpvsKernel.
import { findTool, directories } from "../kernel/find-tool.ts";
import type { Kernel, Restored } from "../kernel/kernel.ts";
import { CommandError, run, type Ended } from "../kernel/run.ts";
import { NoKernelError } from "../kernel/tools.ts";
import type { IpvsKernel } from "./ipvs-kernel.ts";

/** Debian's package of each tool; others name them alike. */
export const ipvsTools = { ipset: "ipset", ip: "iproute2", ipvsadm: "ipvsadm" } as const;

/** Throws NoKernelError where a tool is missing. Modules load by themselves with the first use. */
export async function openIpvsKernel(rules: Kernel): Promise<IpvsKernel> {
  const [ipset, ip, ipvsadm] = [await path("ipset"), await path("ip"), await path("ipvsadm")];
  return {
    rules,
    readSets: () => read(ipset, ["save"]),
    readAddresses: () => read(ip, ["-j", "addr"]),
    readServers: () => readIfThere(ipvsadm, ["-Sn"]),
    readConnections: () => readIfThere(ipvsadm, ["-Ln"]),
    restoreSets: (script) => feed(ipset, ["restore"], script),
    changeAddresses: (script) => feed(ip, ["-force", "-batch", "-"], script),
    restoreServers: (script) => feed(ipvsadm, ["--restore"], script),
    setTimeouts: async ({ tcp, tcpFin, udp }) =>
      toRestored(await run(ipvsadm, ["--set", ...[tcp, tcpFin, udp].map(String)])),
  };
}

async function path(tool: keyof typeof ipvsTools): Promise<string> {
  const found = await findTool(tool);
  if (found !== undefined) return found;
  throw new NoKernelError(`${tool} was not found in ${directories.join(", ")}: install the package ${ipvsTools[tool]}`);
}

async function read(file: string, args: readonly string[]): Promise<string> {
  const ended = await run(file, args);
  if (ended.code !== 0) throw new CommandError(file, args, ended);
  return ended.stdout;
}

/** A kernel without ip_vs, to which sets and addresses may be left all the same, has no virtual servers. Seen with ipvsadm 1.31. */
async function readIfThere(file: string, args: readonly string[]): Promise<string> {
  const ended = await run(file, args);
  if (ended.code === 0) return ended.stdout;
  if (ended.stderr.includes("Can't initialize ipvs: Protocol not available")) return "";
  throw new CommandError(file, args, ended);
}

async function feed(file: string, args: readonly string[], script: string): Promise<Restored> {
  return toRestored(await run(file, args, { input: script }));
}

/** Whatever a tool says on standard error is trouble: of ipvsadm the exit code is that of its last line only. */
function toRestored({ code, stderr, failure }: Ended): Restored {
  if (code === 0 && stderr.trim() === "") return { ok: true };
  const said = stderr.trim() === "" ? `exit status ${String(code)}` : stderr.trim();
  return { ok: false, message: failure ?? said, line: readLine(stderr) };
}

/** `Error in line 3: …` of ipset, `Command failed -:3` of ip. */
function readLine(stderr: string): number | undefined {
  const found = /Error in line (\d+)|Command failed -:(\d+)/.exec(stderr);
  return found === null ? undefined : Number(found[1] ?? found[2]);
}
