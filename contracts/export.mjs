// Writes what the rest of the project needs of a contract, one file each, from Forge's output. The files are in
// git, so running the gateway needs no compiler. `--check` writes nothing and fails when a file in git differs.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const PRODUCTION = { folder: join(HERE, "../gateway/chain/abi"), sources: ["src", "src/dev"] };
const MOCKS = { folder: join(HERE, "../tests/chain/abi"), sources: ["test/mocks"] };

/** Forge writes one folder per source file, with one file per contract in it. */
const artifactsOf = (source) => {
  const folder = join(HERE, "out", source);
  return readdirSync(folder).sort().map((file) => ({
    contractName: file.replace(/\.json$/, ""),
    ...JSON.parse(readFileSync(join(folder, file), "utf8")),
  }));
};

/** Interfaces and abstract contracts have no bytecode and cannot be deployed: they are left out. */
const exportsOf = ({ sources }) => {
  const files = new Map();
  for (const folder of sources) {
    for (const source of readdirSync(join(HERE, folder)).filter((name) => name.endsWith(".sol")).sort()) {
      for (const { contractName, abi, bytecode, deployedBytecode } of artifactsOf(source)) {
        if (bytecode.object === "0x") continue;
        const entry = { contractName, abi, bytecode: bytecode.object, deployedBytecode: deployedBytecode.object };
        files.set(`${contractName}.json`, `${JSON.stringify(entry, null, 1)}\n`);
      }
    }
  }
  return files;
};

const write = (folder, files) => {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
};

const driftOf = (folder, files) => {
  mkdirSync(folder, { recursive: true });
  const inGit = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const stale = inGit.filter((name) => !files.has(name));
  const same = (name, text) => inGit.includes(name) && readFileSync(join(folder, name), "utf8") === text;
  const changed = [...files].filter(([name, text]) => !same(name, text));
  return [...stale, ...changed.map(([name]) => name)].map((name) => join(folder, name));
};

const drift = [];
for (const target of [PRODUCTION, MOCKS]) {
  const files = exportsOf(target);
  if (process.argv.includes("--check")) drift.push(...driftOf(target.folder, files));
  else write(target.folder, files);
}
if (drift.length) {
  console.error(`differs from what the sources build (npm run build):\n${drift.join("\n")}`);
  process.exit(1);
}
