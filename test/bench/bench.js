// Bundles the bench into one file and runs it. In: test/bench/bench.ts. Out: what it prints. Node 20 cannot run TypeScript itself.
import { rmSync } from "node:fs";
import { build } from "esbuild";

// In node_modules, so that packages are found from there; of this process, so that two benches do not overwrite each other's.
const outfile = new URL(`../../node_modules/.cache/rulewright-bench/${process.pid}.mjs`, import.meta.url);
const entry = new URL("bench.ts", import.meta.url);
const options = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  packages: "external",
  logLevel: "warning",
};
await build({ ...options, entryPoints: [entry.pathname], outfile: outfile.pathname });
process.on("exit", () => {
  rmSync(outfile, { force: true });
});
process.chdir(new URL("../..", import.meta.url).pathname);
await import(outfile.href);
