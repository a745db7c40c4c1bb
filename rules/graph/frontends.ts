// Where a Service's traffic comes in, according to the rules. In: Dump, which Services. Out: ServiceFrontends by Service port.
import { splitCidr } from "../net/cidr.ts";
import { familyOf, hostPort, ipDigits } from "../net/ip.ts";
import { calledChain, type Dump, type DumpChain } from "../iptables/text/parse-dump.ts";
import { serviceOf } from "../iptables/text/parse.ts";
import type { Rule } from "../iptables/ruleset/rule.ts";
import { conditions, masqueradeWords } from "./conditions.ts";

/** A Service, or all of a namespace. */
export type Subject = { readonly namespace: string; readonly service?: string };

/** What clients connect to. `key` is the same for all rules about it. */
export type DumpFrontend = {
  readonly key: string;
  readonly kind: (typeof kinds)[number];
  /** `10.96.0.10:80/TCP`, or `30080/TCP` of a node port. */
  readonly at: string;
  readonly protocol: string;
  /** Chains of the nat table that take it, in order; `words` are conditions of the rule that leads there. */
  readonly ways: readonly { readonly chain: string; readonly words: readonly string[] }[];
  /** When it is masqueraded, a line for each rule that says so for this frontend alone. */
  readonly masquerades: readonly string[];
  /** What the filter table does with traffic that was not translated. */
  readonly refusals: readonly Refusal[];
};

/** `text` is for people. `guard`: done to senders outside the source ranges only. */
export type Refusal = { readonly text: string; readonly guard: boolean };

const kinds = ["cluster IP", "external IP", "load balancer", "external address", "node port"] as const;

/** The chain that marks packets for masquerading, by its name with kube-proxy and with us. */
export const markChain = "KUBE-MARK-MASQ";

