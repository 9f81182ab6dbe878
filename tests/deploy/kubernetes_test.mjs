// Validates each document of the given manifests by the published schema of its kind.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";

const [modules, ...files] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), "index.js"));
const yaml = require("js-yaml");
let bad = 0;
let good = 0;
for (const file of files) {
  for (const document of yaml.loadAll(readFileSync(file, "utf8"))) {
    const { apiVersion, kind } = document;
    if (apiVersion.startsWith("kustomize.config.k8s.io/")) continue;
    try {
      const models = require(`kubernetes-models/${apiVersion}`);
      new models[kind](document).validate();
      ++good;
    } catch (problem) {
      ++bad;
      console.error(`${file}: ${kind}: ${problem.message}`);
    }
  }
}
console.log(`${good} valid`);
process.exit(bad > 0 || good === 0 ? 1 : 0);
