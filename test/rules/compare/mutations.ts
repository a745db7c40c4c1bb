// Single faults in rules and in clusters. In: text as iptables-save prints it, or Services. Out: the same with one thing wrong.
import type { Served } from "../../make/arbitrary.ts";

/** Chooses a number from 0 to `below` - 1. */
export type Pick = (below: number) => number;

/** One line changed, or gone (undefined); the lines that it may be are those that `of` matches. */
export type TextMutation = {
  readonly title: string;
  readonly of: RegExp;
  readonly becomes: (line: string) => string | undefined;
};

export const textMutations: readonly TextMutation[] = [
  { title: "an endpoint is never chosen", of: / -j DNAT | -j KUBE-SEP-/, becomes: gone },
  { title: "an endpoint gets another share", of: /--probability/, becomes: changeShare },
  { title: "the mark for masquerading is not set", of: / -j KUBE-MARK-MASQ$/, becomes: gone },
  { title: "marked packets are not masqueraded", of: / -j MASQUERADE/, becomes: gone },
  { title: "refused instead of dropped", of: / -j DROP$/, becomes: (line) => line.replace(/DROP$/, "REJECT") },
  { title: "dropped instead of refused", of: / -j REJECT/, becomes: (line) => line.replace(/-j REJECT.*/, "-j DROP") },
  { title: "a refusal or drop is gone", of: / -j (?:DROP|REJECT)/, becomes: gone },
  { title: "a source range is gone", of: /^-A KUBE-FW-\S+ -s /, becomes: gone },
  {
    title: "a port is another",
    of: /--dport \d+ /,
    becomes: (line) => line.replace(/--dport (\d+)/, (_, port) => `--dport ${Number(port) + 7000}`),
  },
  {
    title: "an endpoint's port is another",
    of: /--to-destination/,
    becomes: (line) => line.replace(/:(\d+)$/, (_, port) => `:${Number(port) + 1}`),
  },
  { title: "a jump is gone", of: / -j KUBE-/, becomes: gone },
  { title: "known clients are not looked for", of: /--rcheck/, becomes: gone },
  {
    title: "clients are known for another time",
    of: /--rcheck/,
    becomes: (line) => line.replace(/--seconds \d+/, "--seconds 77"),
  },
  {
    title: "clients are not remembered",
    of: / -m recent --set/,
    becomes: (line) => line.replace(/ -m recent --set .*?--rsource/, ""),
  },
  { title: "a hairpin is not seen to", of: /^-A (?:KUBE-SEP-HAIRPINS .*|KUBE-SEP-\S+ -s .*)/, becomes: gone },
  {
    title: "clients are all but those that were meant",
    of: / ! -[si] /,
    becomes: (line) => line.replace(" ! -", " -"),
  },
  {
    title: "clients are those that were not meant",
    of: /^-A KUBE-(?:EXT|FW)-\S+ -[si] /,
    becomes: (line) => line.replace(/ -([si]) /, " ! -$1 "),
  },
  {
    title: "the node is not told from others",
    of: /--src-type LOCAL/,
    becomes: (line) => line.replace(" -m addrtype --src-type LOCAL", ""),
  },
  {
    title: "marked packets are not let through",
    of: /^-A KUBE-FORWARD .*--mark/,
    becomes: (line) => line.replace("-j ACCEPT", "-j DROP"),
  },
  { title: "node ports answer at no local address", of: / -j KUBE-NODEPORTS$/, becomes: gone },
];

/** The text with one line that the mutation is for changed; undefined where there is none, or the change leaves it as it is. */
export function mutateText(text: string, { of, becomes }: TextMutation, pick: Pick): string | undefined {
  const lines = text.split("\n");
  const candidates = lines.flatMap((line, at) => (of.test(line) && line.startsWith("-A ") ? [at] : []));
  const at = candidates[pick(candidates.length)];
  if (at === undefined) return undefined;
  const line = lines[at] ?? "";
  const changed = becomes(line);
  if (changed === line) return undefined;
  return lines.toSpliced(at, 1, ...(changed === undefined ? [] : [changed])).join("\n");
}

