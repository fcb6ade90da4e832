// From a deposit's receipt on L1 to its transaction on L2. protocol/SPEC.md, sections 3.1 and 5.3.
import {
  type Hex,
  type Log,
  concat,
  getAddress,
  hexToBigInt,
  keccak256,
  numberToHex,
  parseAbi,
  parseEventLogs,
  slice,
} from 'viem';
import { serializeTransaction } from 'viem/op-stack';

const abi = parseAbi([
  'event EntryEnqueued(uint64 indexed index, uint8 indexed kind, bytes32 acc, bytes entry, bytes data)',
]);

/** `kind` of a queue entry that is a deposit. */
const DEPOSIT = 0;

/** An entry of L1's queue for L2, as the Inbox announces it. */
export type QueueEntry = {
  /** Place in the queue, from 0. */
  index: bigint;
  /** 0 for a deposit; others are the system's. */
  kind: number;
  /** Accumulator of the queue after the entry. */
  acc: Hex;
  /** Its fixed fields. */
  entry: Hex;
  /** Data of the deposit's call. */
  data: Hex;
};

/** `sourceHash` of the entry of `kind` after which the queue's accumulator is `acc`. */
export function sourceHash(kind: number, acc: Hex): Hex {
  return keccak256(concat([numberToHex(kind, { size: 32 }), acc]));
}

/** Queue entries that an L1 receipt's logs, or any list of logs, announce; give the Inbox's address to take no others'. */
export function entriesOf(logs: Log[], inbox?: Hex): QueueEntry[] {
  const ours = inbox ? logs.filter(({ address }) => getAddress(address) === getAddress(inbox)) : logs;
  return parseEventLogs({ abi, logs: ours, eventName: 'EntryEnqueued' }).map(({ args }) => args);
}

/** Hash on L2 of the deposit that an entry becomes, whenever it gets there. */
export function depositHash({ acc, entry, data }: Pick<QueueEntry, 'acc' | 'entry' | 'data'>): Hex {
  const word = (from: number, to: number) => hexToBigInt(slice(entry, from, to));
  const isCreation = word(57, 58) === 1n;
  return keccak256(
    serializeTransaction({
      type: 'deposit',
      sourceHash: sourceHash(DEPOSIT, acc),
      from: getAddress(slice(entry, 17, 37)),
      ...(isCreation ? {} : { to: getAddress(slice(entry, 37, 57)) }),
      mint: word(58, 90),
      value: word(90, 122),
      gas: word(122, 130),
      isSystemTx: false,
      data,
    }),
  );
}

/**
 * Hashes on L2 of the deposits in an L1 receipt, in order. viem's `getL2TransactionHashes` names others, for a
 * source hash here is that of a place in the queue, which an L1 reorg keeps, and not that of an L1 block's log.
 */
export function getDepositHashes(receipt: { logs: Log[] }, inbox?: Hex): Hex[] {
  return entriesOf(receipt.logs, inbox)
    .filter(({ kind }) => kind === DEPOSIT)
    .map(depositHash);
}
