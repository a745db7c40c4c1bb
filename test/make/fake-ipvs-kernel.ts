// All that IPVS mode needs of a kernel, in memory. In: what is there from the start, what goes wrong. Out: an IpvsKernel, and what was done to it.
import type { Family } from "../../rules/net/ip.ts";
import type { IpvsKernel, Timeouts } from "../../src/ipvs/ipvs-kernel.ts";
import { createFakeKernel, type FakeOptions } from "../../src/kernel/fake.ts";
import type { Restored } from "../../src/kernel/kernel.ts";
import { createFakeIpvs, type BatchResult, type FakeIpvs, type FakeIpvsOptions } from "./fake-ipvs.ts";

export type FakeTool = "ipset" | "iptables" | "ip" | "ipvsadm";

export type FakeIpvsKernelOptions = Omit<FakeIpvsOptions, "rules"> & {
  readonly kernel?: FakeOptions;
  /** Refuses a batch for reasons of the test's own: the message, or undefined to let it pass. */
  readonly refuse?: (tool: FakeTool, script: string) => string | undefined;
};

export type FakeIpvsKernel = IpvsKernel & {
  readonly tools: FakeIpvs;
  /** Every batch that was written, in order, refused or not. */
  readonly written: readonly { readonly tool: FakeTool; readonly script: string }[];
  readonly timeouts: readonly Timeouts[];
  /** Open connections by `IP:PORT` of the real server, which its every virtual server has; none where nothing is said. */
  readonly connections: Map<string, number>;
};

/** The tools of `createFakeIpvs` and the packet filter of `createFakeKernel`, which refuses rules that name a set that is not there. */
export async function aFakeIpvsKernel(options: FakeIpvsKernelOptions = {}): Promise<FakeIpvsKernel> {
  const { kernel = {}, refuse, ...ipvs } = options;
  const filter = createFakeKernel(kernel);
  const printed: Record<Family, string> = { 4: await filter.readRules(4), 6: await filter.readRules(6) };
  const tools = createFakeIpvs({ ...ipvs, rules: () => printed[4] + printed[6] });
  const written: { tool: FakeTool; script: string }[] = [];
  const timeouts: Timeouts[] = [];
  const connections = new Map<string, number>();
  const write = async (tool: FakeTool, script: string, run: () => Promise<Restored>): Promise<Restored> => {
    written.push({ tool, script });
    const message = refuse?.(tool, script);
    return message === undefined ? run() : { ok: false, message, line: undefined };
  };
  return {
    tools,
    written,
    timeouts,
    connections,
    rules: {
      ...filter,
      readSets: () => Promise.resolve(tools.sets()),
      restore: (family, script) =>
        write("iptables", script, async () => {
          const missing = missingSet(script, tools.sets());
          if (missing !== undefined) return { ok: false, message: missing, line: undefined };
          const restored = await filter.restore(family, script);
          printed[family] = await filter.readRules(family);
          return restored;
        }),
    },
    readSets: () => Promise.resolve(tools.sets()),
    readAddresses: () => Promise.resolve(tools.addresses()),
    readServers: () => Promise.resolve(tools.servers()),
    readConnections: () => Promise.resolve(printConnections(tools.servers(), connections)),
    restoreSets: (script) => write("ipset", script, () => Promise.resolve(toRestored(tools.ipset(script), "line"))),
    changeAddresses: (script) => write("ip", script, () => Promise.resolve(toRestored(tools.ip(script), "line"))),
    restoreServers: (script) =>
      write("ipvsadm", script, () => Promise.resolve(toRestored(tools.ipvsadm(script), "no line"))),
    setTimeouts: (given) => {
      timeouts.push(given);
      return Promise.resolve({ ok: true });
    },
  };
}

function toRestored({ refused }: BatchResult, names: "line" | "no line"): Restored {
  const [first] = refused;
  if (first === undefined) return { ok: true };
  const message = refused.map(({ why }) => why).join("\n");
  return { ok: false, message, line: names === "line" ? first.line : undefined };
}

/** iptables refuses a rule that names a set which is not there, or of another number of parts. */
function missingSet(script: string, saved: string): string | undefined {
  const types = new Map([...saved.matchAll(/^create (\S+) (\S+)/gm)].map(([, name, type]) => [name, type]));
  for (const [, name, flags = ""] of script.matchAll(/--match-set (\S+) (\S+)/g)) {
    const type = types.get(name);
    if (type === undefined) return `Set ${String(name)} doesn't exist.`;
    if (type.split(",").length !== flags.split(",").length) return `${String(name)} is no set for ${flags}`;
  }
  return undefined;
}

/** As `ipvsadm -Ln` prints it. */
function printConnections(servers: string, connections: ReadonlyMap<string, number>): string {
  const protocols: Readonly<Record<string, string>> = { "-t": "TCP", "-u": "UDP", "--sctp-service": "SCTP" };
  const lines = servers.split("\n").flatMap((line) => {
    const [verb, option = "", at = "", flag, name = "", , , weight = ""] = line.split(" ");
    if (verb === "-A") return [`${protocols[option] ?? ""}  ${at} ${flag === "-s" ? name : ""}`];
    if (verb !== "-a") return [];
    return [`  -> ${name.padEnd(28)} Masq    ${weight}      ${connections.get(name) ?? 0}          0`];
  });
  return ["IP Virtual Server version 1.2.1 (size=4096)", "Prot LocalAddress:Port Scheduler Flags", ...lines, ""].join(
    "\n",
  );
}
