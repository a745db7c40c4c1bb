// An agent's status for people. In: Status. Out: at most some twenty lines.
import { styleText } from "node:util";
import { printable } from "../../rules/problem.ts";
import type { Status } from "../debug/status-shape.ts";
import { renderTable } from "./table.ts";

/** Ends with a newline. What the agent sent is made safe to print. Ages are by the agent's clock. */
export function renderStatus(status: Status, colour: boolean): string {
  const paint: Paint = (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
  const facts = [
    ...passFacts(status, paint),
    ...quarantineFacts(status, paint),
    ...drainFacts(status),
    { name: "drift", lines: [driftText(status)] },
    ...apiFacts(status, paint),
  ];
  const width = Math.max(...facts.map(({ name }) => name.length));
  const factLines = facts.flatMap(({ name, lines }) =>
    lines.map((line, index) => `${(index === 0 ? name : "").padEnd(width)}   ${line}\n`),
  );
  return [headline(status, paint), runningLine(status, paint), familyTable(status), "\n", ...factLines].join("");
}

/** `0 s`, `59 s`, `5 min`, `3 h 12 min`, `2 d 4 h`: the two largest units from hours on. Never less than 0. */
export function renderAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

type Paint = (style: "red" | "green" | "yellow" | "bold", text: string) => string;
type Fact = { readonly name: string; readonly lines: readonly string[] };

function headline(status: Status, paint: Paint): string {
  const { healthy, eligible, families } = status;
  const late = families.filter((family) => !family.healthy);
  const node = paint("bold", printable(status.node));
  const aside = eligible ? "" : `; ${paint("yellow", "load balancers leave this node out: it is being deleted")}`;
  if (!healthy) {
    const why = late.map((family) => `IPv${family.family} has changes that are not in force for too long`).join(", ");
    return `${node}: ${paint("red", "unhealthy")}${why === "" ? "" : `: ${why}`}${aside}\n`;
  }
  if (families.every(({ lastGoodPassAt }) => lastGoodPassAt === undefined))
    return `${node}: ${paint("yellow", "starting")}: there was no good pass yet${aside}\n`;
  return `${node}: ${paint("green", "healthy")}${aside}\n`;
}

function runningLine(status: Status, paint: Paint): string {
  const { version, mode, variant, dryRun, startedAt } = status;
  const dry = dryRun ? `, ${paint("yellow", "dry run: nothing is written")}` : "";
  const since = `running for ${age(status, startedAt)}, since ${startedAt.slice(0, 19).replace("T", " ")} UTC`;
  const how = `${mode === "ipvs" ? "IPVS mode, " : ""}iptables-${variant}`;
  return `rulewright ${printable(version)}, ${how}, ${since}${dry}\n`;
}

function familyTable(status: Status): string {
  if (status.families.length === 0) return "";
  const isIpvs = status.mode === "ipvs";
  const rows = status.families.map(({ family, services, endpoints, rules, virtualServers, lastGoodPassAt }) => [
    `IPv${family}`,
    String(services),
    String(endpoints),
    ...(isIpvs ? [virtualServers === undefined ? "-" : String(virtualServers)] : []),
    rules === undefined ? "-" : String(rules),
    lastGoodPassAt === undefined ? "never" : ago(status, lastGoodPassAt),
  ]);
  const heads = ["family", "Services", "endpoints", ...(isIpvs ? ["virtual servers"] : []), "rules", "last good pass"];
  return `\n${renderTable(heads, rows)}`;
}

function passFacts(status: Status, paint: Paint): readonly Fact[] {
  const { lastPass, lastFailure } = status;
  const facts: Fact[] = [];
  if (lastPass !== undefined) {
    const { number, at, changes, seconds, cause, good } = lastPass;
    const what = `${counted(changes, "change")} in ${(seconds * 1000).toFixed(0)} ms`;
    const end = good ? "" : `; ${paint("red", "failed")}`;
    facts.push({ name: "last pass", lines: [`#${number}, ${ago(status, at)}, ${short(cause)}: ${what}${end}`] });
  }
  if (lastFailure !== undefined) {
    const { at, family, message } = lastFailure;
    const line = `${ago(status, at)}, IPv${family}: ${short(message)}`;
    facts.push({ name: "last failure", lines: [paint("yellow", line)] });
  }
  return facts;
}

function quarantineFacts({ quarantined }: Status, paint: Paint): readonly Fact[] {
  const { count, first } = quarantined;
  if (count === 0) return [];
  const named = first.map(({ service, message }) => `${printable(service)}: ${short(message)}`);
  const more = count > first.length ? [`and ${count - first.length} more`] : [];
  const head = `the kernel refuses ${counted(count, "Service")}; the last good rules stay in force`;
  return [{ name: "quarantined", lines: [paint("red", head), ...named, ...more] }];
}

function drainFacts({ draining = 0 }: Status): readonly Fact[] {
  if (draining === 0) return [];
  return [{ name: "draining", lines: [`${counted(draining, "real server")} until their connections end`] }];
}

function driftText(status: Status): string {
  const { chains, lastAt } = status.drift;
  if (chains === 0) return "none since the start";
  const last = lastAt === undefined ? "" : `, the last ${ago(status, lastAt)}`;
  const what = status.mode === "ipvs" ? counted(chains, "object") : counted(chains, "chain");
  return `${what} changed by others and repaired${last}`;
}

function apiFacts(status: Status, paint: Paint): readonly Fact[] {
  const { server, watches } = status.api;
  const ages = Object.entries(watches).flatMap(([resource, { lastEventAt }]) =>
    lastEventAt === undefined ? [] : [`${printable(resource)} ${ago(status, lastEventAt)}`],
  );
  const heard = ages.length === 0 ? paint("yellow", "not heard from yet") : `last heard of ${ages.join(", ")}`;
  const failing = Object.entries(watches).flatMap(([resource, watch]) => (watch.failing ? [printable(resource)] : []));
  const trouble = failing.length === 0 ? "" : `${paint("red", `no watch of ${failing.join(", ")} just now`)}; `;
  const facts: Fact[] = [{ name: "API server", lines: [`${short(server)}, ${trouble}${heard}`] }];
  const kinds = Object.entries(watches).filter(([, { refused }]) => refused > 0);
  if (kinds.length === 0) return facts;
  const counts = kinds.map(([resource, { refused }]) => `${printable(resource)} ${refused}`);
  const line = `objects that make no sense (see the log), whose last good state stays in force: ${counts.join(", ")}`;
  return [...facts, { name: "refused", lines: [paint("yellow", line)] }];
}

function ago(status: Status, at: string): string {
  return `${age(status, at)} ago`;
}

function age(status: Status, at: string): string {
  return renderAge((Date.parse(status.at) - Date.parse(at)) / 1000);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** One line that fits a wide terminal. */
function short(text: string): string {
  const line = printable(text.replaceAll(/\s+/g, " ").trim());
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}
