// The stack under test: a `trestle dev` of its own, or the one whose manifest is given.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Time for `trestle dev` to print its manifest, in milliseconds. */
const START_LIMIT = 120_000;

/** Manifest of the stack that `run.mjs` started. */
export function manifest() {
  const path = process.env.TRESTLE_MANIFEST;
  if (!path) throw new Error('run these tests by run.mjs, or set TRESTLE_MANIFEST');
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Starts `program dev --json` on free ports in a fresh folder; resolves once it is ready. */
export async function startStack(program, extra = []) {
  const datadir = mkdtempSync(join(tmpdir(), 'trestle-clients-'));
  const ports = ['--l1-port', '0', '--port', '0', '--replica-port', '0'];
  const child = spawn(program, ['dev', '--json', '--datadir', datadir, ...ports, ...extra], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, RUST_LOG: process.env.RUST_LOG ?? 'warn' },
  });
  const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(datadir, { recursive: true, force: true });
  };
  try {
    return { manifest: await readManifest(child, ended), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The one JSON document on standard output. */
function readManifest(child, ended) {
  return new Promise((resolve, reject) => {
    let text = '';
    const limit = setTimeout(() => reject(new Error('no manifest in time')), START_LIMIT);
    ended.then((code) => reject(new Error(`trestle dev ended with ${code} before it was ready`)));
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (!text.endsWith('}\n')) return;
      clearTimeout(limit);
      try {
        resolve(JSON.parse(text));
      } catch (error) {
        reject(error);
      }
    });
  });
}
