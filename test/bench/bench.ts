// `npm run bench`: measures, prints a table. In: --quick, --only ROW,ROW. Out: Markdown on standard output; exit status 1 where a target is missed.
import { parseArgs } from "node:util";
import { change } from "./change.ts";
import { connect } from "./connect.ts";
import type { Figure } from "./figure.ts";
import { load } from "./load.ts";
import { describeMachine } from "./machine.ts";
import { removeAll, whyNoPlaces } from "./namespaces.ts";
import { plan } from "./plan.ts";
import type { Row } from "./row.ts";
import { start } from "./start.ts";
import { explains, missed, renderTable, type Explanation } from "./table.ts";
import { update } from "./update.ts";
import { serveCalls } from "./worker.ts";

/** In the order of the table; quick ones first, so that a mistake shows early. */
const rows: readonly Row[] = [start, update, plan, connect, change, load];

/** Targets that are missed for reasons that we know and that are not ours to remove. */
const explained: readonly Explanation[] = [
  {
    figures: ["TCP connect to"],
    because:
      "A single DNAT rule, the least that any Service needs, makes a connect 1.25 times as long as no rules by itself: " +
      "connection tracking and translation. What our rules add to that stands in the lines against one rule.",
  },
  {
    figures: [
      "one endpoint changes, 10,000 x 5, iptables-nft: restore",
      "one Service is added, 10,000 x 5, iptables-nft: restore",
    ],
    because:
      "The kernel checks every rule that can be reached from PREROUTING, and again from OUTPUT, whenever a commit adds a rule " +
      "(Linux nft_table_validate; nine tenths of the restore's CPU time). With the jumps from there removed the time hardly grows.",
  },
];

if (process.argv.includes("--worker")) serveCalls();
else await main();

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: "boolean" }, only: { type: "string" } } });
  const names = values.only?.split(",") ?? rows.map(({ name }) => name);
  const unknown = names.filter((name) => !rows.some((row) => row.name === name));
  if (unknown.length > 0)
    throw new Error(`--only ${unknown.join(",")}: must be of ${rows.map(({ name }) => name).join(", ")}`);
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.on(signal, () => process.exit(code));
  process.on("exit", removeAll);
  removeAll();

  const chosen = rows.filter(({ name }) => names.includes(name));
  const noPlaces = chosen.some((row) => row.needsKernel) ? await whyNoPlaces() : undefined;
  const figures: Figure[] = [];
  const left: string[] = [];
  for (const row of chosen) {
    if (row.needsKernel && noPlaces !== undefined) left.push(`Not measured: ${row.title}: needs root: ${noPlaces}\n`);
    else if (values.quick === true) figures.push(...(await timed(row, "quick")).map(withoutTarget));
    else figures.push(...(await timed(row, "full")));
  }
  const unmet = missed(figures).filter((figure) => !explained.some((reason) => explains(reason, figure)));
  process.stdout.write(
    `Measured on ${describeMachine()}.\n\n${renderTable(figures, explained)}${left.map((text) => `\n${text}`).join("")}`,
  );
  for (const { name } of unmet) process.stderr.write(`missed: ${name}\n`);
  process.exitCode = unmet.length + left.length > 0 ? 1 : 0;
}

/** Targets are for the full sizes. */
function withoutTarget({ name, unit, ours, baseline }: Figure): Figure {
  return { name, unit, ours, ...(baseline === undefined ? {} : { baseline }) };
}

async function timed(row: Row, scale: "full" | "quick"): Promise<Figure[]> {
  process.stderr.write(`${row.title} ...`);
  const begin = performance.now();
  const figures = await row.measure(scale);
  process.stderr.write(` ${((performance.now() - begin) / 1000).toFixed(0)} s\n`);
  return figures;
}
