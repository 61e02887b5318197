import { createHash } from "node:crypto";
import { defineConfig } from "vite";

// Some stylesheets embed fonts as `data:` URLs, which would need `font-src data:` in the policy. Write them to files instead.
const fontsAsFiles = () => ({
  name: "fonts-as-files",
  generateBundle(_options, bundle) {
    for (const sheet of Object.values(bundle).filter((file) => file.fileName.endsWith(".css"))) {
      sheet.source = String(sheet.source).replace(
        /url\((["']?)data:font\/(\w+)[^,]*;base64,([^"')]+)\1\)/g,
        (_whole, _quote, format, encoded) => {
          const source = Buffer.from(encoded, "base64");
          const name = `font-${createHash("sha256").update(source).digest("hex").slice(0, 12)}.${format}`;
          this.emitFile({ type: "asset", fileName: `static/${name}`, source });
          return `url(./${name})`;
        },
      );
    }
  },
});

export default defineConfig({
  base: "./",
  plugins: [fontsAsFiles()],
  oxc: { jsx: { runtime: "automatic" } },
  worker: { format: "es" },
  build: {
    assetsDir: "static",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 5000,
    manifest: "manifest.json",
    modulePreload: false,
    rollupOptions: { input: { graphiql: "src/graphiql.jsx", docs: "src/docs.jsx" } },
  },
});
