// `rulewright demo`: the main job on a built-in example. In: nothing. Out: its plan; and, where a network namespace can be made, the rules at work.
import type { Logger } from "winston";
import { emptyRuleset, type Build } from "../../rules/index.ts";
import { countAnswers, startBackends } from "../demo/backends.ts";
import {
  endpointPort,
  endpointsAfter,
  endpointsBefore,
  exampleManifests,
  exampleNode,
  exampleService,
  type ExampleEndpoint,
} from "../demo/example.ts";
import { buildDesired, type Desired } from "../desired/desired.ts";
import { apply, readChanges } from "../kernel/apply.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { CommandError, run } from "../kernel/run.ts";
import { findTool } from "../kernel/find-tool.ts";
import { openKernel } from "../kernel/tools.ts";
import { renderChanges, renderCount, wantsColour } from "../output/changes.ts";
import { renderPlan } from "../output/plan-text.ts";
import { renderSummary } from "../output/summary.ts";
import { exit } from "./report.ts";

export type DemoOptions = { readonly inNamespace?: true };

/** Prints the plan, then runs itself again in a network namespace of its own and shows the rules at work there. */
export async function demo(options: DemoOptions, log: Logger): Promise<number> {
  if (options.inNamespace === true) return demonstrate();
  const desired = exampleDesired(endpointsBefore);
  say("The manifests", exampleManifests(endpointsBefore));
  say("rulewright plan --output summary", renderSummary(desired));
  say("rulewright plan", [...renderPlan(desired, "nft")].join(""));
  const enter = await findWayIn();
  if (typeof enter === "string") {
    log.warn(`the rules are printed only: ${enter}`);
    return exit.ok;
  }
  const [file = "", ...args] = enter;
  const script = process.argv[1] ?? "";
  const { execa } = await import("execa");
  const ended = await execa(file, [...args, process.execPath, script, "demo", "--in-namespace"], {
    stdio: "inherit",
    reject: false,
  });
  return ended.exitCode ?? exit.trouble;
}

/** The command that runs another one in a network namespace of its own, or why there is none. */
async function findWayIn(): Promise<readonly string[] | string> {
  const unshare = await findTool("unshare");
  if (unshare === undefined || (await findTool("ip")) === undefined)
    return "unshare (util-linux) or ip (iproute2) is not installed";
  if ((await findTool("iptables-nft-restore")) === undefined) return "iptables is not installed";
  for (const flags of [["-n"], ["-Urn"]]) {
    if ((await run(unshare, [...flags, "true"])).code === 0) return [unshare, ...flags];
  }
  return "this user may not make a network namespace (root may, or anyone where user namespaces are allowed)";
}

/** Inside the namespace: apply, send connections, change an endpoint, show the difference, apply, clean up. */
async function demonstrate(): Promise<number> {
  await setUpAddresses();
  const kernel = await openKernel("nft");
  const backends = await startBackends([...endpointsBefore, ...endpointsAfter.slice(-1)], endpointPort);
  try {
    const before = buildOf(exampleDesired(endpointsBefore));
    say("Applied to a kernel, in a network namespace of its own", await applyAndTell(kernel, before));
    say("Connections", await sendAndTell());
    const after = buildOf(exampleDesired(endpointsAfter));
    say(
      "rulewright diff, after hello-3 was replaced by hello-4",
      renderChanges(await readChanges(kernel, after.ruleset), wantsColour()),
    );
    say("Applied", await applyAndTell(kernel, after));
    say("Connections", await sendAndTell());
    const cleaned = await apply(kernel, emptyRuleset(4));
    say(
      "rulewright cleanup",
      `IPv4: ${renderCount(cleaned.changes)}; ${renderCount(cleaned.left ?? [])} left to make\n`,
    );
    return exit.ok;
  } finally {
    await backends.close();
  }
}

/** One namespace plays node and Pods: the endpoints' addresses are on its loopback device, and so is the way to cluster IPs. */
async function setUpAddresses(): Promise<void> {
  const ip = (await findTool("ip")) ?? "";
  const ips = [...endpointsBefore, ...endpointsAfter.slice(-1)].map((endpoint) => endpoint.ip);
  const commands = [
    ["link", "set", "lo", "up"],
    ...ips.map((address) => ["addr", "add", `${address}/32`, "dev", "lo"]),
    ["route", "add", "10.96.0.0/16", "dev", "lo"],
  ];
  for (const args of commands) {
    const ended = await run(ip, args);
    if (ended.code !== 0) throw new CommandError(ip, args, ended);
  }
}

async function applyAndTell(kernel: Kernel, build: Build): Promise<string> {
  const applied = await apply(kernel, build.ruleset);
  if (applied.refused !== undefined) throw new Error(`the kernel refused a batch: ${applied.refused.message}`);
  return `IPv4: ${renderCount(applied.changes)}; reads back as wanted: ${applied.left?.length === 0 ? "yes" : "no"}\n`;
}

async function sendAndTell(): Promise<string> {
  const count = 300;
  const targets = [
    { what: "the cluster IP", ip: exampleService.ip, port: exampleService.port },
    { what: "the node port", ip: "127.0.0.1", port: exampleService.nodePort },
  ];
  let text = "";
  for (const { what, ip, port } of targets) {
    const answers = [...(await countAnswers({ ip, port }, count))].map(([name, number]) => `${name} ${number}`);
    text += `${count} to ${what} ${ip}:${port} were answered by ${answers.join(", ")}\n`;
  }
  return text;
}

function exampleDesired(endpoints: readonly ExampleEndpoint[]): Desired {
  const sources = [{ name: "example.yaml", text: exampleManifests(endpoints) }];
  const options = {
    files: [],
    recursive: false,
    configFile: undefined,
    nodeName: exampleNode,
    nodeAddresses: [],
    families: [4] as const,
    serviceCidrs: [],
    podCidrs: [],
    nodePorts: { low: 30000, high: 32767 },
  };
  return buildDesired({ read: { sources, problems: [] }, config: undefined }, options);
}

function buildOf({ builds }: Desired): Build {
  const [build] = builds;
  if (build === undefined) throw new Error("bug: the example has no family");
  return build;
}

function say(heading: string, text: string): void {
  process.stdout.write(`\n== ${heading}\n\n${text}`);
}
