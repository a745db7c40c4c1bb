// The flags of kube-proxy that stand for fields of its configuration. In: nothing. Out: Flag[], in the order of their groups.

/**
 * How a flag's text is read. `list`, `gates` (NAME=true) and `modules` (PATTERN=N) are comma-separated and may be repeated; `port` is the
 * port of an address.
 */
export type FlagValue = "text" | "duration" | "number" | "boolean" | "list" | "gates" | "modules" | "port";

export type FlagGroup = "node" | "iptables" | "ipvs" | "conntrack" | "servers" | "client" | "logging" | "deprecated";

/** One flag. A new one needs a row here and nothing else. */
export type Flag = {
  /** Without dashes. */
  readonly name: string;
  /** The fields that it sets, each from the outermost. */
  readonly paths: readonly (readonly string[])[];
  readonly value: FlagValue;
  readonly group: FlagGroup;
  /** For help. */
  readonly about: string;
};

/** Name, field (several with a space between), value, what it is. */
type Row = readonly [name: string, fields: string, value: FlagValue, about: string];

function rows(group: FlagGroup, ...all: readonly Row[]): Flag[] {
  return all.map(([name, fields, value, about]) => ({
    name,
    paths: fields.split(" ").map((field) => field.split(".")),
    value,
    group,
    about,
  }));
}

/** Source: kube-proxy 1.36, cmd/kube-proxy/app/options.go AddFlags; component-base/logs/api/v1 AddFlags. Later ones win over earlier ones. */
export const flags: readonly Flag[] = [
  ...rows(
    "node",
    ["hostname-override", "hostnameOverride", "text", "the node's name, in place of the host's"],
    ["bind-address", "bindAddress", "text", "the node's own address, in place of the Node object's"],
    ["proxy-mode", "mode", "text", "iptables or ipvs; nftables is served by iptables rules"],
    ["detect-local-mode", "detectLocalMode", "text", "how traffic of this node's pods is told from other traffic"],
    ["cluster-cidr", "clusterCIDR", "text", "pods' addresses: one CIDR, or an IPv4 and an IPv6 one"],
    ["pod-bridge-interface", "detectLocal.bridgeInterface", "text", "for BridgeInterface"],
    ["pod-interface-name-prefix", "detectLocal.interfaceNamePrefix", "text", "for InterfaceNamePrefix"],
    ["nodeport-addresses", "nodePortAddresses", "list", "where node ports answer: CIDRs, or primary"],
    ["oom-score-adj", "oomScoreAdj", "number", "of this process, -1000 to 1000"],
    ["feature-gates", "featureGates", "gates", "read, without effect"],
  ),
  ...rows(
    "iptables",
    [
      "iptables-masquerade-bit",
      "iptables.masqueradeBit",
      "number",
      "the bit that marks packets to masquerade, 0 to 31",
    ],
    ["masquerade-all", "iptables.masqueradeAll nftables.masqueradeAll", "boolean", "masquerade all to cluster IPs"],
    ["iptables-localhost-nodeports", "iptables.localhostNodePorts", "boolean", "node ports on 127.0.0.0/8"],
    ["iptables-sync-period", "iptables.syncPeriod", "duration", "half the time after which late rules are unhealthy"],
    ["iptables-min-sync-period", "iptables.minSyncPeriod", "duration", "the least pause between passes"],
  ),
  ...rows(
    "ipvs",
    ["ipvs-sync-period", "ipvs.syncPeriod", "duration", "half the time after which late rules are unhealthy"],
    ["ipvs-min-sync-period", "ipvs.minSyncPeriod", "duration", "the least pause between passes"],
    ["ipvs-scheduler", "ipvs.scheduler", "text", "how endpoints are chosen, e.g. lc, or mh,mh-fallback with flags"],
    ["ipvs-exclude-cidrs", "ipvs.excludeCIDRs", "list", "virtual servers at these addresses are never deleted"],
    ["ipvs-strict-arp", "ipvs.strictARP", "boolean", "no answers to ARP for Services' addresses"],
    ["ipvs-tcp-timeout", "ipvs.tcpTimeout", "duration", "of idle connections; 0 leaves the host's"],
    ["ipvs-tcpfin-timeout", "ipvs.tcpFinTimeout", "duration", "of connections after a FIN; 0 leaves the host's"],
    ["ipvs-udp-timeout", "ipvs.udpTimeout", "duration", "of idle UDP flows; 0 leaves the host's"],
  ),
  ...rows(
    "conntrack",
    ["conntrack-max-per-core", "conntrack.maxPerCore", "number", "connections for each CPU; 0 leaves the host's"],
    ["conntrack-min", "conntrack.min", "number", "the least number of connections"],
    ["conntrack-tcp-timeout-established", "conntrack.tcpEstablishedTimeout", "duration", "0 leaves the host's"],
    ["conntrack-tcp-timeout-close-wait", "conntrack.tcpCloseWaitTimeout", "duration", "0 leaves the host's"],
    ["conntrack-tcp-be-liberal", "conntrack.tcpBeLiberal", "boolean", "keep packets out of the window"],
    ["conntrack-udp-timeout", "conntrack.udpTimeout", "duration", "0 leaves the host's"],
    ["conntrack-udp-timeout-stream", "conntrack.udpStreamTimeout", "duration", "0 leaves the host's"],
  ),
  ...rows(
    "servers",
    ["healthz-bind-address", "healthzBindAddress", "text", "ADDRESS:PORT of /healthz and /livez; empty: none"],
    ["metrics-bind-address", "metricsBindAddress", "text", "ADDRESS:PORT of /metrics and /debug; empty: none"],
    ["bind-address-hard-fail", "bindAddressHardFail", "boolean", "end where a port cannot be had"],
    ["profiling", "enableProfiling", "boolean", "read, without effect"],
    ["show-hidden-metrics-for-version", "showHiddenMetricsForVersion", "text", "read, without effect"],
  ),
  ...rows(
    "client",
    ["kubeconfig", "clientConnection.kubeconfig", "text", "where the API server is; else the Pod's service account"],
    ["kube-api-content-type", "clientConnection.contentType", "text", "read; JSON is asked for"],
    ["kube-api-qps", "clientConnection.qps", "number", "read, without effect"],
    ["kube-api-burst", "clientConnection.burst", "number", "read, without effect"],
    ["config-sync-period", "configSyncPeriod", "duration", "read, without effect"],
  ),
  ...rows(
    "logging",
    ["v", "logging.verbosity", "number", "4 and more: as --log-level debug"],
    ["vmodule", "logging.vmodule", "modules", "read, without effect"],
    ["logging-format", "logging.format", "text", "json: as --log-format json"],
    ["log-flush-frequency", "logging.flushFrequency", "duration", "read; every line is written at once"],
    ["log-text-split-stream", "logging.options.text.splitStream", "boolean", "read, without effect"],
    ["log-text-info-buffer-size", "logging.options.text.infoBufferSize", "text", "read, without effect"],
    ["log-json-split-stream", "logging.options.json.splitStream", "boolean", "read, without effect"],
    ["log-json-info-buffer-size", "logging.options.json.infoBufferSize", "text", "read, without effect"],
  ),
  ...rows(
    "deprecated",
    ["healthz-port", "healthzBindAddress", "port", "the port of --healthz-bind-address; 0: none"],
    ["metrics-port", "metricsBindAddress", "port", "the port of --metrics-bind-address; 0: none"],
  ),
];
