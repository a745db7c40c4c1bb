// `npm run bench`: measures, prints a table. In: --quick, --only ROW,ROW. Out: Markdown on standard output; exit status 1 where a target is missed.
import { parseArgs } from "node:util";
import { serveApi } from "../support/process.ts";
import { agent } from "./agent.ts";
import { change } from "./change.ts";
import { compare } from "./compare.ts";
import { connect } from "./connect.ts";
import type { Figure } from "./figure.ts";
import { ipvs } from "./ipvs.ts";
import { load } from "./load.ts";
import { describeMachine } from "./machine.ts";
import { memory } from "./memory.ts";
import { modes } from "./modes.ts";
import { removeAll, whyNoPlaces } from "./namespaces.ts";
import { plan } from "./plan.ts";
import type { Row } from "./row.ts";
import { start } from "./start.ts";
import { explains, missed, renderTable, type Explanation } from "./table.ts";
import { update } from "./update.ts";
import { serveCalls } from "./worker.ts";

/** In the order of the table; quick ones first, so that a mistake shows early. */
const rows: readonly Row[] = [start, update, ipvs, plan, compare, connect, change, load, agent, memory, modes];

/** Targets that are missed for reasons that we know and that are not ours to remove. */
const explained: readonly Explanation[] = [
  {
    figures: ["TCP connect from"],
    because:
      "A single DNAT rule, the least that any Service needs, makes a connect 1.25 to 1.3 times as long as no rules: connection " +
      "tracking and translation. What our rules add to that stands in the lines against one rule. Tried without a gain that would " +
      "close it: two bits instead of four a level of the dispatch tree, no filter table (1 us), no masquerade rules (1.5 us).",
  },
  {
    figures: [
      "one endpoint changes, 10,000 x 5, iptables-nft: restore",
      "one Service is added, 10,000 x 5, iptables-nft: restore",
    ],
    because:
      "The kernel checks every rule that can be reached from PREROUTING, and again from OUTPUT, whenever a commit adds a rule " +
      "(Linux nf_tables_commit, nft_table_validate, nft_chain_validate: nearly all of the restore's CPU time in a profile). With the " +
      "jumps from there removed the time hardly grows. Tried: single-rule edits instead of chains, goto instead of jump, no comments, " +
      "shorter rules; the best saves a fifth. Deleting rules alone is not checked.",
  },
  {
    figures: ["agent, one endpoint changes, 10,000 x 5: from the API server to the kernel, median"],
    because:
      "60 ms and more of it are the restore of a script of 9 lines, of which nearly all is the kernel's check of every rule that can be " +
      "reached (see above; a profile shows nft_chain_validate alone with four fifths, waiting for memory). The agent's own part, from the " +
      "API server's event to the tool and back, is the 10 ms that the same takes with 300 Services. Tried: no masquerade rule in the " +
      "Service's chain (a tenth less), no comments (nothing), another order of loading (nothing).",
  },
  {
    figures: ["agent, 50,000 x 5: from its start to all rules in the kernel"],
    because:
      "18 to 19 s are the pass, of which 11 s are the tool's and the kernel's own; 7 s of the whole are V8's garbage collection. 21 to 27 s " +
      "were seen on the same machine. Tried: a young generation of 8 MB (24.3 s, taken), collecting less while the heap fills (nothing).",
  },
  {
    figures: [
      "JSON manifests (22 MB) to script, 10,000 x 5: CPU",
      "JSON manifests (22 MB) to script in IPVS mode, 10,000 x 5: CPU",
    ],
    because:
      "1.9 to 2.5 s from run to run on one machine, and that of an older commit likewise (in turns, four times: 1.81 s against 1.89 s). A third is " +
      "garbage collection, a third reading JSON. Tried for IPVS mode: a larger young generation, less optimised code (no gain beyond the noise).",
  },
  {
    figures: ["first load, 10,000 x 5, iptables-legacy"],
    because:
      "Time goes with the number of rules, 2.4 times fewer than in kube-proxy's layout, and in both layouts into the tool's own option " +
      "parsing (a profile shows no single place). Measured 3.3 to 4.7 times from run to run; fewer chains or sorted input change nothing.",
  },
];

if (process.argv.includes("--worker")) serveCalls();
else if (process.argv.includes("--api")) serveApi();
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
