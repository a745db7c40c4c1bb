// `rulewright run`: the agent on a node. In: options, a KubeProxyConfiguration, an API server. Out: the node's rules, kept as the cluster says; exit status.
import { availableParallelism } from "node:os";
import type { Logger } from "winston";
import type { Ip } from "../../rules/index.ts";
import { startAgent, type Agent } from "../agent/agent.ts";
import { nodeNameOf, toSettings } from "../config/settings.ts";
import { loadConfiguration, renderLocatedProblem } from "../config/load.ts";
import { decodeConfiguration, configurationKind, configurationVersion, type Configuration } from "../config/schema.ts";
import { debugRoutes } from "../debug/debug-routes.ts";
import { InputError, readText } from "../desired/desired.ts";
import { findConntrack } from "../conntrack/tool.ts";
import { nodeReference, occasions } from "../events/event.ts";
import { createRecorder } from "../events/recorder.ts";
import { createHealthPorts } from "../health/health-ports.ts";
import { startHealthServer } from "../health/health-server.ts";
import { createHealthTracker, type HealthTracker } from "../health/health-tracker.ts";
import { createGuard } from "../http/authorization.ts";
import { bindAddress } from "../http/bind-address.ts";
import { keepTrying, type Trying } from "../http/keep-trying.ts";
import { metricsRoutes, startMetricsServer } from "../http/metrics-server.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { openKernel } from "../kernel/tools.ts";
import { createMetrics, type Metrics } from "../metrics/metrics.ts";
import { applySysctls, renderSysctl } from "../sysctl/apply-sysctls.ts";
import { hostFiles } from "../sysctl/sysctl-files.ts";
import { sysctlsFor } from "../sysctl/sysctls-for.ts";
import { openApi } from "../watch/api.ts";
import packageJson from "../../package.json" with { type: "json" };
import { thisHost, type VariantOptions } from "./options.ts";
import { exit } from "./report.ts";

export type RunOptions = VariantOptions & {
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly master?: string;
  readonly hostnameOverride?: string;
  readonly dryRun?: true;
};

/** Runs until SIGTERM or SIGINT; the rules stay in force. */
export async function run(options: RunOptions, log: Logger): Promise<number> {
  const configuration = await readConfiguration(options.config, log);
  const nodeName = (options.hostnameOverride ?? nodeNameOf(configuration) ?? thisHost().name).trim().toLowerCase();
  const kubeconfig = options.kubeconfig ?? configuration.clientConnection.kubeconfig;
  const api = await openApi({
    userAgent: `rulewright/${packageJson.version}`,
    ...(kubeconfig === "" ? {} : { kubeconfig }),
    ...(options.master === undefined ? {} : { master: options.master }),
  });
  const kernel = await openKernel(options.variant);
  const families = [4, 6] as const;
  const { syncPeriodSeconds, minSyncPeriodSeconds } = configuration.iptables;
  const metrics = createMetrics({ version: packageJson.version, families });
  const health = createHealthTracker({ timeoutSeconds: 2 * syncPeriodSeconds });
  log.info(
    `node ${nodeName}, iptables-${kernel.variant}, API server ${api.server}${options.dryRun === true ? ", dry run" : ""}`,
  );
  const recorder = createRecorder({ api, nodeName, reportingController: "rulewright", log });
  const tell = (occasion: keyof typeof occasions, note: string): void => {
    recorder.event({ regarding: nodeReference(nodeName), ...occasions[occasion], note });
  };
  if (options.dryRun !== true) await tune(configuration, { log, tell });
  const agent = startAgent(
    {
      nodeName,
      settings: toSettings(configuration),
      families,
      minSyncPeriodSeconds,
      repairSeconds: 20,
      dryRun: options.dryRun === true,
    },
    {
      api,
      kernel,
      metrics,
      health,
      healthPorts: createHealthPorts({ isProxierHealthy: () => health.health().healthy }),
      log,
      localIps: (): readonly Ip[] => thisHost().ips,
      print: (text) => process.stdout.write(text),
      tell: recorder.event,
      conntrack: await findConntrack(),
    },
  );
  // Beside a kube-proxy that still holds them, the ports of a dry run could only get in its way.
  const servers =
    options.dryRun === true ? [] : startServers(configuration, { agent, kernel, metrics, health, log, tell });
  tell("Starting", "");
  const signal = await stopSignal(servers);
  log.info(`${signal}: stopping; the rules stay in force`);
  await Promise.all([agent.stop(), recorder.stop(), ...servers.map((server) => server.stop())]);
  return exit.ok;
}

