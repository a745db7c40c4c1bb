// A Configuration in the words of its file. In: Configuration. Out: a KubeProxyConfiguration of v1alpha1, as an object or as YAML.
import { dump } from "js-yaml";
import type { DetectLocal } from "../../rules/model/settings.ts";
import { familyOf } from "../../rules/net/ip.ts";
import type { SocketAddress } from "./fields.ts";
import { configurationKind, configurationVersion, type Configuration } from "./schema.ts";

/**
 * Every field that a Configuration holds, defaults included, under its name in the file; durations as Go prints them. Decoding it gives the
 * same Configuration. What a Configuration does not hold (`winkernel`, `portRange`, `logging.options`, fields of other local modes) is not
 * there, or empty. Source: kubeproxy.config.k8s.io/v1alpha1.
 */
export function encodeConfiguration(config: Configuration): Readonly<Record<string, unknown>> {
  const { clientConnection, logging, iptables, ipvs, nftables, conntrack } = config;
  return {
    apiVersion: configurationVersion,
    kind: configurationKind,
    featureGates: config.featureGates,
    clientConnection: {
      kubeconfig: clientConnection.kubeconfig,
      acceptContentTypes: clientConnection.acceptContentTypes,
      contentType: clientConnection.contentType,
      qps: clientConnection.qps,
      burst: clientConnection.burst,
    },
    logging: {
      format: logging.format,
      flushFrequency: renderDuration(logging.flushFrequencySeconds),
      verbosity: logging.verbosity,
      vmodule: logging.vmodule,
    },
    hostnameOverride: config.hostnameOverride,
    bindAddress: config.bindAddress,
    healthzBindAddress: renderSocketAddress(config.healthzBindAddress),
    metricsBindAddress: renderSocketAddress(config.metricsBindAddress),
    bindAddressHardFail: config.bindAddressHardFail,
    enableProfiling: config.enableProfiling,
    showHiddenMetricsForVersion: config.showHiddenMetricsForVersion,
    mode: config.mode,
    iptables: {
      masqueradeBit: iptables.masqueradeBit,
      masqueradeAll: iptables.masqueradeAll,
      localhostNodePorts: iptables.localhostNodePorts,
      ...encodePeriods(iptables),
    },
    ipvs: {
      ...encodePeriods(ipvs),
      scheduler: ipvs.scheduler,
      excludeCIDRs: ipvs.excludeCidrs,
      strictARP: ipvs.strictArp,
      tcpTimeout: renderDuration(ipvs.tcpTimeoutSeconds),
      tcpFinTimeout: renderDuration(ipvs.tcpFinTimeoutSeconds),
      udpTimeout: renderDuration(ipvs.udpTimeoutSeconds),
    },
    nftables: {
      masqueradeBit: nftables.masqueradeBit,
      masqueradeAll: nftables.masqueradeAll,
      ...encodePeriods(nftables),
    },
    detectLocalMode: config.detectLocal.mode,
    ...encodeDetectLocal(config.detectLocal),
    nodePortAddresses: encodeNodePortAddresses(config.nodePortAddresses),
    oomScoreAdj: config.oomScoreAdj,
    conntrack: {
      maxPerCore: conntrack.maxPerCore,
      min: conntrack.min,
      tcpEstablishedTimeout: renderDuration(conntrack.tcpEstablishedTimeoutSeconds),
      tcpCloseWaitTimeout: renderDuration(conntrack.tcpCloseWaitTimeoutSeconds),
      tcpBeLiberal: conntrack.tcpBeLiberal,
      udpTimeout: renderDuration(conntrack.udpTimeoutSeconds),
      udpStreamTimeout: renderDuration(conntrack.udpStreamTimeoutSeconds),
    },
    configSyncPeriod: renderDuration(config.configSyncPeriodSeconds),
  };
}

/** The same as a file, for kube-proxy or for `--config`. */
export function renderConfiguration(config: Configuration): string {
  return dump(encodeConfiguration(config), { lineWidth: -1, noRefs: true });
}

/** Seconds as Go prints them: `1h0m0s`, `1m30s`, `1.5s`, `300ms`, `0s`. At most 292 years. Source: Go time.Duration.String. */
export function renderDuration(seconds: number): string {
  const sign = seconds < 0 ? "-" : "";
  const [whole = "0", fraction = ""] = decimal(Math.min(Math.abs(seconds), longestSeconds)).split(".");
  const total = Number(whole);
  const nanoseconds = Number(fraction.padEnd(9, "0"));
  if (total === 0 && nanoseconds === 0) return "0s";
  if (total === 0) return `${sign}${renderSmall(nanoseconds)}`;
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60];
  const rest = `${total % 60}${fraction === "" ? "" : `.${fraction}`}s`;
  return `${sign}${hours > 0 ? `${hours}h` : ""}${total >= 60 ? `${minutes}m` : ""}${rest}`;
}

/** Go's int64 of nanoseconds, less what a double cannot tell. */
const longestSeconds = 9_223_372_036;

/** With up to 9 digits behind the point, and no zeros at the end. Of large numbers the digits that the double does not hold are not shown. */
function decimal(seconds: number): string {
  const text = seconds < 2 ** 22 ? seconds.toFixed(9) : String(seconds);
  const [whole = "0", fraction = ""] = text.split(".");
  const kept = fraction.slice(0, 9).replace(/0+$/, "");
  return kept === "" ? whole : `${whole}.${kept}`;
}

/** Less than a second, in the largest unit of which there is a whole one. */
function renderSmall(nanoseconds: number): string {
  if (nanoseconds >= 1e6) return `${nanoseconds / 1e6}ms`;
  return nanoseconds >= 1e3 ? `${nanoseconds / 1e3}µs` : `${nanoseconds}ns`;
}

function encodePeriods(periods: { readonly syncPeriodSeconds: number; readonly minSyncPeriodSeconds: number }) {
  return {
    syncPeriod: renderDuration(periods.syncPeriodSeconds),
    minSyncPeriod: renderDuration(periods.minSyncPeriodSeconds),
  };
}

function encodeDetectLocal(detectLocal: DetectLocal) {
  const { mode } = detectLocal;
  return {
    clusterCIDR: mode === "ClusterCIDR" ? detectLocal.cidrs.join(",") : "",
    detectLocal: {
      bridgeInterface: mode === "BridgeInterface" ? detectLocal.bridgeInterface : "",
      interfaceNamePrefix: mode === "InterfaceNamePrefix" ? detectLocal.interfaceNamePrefix : "",
    },
  };
}

/** null is kube-proxy's "all"; an empty list would read the same. */
function encodeNodePortAddresses(addresses: Configuration["nodePortAddresses"]): readonly string[] | null {
  switch (addresses) {
    case "all":
      return null;
    case "primary":
      return ["primary"];
    default:
      return addresses;
  }
}

function renderSocketAddress({ ip, port }: SocketAddress): string {
  return familyOf(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`;
}
