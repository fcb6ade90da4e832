#!/usr/bin/env node
// Runs the client tests against one `trestle dev`: `run.mjs path/to/trestle [test files…]`.
// Without files: all of them, the replay last, so that it sees what the others did. Exit status is that
// of the tests.
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startStack } from './lib/stack.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const [program, ...given] = process.argv.slice(2);
if (!program) {
  console.error('usage: run.mjs path/to/trestle [test files…]');
  process.exit(2);
}
// Each in a run of its own: within one, node runs files in the order of their names.
const tests = ['viem', 'cast', 'deposits', 'games', 'evm', 'replay'];
const files = given.length ? given : tests.map((name) => join(here, `${name}.test.mjs`));

const stack = await startStack(program);
const path = join(tmpdir(), `trestle-manifest-${process.pid}.json`);
writeFileSync(path, JSON.stringify(stack.manifest));
const env = { ...process.env, TRESTLE_MANIFEST: path };
let status = 0;
for (const file of files) {
  const node = spawn(process.execPath, ['--test', file], { stdio: 'inherit', env });
  const code = await new Promise((resolve) => node.once('exit', resolve));
  if (code !== 0) status = 1;
}
rmSync(path);
await stack.stop();
process.exit(status);
