// Bundles the command line. In: src/main.ts. Out: dist/rulewright.js and its parts, dist/rules (the library and its types).
import { build } from "esbuild";
import { chmod, rm } from "node:fs/promises";
import { execaSync } from "execa";
import { slimClientNode } from "./slim-client-node.js";

const common = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: "warning",
};
await rm("dist", { recursive: true, force: true });
await build({
  ...common,
  entryPoints: { rulewright: "src/main.ts" },
  outdir: "dist",
  // What only the agent needs (a megabyte of it) is in files of its own: other commands start four times as fast without reading it.
  splitting: true,
  plugins: [slimClientNode],
  chunkNames: "parts/[name]-[hash]",
  // Bundled CommonJS packages call require(), which an ES module does not have.
  banner: {
    js: '#!/usr/bin/env node\nimport{createRequire}from"node:module";const require=createRequire(import.meta.url);',
  },
});
await chmod("dist/rulewright.js", 0o755);
await build({ ...common, platform: "neutral", entryPoints: ["rules/index.ts"], outfile: "dist/rules/index.js" });
execaSync(
  "node_modules/.bin/tsc",
  [
    "-p",
    "rules",
    "--noEmit",
    "false",
    "--declaration",
    "--emitDeclarationOnly",
    // So that what is there is known to be whole, and test/run.sh need not build it again.
    "--noEmitOnError",
    "--rewriteRelativeImportExtensions",
    "--outDir",
    "dist/rules",
  ],
  { stdio: "inherit" },
);
