// Installs the npm packages of package-lock.json once, and bundles the page: into build/browser.
// When nothing has changed since, it asks for no network.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const cache = join(here, "..", "..", "build", "browser");
const FILES = ["package.json", "package-lock.json", ".npmrc"];
if (process.argv[2] === "lock") {
  lock();
  process.exit();
}
const wanted = FILES.map((name) => readFileSync(join(here, name), "utf-8")).join("");
const stamp = join(cache, "installed.json");
mkdirSync(cache, { recursive: true });

if (!existsSync(stamp) || readFileSync(stamp, "utf-8") !== wanted) {
  for (const name of FILES) {
    copyFileSync(join(here, name), join(cache, name));
  }
  execFileSync("npm", ["ci", "--loglevel=error"], { cwd: cache, stdio: "inherit" });
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

// `node bundle.mjs lock`: the lock file again, after a change of package.json. Requests for money and
// notes of the registry go out of it: they are addresses too, and of no use here.
function lock() {
  execFileSync("npm", ["install", "--package-lock-only"], { cwd: here, stdio: "inherit" });
  const path = join(here, "package-lock.json");
  const locked = JSON.parse(readFileSync(path, "utf-8"));
  for (const entry of Object.values(locked.packages)) {
    delete entry.funding;
    delete entry.deprecated;
  }
  writeFileSync(path, `${JSON.stringify(locked, null, 1)}\n`);
}
