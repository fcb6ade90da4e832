// The whole chain once more by an EVM that is not ours: receipts, logs, fees, roots and header hashes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { numberToHex } from 'viem';
import { l1, l1Client, l2Client } from './lib/clients.mjs';
import { depositHash, entriesOf, sourceHash } from '../../sdk/ts/dist/index.js';
import { Replay } from './lib/replay.mjs';
import { manifest } from './lib/stack.mjs';

const file = (name) => JSON.parse(readFileSync(join(manifest().datadir, name), 'utf8'));
const rpc = (method, params) => l2Client.request({ method, params });

/** Queue entries by the sourceHash of their deposits, as L1 announced them. */
async function queueOfL1() {
  const logs = await l1Client.getLogs({ address: l1.contracts.Inbox, fromBlock: 0n });
  return new Map(
    entriesOf(logs).map((entry) => [
      sourceHash(entry.kind, entry.acc),
      { ...entry, hash: entry.kind === 0 ? depositHash(entry) : undefined },
    ]),
  );
}

/** Blocks with their receipts. */
async function blocks(from, to) {
  const found = [];
  for (let number = from; number <= to; number += 1n) {
    const at = numberToHex(number);
    found.push([await rpc('eth_getBlockByNumber', [at, true]), await rpc('eth_getBlockReceipts', [at])]);
  }
  return found;
}

const fresh = async () => {
  const replay = await Replay.from(file('genesis.json'), file('rollup.json'));
  await replay.begin(await rpc('eth_getBlockByNumber', ['0x0', true]));
  return replay;
};

const hasLogs = ([, receipts]) => receipts.some(({ logs }) => logs.length);
const hasMint = ([block]) => block.transactions.some(({ mint }) => BigInt(mint ?? 0));

/** What a node might get wrong in a block: where, what the replay says to it, and the change. */
const tampered = [
  ['a log that is missing', hasLogs, /logs/, (_, receipts) => receipts.find(({ logs }) => logs.length).logs.pop()],
  ['another status', hasMint, /status/, (_, [receipt]) => (receipt.status = receipt.status === '0x1' ? '0x0' : '0x1')],
  ['a deposit that minted more', hasMint, /transactions root/, (block) => (block.transactions[0].mint = '0xffffffffffffffffff')],
  ['another state root', hasMint, /header/, (block) => (block.stateRoot = block.receiptsRoot)],
];

describe('@ethereumjs/vm', () => {
  it('notices what a node might get wrong', async () => {
    const queue = await queueOfL1();
    const start = await blocks(1n, await l2Client.getBlockNumber());
    for (const [what, where, complaint, change] of tampered) {
      const at = start.findIndex(where);
      assert.ok(at >= 0, `a block for ${what}`);
      const replay = await fresh();
      for (const [block, receipts] of start.slice(0, at)) await replay.run(block, receipts, queue);
      const [block, receipts] = structuredClone(start[at]);
      change(block, receipts);
      await assert.rejects(replay.run(block, receipts, queue), complaint, what);
    }
  });

  it('executes every block to the same receipts and the same state root', async () => {
    const head = await l2Client.getBlockNumber();
    const queue = await queueOfL1();
    const replay = await fresh();
    const kinds = new Map();
    for (const [block, receipts] of await blocks(1n, head)) {
      await replay.run(block, receipts, queue);
      block.transactions.forEach(({ type }) => kinds.set(type, (kinds.get(type) ?? 0) + 1));
    }
    console.log(`replayed ${head} blocks, transactions by type: ${JSON.stringify(Object.fromEntries(kinds))}`);
    assert.ok(kinds.get('0x7e') >= 10, 'the deposits of the ten accounts are there');
  });
});
