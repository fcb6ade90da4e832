#!/usr/bin/env node
// Compiles what the simulator deploys: the dispute contracts, the toy machine, and the weakened variants of
// `weakenings.mjs`, all in one run of the pinned compiler. Writes `out/contracts.json`; does nothing when that
// file was made from the same inputs.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { weakenings } from './weakenings.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../../contracts');
const require = createRequire(join(root, 'package.json'));
const game = 'src/dispute/game/';
const toys = 'test/dispute/game/';

const sources = {};
const add = (path) => (sources[path] ??= { content: readFileSync(join(root, path), 'utf8') });
for (const file of readdirSync(join(root, game))) if (file.endsWith('.sol')) add(game + file);
for (const file of ['ToyVerifier', 'ToyInbox', 'Wallet']) add(`${toys}${file}.sol`);
add('src/dispute/IStepVerifier.sol');
const deployed = ['DisputeGame', 'DisputeGameFactory', 'AnchorRegistry'];
const selection = {};
const select = (path, name) => ((selection[path] ??= {})[name] = ['evm.bytecode.object']);
for (const name of deployed) select(`${game}${name}.sol`, name);
for (const name of ['ToyVerifier', 'ToyInbox', 'Wallet']) select(`${toys}${name}.sol`, name);

// A weakened file lives in a folder of its own, together with the deployed contracts that import it.
for (const { name, file, edits } of weakenings) {
  let content = sources[`${game}${file}.sol`].content;
  for (const [find, replace] of edits) {
    if (content.split(find).length !== 2) throw new Error(`${name}: edit does not match once: ${find}`);
    content = content.replace(find, () => replace);
  }
  const copied = new Map([[file, content]]);
  if (file === 'Dissection') copied.set('DisputeGame', sources[`${game}DisputeGame.sol`].content);
  for (const [id, text] of copied) {
    const moved = text
      .replace(/from "\.\/(\w+)\.sol"/g, (all, dep) => (copied.has(dep) ? all : `from "${game}${dep}.sol"`))
      .replace(/from "\.\.\/(\w+)\.sol"/g, 'from "src/dispute/$1.sol"');
    sources[`weak/${name}/${id}.sol`] = { content: moved };
    if (deployed.includes(id)) select(`weak/${name}/${id}.sol`, id);
  }
}

const input = {
  language: 'Solidity',
  sources,
  settings: {
    optimizer: { enabled: true, runs: 10000 },
    evmVersion: 'osaka',
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    remappings: ['@openzeppelin/=node_modules/@openzeppelin/'],
    outputSelection: selection,
  },
};
const stamp = createHash('sha256').update(JSON.stringify(input)).digest('hex');
const target = join(here, 'out/contracts.json');
if (existsSync(target) && JSON.parse(readFileSync(target, 'utf8')).stamp === stamp) process.exit(0);

const read = (path) => {
  try {
    return { contents: readFileSync(join(root, path), 'utf8') };
  } catch {
    return { error: `not found: ${path}` };
  }
};
const output = JSON.parse(require('solc').compile(JSON.stringify(input), { import: read }));
const errors = (output.errors ?? []).filter((e) => e.severity === 'error');
if (errors.length > 0) {
  for (const e of errors) process.stderr.write(e.formattedMessage);
  process.exit(1);
}
const result = { stamp, base: {}, weak: {} };
for (const [path, contracts] of Object.entries(output.contracts)) {
  const into = path.startsWith('weak/') ? (result.weak[path.split('/')[1]] ??= {}) : result.base;
  for (const [name, { evm }] of Object.entries(contracts)) into[name] = evm.bytecode.object;
}
mkdirSync(join(here, 'out'), { recursive: true });
writeFileSync(target, JSON.stringify(result));
