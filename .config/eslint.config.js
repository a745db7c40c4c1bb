// Lint rules. In: every TypeScript file. Out: what tsc cannot see: floating promises, unsafe text, impure rules/.
import tseslint from "typescript-eslint";

const impure = [
  "process",
  "console",
  "fetch",
  "setTimeout",
  "setInterval",
  "queueMicrotask",
  "performance",
  "crypto",
  "globalThis",
];

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "**/*.js", "**/*.cjs", "**/*.mjs"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: "../tsconfig.json" } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-definitions": ["error", "type"],
      eqeqeq: "error",
      "max-lines": ["error", 400],
      "max-params": ["error", 3],
    },
  },
  // A row of a table has as many columns as it needs; objects of the API are written as literals, not as instances of the client's classes.
  {
    files: ["test/**/*.ts"],
    rules: { "max-params": "off", "@typescript-eslint/no-unsafe-class-instance-assignment": "off" },
  },
  {
    files: ["rules/**/*.ts"],
    rules: {
      "no-restricted-globals": ["error", ...impure],
      "no-restricted-imports": [
        "error",
        {
          patterns: [{ regex: "^(?!\\.|zod$|@noble/hashes/)", message: "rules/ is pure: only zod and @noble/hashes." }],
        },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "MemberExpression[object.name='Math'][property.name='random']",
          message: "rules/ is pure: no randomness.",
        },
        { selector: "MemberExpression[object.name='Date']", message: "rules/ is pure: no clock." },
        { selector: "NewExpression[callee.name='Date']", message: "rules/ is pure: no clock." },
        { selector: "AwaitExpression", message: "rules/ is pure: nothing to wait for." },
      ],
    },
  },
);
