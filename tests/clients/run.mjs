#!/usr/bin/env node
// Runs the client tests against one `trestle dev`: `run.mjs path/to/trestle [test files…]`.
// Without files: every *.test.mjs here, in order of name. Exit status is that of the tests.
import { spawn } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
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
const tests = readdirSync(here).filter((name) => name.endsWith('.test.mjs'));
const files = given.length ? given : tests.sort().map((name) => join(here, name));

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
