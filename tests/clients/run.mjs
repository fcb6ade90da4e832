#!/usr/bin/env node
// Runs the client tests against one `trestle dev`: `run.mjs path/to/trestle [test files…]`.
// Without files: all of them, the replay last, so that it sees what the others did. Every answer that a
// node of L2 gives to any of them is held against Ethereum's public schema. Exit status is that of both.
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Verdict, startProxy } from './lib/proxy.mjs';
import { loadSchema } from './lib/schema.mjs';
import { startStack } from './lib/stack.mjs';

/** Longest time of one file, in milliseconds. */
const FILE_LIMIT = 660_000;

const here = fileURLToPath(new URL('.', import.meta.url));
const [program, ...given] = process.argv.slice(2);
if (!program) {
  console.error('usage: run.mjs path/to/trestle [test files…]');
  process.exit(2);
}
// Each in a run of its own: within one, node runs files in the order of their names.
const tests = [
  'matrix', 'viem', 'viem-wallet', 'ethers', 'wagmi', 'cast', 'forge', 'browser', 'deposits', 'evm', 'feed', 'traces', 'games', 'withdraw', 'replay',
];
const files = given.length ? given : tests.map((name) => join(here, `${name}.test.mjs`));

const validators = loadSchema();
if (!validators) console.error('no execution-apis beside the project: results are not held against the public schema');
const verdict = new Verdict(validators);
const stack = await startStack(program);
const { l2 } = stack.manifest;
const proxies = [await startProxy(l2.rpc, verdict), await startProxy(l2.replica, verdict)];
// Tests that watch the feed or break a node on purpose speak to the nodes themselves.
l2.direct = { rpc: l2.rpc, replica: l2.replica };
[l2.rpc, l2.ws, l2.replica] = [proxies[0].http, proxies[0].ws, proxies[1].http];
const path = join(tmpdir(), `trestle-manifest-${process.pid}.json`);
writeFileSync(path, JSON.stringify(stack.manifest));
const env = { ...process.env, TRESTLE_MANIFEST: path, TRESTLE_PROGRAM: program };
let status = 0;
for (const file of files) {
  // Sockets that a client left open do not keep the run; a file that hangs all the same is ended.
  const node = spawn(process.execPath, ['--test', '--test-force-exit', file], { stdio: 'inherit', env });
  const limit = setTimeout(() => node.kill('SIGKILL'), FILE_LIMIT);
  const code = await new Promise((resolve) => node.once('exit', resolve));
  clearTimeout(limit);
  if (code !== 0) status = 1;
}
rmSync(path);
proxies.forEach((proxy) => proxy.stop());
await stack.stop();
console.log(verdict.report());
process.exit(status || (verdict.complaints.length ? 1 : 0));
