// Changes for people and for programs. In: changes of either mode. Out: text grouped by Service, or plain data for JSON.
import { styleText } from "node:util";
import {
  causeOfIpvs,
  chainOf,
  realKey,
  renderRule,
  ruleLine,
  serviceDevice,
  type Change,
  type IpvsChange,
} from "../../rules/index.ts";
import { never } from "../../rules/never.ts";
import { printable } from "../../rules/problem.ts";
import { lineOfChange, toolOfChange } from "./ipvs-lines.ts";

/** Changes by what they are made for: each Service port with its causes, then what is made for all. */
export function renderChanges(changes: readonly IpvsChange[], colour: boolean): string {
  return groupByService(changes)
    .map(({ service, members }) => {
      const causes = [...new Set(members.flatMap((change) => causeOfIpvs(change).texts))];
      const lines = members.flatMap((change) => changeLines(change, colour));
      return `${service}: ${causes.join("; ")}\n${lines.map((line) => `  ${line}\n`).join("")}`;
    })
    .join("");
}

/** `3 chains created, 1 rewritten, 2 deleted, 11 jumps inserted`, or `no change`. */
export function renderCount(changes: readonly IpvsChange[]): string {
  const counts = new Map<string, number>();
  for (const change of changes) {
    const what = countedAs(change);
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  const some = counted.flatMap((what) => {
    const number = counts.get(what);
    return number === undefined ? [] : [`${number} ${what}`];
  });
  return some.length === 0 ? "no change" : some.join(", ");
}

/** What changes are counted as, in the order in which the counts stand. */
const counted = [
  "chains created",
  "rewritten",
  "deleted",
  "jumps inserted",
  "moved back",
  "removed",
  "sets created",
  "made larger",
  "destroyed",
  "entries added",
  "entries deleted",
  "devices created",
  "devices deleted",
  "addresses added",
  "addresses deleted",
  "virtual servers added",
  "edited",
  "virtual servers deleted",
  "real servers added",
  "given weight",
  "begin to drain",
  "real servers deleted",
] as const;

function countedAs(change: IpvsChange): (typeof counted)[number] {
  switch (change.kind) {
    case "create-chain":
      return "chains created";
    case "rewrite-chain":
      return "rewritten";
    case "delete-chain":
      return "deleted";
    case "insert-jump":
      return "jumps inserted";
    case "move-jump":
      return "moved back";
    case "delete-jump":
      return "removed";
    case "create-set":
      return "sets created";
    case "grow-set":
      return "made larger";
    case "destroy-set":
      return "destroyed";
    case "add-entry":
      return "entries added";
    case "delete-entry":
      return "entries deleted";
    case "create-device":
      return "devices created";
    case "delete-device":
      return "devices deleted";
    case "add-address":
      return "addresses added";
    case "delete-address":
      return "addresses deleted";
    case "add-server":
      return "virtual servers added";
    case "edit-server":
      return "edited";
    case "delete-server":
      return "virtual servers deleted";
    case "add-real":
      return "real servers added";
    case "edit-real":
      return change.real.weight === 0 ? "begin to drain" : "given weight";
    case "delete-real":
      return "real servers deleted";
    default:
      return never(change);
  }
}

/** A change as plain data: what it is made to, rules as text, of other tools their input in the place of rules. */
export function changeJson(change: IpvsChange) {
  const cause = causeOfIpvs(change);
  const [removed, added] = [removedLines(change), addedLines(change)];
  if (!isRuleChange(change)) {
    const { kind } = change;
    const drains = kind === "edit-real" && change.real.weight === 0 ? { drains: true } : {};
    return { kind, tool: toolOfChange(change), ...subjectOf(change), cause, removed, added, ...drains };
  }
  const { kind, table } = change;
  return { kind, table, chain: chainOf(change), cause, removed, added };
}

type OtherChange = Exclude<IpvsChange, Change>;

/** What a change of another tool than iptables is made to. */
function subjectOf(change: OtherChange) {
  switch (change.kind) {
    case "create-set":
    case "grow-set":
    case "destroy-set":
      return { set: change.set.name };
    case "add-entry":
    case "delete-entry":
      return { set: change.set, entry: change.entry };
    case "create-device":
    case "delete-device":
      return { device: serviceDevice };
    case "add-address":
    case "delete-address":
      return { device: serviceDevice, address: change.ip };
    case "add-server":
    case "edit-server":
    case "delete-server":
      return { server: realKey(change.server), protocol: change.server.protocol };
    case "add-real":
    case "edit-real":
    case "delete-real":
      return { server: realKey(change.server), protocol: change.server.protocol, real: realKey(change.real) };
    default:
      return never(change);
  }
}

/** Whether standard output is a terminal that shows colours, and nobody asked for none (NO_COLOR). */
export function wantsColour(): boolean {
  return process.stdout.isTTY && process.stdout.hasColors();
}

const everyService = "all Services";

function groupByService(changes: readonly IpvsChange[]): { service: string; members: IpvsChange[] }[] {
  const groups = new Map<string, IpvsChange[]>();
  for (const change of changes) {
    const [only, ...others] = causeOfIpvs(change).services;
    const key = only === undefined ? everyService : others.length === 0 ? only : [only, ...others].join(", ");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [change]);
    else group.push(change);
  }
  const order = (service: string) => (service === everyService ? 1 : 0);
  return [...groups]
    .map(([service, members]) => ({ service, members }))
    .sort((a, b) => order(a.service) - order(b.service) || (a.service < b.service ? -1 : 1));
}

