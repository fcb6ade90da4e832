#!/usr/bin/env node
// Plants the mutants of `list.mjs` one after the other and runs the forge test that must notice each. The contracts
// are compiled in one run of the pinned compiler; the tests take a mutant's code from an environment variable, so
// nothing of theirs is compiled again. Exit status 1 when a mutant lives. `mutants.mjs [name…]` plants only those.
import { execFile } from 'node:child_process';
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

/** Runs one test with one mutant's code in place of the contract's; forge's output. */
function play({ name, contract, test }) {
  const code = output.contracts[posix.join('mutant', name, place(contract))][contract].evm.bytecode.object;
  const args = ['test', '--match-path', 'test/{bridge,withdrawal}/*', '--match-test', `^${test}\\(`, '--fuzz-seed', '7'];
  const env = { ...process.env, [`MUTANT_${contract}`]: `0x${code}` };
  const options = { cwd: root, env, timeout: 300_000, maxBuffer: 1 << 26 };
  return new Promise((done) => {
    execFile(join(root, 'node_modules/.bin/forge'), args, options, (_, stdout, stderr) => done({ stdout, stderr }));
  });
}

let alive = 0;
const waiting = [...planted];
async function work() {
  for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
    const { stdout, stderr } = await play(mutant);
    // Noticed is a test that ran and failed; a set-up that fails notices nothing.
    const noticed = new RegExp(`FAIL.*\\] ${mutant.test}\\(`).test(stdout);
    console.log(`${noticed ? 'noticed' : 'ALIVE  '} ${mutant.name}: ${mutant.test}`);
    if (noticed) continue;
    alive += 1;
    console.log(stdout.split('\n').slice(-12).join('\n'), stderr);
  }
}
await Promise.all([work(), work()]);
console.log(`${planted.length - alive} of ${planted.length} mutants noticed`);
process.exit(alive ? 1 : 0);
