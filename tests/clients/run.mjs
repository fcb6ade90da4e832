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
const tests = ['viem', 'cast', 'deposits', 'replay'];
const files = given.length ? given : tests.map((name) => join(here, `${name}.test.mjs`));

const stack = await startStack(program);
const path = join(tmpdir(), `trestle-manifest-${process.pid}.json`);
writeFileSync(path, JSON.stringify(stack.manifest));
const node = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], {
  stdio: 'inherit',
  env: { ...process.env, TRESTLE_MANIFEST: path },
});
const status = await new Promise((resolve) => node.once('exit', (code) => resolve(code ?? 1)));
rmSync(path);
await stack.stop();
process.exit(status);
