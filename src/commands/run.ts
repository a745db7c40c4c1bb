// `rulewright run`: the agent on a node. In: options, a KubeProxyConfiguration, an API server. Out: the node's rules, kept as the cluster says; exit status.
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Logger } from "winston";
import type { Ip } from "../../rules/index.ts";
import { giveBackMemory, growSlowly } from "../agent/give-back.ts";
import { startAgent, type Agent } from "../agent/agent.ts";
import { nodeNameOf, periodsOf, toSettings } from "../config/settings.ts";
import { encodeConfiguration, renderConfiguration } from "../config/encode.ts";
import type { Configuration } from "../config/schema.ts";
import { debugRoutes } from "../debug/debug-routes.ts";
import { createNoteTaker } from "../debug/status-notes.ts";
import { statusRoute } from "../debug/status-route.ts";
import { findConntrack } from "../conntrack/tool.ts";
import { nodeReference, occasions } from "../events/event.ts";
import { createRecorder } from "../events/recorder.ts";
import { createHealthPorts } from "../health/health-ports.ts";
import { startHealthServer } from "../health/health-server.ts";
import { createHealthTracker, type HealthTracker } from "../health/health-tracker.ts";
import { createAuthorize } from "../http/api-authorize.ts";
import { createGuard } from "../http/authorization.ts";
import { bindAddress } from "../http/bind-address.ts";
import { keepTrying, type Trying } from "../http/keep-trying.ts";
import { metricsRoutes, startMetricsServer } from "../http/metrics-server.ts";
import type { Route } from "../http/routes.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { openKernel } from "../kernel/tools.ts";
import { createMetrics, type Metrics } from "../metrics/metrics.ts";
import { applySysctls, renderSysctl } from "../sysctl/apply-sysctls.ts";
import { applyOomScore } from "../sysctl/oom-score.ts";
import { hostFiles } from "../sysctl/sysctl-files.ts";
import { sysctlsFor } from "../sysctl/sysctls-for.ts";
import { openApi, type Api } from "../watch/api.ts";
import packageJson from "../../package.json" with { type: "json" };
import { cleanup } from "./cleanup.ts";
import { initOnly, loadModules } from "./init-only.ts";
import {
  backendSysctls,
  drainSecondsOf,
  openBackend,
  setTimeouts,
  toolsOf,
  type OpenedBackend,
} from "./open-backend.ts";
import { thisHost } from "./options.ts";
import { exit } from "./report.ts";
import { configurationChange, readConfiguration, type RunConfiguration } from "./run-configuration.ts";
import type { RunOptions } from "./run-options.ts";

/** Runs until SIGTERM, SIGINT or a change of the configuration file; the rules stay in force. */
export async function run(options: RunOptions, log: Logger): Promise<number> {
  const started = await readConfiguration(options, log);
  const { configuration } = started;
  const done = await runOnce(options, configuration, log);
  if (done !== undefined) return done;
  growSlowly();
  const nodeName = nodeNameOf(configuration) ?? thisHost().name.trim();
  const { kubeconfig } = configuration.clientConnection;
  const api = await openApi({
    userAgent: `rulewright/${packageJson.version}`,
    ...(kubeconfig === "" ? {} : { kubeconfig }),
    ...(options.master === undefined ? {} : { master: options.master }),
  });
  const kernel = await openKernel(options.variant);
  const dryRun = options.dryRun === true;
  const opened = await openBackend(configuration, toolsOf(kernel, log), {
    dryRun,
    fallback: options.ipvsFallback === true,
  });
  const mode = opened.settings === undefined ? "iptables" : "ipvs";
  const families = [4, 6] as const;
  const { syncPeriodSeconds, minSyncPeriodSeconds } = periodsOf(configuration, mode);
  const { metrics, notes } = createNoteTaker(createMetrics({ version: packageJson.version, families }));
  const health = createHealthTracker({ timeoutSeconds: 2 * syncPeriodSeconds });
  log.info(
    `node ${nodeName}, ${mode === "ipvs" ? "IPVS mode, " : ""}iptables-${kernel.variant}, API server ${api.server}${dryRun ? ", dry run" : ""}`,
  );
  const recorder = createRecorder({ api, nodeName, reportingController: "rulewright", log });
  const tell = (occasion: keyof typeof occasions, note: string): void => {
    recorder.event({ regarding: nodeReference(nodeName), ...occasions[occasion], note });
  };
  if (opened.fellBack !== undefined) tell("FellBackToIptables", opened.fellBack.replaceAll("\n", "; "));
  if (!dryRun) {
    await tune(configuration, { log, tell, opened });
    await setTimeouts(configuration, opened, log);
  }
  const agent = startAgent(
    {
      nodeName,
      settings: toSettings(configuration),
      ...(opened.settings && { ipvs: opened.settings }),
      drainSeconds: drainSecondsOf(configuration, options.ipvsDrainTimeout),
      families,
      minSyncPeriodSeconds,
      dryRun,
    },
    {
      api,
      kernel,
      ...(opened.ipvs && { ipvs: opened.ipvs }),
      metrics,
      health,
      healthPorts: createHealthPorts({ isProxierHealthy: () => health.health().healthy }),
      log,
      localIps: (): readonly Ip[] => thisHost().ips,
      print: (text) => process.stdout.write(text),
      tell: recorder.event,
      conntrack: await findConntrack(),
      settled: giveBackMemory,
    },
  );
  const status = statusRoute({
    ...{ node: nodeName, version: packageJson.version, mode, variant: kernel.variant, dryRun },
    ...{ server: api.server, startedAt: Date.now(), agent, health, notes },
  });
  // Beside a kube-proxy that still holds them, the ports of a dry run could only get in its way.
  const servers = dryRun
    ? []
    : startServers(started, { api, agent, status, kernel, opened, metrics, health, log, tell });
  tell("Starting", "");
  const watching = new AbortController();
  const changed = configurationChange(started, { log, signal: watching.signal, everySeconds: 5 });
  const why = await stopReason(servers, changed);
  watching.abort();
  log.info(`${why}: stopping; the rules stay in force`);
  await Promise.all([agent.stop(), recorder.stop(), ...servers.map((server) => server.stop())]);
  return exit.ok;
}

