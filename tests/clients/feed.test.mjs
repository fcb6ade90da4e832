// The signed block feed: what it says, and a replica that follows a hostile one.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createPublicClient, http, keccak256, parseAbi } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually, fundedKey, l1, l1Client, l2, l2Chain, l2Client, l2Wallet } from './lib/clients.mjs';
import { encode, open, seal } from './lib/feed.mjs';
import { manifest } from './lib/stack.mjs';

const LIMIT = { timeout: 300_000 };
const fresh = () => privateKeyToAccount(generatePrivateKey()).address;
const direct = (l2.direct?.rpc ?? l2.rpc).replace('http', 'ws');

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Makes one block; gives its number. */
async function block(wallet) {
  const hash = await wallet.sendTransaction({ to: fresh(), value: 1n });
  return Number((await l2Client.waitForTransactionReceipt({ hash })).blockNumber);
}

describe('block feed', { timeout: 600_000 }, () => {
  /** Blocks of the real feed by number. */
  const blocks = new Map();
  let feed;
  let wallet;
  before(async () => {
    wallet = l2Wallet(0);
    await fundedKey();
    feed = new WebSocket(`${direct}/feed?from=1`);
    feed.on('message', async (bytes) => {
      const opened = await open(bytes, l2.chain_id);
      blocks.set(opened.number, opened);
    });
  });
  after(() => feed.terminate());

  it('is signed by the batcher and says what the chain says', LIMIT, async () => {
    const head = await block(wallet);
    await eventually('the head is in the feed', 20, () => blocks.has(head));
    const inbox = { address: l1.contracts.Inbox, abi: parseAbi(['function batcher() view returns (address)']) };
    const batcher = await l1Client.readContract({ ...inbox, functionName: 'batcher' });
    let parent = (await l2Client.getBlock({ blockNumber: 0n })).hash;
    for (let number = 1; number <= head; number += 1) {
      const one = blocks.get(number);
      assert.equal(one.signer, batcher);
      assert.equal(one.parentHash, parent);
      parent = one.hash;
    }
    const last = await l2Client.getBlock({ blockNumber: BigInt(head) });
    assert.equal(parent, last.hash);
    assert.deepEqual(blocks.get(head).transactions.map((raw) => keccak256(raw)), last.transactions);
  });

  it('brings a replica blocks before their batch, and never calls them safe for that', LIMIT, async () => {
    const ask = async (...calls) => {
      const body = calls.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params }));
      const answer = await fetch(l2.replica, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      return (await answer.json()).map(({ result }) => result);
    };
    await eventually('a block of the feed that is in no batch', 60, async () => {
      const number = `0x${(await block(wallet)).toString(16)}`;
      const known = () => ask(['eth_getBlockByNumber', [number, false]]).then(([found]) => found);
      await eventually('the replica has the block', 20, known);
      const [batch, safe] = await ask(['trestle_batchOfBlock', [number]], ['eth_getBlockByNumber', ['safe', false]]);
      if (batch) return false;
      const [now] = await ask(['trestle_batchOfBlock', [number]]);
      // Asked in this order, a batch that came between explains a safe head at the block.
      assert.ok(now || BigInt(safe.number) < BigInt(number));
      return !now;
    });
  });

  it('cannot mislead a replica, whatever a hostile one sends', LIMIT, async (test) => {
    const key = generatePrivateKey();
    const payloadOf = (number, changes) => encode({ ...blocks.get(number), ...changes });
    const signed = (payload) => seal(payload, l2.chain_id, key);
    const hash = `0x${'77'.repeat(32)}`;
    // What is sent on one connection each, after a real block: `next` is the number after that block.
    const attacks = [
      () => 'text',
      () => Buffer.from('garbage'),
      () => Buffer.alloc(2 << 20, 1),
      async (next) => seal(payloadOf(next, {}), l2.chain_id, generatePrivateKey()),
      async (next) => seal(payloadOf(next, {}), l2.chain_id + 1, key),
      () => signed('0x01'),
      () => signed('0x02c0'),
      () => signed(`0x01${'ff'.repeat(500)}`),
      (next) => signed(payloadOf(next, { hash })),
      (next) => signed(payloadOf(next, { transactions: [] })),
      (next) => signed(payloadOf(next, { timestamp: 2 ** 40 })),
      (next) => signed(payloadOf(next, { timestamp: 1 })),
      (next) => signed(payloadOf(next, { transactions: [...blocks.get(next).transactions, '0x02c0'] })),
      (next) => signed(payloadOf(next, { transactions: [...blocks.get(next).transactions, ...blocks.get(next).transactions] })),
      (next) => signed(payloadOf(next, { depositTo: '0xffffffff' })),
      (next) => signed(payloadOf(next, { number: 2 ** 40 })),
      (next) => signed(payloadOf(next, { parentHash: hash })),
      // Equivocation: another block in the place of the one before.
      (next) => signed(payloadOf(next - 1, { hash })),
    ];
    for (let count = 0; count < 2 * attacks.length + 4; count += 1) await block(wallet);
    const head = Number(await l2Client.getBlockNumber());
    await eventually('the feed is complete', 20, () => blocks.has(head));

    let sent = 0;
    const hostile = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/feed' });
    hostile.on('connection', async (socket, request) => {
      socket.on('error', () => {});
      let next = Number(new URL(request.url, 'ws://x').searchParams.get('from'));
      /** Waits for block `next` of the real feed; `false` when the replica has gone. */
      const ready = async () => {
        while (!blocks.has(next) && socket.readyState === WebSocket.OPEN) await new Promise((resolve) => setTimeout(resolve, 20));
        return socket.readyState === WebSocket.OPEN;
      };
      const relay = async () => socket.send(await signed(blocks.get(next++).payload));
      if (!(await ready())) return;
      await relay();
      if (!(await ready())) return;
      const attack = attacks[sent];
      if (attack) {
        sent += 1;
        socket.send(await attack(next));
        return;
      }
      while (await ready()) await relay();
    });
    const { datadir } = manifest();
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'trestle-replica-'));
    const log = join(folder, 'log');
    const args = [
      'replica', '--chain', datadir, '--datadir', join(folder, 'data'), '--l1', l1.rpc, '--l1-block-time', '1',
      '--rpc-port', String(port), '--feed', `ws://127.0.0.1:${hostile.address().port}/feed`,
      '--feed-signer', privateKeyToAccount(key).address,
    ];
    const stdio = ['ignore', 'ignore', openSync(log, 'w')];
    const child = spawn(process.env.TRESTLE_PROGRAM, args, { stdio });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    test.after(async () => {
      child.kill('SIGTERM');
      await ended;
      hostile.close();
      for (const socket of hostile.clients) socket.terminate();
      rmSync(folder, { recursive: true, force: true });
    });
    const client = createPublicClient({ chain: l2Chain, transport: http(`http://127.0.0.1:${port}`, { retryCount: 0 }) });
    const headOf = () => client.getBlockNumber({ cacheTime: 0 }).then(Number, () => 0);
    // Blocks keep coming, so that there is always one more to attack with.
    await eventually('every attack was made', 240, async () => {
      const last = Number(await l2Client.getBlockNumber({ cacheTime: 0 }));
      if ((await headOf()) >= last - 3) for (let count = 0; count < 3; count += 1) await block(wallet);
      return sent === attacks.length;
    });
    await eventually('the replica is at the head that it was told of', 60, async () => (await headOf()) >= head);
    for (let number = 1; number <= head; number += 1) {
      assert.equal((await client.getBlock({ blockNumber: BigInt(number) })).hash, blocks.get(number).hash, `block ${number}`);
    }
    assert.equal(child.exitCode, null);
    await eventually('L1 makes it safe', 60, async () => Number((await client.getBlock({ blockTag: 'safe' })).number) >= head);
  });
});
