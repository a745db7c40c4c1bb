// An explanation for people. In: Explanation. Out: paragraphs in the API's terms, then the walk through the rules, then DNS.
import { styleText } from "node:util";
import { hostPort, renderRule } from "../../rules/index.ts";
import { renderRecords } from "../../rules/dns/render-records.ts";
import type { DnsRecord } from "../../rules/dns/records.ts";
import type { Explanation, ProbeAnswer, Walk } from "../../rules/explain/explain.ts";
import { renderReason, type Reason } from "../../rules/explain/reason/reason.ts";
import type { Way, WalkStep } from "../../rules/explain/walk-tree.ts";
import { percent } from "../../rules/trace/percent.ts";
import { never } from "../../rules/never.ts";
import { printable } from "../../rules/problem.ts";
import type { End } from "../../rules/trace/end.ts";
import type { Hop } from "../../rules/trace/traveller.ts";

type Answered = Extract<Explanation, { kind: "answered" }>;

/** Lines are so wide at most, but for rules that are longer. */
const width = 100;

/** Rules are cut there: an iptables rule can be a kilobyte. */
const longestRule = 240;

/** Records that are shown; JSON has them all. */
const mostRecords = 12;

/** `colour`: headings are bold, and what stops a packet is red. */
export function renderExplanation({ about, answers, dns }: Answered, colour: boolean): string {
  const parts = [
    ...(about.length === 0 ? [] : [paragraph(about, "")]),
    ...answers.map((answer) => renderAnswer(answer, colour)),
    ...(dns.length === 0 ? [] : [renderDns(dns, colour)]),
  ];
  return parts.join("\n");
}

/** What was taken for granted to answer; the answer itself comes before it. */
const noteCodes: ReadonlySet<Reason["code"]> = new Set([
  "outside-stand-in",
  "node-stand-in",
  "placeholder-frontend",
  "placeholder-endpoints",
]);

function isNote({ code }: Reason): boolean {
  return noteCodes.has(code);
}

function renderAnswer({ probe, reasons, expected, walks, parting }: ProbeAnswer, colour: boolean): string {
  const heading = `${bold(printable(probe.label), colour)}\n`;
  const [only, second] = walks;
  const [notes, why] = [reasons.filter(isNote), reasons.filter((reason) => !isNote(reason))];
  if (only === undefined) return heading + paragraph([...why, ...some(parting), ...notes], "  ");
  if (second === undefined) {
    // Where it goes comes first, or, where it goes nowhere, why.
    const first = expected === "refuse" || expected === "drop" ? [...why, ...only.reasons] : [...only.reasons, ...why];
    return heading + paragraph([...first, ...some(parting), ...notes], "  ") + renderWalk(only, "Walk:", colour);
  }
  const texts = walks.map(
    (walk) => `  ${bold(`${printable(walk.source)}:`, colour)}\n${paragraph(walk.reasons, "  ")}`,
  );
  const steps = walks.map((walk) => renderWalk(walk, `Walk, ${printable(walk.source)}:`, colour));
  return heading + paragraph([...why, ...some(parting), ...notes], "  ") + texts.join("") + steps.join("");
}

function some(reason: Reason | undefined): Reason[] {
  return reason === undefined ? [] : [reason];
}

/** All sentences as one paragraph; nothing for none. */
function paragraph(reasons: readonly Reason[], indent: string): string {
  const words = reasons.flatMap((reason) => renderReason(reason).split(" "));
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    const longer = line === "" ? indent + word : `${line} ${word}`;
    if (longer.length > width && line !== "") {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, ...(line === "" ? [] : [line])].map((each) => `${each}\n`).join("");
}

function renderWalk({ steps }: Walk, title: string, colour: boolean): string {
  if (steps.length === 0) return "";
  return `\n  ${bold(title, colour)}\n${stepLines(steps, colour)
    .map((line) => `    ${line}\n`)
    .join("")}`;
}

function stepLines(steps: readonly WalkStep[], colour: boolean): string[] {
  return steps.flatMap((step) => {
    if (step.kind === "hop") return [hopLine(step.hop, colour)];
    const { ways, more } = step;
    const each = more?.each === undefined ? "" : `, ${percent(more.each)} each`;
    const rest = more === undefined ? [] : [`  ... and ${more.ways} more ways${each}`];
    return [...ways.flatMap((way) => wayLines(way, colour)), ...rest];
  });
}

function wayLines({ chance, when, steps, end }: Way, colour: boolean): string[] {
  const conditions = when.map(({ on, holds }) => `${holds ? "if" : "unless"} ${printable(on)}`);
  const head = [
    ...(chance === undefined ? [] : [percent(chance)]),
    ...conditions,
    ...(end === undefined ? [] : [endText(end)]),
  ];
  const title = head.length === 0 ? "or" : head.join(", ");
  return [`- ${title}`, ...stepLines(steps, colour).map((line) => `    ${line}`)];
}

/** Comments stand at the end, where there is room for them. */
function hopLine({ table, chain, line, rule, does }: Hop, colour: boolean): string {
  const where = `${table} ${chain}${line === undefined ? "" : `:${line}`}`;
  if (rule === undefined) {
    const told = printable(`${where}  ${does}`);
    return line === undefined ? stop(told, colour) : told;
  }
  const told = { ...rule, matches: rule.matches.filter(({ kind }) => kind !== "comment") };
  const comments = rule.matches.flatMap((match) => (match.kind === "comment" ? [`# ${match.text}`] : []));
  const whole = printable(`${where}  ${renderRule(told).trim()}`);
  const remark = printable(comments.map((comment) => `  ${comment}`).join(""));
  const shown = whole.length > longestRule ? `${whole.slice(0, longestRule - 3)}...` : whole;
  const room = width - 4 - shown.length;
  const isStop = /-j (DROP|REJECT)\b/.test(whole);
  return (isStop ? stop(shown, colour) : shown) + (remark.length <= room ? remark : "");
}

function stop(text: string, colour: boolean): string {
  return colour ? styleText("red", text, { validateStream: false }) : text;
}

function endText(end: End): string {
  switch (end.kind) {
    case "delivered":
      return `to ${end.port === undefined ? end.to : hostPort(end.to, end.port)}${end.source.kind === "rewritten" ? ", source rewritten" : ""}`;
    case "rejected":
      return `refused with ${printable(end.with)}`;
    case "dropped":
      return "dropped";
    case "undecided":
      return `cannot be told: ${printable(end.on)}`;
    default:
      return never(end);
  }
}

function renderDns(records: readonly DnsRecord[], colour: boolean): string {
  const shown = printableLines(renderRecords(records.slice(0, mostRecords)));
  const more = records.length - mostRecords;
  const rest = more > 0 ? [`... and ${more} more`] : [];
  return `${bold("DNS:", colour)}\n${[...shown, ...rest].map((line) => `  ${line}\n`).join("")}`;
}

function printableLines(text: string): string[] {
  return text.trimEnd().split("\n").map(printable);
}

function bold(text: string, colour: boolean): string {
  return colour ? styleText("bold", text, { validateStream: false }) : text;
}
