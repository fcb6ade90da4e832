#!/usr/bin/env node
// Writes what the workspace needs of the built contracts, so that a clone builds without a compiler:
// artifacts/*.json ({abi, bytecode, deployedBytecode}) and snapshots/storage/*.json (storage layouts).
// `artifacts.mjs` writes, `artifacts.mjs --check` compares and exits 1 on any difference.
// Run after `forge build`.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROXIED, breaks } from './layouts.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const list = readFileSync(join(root, 'artifacts', 'contracts.txt'), 'utf8')
  .split('\n')
  .filter((line) => line && !line.startsWith('#'));
const check = process.argv.includes('--check');
const stale = [];
/** Left for the arguments of a constructor; the Deployment's hold the parts of a genesis. */
const ARGUMENT_BYTES = 3_072;

/** Writes `content` to `path`, or remembers `path` if it differs. */
function put(path, content) {
  const full = join(root, path);
  if (!check) {
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
  } else if (!existsSync(full) || readFileSync(full, 'utf8') !== content) {
    stale.push(path);
  }
}

/** Storage variables without the compiler's internal numbering. */
function layout({ storage, types }) {
  return storage.map(({ label, slot, offset, type }) => ({
    label,
    slot,
    offset,
    type: types[type].label,
    bytes: types[type].numberOfBytes,
  }));
}

/** Refuses what L1 would: code above EIP-170's limit, creation code above EIP-3860's, arguments included. */
function checkSize(name, { bytecode, deployedBytecode }) {
  const bytes = ({ object }) => (object.length - 2) / 2;
  const sizes = [
    ['code', bytes(deployedBytecode), 24_576],
    ['creation code', bytes(bytecode), 49_152 - ARGUMENT_BYTES],
  ];
  for (const [what, size, max] of sizes) {
    if (size > max) throw new Error(`${name}: ${what} has ${size} bytes, at most ${max} fit`);
  }
}

/** Refuses a layout that is no continuation of the committed one: chains with the old code could not be upgraded. */
function checkLayout(name, snapshot, storage) {
  if (!existsSync(snapshot)) return;
  const found = breaks(JSON.parse(readFileSync(snapshot, 'utf8')), storage);
  if (!found.length) return;
  throw new Error(`${name}: ${found.join('; ')}\ndelete ${snapshot} if no chain has this contract yet`);
}

const json = (value) => `${JSON.stringify(value, null, 1)}\n`;
const kept = new Set(['contracts.txt']);

for (const name of list) {
  const built = JSON.parse(readFileSync(join(root, 'out', `${name}.sol`, `${name}.json`), 'utf8'));
  checkSize(name, built);
  put(
    join('artifacts', `${name}.json`),
    json({
      abi: built.abi,
      bytecode: { object: built.bytecode.object },
      deployedBytecode: { object: built.deployedBytecode.object },
    }),
  );
  kept.add(`${name}.json`);
  const storage = layout(built.storageLayout);
  const snapshot = join('snapshots', 'storage', `${name}.json`);
  if (PROXIED.includes(name)) checkLayout(name, join(root, snapshot), storage);
  if (storage.length) put(snapshot, json(storage));
}

stale.push(...readdirSync(join(root, 'artifacts')).filter((file) => !kept.has(file)));
if (stale.length) {
  console.error(`stale: ${stale.join(', ')}\nrun \`make artifacts\` and commit what it writes`);
  process.exit(1);
}
