import { readdirSync } from "node:fs";
import js from "@eslint/js";
import { createNodeResolver, importX } from "eslint-plugin-import-x";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

// The floor plan: app > features/* > sync > wire; ui and lib know none of these.
const features = readdirSync("src/features", { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const zone = (target, ...forbidden) => ({
  target: `./src/${target}`,
  from: forbidden.map((name) => `./src/${name}`),
  message: `src/${target} must not know ${forbidden.join(", ")}: see docs/adr/0008-web-client.md.`,
});
const zones = [
  ...features.map((name) =>
    zone(`features/${name}`, "app", ...features.filter((other) => other !== name).map((other) => `features/${other}`)),
  ),
  zone("sync", "app", "features", "ui"),
  zone("wire", "app", "features", "sync", "ui", "lib"),
  zone("ui", "app", "features", "sync", "wire"),
  zone("lib", "app", "features", "sync", "wire", "ui"),
];

export default tseslint.config(
  { ignores: ["dist", "node_modules", "../out", "src/wire/*.gen.ts"] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_", argsIgnorePattern: "^_" }],
      "@typescript-eslint/dot-notation": "off", // tsc asks for the brackets (noPropertyAccessFromIndexSignature).
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
      eqeqeq: "error",
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
      "no-console": ["error", { allow: ["error"] }],
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Messages are data: build React nodes.",
        },
        { selector: "TSEnumDeclaration", message: "Use a union of strings." },
      ],
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    languageOptions: { globals: globals.browser },
    plugins: { "import-x": importX, "react-hooks": reactHooks, "jsx-a11y": jsxA11y },
    settings: { "import-x/resolver-next": [createNodeResolver({ extensions: [".ts", ".tsx", ".js"] })] },
    rules: {
      ...jsxA11y.configs.strict.rules,
      ...reactHooks.configs.recommended.rules,
      "import-x/no-cycle": "error",
      "import-x/no-default-export": "error",
      "import-x/no-restricted-paths": ["error", { basePath: import.meta.dirname, zones }],
    },
  },
  {
    files: ["*.{js,ts}", "scripts/*.mjs"],
    languageOptions: {
      globals: globals.node,
      parserOptions: { projectService: { allowDefaultProject: ["*.js", "scripts/*.mjs"] } },
    },
    rules: { "no-console": "off" },
  },
  { files: ["worker/*.js"], languageOptions: { globals: { ...globals.serviceworker, __BUILD__: "readonly" } } },
  { files: ["**/*.mjs", "**/*.js"], ...tseslint.configs.disableTypeChecked },
  {
    files: ["**/*.test.{ts,tsx}", "e2e/**", "src/sync/testing/**", "src/lib/i18n/*.ts"],
    rules: { "max-lines": "off" },
  },
);
