// The block feed by its specification, written a second time: reading, checking and signing of messages.
import { concat, fromRlp, hexToNumber, keccak256, pad, recoverAddress, size, slice, toHex, toRlp } from 'viem';
import { sign } from 'viem/accounts';

const FIELDS = ['number', 'parentHash', 'hash', 'timestamp', 'depositFrom', 'depositTo', 'transactions'];

const digest = (chainId, payload) =>
  keccak256(concat([keccak256(toHex('trestle block feed')), pad(toHex(chainId)), keccak256(payload)]));

/** Signer and block of a message, given as bytes. */
export async function open(bytes, chainId) {
  const message = toHex(bytes);
  const [signature, payload] = [slice(message, 0, 65), slice(message, 65)];
  const signer = await recoverAddress({ hash: digest(chainId, payload), signature });
  if (slice(payload, 0, 1) !== '0x01') throw new Error('unknown version');
  const items = fromRlp(slice(payload, 1));
  if (items.length !== FIELDS.length) throw new Error('not a block');
  const block = Object.fromEntries(FIELDS.map((name, index) => [name, items[index]]));
  const number = (item) => (size(item) === 0 ? 0 : hexToNumber(item));
  return { signer, payload, ...block, number: number(block.number), timestamp: number(block.timestamp) };
}

/** A signed message of any payload. */
export async function seal(payload, chainId, privateKey) {
  const signature = await sign({ hash: digest(chainId, payload), privateKey, to: 'hex' });
  return Buffer.from(concat([signature, payload]).slice(2), 'hex');
}

/** The payload of a block. */
export const encode = (block) =>
  concat([
    '0x01',
    toRlp(FIELDS.map((name) => (typeof block[name] === 'number' ? (block[name] ? toHex(block[name]) : '0x') : block[name]))),
  ]);