/** The file's, or kube-proxy's defaults. Throws InputError for a file with an error in it. */
async function readConfiguration(file: string | undefined, log: Logger): Promise<Configuration> {
  if (file === undefined) {
    const { value } = decodeConfiguration({ apiVersion: configurationVersion, kind: configurationKind });
    if (value === undefined) throw new Error("bug: the defaults are no configuration");
    return value;
  }
  const { config, problems } = loadConfiguration(await readText(file));
  const lines = problems.map((problem) => renderLocatedProblem(file, problem));
  if (config === undefined) throw new InputError(lines.join("\n"));
  for (const line of lines) log.warn(line);
  return config;
}

type Told = {
  readonly agent: Agent;
  readonly kernel: Kernel;
  readonly metrics: Metrics;
  readonly health: HealthTracker;
  readonly log: Logger;
  readonly tell: Tell;
};

type Tell = (occasion: keyof typeof occasions, note: string) => void;

/** Kernel settings that connections need; what cannot be made is said, and the agent goes on. */
async function tune(configuration: Configuration, { log, tell }: { log: Logger; tell: Tell }): Promise<void> {
  // Node ports on 127.0.0.0/8 are allowed after the rules that guard them (src/agent/loopback.ts).
  const wanted = sysctlsFor(configuration, { cores: availableParallelism(), routeLocalnet: false });
  const { changes, problems, event } = await applySysctls(wanted, hostFiles());
  for (const change of changes) log.info(`set ${renderSysctl(change)}`);
  for (const { text } of problems) log.warn(text);
  if (event !== undefined) tell("readOnlySysFS", event.note);
}

/** The two ports that kube-proxy has. A port that is taken is tried again, since kube-proxy may still hold it. */
function startServers(configuration: Configuration, { agent, kernel, metrics, health, log, tell }: Told): Trying[] {
  const { healthzBindAddress, metricsBindAddress, bindAddressHardFail: hardFail } = configuration;
  const keep = (what: "healthz" | "metrics", start: Parameters<typeof keepTrying>[0]): Trying =>
    keepTrying(start, {
      hardFail,
      onFailure: (error, seconds) => {
        log.warn(`${what}: ${error.message}${seconds === undefined ? "" : `; trying again in ${seconds} s`}`);
        tell(what === "healthz" ? "FailedToStartProxierHealthcheck" : "FailedToStartMetricServer", error.message);
      },
    });
  const routes = [
    ...metricsRoutes({ metrics, configz: () => configuration, proxyMode: "iptables" }),
    ...debugRoutes({
      builds: agent.builds,
      kernel,
      node: () => ({ localIps: thisHost().ips, interfaces: [], routeLocalnet: undefined }),
    }),
  ];
  const guard = createGuard({ authorize: undefined });
  return [
    keep("healthz", () =>
      startHealthServer({
        at: bindAddress(healthzBindAddress.ip, healthzBindAddress.port),
        tracker: health,
        onProbe: metrics.countProbe,
      }),
    ),
    keep("metrics", () =>
      startMetricsServer({ at: bindAddress(metricsBindAddress.ip, metricsBindAddress.port), routes, guard }),
    ),
  ];
}

/** Resolves at the first signal to end; rejects where a port that must be had cannot be. */
async function stopSignal(servers: readonly Trying[]): Promise<string> {
  const signals = ["SIGTERM", "SIGINT"] as const;
  const signal = new Promise<string>((resolve) => {
    for (const each of signals) process.once(each, resolve);
  });
  const failed = Promise.all(servers.map(({ bound }) => bound)).then(() => signal);
  return Promise.race([signal, failed]);
}
