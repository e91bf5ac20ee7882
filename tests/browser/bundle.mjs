// Installs the npm packages once for each package.json, and bundles the page: into build/browser.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const cache = join(here, "..", "..", "build", "browser");
const wanted = readFileSync(join(here, "package.json"), "utf-8");
const stamp = join(cache, "installed.json");
mkdirSync(cache, { recursive: true });

if (!existsSync(stamp) || readFileSync(stamp, "utf-8") !== wanted) {
  copyFileSync(join(here, "package.json"), join(cache, "package.json"));
  const options = ["--legacy-peer-deps", "--ignore-scripts", "--no-package-lock"];
  execFileSync("npm", ["install", ...options, "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: cache,
    stdio: "inherit",
  });
  writeFileSync(stamp, wanted);
}

const source = readFileSync(join(here, "page.jsx"), "utf-8");
const bundled = join(cache, "bundled.txt");
if (!existsSync(bundled) || readFileSync(bundled, "utf-8") !== wanted + source) {
  const { buildSync } = createRequire(`${cache}/`)("esbuild");
  buildSync({
    stdin: { contents: source, loader: "jsx", resolveDir: cache, sourcefile: "page.jsx" },
    bundle: true,
    minify: true,
    format: "esm",
    define: { "process.env.NODE_ENV": '"production"' },
    outfile: join(cache, "page.js"),
    logLevel: "error",
  });
  writeFileSync(bundled, wanted + source);
}
