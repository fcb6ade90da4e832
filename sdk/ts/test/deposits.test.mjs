// Hashes of deposits, against the vectors that the contracts and the protocol are held to, put together by hand.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { concat, encodeAbiParameters, encodeEventTopics, keccak256, numberToHex, parseAbi, toHex, toRlp } from 'viem';
import { depositHash, entriesOf, getDepositHashes, sourceHash } from '../dist/index.js';

const file = new URL('../../../tests/vectors/inbox/entries.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8'));
const INBOX = '0x00000000000000000000000000000000000000aa';
const OTHER = '0x00000000000000000000000000000000000000bb';
const abi = parseAbi([
  'event EntryEnqueued(uint64 indexed index, uint8 indexed kind, bytes32 acc, bytes entry, bytes data)',
]);

/** The vectors whose data is known: only its length is in the file. */
const deposits = cases.filter(({ type, dataLength }) => type === 'deposit' && dataLength === 0);

const quantity = (value) => (BigInt(value) === 0n ? '0x' : toHex(BigInt(value)));

/** The transaction on L2 by the rules of SPEC 5.3, field by field. */
function byHand({ acc, from, to, isCreation, mint, value, gasLimit }) {
  const source = keccak256(concat([numberToHex(0, { size: 32 }), acc]));
  const fields = [source, from, isCreation ? '0x' : to, quantity(mint), quantity(value), quantity(gasLimit), '0x', '0x'];
  return keccak256(concat(['0x7e', toRlp(fields)]));
}

function logOf({ acc, entry, type }, index, address = INBOX) {
  const kind = type === 'deposit' ? 0 : 1;
  return {
    address,
    topics: encodeEventTopics({ abi, eventName: 'EntryEnqueued', args: { index: BigInt(index), kind } }),
    data: encodeAbiParameters([{ type: 'bytes32' }, { type: 'bytes' }, { type: 'bytes' }], [acc, entry, '0x']),
  };
}

describe('hashes of deposits', () => {
  it('are those of the transactions of SPEC 5.3', () => {
    assert.ok(deposits.length > 0);
    for (const deposit of deposits) {
      assert.equal(depositHash({ ...deposit, data: '0x' }), byHand(deposit), deposit.name);
    }
  });

  it('leave out what the system enqueued, and what others log', () => {
    const attributes = cases.find(({ type }) => type === 'attributes');
    const [deposit] = deposits;
    const logs = [logOf(attributes, 0), logOf(deposit, 1), logOf(deposit, 2, OTHER)];
    assert.equal(entriesOf(logs).length, 3);
    assert.deepEqual(getDepositHashes({ logs }, INBOX), [byHand(deposit)]);
    assert.deepEqual(getDepositHashes({ logs: [] }), []);
  });

  it('change with their place in the queue', () => {
    const [deposit] = deposits;
    const elsewhere = { ...deposit, data: '0x', acc: keccak256(deposit.acc) };
    assert.notEqual(depositHash(elsewhere), byHand(deposit));
    assert.notEqual(sourceHash(0, deposit.acc), sourceHash(1, deposit.acc));
  });
});
