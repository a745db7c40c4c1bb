// A node to run the command line on: an empty network namespace for each test. In: a title, tests. Out: jest blocks, skipped where there can be none.
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach } from "@jest/globals";
import { rm } from "node:fs/promises";
import { describeWhere } from "../../lab/describe-where.ts";
import { freePrefix, removeNamespaces } from "../../lab/network.ts";
import { canMakeNamespaces, hasTool, ipv6Works, iptablesWorks, type Answer } from "../../lab/probe.ts";
import { needTool, runTool, type Output } from "../../lab/tool.ts";
import { aFolder } from "../golden/a-case.ts";
import { built, cli, type Ended } from "./cli.ts";

export type Variant = "nft" | "legacy";

export type Node = {
  readonly variant: Variant;
  readonly namespace: string;
  readonly env: () => Readonly<Record<string, string>>;
  /** Runs `rulewright` on the node. */
  readonly cli: (...args: string[]) => Promise<Ended>;
  /** Runs a tool on the node; rejects unless it exits with 0. */
  readonly run: (tool: string, args: readonly string[], input?: string) => Promise<Output>;
  /** What `iptables-save` prints, without comments and counters, which change by themselves. */
  readonly save: (family: 4 | 6) => Promise<string>;
  /** `iptables-restore --noflush`. */
  readonly restore: (family: 4 | 6, script: string) => Promise<void>;
};

/** Declares `title (nft)` and `title (legacy)`, or one of them. Where there can be no such node, the title says why. */
export async function describeNodes(
  title: string,
  declare: (node: () => Node) => void,
  variants: readonly Variant[] = ["nft", "legacy"],
): Promise<void> {
  for (const variant of variants) {
    describeWhere(`${title} (${variant})`, await canMakeNode(variant), () => {
      declareWithNode(declare, variant);
    });
  }
}

async function canMakeNode(variant: Variant): Promise<Answer> {
  for (const ask of [() => hasTool("ip"), canMakeNamespaces, ipv6Works, () => iptablesWorks(variant)]) {
    const answer = await ask();
    if (!answer.yes) return answer;
  }
  return { yes: true };
}

function declareWithNode(declare: (node: () => Node) => void, variant: Variant): void {
  const prefix = freePrefix();
  const name = `${prefix}-node`;
  let ip = "";
  let lock = "";
  beforeAll(async () => {
    ip = await needTool("ip");
    // iptables-legacy's lock is shared by all namespaces; other tests' tools are not to be waited for.
    lock = join(await aFolder(), "xtables.lock");
    await built();
  }, 120_000);
  beforeEach(async () => {
    await runTool(ip, ["netns", "add", name]);
    // A new namespace takes it from the host. Source: ip-sysctl.rst, devconf_inherit_init_net.
    await run("sysctl", ["-q", "-w", "net.ipv4.conf.all.route_localnet=0"]);
  });
  afterEach(() => removeNamespaces(ip, prefix));
  afterAll(() => rm(lock, { force: true }));

  const env = () => ({ XTABLES_LOCKFILE: lock });
  const enter = () => [ip, "netns", "exec", name];
  const run = async (tool: string, args: readonly string[], input = ""): Promise<Output> =>
    runTool(ip, ["netns", "exec", name, await needTool(tool), ...args], { input, env: env() });
  const toolOf = (family: 4 | 6) => `${family === 4 ? "iptables" : "ip6tables"}-${variant}`;
  const node: Node = {
    variant,
    namespace: name,
    env,
    cli: (...args) => cli(args, { before: enter(), env: env() }),
    run,
    save: async (family) => settled((await run(`${toolOf(family)}-save`, [])).stdout),
    restore: async (family, script) => {
      await run(`${toolOf(family)}-restore`, ["-w", "10", "--noflush"], script);
    },
  };
  declare(() => node);
}

function settled(saved: string): string {
  return saved.replace(/^#.*\n/gm, "").replace(/ \[\d+:\d+\]$/gm, "");
}
