// Changes for people and for programs. In: Change[]. Out: text grouped by Service, or plain data for JSON.
import { styleText } from "node:util";
import { causeOf, chainOf, renderRule, ruleLine, type Change } from "../../rules/index.ts";

/** Changes by what they are made for: each Service port with its causes, then what is made for all. */
export function renderChanges(changes: readonly Change[], colour: boolean): string {
  return groupByService(changes)
    .map(({ service, members }) => {
      const causes = [...new Set(members.flatMap((change) => causeOf(change).texts))];
      const lines = members.flatMap((change) => changeLines(change, colour));
      return `${service}: ${causes.join("; ")}\n${lines.map((line) => `  ${line}\n`).join("")}`;
    })
    .join("");
}

/** `3 chains to create, 1 to rewrite, 2 to delete, 11 jumps to insert`, or `nothing to change`. */
export function renderCount(changes: readonly Change[]): string {
  const count = (kind: Change["kind"]) => changes.filter((change) => change.kind === kind).length;
  const parts = [
    [count("create-chain"), "chains created"],
    [count("rewrite-chain"), "rewritten"],
    [count("delete-chain"), "deleted"],
    [count("insert-jump"), "jumps inserted"],
    [count("move-jump"), "moved back"],
    [count("delete-jump"), "removed"],
  ] as const;
  const some = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  return some.length === 0 ? "no change" : some.join(", ");
}

/** A change as plain data, rules as text. */
export function changeJson(change: Change) {
  const { kind, table } = change;
  return {
    kind,
    table,
    chain: chainOf(change),
    cause: causeOf(change),
    removed: removedLines(change),
    added: addedLines(change),
  };
}

/** Whether standard output is a terminal that shows colours, and nobody asked for none (NO_COLOR). */
export function wantsColour(): boolean {
  return process.stdout.isTTY && process.stdout.hasColors();
}

const everyService = "all Services";

function groupByService(changes: readonly Change[]): { service: string; members: Change[] }[] {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const [only, ...others] = causeOf(change).services;
    const key = only === undefined ? everyService : others.length === 0 ? only : [only, ...others].join(", ");
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  const order = (service: string) => (service === everyService ? 1 : 0);
  return [...groups]
    .map(([service, members]) => ({ service, members }))
    .sort((a, b) => order(a.service) - order(b.service) || (a.service < b.service ? -1 : 1));
}

function changeLines(change: Change, colour: boolean): string[] {
  const sign = {
    "create-chain": "+",
    "rewrite-chain": "~",
    "delete-chain": "-",
    "insert-jump": "+",
    "move-jump": "^",
    "delete-jump": "-",
  }[change.kind];
  const paint = (style: "red" | "green", line: string) =>
    colour ? styleText(style, line, { validateStream: false }) : line;
  return [
    `${sign} ${change.table} ${chainOf(change)}`,
    ...removedLines(change).map((line) => paint("red", `    - ${line}`)),
    ...addedLines(change).map((line) => paint("green", `    + ${line}`)),
  ];
}

function removedLines(change: Change): string[] {
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
  }
}

function addedLines(change: Change): string[] {
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
  }
}