/** Frontends of each Service port in `subject`, by `namespace/name[:port]` in order; those in order of kind and address. */
export function findFrontends(dump: Dump, subject: Subject): ReadonlyMap<string, readonly DumpFrontend[]> {
  const drafts = new Map<string, Map<string, Draft>>();
  for (const table of ["nat", "filter"] as const) {
    const chains = dump.tables.get(table)?.chains ?? new Map<string, DumpChain>();
    for (const chain of chains.values())
      for (const { rule } of chain.rules) {
        const servicePort = serviceOf(rule);
        if (servicePort === undefined || !isAbout(servicePort, subject)) continue;
        const said: Said = { servicePort, table, chain: chain.name, chains };
        const place = readPlace(rule, said);
        if (place === undefined) continue;
        const found = drafts.get(servicePort) ?? new Map<string, Draft>();
        drafts.set(servicePort, found);
        found.set(place.key, take(found.get(place.key) ?? place, rule, said));
      }
  }
  return new Map(
    [...drafts]
      .map(([name, found]) => [name, finish([...found.values()])] as const)
      .filter(([, found]) => found.length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Every Service (`namespace/name`) that a rule names, sorted: what `findFrontends` can be asked for. */
export function servicesOf(dump: Dump): string[] {
  const found = new Set<string>();
  for (const { chains } of dump.tables.values())
    for (const { rules } of chains.values())
      for (const { rule } of rules) {
        const servicePort = serviceOf(rule);
        if (servicePort !== undefined) found.add(servicePort.split(":", 1)[0] ?? "");
      }
  return [...found].sort();
}

type Draft = DumpFrontend & { readonly order: string; readonly block: string | undefined };
type Said = {
  readonly servicePort: string;
  readonly table: "nat" | "filter";
  readonly chain: string;
  readonly chains: ReadonlyMap<string, DumpChain>;
};

function isAbout(servicePort: string, { namespace, service }: Subject): boolean {
  const [key = ""] = servicePort.split(":", 1);
  return service === undefined ? key.startsWith(`${namespace}/`) : key === `${namespace}/${service}`;
}

/** The frontend that a rule is about: it names one port. */
function readPlace(rule: Rule, said: Said): Draft | undefined {
  const ports = rule.matches.find((match) => match.kind === "destination-ports");
  if (ports === undefined || ports.low !== ports.high || rule.destination?.not === true) return undefined;
  const { ip, bits } = rule.destination === undefined ? {} : splitCidr(rule.destination.is);
  const host = ip !== undefined && bits === (familyOf(ip) === 4 ? 32 : 128) ? ip : undefined;
  const service = `${ports.low}/${ports.protocol.toUpperCase()}`;
  const block = host === undefined ? rule.destination?.is : undefined;
  const at = host === undefined ? service : `${hostPort(host, ports.low)}/${ports.protocol.toUpperCase()}`;
  return {
    key: `${host ?? block ?? ""} ${service}`,
    kind: kindOf(rule, said, host !== undefined),
    at: block === undefined ? at : `${at} at ${block}`,
    protocol: ports.protocol,
    ways: [],
    masquerades: [],
    refusals: [],
    order: `${host === undefined ? "" : ipDigits(host)} ${String(ports.low).padStart(5, "0")} ${ports.protocol} ${block ?? ""}`,
    block,
  };
}

/** The comment says it where the rule leads to endpoints; of refused frontends the chain tells as much as can be told. */
function kindOf(rule: Rule, said: Said, hasAddress: boolean): DumpFrontend["kind"] {
  if (!hasAddress) return "node port";
  const words = commentAfter(rule, said.servicePort);
  if (words === "cluster IP" || words === "external IP") return words;
  if (words === "loadbalancer IP" || words.startsWith("traffic not accepted")) return "load balancer";
  return /^KUBE-(?:SERVICES$|SVC-)/.test(said.chain) ? "cluster IP" : "external address";
}

function commentAfter(rule: Rule, servicePort: string): string {
  const [first] = rule.matches;
  const text = first?.kind === "comment" ? first.text : "";
  return text.slice(text.indexOf(servicePort) + servicePort.length).trim();
}

function take(draft: Draft, rule: Rule, said: Said): Draft {
  const words = conditions(rule, { protocol: draft.protocol, frontend: true });
  if (said.table === "filter") {
    const refusal = readRefusal(rule, said);
    const known = refusal === undefined || draft.refusals.some(({ text }) => text === refusal.text);
    return known ? draft : { ...draft, refusals: [...draft.refusals, refusal] };
  }
  const chain = calledChain(rule);
  if (chain === markChain)
    return { ...draft, masquerades: [...new Set([...draft.masquerades, masqueradeWords(words)])] };
  if (chain === undefined || !said.chains.has(chain)) return draft;
  if (draft.ways.some((way) => way.chain === chain && way.words.join() === words.join())) return draft;
  return { ...draft, ways: [...draft.ways, { chain, words }] };
}

function readRefusal(rule: Rule, said: Said): Refusal | undefined {
  const dropped = rule.target?.kind === "verdict" && rule.target.verdict === "DROP";
  if (!dropped && rule.target?.kind !== "reject") return undefined;
  const words = commentAfter(rule, said.servicePort);
  const guard = words.startsWith("traffic not accepted");
  const because = guard ? "source not allowed" : words.replace(/^has /, "");
  return { text: `${dropped ? "dropped" : "refused"}${because === "" ? "" : `: ${because}`}`, guard };
}

/** A rule for a part of a frontend's addresses that leads where all of it goes is there for counting (kube-proxy's 127.0.0.0/8). */
function finish(drafts: readonly Draft[]): DumpFrontend[] {
  const chainsOf = (draft: Draft) => draft.ways.map(({ chain }) => chain).join();
  return drafts
    .filter(({ ways, refusals }) => ways.length > 0 || refusals.length > 0)
    .filter((draft) => {
      const twin = (other: Draft) => other.block === undefined && other.at === draft.at.split(" at ")[0];
      return draft.block === undefined || !drafts.some((other) => twin(other) && chainsOf(other) === chainsOf(draft));
    })
    .sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || (a.order < b.order ? -1 : 1));
}
