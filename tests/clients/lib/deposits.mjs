// From a deposit's receipt on L1 to its transaction on L2. protocol/SPEC.md, sections 3.1 and 5.3.
import { concat, getAddress, hexToBigInt, keccak256, numberToHex, parseEventLogs, slice } from 'viem';
import { serializeTransaction } from 'viem/op-stack';
import { artifact } from './clients.mjs';

const { abi } = artifact('Inbox');

/** `sourceHash` of the queue entry of `kind` after which the queue's accumulator is `acc`. */
export const sourceHash = (kind, acc) => keccak256(concat([numberToHex(kind, { size: 32 }), acc]));

/** Queue entries that an L1 receipt or list of logs announces: index, kind, acc, entry, data. */
export const entriesOf = (logs) => parseEventLogs({ abi, logs, eventName: 'EntryEnqueued' }).map(({ args }) => args);

/** Hash on L2 of the deposit that `entry` (as in the event) becomes. */
export function depositHash({ acc, entry, data }) {
  const word = (from, to) => hexToBigInt(slice(entry, from, to));
  const isCreation = word(57, 58) === 1n;
  const transaction = {
    type: 'deposit',
    sourceHash: sourceHash(0, acc),
    from: getAddress(slice(entry, 17, 37)),
    to: isCreation ? null : getAddress(slice(entry, 37, 57)),
    mint: word(58, 90),
    value: word(90, 122),
    gas: word(122, 130),
    isSystemTx: false,
    data,
  };
  return keccak256(serializeTransaction(transaction));
}

/** Hashes on L2 of the deposits in an L1 receipt, in order. */
export const depositHashes = (receipt) =>
  entriesOf(receipt.logs)
    .filter(({ kind }) => kind === 0)
    .map(depositHash);