/** What kube-proxy does and then exits, in its order; undefined where nothing of it was asked for. Source: kube-proxy options.go Run. */
async function runOnce(options: RunOptions, configuration: Configuration, log: Logger): Promise<number | undefined> {
  const { writeConfigTo, variant } = options;
  if (writeConfigTo !== undefined) {
    const text = renderConfiguration(configuration);
    if (writeConfigTo === "-") process.stdout.write(text);
    else await writeFile(writeConfigTo, text);
    return exit.ok;
  }
  if (options.cleanup === true)
    return cleanup({ ...(variant && { variant }), ...(options.dryRun === true && { dryRun: true }) }, log);
  if (options.initOnly !== true) return undefined;
  const dryRun = options.dryRun === true;
  return initOnly(configuration, { files: hostFiles(), localIps: thisHost().ips, loadModules, dryRun }, log);
}

type Told = {
  readonly api: Api;
  readonly agent: Agent;
  readonly status: Route;
  readonly kernel: Kernel;
  readonly opened: OpenedBackend;
  readonly metrics: Metrics;
  readonly health: HealthTracker;
  readonly log: Logger;
  readonly tell: Tell;
};

type Tell = (occasion: keyof typeof occasions, note: string) => void;

/** Kernel settings that connections need; what cannot be made is said, and the agent goes on. */
async function tune(
  configuration: Configuration,
  { log, tell, opened }: { log: Logger; tell: Tell; opened: OpenedBackend },
): Promise<void> {
  // Node ports on 127.0.0.0/8 are allowed after the rules that guard them (src/agent/loopback.ts).
  const wanted = sysctlsFor(configuration, { cores: availableParallelism(), routeLocalnet: false });
  const all = [...wanted, ...backendSysctls(configuration, opened)];
  const { changes, problems, event } = await applySysctls(all, hostFiles());
  for (const change of changes) log.info(`set ${renderSysctl(change)}`);
  for (const { text } of problems) log.warn(text);
  if (event !== undefined) tell("readOnlySysFS", event.note);
  const unset = await applyOomScore(configuration.oomScoreAdj, hostFiles());
  if (unset !== undefined) log.info(unset);
}

/** The two ports that kube-proxy has, less those that flags switch off. A port that is taken is tried again, since kube-proxy may still hold it. */
function startServers({ configuration, off }: RunConfiguration, told: Told): Trying[] {
  const { api, agent, status, kernel, opened, metrics, health, log, tell } = told;
  const proxyMode = opened.settings === undefined ? "iptables" : "ipvs";
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
    ...metricsRoutes({ metrics, configz: () => encodeConfiguration(configuration), proxyMode }),
    ...debugRoutes({
      ...agent,
      kernel,
      ipvs: opened.settings && opened.ipvs,
      node: () => ({ localIps: thisHost().ips, interfaces: [], routeLocalnet: undefined }),
    }),
    status,
  ];
  const guard = createGuard({ authorize: createAuthorize(api), onProblem: (text) => log.warn(text) });
  const healthz = (): Trying =>
    keep("healthz", () =>
      startHealthServer({
        at: bindAddress(healthzBindAddress.ip, healthzBindAddress.port),
        tracker: health,
        onProbe: metrics.countProbe,
      }),
    );
  const metricsPort = (): Trying =>
    keep("metrics", () =>
      startMetricsServer({ at: bindAddress(metricsBindAddress.ip, metricsBindAddress.port), routes, guard }),
    );
  return [...(off.healthz ? [] : [healthz()]), ...(off.metrics ? [] : [metricsPort()])];
}

/** Resolves at the first signal to end, or with what `changed` says; rejects where a port that must be had cannot be. */
async function stopReason(servers: readonly Trying[], changed: Promise<string>): Promise<string> {
  const signals = ["SIGTERM", "SIGINT"] as const;
  const signal = new Promise<string>((resolve) => {
    for (const each of signals) process.once(each, resolve);
  });
  const failed = Promise.all(servers.map(({ bound }) => bound)).then(() => signal);
  return Promise.race([signal, changed, failed]);
}
