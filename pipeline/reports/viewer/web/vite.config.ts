import { defineConfig } from "vite";

// One classic script and one style sheet: a browser loads no module from file://. `index.html` is
// copied as it stands, for it names both.
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  publicDir: false,
  build: {
    target: "es2021",
    outDir: "dist",
    emptyOutDir: true,
    modulePreload: false,
    assetsInlineLimit: 0,
    lib: {
      entry: "src/main.tsx",
      formats: ["iife"],
      name: "turnwiseReport",
      fileName: () => "report.js",
      cssFileName: "report",
    },
  },
});
