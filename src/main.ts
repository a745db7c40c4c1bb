// The command line. In: arguments. Out: one command run; its exit status.
import { setFlagsFromString } from "node:v8";
import { Command, CommanderError, Option } from "commander";
import { createLog, logFormats, logLevels, type LogSettings } from "./log.ts";
import {
  addClusterOptions,
  addInputOptions,
  addOptionalInputOptions,
  addRecordOption,
  addSettingsOptions,
  addVariantOption,
  familyOption,
} from "./commands/options.ts";
import { apply, type ApplyOptions } from "./commands/apply.ts";
import { cleanup, type CleanupOptions } from "./commands/cleanup.ts";
import { compare, compareOutputs, type CompareOptions } from "./commands/compare.ts";
import { demo, type DemoOptions } from "./commands/demo.ts";
import { diff, diffOutputs, type DiffOptions } from "./commands/diff.ts";
import { goldenCheck, goldenUpdate, type GoldenCheckOptions, type GoldenUpdateOptions } from "./commands/golden.ts";
import { explain, explainOutputs, readFrom, readTo, type ExplainOptions } from "./commands/explain.ts";
import { graph, graphOutputs, type GraphOptions } from "./commands/graph.ts";
import { plan, planOutputs, type PlanOptions } from "./commands/plan.ts";
import { exit } from "./commands/report.ts";
import { addRunOptions, type RunOptions } from "./commands/run-options.ts";
import {
  defaultServer,
  readSeconds,
  readServer,
  status,
  statusOutputs,
  type StatusOptions,
} from "./commands/status.ts";
import { fromForms, toForms } from "../rules/explain/question.ts";
import packageJson from "../package.json" with { type: "json" };
import type { Logger } from "winston";

type GlobalOptions = { readonly logLevel: LogSettings["level"]; readonly logFormat: LogSettings["format"] };

// For a command that ends in a second or two (measured with Node 20 on 20 MB of manifests): compiling less of it to optimised code saves
// a tenth of the CPU, collecting the young generation in one thread a twentieth, not letting it grow a tenth of the memory.
setFlagsFromString("--interrupt-budget=500000");
setFlagsFromString("--no-parallel-scavenge");
setFlagsFromString("--semi-space-growth-factor=1");

const program = new Command("rulewright")
  .description("Turns Kubernetes Services and EndpointSlices into iptables rules: prints, compares and applies them.")
  .version(packageJson.version)
  .exitOverride()
  .showHelpAfterError("(rulewright --help shows what there is)");

function command(name: string, description: string, example: string): Command {
  return described(program.command(name), description, example);
}

function described(command: Command, description: string, example: string): Command {
  return command
    .description(description)
    .addOption(new Option("--log-level <level>", "least level to log").choices(logLevels).default("info"))
    .addOption(new Option("--log-format <format>", "how to log, on standard error").choices(logFormats).default("text"))
    .addHelpText("after", `\nExample:\n  ${example}`);
}

function action<T>(act: (options: T, log: Logger) => Promise<number>) {
  return async (options: T & GlobalOptions): Promise<void> => {
    const log = createLog({ level: options.logLevel, format: options.logFormat });
    try {
      process.exitCode = await act(options, log);
    } catch (error) {
      log.error(error instanceof Error ? error.message : String(error));
      process.exitCode = exit.trouble;
    }
  };
}

addVariantOption(
  addRecordOption(
    addClusterOptions(
      addOptionalInputOptions(
        command(
          "plan",
          "Print the rules that a node would get, by manifests or a live cluster.",
          "rulewright plan -f manifests/ --node-name node-a | iptables-restore --test",
        ),
      ),
    ),
  ),
)
  .addOption(
    new Option("-o, --output <form>", "what to print; ipset, ip and ipvsadm: input for that tool, in IPVS mode")
      .choices(planOutputs)
      .default("rules"),
  )
  .action(action<PlanOptions>(plan));

addVariantOption(
  addClusterOptions(
    addOptionalInputOptions(
      command(
        "diff",
        "Show what would change against a dump or this host.",
        "rulewright diff -f manifests/ --against node-a.rules",
      ),
    ),
  ),
)
  .option(
    "--against <dump|live>",
    "what iptables-save printed, in IPVS mode ip6tables-save, ipset save, ip -j addr and ipvsadm -Sn too, in one file; or `live` for this host",
    "live",
  )
  .addOption(new Option("-o, --output <form>", "how to show it").choices(diffOutputs).default("text"))
  .action(action<DiffOptions>(diff));

addVariantOption(
  addSettingsOptions(
    command(
      "compare <a> <b>",
      "Say whether two rule sets treat any packet differently: each is manifests, a dump, or `live`.",
      "rulewright compare kube-proxy.rules manifests/ --config config.yaml --node-name node-a",
    ),
  ),
)
  .addOption(
    new Option(
      "--backend-b <backend>",
      "what serves Services on side b, where --backend is for a: `compare x/ x/ --backend iptables --backend-b ipvs`",
    ).choices(["iptables", "ipvs"]),
  )
  .addOption(new Option("-o, --output <form>", "how to show it").choices(compareOutputs).default("text"))
  .action((a: string, b: string, options: GlobalOptions & CompareOptions) =>
    action<CompareOptions>(compare)({ ...options, a, b }),
  );

