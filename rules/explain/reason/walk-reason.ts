// What rules do with a packet, whoever wrote them. In: WalkReason. Out: the sentence that says so.
import type { Ip } from "../../net/ip.ts";
import { never } from "../../never.ts";
import { list, upperFirst } from "./words.ts";

/** A rule that decided: `chain` alone where it is the policy of a built-in chain. */
export type RuleText = {
  readonly table: string;
  readonly chain: string;
  readonly line: number | undefined;
  /** `-A CHAIN ...`. */
  readonly text: string;
  /** The built-in chain's rule that led there, where that is another: `PREROUTING line 5`. */
  readonly by: string | undefined;
  /** The program that uses chains of this name, where that is known. */
  readonly whose: string | undefined;
};

/** A virtual server of ip_vs, in the words of ipvsadm. */
export type ServerText = { readonly line: number | undefined; readonly text: string };

/** Answers that are taken for granted; one set of them is enough. Empty: always. */
export type When = readonly (readonly { readonly on: string; readonly holds: boolean }[])[];

/** `share`: a percentage of the packets, or undefined where it is all of them. */
type Target = { readonly at: string; readonly share: string | undefined };

export type WalkReason =
  | {
      readonly code: "goes-to";
      readonly when: When;
      readonly to: readonly Target[];
      readonly more: number;
      readonly source: Seen;
      readonly service: string | undefined;
      readonly server: ServerText | undefined;
      /** The scheduler that alone knows which of them it is. */
      readonly chooser: string | undefined;
    }
  | {
      readonly code: "not-translated";
      readonly when: When;
      readonly at: string;
      readonly here: boolean;
      readonly share: string | undefined;
      readonly source: Seen;
    }
  | {
      readonly code: "refused";
      readonly when: When;
      readonly with: string;
      readonly share: string | undefined;
      readonly by: RuleText | undefined;
      readonly service: string | undefined;
    }
  | {
      readonly code: "dropped";
      readonly when: When;
      readonly share: string | undefined;
      readonly by: RuleText | undefined;
      readonly service: string | undefined;
    }
  | { readonly code: "undecided"; readonly when: When; readonly on: string; readonly share: string | undefined }
  | { readonly code: "depends-on"; readonly on: readonly { readonly text: string; readonly line: number }[] }
  /** A rule of others chose the destination. `before`: KUBE-SERVICES comes after it, and is not asked. */
  | { readonly code: "foreign-translates"; readonly rule: RuleText; readonly before: boolean }
  /** A rule of others ended the nat table before ours are asked. */
  | { readonly code: "foreign-ends-nat"; readonly rule: RuleText; readonly hook: string }
  | { readonly code: "foreign-drops" | "foreign-refuses"; readonly rule: RuleText }
  /** A rule of others let pass what the Service's rules refuse. */
  | { readonly code: "foreign-accepts"; readonly rule: RuleText }
  | { readonly code: "foreign-rewrites-source"; readonly rule: RuleText }
  | { readonly code: "policy-drops"; readonly table: string; readonly chain: string }
  | { readonly code: "kernel-drops-loopback"; readonly ip: Ip }
  | { readonly code: "no-service-rules" }
  | { readonly code: "no-jump"; readonly chain: string }
  | { readonly code: "service-not-in-rules"; readonly service: string; readonly at: string };

/** Whom the receiver takes for the sender; `mixed` where it hangs on the receiver. */
export type Seen = { readonly kind: "kept" | "rewritten" | "mixed"; readonly as: Ip | undefined };

export const walkCodes: Readonly<Record<WalkReason["code"], true>> = {
  "goes-to": true,
  "not-translated": true,
  refused: true,
  dropped: true,
  undecided: true,
  "depends-on": true,
  "foreign-translates": true,
  "foreign-ends-nat": true,
  "foreign-drops": true,
  "foreign-refuses": true,
  "foreign-accepts": true,
  "foreign-rewrites-source": true,
  "policy-drops": true,
  "kernel-drops-loopback": true,
  "no-service-rules": true,
  "no-jump": true,
  "service-not-in-rules": true,
};

const others = "A rule that is neither rulewright's nor kube-proxy's";

export function renderWalkReason(reason: WalkReason): string {
  return upperFirst(sentence(reason));
}