/** One Service or its endpoints changed; undefined where that cannot be. */
export type ClusterMutation = {
  readonly title: string;
  readonly becomes: (served: Served, pick: Pick) => Served | undefined;
};

export const clusterMutations: readonly ClusterMutation[] = [
  { title: "an endpoint goes", becomes: (served, pick) => withEndpoint(served, pick, () => []) },
  {
    title: "an endpoint is not ready",
    becomes: (served, pick) =>
      withEndpoint(served, pick, (endpoint) => [{ ...endpoint, ready: false, serving: false }]),
  },
  {
    title: "an endpoint is on another node",
    becomes: (served, pick) =>
      withEndpoint(served, pick, (endpoint) => [
        { ...endpoint, nodeName: endpoint.nodeName === "here" ? "there" : "here" },
      ]),
  },
  {
    title: "the external policy is the other",
    becomes: withService((service) => ({
      externalTrafficPolicy: service.externalTrafficPolicy === "Local" ? "Cluster" : "Local",
    })),
  },
  {
    title: "the internal policy is the other",
    becomes: withService((service) => ({
      internalTrafficPolicy: service.internalTrafficPolicy === "Local" ? "Cluster" : "Local",
    })),
  },
  {
    title: "session affinity is on or off",
    becomes: withService((service) => ({ affinitySeconds: service.affinitySeconds === undefined ? 60 : undefined })),
  },
  {
    title: "session affinity lasts longer",
    becomes: withService(({ affinitySeconds }) =>
      affinitySeconds === undefined ? undefined : { affinitySeconds: affinitySeconds + 30 },
    ),
  },
  {
    title: "source ranges are gone",
    becomes: withService(({ sourceRanges }) => (sourceRanges.length === 0 ? undefined : { sourceRanges: [] })),
  },
  {
    title: "external addresses are gone",
    becomes: withService(({ externalIps, loadBalancerIps }) =>
      externalIps.length + loadBalancerIps.length === 0 ? undefined : { externalIps: [], loadBalancerIps: [] },
    ),
  },
  {
    title: "node ports are others",
    becomes: withService(({ ports }) =>
      ports.every(({ nodePort }) => nodePort === undefined)
        ? undefined
        : {
            ports: ports.map((port) => ({
              ...port,
              nodePort: port.nodePort === undefined ? undefined : port.nodePort + 1000,
            })),
          },
    ),
  },
  {
    title: "ports are others",
    becomes: withService(({ ports }) => ({ ports: ports.map((port) => ({ ...port, port: port.port + 1 })) })),
  },
  {
    title: "the Service is another proxy's",
    becomes: withService(({ leftToOthers }) => (leftToOthers ? undefined : { leftToOthers: true })),
  },
];

function gone(): undefined {
  return undefined;
}

/** Half of it, or, of what is less than a half, twice as much. */
function changeShare(line: string): string {
  return line.replace(/--probability (\S+)/, (_, share: string) => {
    const changed = Number(share) < 0.5 ? Number(share) * 2 : Number(share) / 2;
    return `--probability ${changed.toFixed(11)}`;
  });
}

function withService(
  change: (service: Served["service"]) => Partial<Served["service"]> | undefined,
): ClusterMutation["becomes"] {
  return ({ service, slices }) => {
    const fields = change(service);
    return fields === undefined ? undefined : { service: { ...service, ...fields }, slices };
  };
}

type SliceEndpoint = Served["slices"][number]["endpoints"][number];

function withEndpoint(
  { service, slices }: Served,
  pick: Pick,
  change: (endpoint: SliceEndpoint) => SliceEndpoint[],
): Served | undefined {
  const full = slices.filter(({ endpoints }) => endpoints.length > 0);
  const slice = full[pick(full.length)];
  if (slice === undefined) return undefined;
  const at = pick(slice.endpoints.length);
  const endpoints = slice.endpoints.flatMap((endpoint, index) => (index === at ? change(endpoint) : [endpoint]));
  return { service, slices: slices.map((each) => (each === slice ? { ...slice, endpoints } : each)) };
}