function changeLines(change: IpvsChange, colour: boolean): string[] {
  const paint = (style: "red" | "green", line: string) =>
    colour ? styleText(style, line, { validateStream: false }) : line;
  if (!isRuleChange(change)) {
    const sign = signOf(change);
    const line = `${sign} ${toolOfChange(change)} ${printable(lineOfChange(change))}`;
    return [sign === "~" ? line : paint(sign === "+" ? "green" : "red", line)];
  }
  return [
    `${ruleSigns[change.kind]} ${change.table} ${chainOf(change)}`,
    ...removedLines(change).map((line) => paint("red", `    - ${line}`)),
    ...addedLines(change).map((line) => paint("green", `    + ${line}`)),
  ];
}

const ruleSigns: Readonly<Record<Change["kind"], string>> = {
  "create-chain": "+",
  "rewrite-chain": "~",
  "delete-chain": "-",
  "insert-jump": "+",
  "move-jump": "^",
  "delete-jump": "-",
};

function isRuleChange(change: IpvsChange): change is Change {
  return Object.hasOwn(ruleSigns, change.kind);
}

/** Of its kind's name: what is new, what goes, and what is there and changes. */
function signOf({ kind }: OtherChange): "+" | "-" | "~" {
  if (/^(?:add|create)-/.test(kind)) return "+";
  return /^(?:delete|destroy)-/.test(kind) ? "-" : "~";
}

function removedLines(change: IpvsChange): string[] {
  if (!isRuleChange(change)) return signOf(change) === "-" ? [lineOfChange(change)] : [];
  switch (change.kind) {
    case "create-chain":
    case "insert-jump":
      return [];
    case "delete-jump":
    case "move-jump":
      return [ruleLine(change.from, change.rule)];
    case "delete-chain":
      return change.before.rules.map((rule) => ruleLine(change.before.name, rule));
    case "rewrite-chain": {
      const kept = new Set(change.after.rules.map(renderRule));
      return change.before.rules
        .filter((rule) => !kept.has(renderRule(rule)))
        .map((rule) => ruleLine(change.before.name, rule));
    }
    default:
      return never(change);
  }
}

function addedLines(change: IpvsChange): string[] {
  if (!isRuleChange(change)) return signOf(change) === "-" ? [] : [lineOfChange(change)];
  switch (change.kind) {
    case "delete-chain":
    case "delete-jump":
      return [];
    case "insert-jump":
    case "move-jump":
      return [ruleLine(change.from, change.rule)];
    case "create-chain":
      return change.after.rules.map((rule) => ruleLine(change.after.name, rule));
    case "rewrite-chain": {
      const had = new Set(change.before.rules.map(renderRule));
      return change.after.rules
        .filter((rule) => !had.has(renderRule(rule)))
        .map((rule) => ruleLine(change.after.name, rule));
    }
    default:
      return never(change);
  }
}
