#!/usr/bin/env node
// Plants the mutants of `list.mjs` one after the other and runs the forge test that must notice each. The contracts
// are compiled in one run of the pinned compiler; the tests take a mutant's code from an environment variable, so
// nothing of theirs is compiled again. Exit status 1 when a mutant lives. `mutants.mjs [name…]` plants only those.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutants } from './list.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../contracts');
const solc = createRequire(join(root, 'package.json'))('solc');
const wanted = process.argv.slice(2);
const planted = wanted.length ? mutants.filter(({ name }) => wanted.includes(name)) : mutants;

/** The mutated source of `mutant`. */
function edited({ name, path, find, replace }) {
  const parts = readFileSync(join(root, path), 'utf8').split(find);
  if (parts.length !== 2) throw new Error(`${name}: the edit matches ${parts.length - 1} times, not once`);
  return parts.join(replace);
}

/** Where a contract's source is. */
function place(contract) {
  const folder = ['l1', 'l2'].find((name) => existsSync(join(root, 'src', name, `${contract}.sol`)));
  return `src/${folder}/${contract}.sol`;
}

// Each mutant has a tree of its own, `mutant/NAME/src/…`, that is the project's but for one file.
const byName = new Map(planted.map((mutant) => [mutant.name, mutant]));
function read(path) {
  const [, name, inner] = path.match(/^mutant\/([^/]+)\/(.*)$/) ?? [];
  const mutant = name && byName.get(name);
  if (mutant && inner === mutant.path) return { contents: edited(mutant) };
  const file = join(root, inner ?? path);
  return existsSync(file) ? { contents: readFileSync(file, 'utf8') } : { error: `not found: ${path}` };
}

const sources = {};
const outputSelection = {};
for (const mutant of planted) {
  const path = posix.join('mutant', mutant.name, place(mutant.contract));
  sources[path] = { content: read(path).contents };
  outputSelection[path] = { [mutant.contract]: ['evm.bytecode.object'] };
}
const settings = {
  optimizer: { enabled: true, runs: 10000 },
  evmVersion: 'osaka',
  metadata: { bytecodeHash: 'none', appendCBOR: false },
  remappings: ['@openzeppelin/=node_modules/@openzeppelin/'],
  outputSelection,
};
const input = JSON.stringify({ language: 'Solidity', sources, settings });
const output = JSON.parse(solc.compile(input, { import: read }));
for (const error of output.errors ?? []) {
  if (error.severity !== 'error') continue;
  console.error(error.formattedMessage);
  process.exit(1);
}

let alive = 0;
for (const { name, contract, test } of planted) {
  const path = posix.join('mutant', name, place(contract));
  const code = output.contracts[path][contract].evm.bytecode.object;
  const run = spawnSync(
    join(root, 'node_modules/.bin/forge'),
    ['test', '--match-path', 'test/{bridge,withdrawal}/*', '--match-test', `^${test}\\(`, '--fuzz-seed', '7'],
    { cwd: root, env: { ...process.env, [`MUTANT_${contract}`]: `0x${code}` }, encoding: 'utf8', timeout: 120_000 },
  );
  // Noticed is a test that ran and failed; a set-up that fails notices nothing.
  const noticed = new RegExp(`FAIL.*\\] ${test}\\(`).test(run.stdout);
  console.log(`${noticed ? 'noticed' : 'ALIVE  '} ${name}: ${test}`);
  if (noticed) continue;
  alive += 1;
  console.log(run.stdout.split('\n').slice(-12).join('\n'), run.stderr);
}
console.log(`${planted.length - alive} of ${planted.length} mutants noticed`);
process.exit(alive ? 1 : 0);