addVariantOption(
  addOptionalInputOptions(
    command(
      "explain",
      "Say what becomes of a packet, and why: by manifests, a dump, this host's rules where neither is given, or two of them.",
      "rulewright explain -f manifests/ --node-name node-a --from outside --to svc/default/web",
    ),
  ),
)
  .addOption(new Option("--from <client>", `who sends: ${fromForms}`).argParser(readFrom).makeOptionMandatory())
  .addOption(new Option("--to <destination>", `where to: ${toForms}`).argParser(readTo).makeOptionMandatory())
  .option(
    "--rules <dump>",
    "what iptables-save and ip6tables-save printed (in IPVS mode also ipset save, ip -j addr and ipvsadm -Sn), - for standard input, or `live` for this host",
  )
  .option("--in-interface <name>", "the interface by which the packet comes in")
  .option("--cluster-domain <domain>", "the domain of the cluster's DNS", "cluster.local")
  .addOption(new Option("-o, --output <form>", "how to say it").choices(explainOutputs).default("text"))
  .action(action<ExplainOptions>(explain));

addVariantOption(
  addOptionalInputOptions(
    command(
      "graph <svc/namespace/name|ns/namespace>",
      "Draw the ways to a Service's endpoints: by manifests, a dump, or this host's rules where neither is given.",
      "rulewright graph svc/default/web -f manifests/ -o svg > web.svg",
    ),
  ),
)
  .option("--rules <dump>", "a file that iptables-save or ip6tables-save or both filled, or - for standard input")
  .addOption(new Option("-o, --output <form>", "what to draw it as").choices(graphOutputs).default("mermaid"))
  .action((subject: string, options: GlobalOptions & GraphOptions) =>
    action<GraphOptions>(graph)({ ...options, subject }),
  );

addVariantOption(
  addInputOptions(
    command("apply", "Make this host's kernel as the manifests want it.", "rulewright apply -f manifests/ --dry-run"),
  ),
)
  .option("--dry-run", "show the changes and have iptables-restore check them, but write nothing")
  .option(
    "--ipvs-drain-timeout <seconds>",
    "0 removes real servers that are gone at once; without it, those with open connections stay until a later apply finds them idle",
  )
  .action(action<ApplyOptions>(apply));

addVariantOption(
  command(
    "cleanup",
    "Remove everything that rulewright or kube-proxy owns on this host: iptables rules, and in IPVS mode sets, addresses and virtual servers.",
    "rulewright cleanup --dry-run",
  ),
)
  .addOption(familyOption())
  .option("--dry-run", "show what would be removed, but remove nothing")
  .action(action<CleanupOptions>(cleanup));

addRunOptions(
  command(
    "run",
    "Watch the API server and keep this node's rules as the cluster says, until it is stopped.",
    "rulewright run --config /var/lib/kube-proxy/config.conf --hostname-override node-a --dry-run",
  ),
).action(action<RunOptions>(async (options, log) => (await import("./commands/run.ts")).run(options, log)));

command(
  "status",
  "Say how the agent on this host is: healthy or not, what is in force, what it did last, what it could not do.",
  "rulewright status --watch",
)
  .addOption(new Option("--server <url>", "where the agent answers").argParser(readServer).default(defaultServer))
  .addOption(
    new Option("--watch [seconds]", "look again and again, until Ctrl-C (default: every 2 seconds)")
      .preset("2")
      .argParser(readSeconds),
  )
  .addOption(new Option("-o, --output <form>", "how to say it").choices(statusOutputs).default("text"))
  .action(action<StatusOptions>(status));

command(
  "demo",
  "Show all of it on a built-in example, in a network namespace of its own where that may be made.",
  "rulewright demo",
)
  .addOption(new Option("--in-namespace", "the part that runs inside the namespace").hideHelp())
  .action(action<DemoOptions>(demo));

const golden = program
  .command("golden")
  .description("Compare folders of manifests with the rules that are kept beside them.");

described(
  golden.command("check <directory...>"),
  "Check that every case in the directories still gives the files beside it.",
  "rulewright golden check --junit golden.xml test/golden",
)
  .option("--junit <file>", "write a report in JUnit's XML too")
  .action((directories: readonly string[], options: GlobalOptions & GoldenCheckOptions) =>
    action<GoldenCheckOptions>(goldenCheck)({ ...options, directories }),
  );

described(
  golden.command("update <directory...>"),
  "Rewrite the files of every case in the directories as they come out now; review them with `git diff`.",
  "rulewright golden update test/golden",
).action((directories: readonly string[], options: GlobalOptions & GoldenUpdateOptions) =>
  action<GoldenUpdateOptions>(goldenUpdate)({ ...options, directories }),
);

// A reader that has seen enough (`| head`) is no trouble, and no reason to stop half way: `apply` goes on, and its status still counts.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? exit.ok : exit.trouble;
}
