// Bundles the command line into one file. In: src/main.ts. Out: dist/rulewright.js, dist/rules (the library and its types).
import { build } from "esbuild";
import { chmod, rm } from "node:fs/promises";
import { execaSync } from "execa";

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
  entryPoints: ["src/main.ts"],
  outfile: "dist/rulewright.js",
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
    "--rewriteRelativeImportExtensions",
    "--outDir",
    "dist/rules",
  ],
  { stdio: "inherit" },
);
