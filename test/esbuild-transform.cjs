// Jest transform. In: TypeScript source. Out: ESM JavaScript with an inline source map.
const { createHash } = require("node:crypto");
const esbuild = require("esbuild");

module.exports = {
  // Never transformSync: that starts a process for each file.
  processAsync: async (source, file) => ({
    code: (
      await esbuild.transform(source, {
        loader: "ts",
        format: "esm",
        target: "node20",
        sourcefile: file,
        sourcemap: "inline",
      })
    ).code,
  }),
  getCacheKey: (source, file) => createHash("sha256").update(esbuild.version).update(file).update(source).digest("hex"),
};
