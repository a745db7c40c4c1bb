// Changes of sets as text. In: SetChange[]. Out: ipset restore input, and which change each of its lines is for.
import type { Family } from "../net/ip.ts";
import { never } from "../never.ts";
import type { SetChange } from "./diff-sets.ts";
import { maxElemFor, type KeptSet } from "./set-table.ts";

/**
 * Input for `ipset restore`, which stops at the first line that fails and keeps what came before it. With `-exist` a line that is done
 * already is passed over, so that the whole can be run again. Nothing from outside is in it but addresses, ports and protocols that were
 * parsed. Source: ipset(8), restore, -exist, swap.
 */
export function renderSetChanges(changes: readonly SetChange[], family: Family): string {
  return changes
    .flatMap((change) => linesOf(change, family))
    .map((line) => `${line}\n`)
    .join("");
}

/** The change that line `number` (from 1) of `renderSetChanges` belongs to. */
export function setChangeOfLine(changes: readonly SetChange[], number: number): SetChange | undefined {
  let left = number;
  for (const change of changes) {
    left -= lineCount(change);
    if (left <= 0) return number > 0 ? change : undefined;
  }
  return undefined;
}

function linesOf(change: SetChange, family: Family): string[] {
  switch (change.kind) {
    case "create-set":
      return [createLine(change.set, family)];
    case "grow-set": {
      const { set, entries } = change;
      const next = { ...set, name: nextName(set.name) };
      return [
        createLine(next, family, entries.length),
        // What an interrupted growth left.
        `flush ${next.name}`,
        ...entries.map((entry) => `add ${next.name} ${entry} -exist`),
        `swap ${next.name} ${set.name}`,
        `destroy ${next.name}`,
      ];
    }
    case "add-entry":
      return [`add ${change.set} ${change.entry} -exist`];
    case "delete-entry":
      return [`del ${change.set} ${change.entry} -exist`];
    case "destroy-set":
      return [`destroy ${change.set.name}`];
    default:
      return never(change);
  }
}

function lineCount(change: SetChange): number {
  return change.kind === "grow-set" ? change.entries.length + 4 : 1;
}

function createLine({ name, type, entries }: KeptSet, family: Family, size = entries.size): string {
  if (type === "bitmap:port") return `create ${name} ${type} range 0-65535 -exist`;
  return `create ${name} ${type} family ${family === 4 ? "inet" : "inet6"} maxelem ${maxElemFor(size)} -exist`;
}

/** Where a set is filled before it is swapped in: `RW-CLUSTER-IP` for `KUBE-CLUSTER-IP`; no longer than the name itself. */
function nextName(name: string): string {
  return `RW-${name.replace(/^KUBE-/, "")}`.slice(0, 31);
}
