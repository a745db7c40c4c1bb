// Row "start": how long the command line takes to do next to nothing. In: Scale. Out: Figures of wall time.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manifest } from "./cluster.ts";
import { median, type Figure } from "./figure.ts";
import { runBuilt } from "./process.ts";
import type { Row } from "./row.ts";

export const start: Row = { name: "start", title: "start-up", needsKernel: false, measure };

async function measure(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), "rwbench-start-"));
  try {
    const file = join(directory, "tiny.json");
    await writeFile(file, manifest({ services: 1, endpoints: 2 }));
    return [
      await figureOf("rulewright --version", ["--version"]),
      await figureOf("rulewright plan of one Service", ["plan", "-f", file, "--node-name", "node-7"]),
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function figureOf(name: string, args: readonly string[]): Promise<Figure> {
  const times: number[] = [];
  for (let turn = 0; turn < 11; turn++) {
    const ran = await runBuilt(args, "/dev/null");
    if (ran.code !== 0) throw new Error(`bench: ${name} exited with ${String(ran.code)}`);
    times.push(ran.wallMs);
  }
  return { name: `${name}: wall`, unit: "ms", ours: median(times), target: { kind: "at-most", value: 500 } };
}
