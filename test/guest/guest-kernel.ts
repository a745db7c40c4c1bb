// The kernel of a namespace in the guest, as the agent's code wants it. In: a shell there. Out: IpvsKernel; what each call asked of a tool.
import type { Family } from "../../rules/index.ts";
import type { IpvsKernel } from "../../src/ipvs/ipvs-kernel.ts";
import type { Restored } from "../../src/kernel/kernel.ts";
import type { Finished } from "./channel.ts";
import type { Shell } from "./shell.ts";

/** The name of a tool, and what it was fed: nothing where it only reads. */
export type ToolCall = { readonly tool: string; readonly input: string };

/** The port over the guest's own tools, run as `src/ipvs/ipvs-tools.ts` and `src/kernel/tools.ts` run them. `told` hears of each run. */
export function guestKernel(shell: Shell, told: (call: ToolCall) => void = () => undefined): IpvsKernel {
  const { variant } = shell;
  const run = (tool: string, args: readonly string[], input = ""): Promise<Finished> => {
    told({ tool, input });
    return shell.run(tool, args, input);
  };
  const read = async (tool: string, args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(tool, args);
    if (code !== 0) throw new Error(`in the guest, ${[tool, ...args].join(" ")} exited with ${code}: ${stderr}`);
    return stdout;
  };
  const feed = async (tool: string, args: readonly string[], input: string) => toRestored(await run(tool, args, input));
  const iptables = (family: Family, what: string) => `${family === 4 ? "iptables" : "ip6tables"}-${variant}-${what}`;
  const restore = async (family: Family, args: readonly string[], script: string): Promise<Restored> => {
    const { code, stderr } = await run(iptables(family, "restore"), ["-w", "10", "--noflush", ...args], script);
    return code === 0 ? { ok: true } : { ok: false, message: stderr.trim(), line: lineIn(stderr, /line:? (\d+)/) };
  };
  return {
    rules: {
      variant,
      readRules: (family) => read(iptables(family, "save"), []),
      scanRules: async (family, take) => {
        take(await read(iptables(family, "save"), []));
      },
      watchRules: () => () => undefined,
      readSets: () => read("ipset", ["save"]),
      restore: (family, script) => restore(family, [], script),
      check: (family, script) => restore(family, ["--test"], script),
      readSysctl: async (name) => {
        const { code, stdout } = await run("cat", [`/proc/sys/${name}`]);
        return code === 0 ? stdout.trim() : undefined;
      },
      writeSysctl: async (name, value) => {
        await read("sysctl", ["-qw", `${name.replaceAll("/", ".")}=${value}`]);
      },
    },
    readSets: () => read("ipset", ["save"]),
    readAddresses: () => read("ip", ["-j", "addr"]),
    readServers: () => read("ipvsadm", ["-Sn"]),
    readConnections: () => read("ipvsadm", ["-Ln"]),
    restoreSets: (script) => feed("ipset", ["restore"], script),
    changeAddresses: (script) => feed("ip", ["-force", "-batch", "-"], script),
    restoreServers: (script) => feed("ipvsadm", ["--restore"], script),
    setTimeouts: async ({ tcp, tcpFin, udp }) =>
      toRestored(await run("ipvsadm", ["--set", ...[tcp, tcpFin, udp].map(String)])),
  };
}

/** As of the real tools: whatever one says on standard error is trouble. */
function toRestored({ code, stderr }: Finished): Restored {
  if (code === 0 && stderr.trim() === "") return { ok: true };
  const line = lineIn(stderr, /Error in line (\d+)/) ?? lineIn(stderr, /Command failed -:(\d+)/);
  return { ok: false, message: stderr.trim() === "" ? `exit status ${code}` : stderr.trim(), line };
}

function lineIn(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text);
  return found === null ? undefined : Number(found[1]);
}
