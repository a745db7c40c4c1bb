// Tests of src/agent/give-back.ts, in a program of its own: it is about a whole process.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "@jest/globals";

const root = join(import.meta.dirname, "..", "..", "..");

test("gives back what is no longer used, grows slowly, and lets the program end", async () => {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: join(root, "src", "agent"), loader: "ts" },
    ...{ bundle: true, write: false, platform: "node", format: "esm", target: "node20" },
  });
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "-e",
    outputFiles[0]?.text ?? "",
  ]);
  const [before, after] = stdout.trim().split(" ").map(Number);
  expect(before).toBeGreaterThan(60);
  expect(after).toBeLessThan((before ?? 0) / 2);
}, 30_000);

/** Many small objects of which every tenth stays: without compaction nearly every page would stay too. */
const program = `
import { giveBackMemory, growSlowly } from "./give-back.ts";
growSlowly();
const all = Array.from({ length: 600_000 }, (_, at) => ({ at, more: [at, String(at)] }));
const kept = all.filter(({ at }) => at % 10 === 0);
all.length = 0;
const heap = () => Math.round(process.memoryUsage().heapTotal / 1e6);
const before = heap();
giveBackMemory(1);
setTimeout(() => console.log(before, heap(), kept.length === 0 ? "" : ""), 300);
`;