function sentence(reason: WalkReason): string {
  switch (reason.code) {
    case "goes-to": {
      const places = reason.to.map(({ at, share }) => (share === undefined ? at : `${at} (${share})`));
      const more = reason.more > 0 ? [`one of ${reason.more} more`] : [];
      const by = `${reason.service === undefined ? "" : `by the rules of ${reason.service} `}${serverText(reason.server)}`;
      const chooser = reason.chooser === undefined ? "" : `, whichever ${reason.chooser} chooses`;
      const to = alternatives([...places, ...more]);
      return `${whenText(reason.when)}${by}the packet goes to ${to}${chooser}; ${seenText(reason.source)}.`;
    }
    case "not-translated":
      return `${whenText(reason.when)}${shareText(reason.share)} ${reason.share === undefined ? "goes" : "go"} to ${reason.at} as sent${reason.here ? ", to a process of this node if one listens there" : ""}: no rule translates it.`;
    case "refused":
      return `${whenText(reason.when)}${shareText(reason.share)} ${isOrAre(reason.share)} refused (${reason.with})${byText(reason.by)}${forText(reason.service)}.`;
    case "dropped":
      return `${whenText(reason.when)}${shareText(reason.share)} ${isOrAre(reason.share)} dropped${byText(reason.by)}${forText(reason.service)}: the sender gets no answer.`;
    case "undecided":
      return `${whenText(reason.when)}what becomes of ${reason.share === undefined ? "the packet" : `${reason.share} of the packets`} cannot be told: it hangs on ${reason.on}.`;
    case "depends-on":
      return `What happens depends on ${list(
        reason.on.map(({ text, line }) => (line === 0 ? text : `${text} (line ${line})`)),
        4,
      )}, of which nothing is known here.`;
    case "foreign-translates":
      return reason.before
        ? `${others} decides first, and KUBE-SERVICES is not asked: ${ruleText(reason.rule)}`
        : `${others} translates it: ${ruleText(reason.rule)}`;
    case "foreign-ends-nat":
      return reason.hook === "POSTROUTING"
        ? `${others} ends nat POSTROUTING before KUBE-POSTROUTING is asked, so the source is not rewritten: ${ruleText(reason.rule)}`
        : `${others} ends nat ${reason.hook} before KUBE-SERVICES is asked, so no Service is looked for: ${ruleText(reason.rule)}`;
    case "foreign-drops":
      return `${others} drops it: ${ruleText(reason.rule)}`;
    case "foreign-refuses":
      return `${others} refuses it: ${ruleText(reason.rule)}`;
    case "foreign-accepts":
      return `${others} lets it pass before the Service's rules can refuse it: ${ruleText(reason.rule)}`;
    case "foreign-rewrites-source":
      return `${others} rewrites the source: ${ruleText(reason.rule)}`;
    case "policy-drops":
      return `The policy of ${reason.table} ${reason.chain} is DROP and no rule accepts the packet.`;
    case "kernel-drops-loopback":
      return `The kernel takes no packet from the network for ${reason.ip}${reason.ip.includes(":") ? "" : ", unless the sysctl net.ipv4.conf.all.route_localnet is 1"}.`;
    case "no-service-rules":
      return `The nat table has no chain KUBE-SERVICES: neither rulewright nor kube-proxy in iptables mode has written rules here.`;
    case "no-jump":
      return `No rule of nat ${reason.chain} leads to KUBE-SERVICES: Services are not looked for.`;
    case "service-not-in-rules":
      return `No rule knows ${reason.at}, which the manifests give to ${reason.service}.`;
    default:
      return never(reason);
  }
}

function ruleText({ table, chain, line, text, by, whose }: RuleText): string {
  const where = line === undefined ? `${table} ${chain}` : `${table} ${chain} line ${line}`;
  const who = whose === undefined ? "" : ` (chains of ${whose})`;
  return `${where}${by === undefined ? "" : `, by ${by}`}${who}, "${text}".`;
}

function byText(by: RuleText | undefined): string {
  if (by?.table === "ip_vs") return ` ${serverText(by)}which gives it no real server`;
  return by === undefined ? "" : ` by ${by.table} ${by.chain}${by.line === undefined ? "" : ` line ${by.line}`}`;
}

function serverText(server: ServerText | undefined): string {
  if (server === undefined) return "";
  return `by the virtual server "${server.text}"${server.line === undefined ? "" : ` (line ${server.line})`} `;
}

function forText(service: string | undefined): string {
  return service === undefined ? "" : `, for ${service}`;
}

function shareText(share: string | undefined): string {
  return share === undefined ? "the packet" : `${share} of the packets`;
}

/** `a`, `a or b`, `a, b or c`. */
function alternatives(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} or ${items.at(-1) ?? ""}`;
}

function isOrAre(share: string | undefined): string {
  return share === undefined ? "is" : "are";
}

function seenText({ kind, as }: Seen): string {
  switch (kind) {
    case "kept":
      return "it comes from the client's own address";
    case "rewritten":
      return `it comes from ${as ?? "the node's address"}`;
    case "mixed":
      return "some see the client's own address, some the node's";
    default:
      return never(kind);
  }
}

/** At most two sets of answers are told. */
function whenText(when: When): string {
  if (when.length === 0) return "";
  const sets = when.map((set) => list(set.map(({ on, holds }) => (holds ? `"${on}" holds` : `"${on}" does not`))));
  return `If ${sets.slice(0, 2).join(", or if ")}${sets.length > 2 ? `, or ${sets.length - 2} more ways` : ""}: `;
}
