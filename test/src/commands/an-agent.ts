// `rulewright run` on a test's node, beside a fake API server there. In: a Node, objects, options. Out: AgentRun, AgentNode.
import { spawn, type ChildProcess } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseRuleset, renderRuleset, type Family } from "../../../rules/index.ts";
import { needTool, runTool } from "../../lab/tool.ts";
import { startApiProcess, type ApiProcess } from "../../support/process.ts";
import type { ApiObject } from "../../support/store.ts";
import { aFolder } from "../golden/a-case.ts";
import { splitDumps } from "../../../src/kernel/dump.ts";
import { bundle } from "./cli.ts";
import type { Node } from "./node.ts";

export type AgentRun = {
  /** Of the agent itself: `ip netns exec` becomes it. */
  readonly pid: number;
  /** What it has logged so far, and printed. */
  readonly log: () => string;
  readonly printed: () => string;
  /** Waits until a line of the log matches. */
  readonly says: (line: RegExp, seconds?: number) => Promise<void>;
  /** Sends the signal and waits for the end; gives the exit status, or the signal that ended it. */
  readonly end: (signal: "SIGTERM" | "SIGINT" | "SIGKILL") => Promise<number | string | null>;
  /** The same for one that ends by itself. */
  readonly ended: () => Promise<number | string | null>;
};

export type AgentNode = {
  readonly api: ApiProcess;
  /** `rulewright run`; the configuration is a plain one unless `--config` is among the arguments. */
  readonly start: (...args: readonly string[]) => AgentRun;
  /** The same, under `before` (a command that is to run it) and with more options of Node's. */
  readonly startUnder: (
    settings: { readonly before?: readonly string[]; readonly nodeOptions?: readonly string[] },
    ...args: readonly string[]
  ) => AgentRun;
  /** What `rulewright plan` gives for these objects, in canonical form. */
  readonly planned: (
    objects: readonly ApiObject[],
    config?: string,
    nodeName?: string,
  ) => Promise<Record<Family, string>>;
  /** What is in the kernel, in the same form. */
  readonly rules: (family: Family) => Promise<string>;
  /** Waits until the kernel is so; gives what is there, for a comparison that says what differs. */
  readonly reaches: (wanted: Record<Family, string>, seconds?: number) => Promise<Record<Family, string>>;
  /** GET of a port there: status and body. */
  readonly get: (url: string) => Promise<{ readonly status: number; readonly body: string }>;
};

/** The node's name. */
export const name = "node-7";

const plainConfig = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: 10.128.0.0/9
iptables: { minSyncPeriod: 10ms }
`;

const running: (() => Promise<unknown>)[] = [];

/** Ends what the tests of this file have started. */
export async function endAll(): Promise<void> {
  for (const end of running.splice(0).reverse()) await end();
}

/** An API server on the node, which has these objects. */
export async function anAgentNode(node: Node, ...objects: readonly ApiObject[]): Promise<AgentNode> {
  const ip = await needTool("ip");
  const enter = [ip, "netns", "exec", node.namespace];
  await node.run("ip", ["link", "set", "lo", "up"]);
  const api = await startApiProcess({ version: "1.30" }, { before: enter });
  running.push(api.stop);
  if (objects.length > 0) await api.set(...objects);
  const folder = await aFolder({ "config.yaml": plainConfig, "kubeconfig.yaml": api.kubeconfig() });
  const plain = join(folder, "config.yaml");
  const rules = async (family: Family) => renderRuleset(parseRuleset(await node.save(family), family));
  const both = async () => ({ 4: await rules(4), 6: await rules(6) });
  let files = 0;
  const startUnder: AgentNode["startUnder"] = ({ before = [], nodeOptions = [] }, ...args) => {
    const config = args.includes("--config") ? [] : ["--config", plain];
    const place = ["--kubeconfig", join(folder, "kubeconfig.yaml"), "--hostname-override", name];
    const all = ["run", "--variant", node.variant, ...place, ...config, ...args];
    const command = [...before, process.execPath, ...nodeOptions, bundle, ...all];
    const run = watched(spawn(ip, [...enter.slice(1), ...command], { env: node.env() }));
    running.push(() => run.end("SIGKILL"));
    return run;
  };
  return {
    api,
    rules,
    start: (...args) => startUnder({}, ...args),
    startUnder,
    planned: async (items, config = plain, nodeName = name) => {
      const file = join(folder, `objects-${(files += 1)}.json`);
      await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
      const given = ["-f", file, "--config", config, "--node-name", nodeName, "--variant", node.variant];
      const { stdout, stderr, code } = await node.cli("plan", ...given, "--family", "both");
      if (code !== 0) throw new Error(`plan has ended with ${code}: ${stderr}`);
      const plans = splitDumps(stdout);
      const canonical = (family: Family) => renderRuleset(parseRuleset(plans[family] ?? "", family));
      return { 4: canonical(4), 6: canonical(6) };
    },
    reaches: async (wanted, seconds = 15) => {
      const isSo = (there: Record<Family, string>) => there[4] === wanted[4] && there[6] === wanted[6];
      let there = await both();
      const began = Date.now();
      // The longer it takes, the less often is asked: reading costs the agent the processor.
      for (; Date.now() < began + seconds * 1000 && !isSo(there); there = await both())
        await sleep(Math.max(150, (Date.now() - began) / 20));
      return there;
    },
    get: async (url) => {
      const script = `fetch(${JSON.stringify(url)}).then(async (r) => console.log(JSON.stringify({ status: r.status, body: await r.text() })))`;
      const { stdout } = await runTool(ip, [...enter.slice(1), process.execPath, "-e", script]);
      return JSON.parse(stdout) as { status: number; body: string };
    },
  };
}

function watched(child: ChildProcess): AgentRun {
  let [log, printed] = ["", ""];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const ended = new Promise<number | string | null>((resolve) => {
    child.once("close", (code, signal) => {
      resolve(code ?? signal);
    });
  });
  return {
    pid: child.pid ?? 0,
    log: () => log,
    printed: () => printed,
    says: async (line, seconds = 10) => {
      for (const end = Date.now() + seconds * 1000; Date.now() < end && !line.test(log);) await sleep(5);
      if (!line.test(log)) throw new Error(`it never said ${line.source}, but:\n${log}`);
    },
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
    ended: () => ended,
  };
}
