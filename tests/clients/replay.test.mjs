// The whole chain once more by an EVM that is not ours: receipts, logs, fees, roots and header hashes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { numberToHex } from 'viem';
import { l1, l1Client, l2Client } from './lib/clients.mjs';
import { depositHash, entriesOf, sourceHash } from './lib/deposits.mjs';
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

describe('@ethereumjs/vm', () => {
  it('executes every block to the same receipts and the same state root', async () => {
    const head = await l2Client.getBlockNumber();
    const queue = await queueOfL1();
    const replay = await Replay.from(file('genesis.json'), file('rollup.json'));
    await replay.begin(await rpc('eth_getBlockByNumber', ['0x0', true]));
    const kinds = new Map();
    for (let number = 1n; number <= head; number += 1n) {
      const at = numberToHex(number);
      const block = await rpc('eth_getBlockByNumber', [at, true]);
      await replay.run(block, await rpc('eth_getBlockReceipts', [at]), queue);
      block.transactions.forEach(({ type }) => kinds.set(type, (kinds.get(type) ?? 0) + 1));
    }
    console.log(`replayed ${head} blocks, transactions by type: ${JSON.stringify(Object.fromEntries(kinds))}`);
    assert.ok(kinds.get('0x7e') >= 10, 'the deposits of the ten accounts are there');
  });
});
