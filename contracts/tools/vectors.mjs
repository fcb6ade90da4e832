#!/usr/bin/env node
// Writes tests/vectors/inbox/*.json: byte layouts of the Inbox by a third implementation, straight from
// SPEC.md, section 3. Solidity (test/l1/Vectors.t.sol) and Rust (protocol) are judged by them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { keccak256 } = createRequire(import.meta.url)('js-sha3');
const out = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'tests', 'vectors', 'inbox');

const bytes = (hex) => Uint8Array.from(Buffer.from(hex.replace(/^0x/, ''), 'hex'));
const hex = (data) => `0x${Buffer.from(data).toString('hex')}`;
const concat = (...parts) => Uint8Array.from(Buffer.concat(parts));
const uint = (value, width) => bytes(BigInt(value).toString(16).padStart(width * 2, '0'));
const keccak = (data) => bytes(keccak256(data));

/** `length` bytes that differ from chunk to chunk. */
const pattern = (length) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

function chunked(data) {
  const hashes = [];
  for (let at = 0; at < data.length; at += 4096) hashes.push(keccak(data.slice(at, at + 4096)));
  return keccak(concat(...hashes));
}

const accumulate = (acc, item) => keccak(concat(acc, keccak(item)));

const layouts = {
  deposit: (c) =>
    concat(
      uint(0, 1), uint(c.number, 8), uint(c.time, 8), bytes(c.from), bytes(c.to),
      uint(c.isCreation ? 1 : 0, 1), uint(c.mint, 32), uint(c.value, 32), uint(c.gasLimit, 8),
      uint(c.dataLength, 4), chunked(pattern(c.dataLength)),
    ),
  attributes: (c) =>
    concat(
      uint(1, 1), uint(c.number, 8), uint(c.time, 8), uint(c.baseFee, 32), uint(c.blobBaseFee, 32),
      bytes(c.parentHash), bytes(c.prevrandao),
    ),
  operator: (c) =>
    concat(
      uint(2, 1), uint(c.number, 8), uint(c.time, 8), uint(c.userGasLimit, 8), uint(c.dataScalar, 4),
      uint(c.dataKinds, 1), uint(c.minFloor, 16), bytes(c.batcher), uint(0, 4),
    ),
};

const address = (byte) => `0x${byte.repeat(20)}`;
const word = (byte) => `0x${byte.repeat(32)}`;
const zero = address('00');

const entries = [
  { name: 'attributes', type: 'attributes', number: 100, time: 1700000000, baseFee: '7', blobBaseFee: '1', parentHash: word('a1'), prevrandao: word('b2') },
  { name: 'plain deposit', type: 'deposit', number: 100, time: 1700000000, from: address('11'), to: address('22'), isCreation: false, mint: '1000000000000000000', value: '1', gasLimit: 100000, dataLength: 0 },
  { name: 'creation', type: 'deposit', number: 101, time: 1700000012, from: address('33'), to: zero, isCreation: true, mint: '0', value: '0', gasLimit: 2100000, dataLength: 49152 },
  { name: 'operator parameters', type: 'operator', number: 102, time: 1700000024, userGasLimit: 47900000, dataScalar: 400000, dataKinds: 3, minFloor: '340282366920938463463374607431768211455', batcher: address('44') },
  { name: 'largest deposit', type: 'deposit', number: 103, time: 1700000036, from: address('ff'), to: address('ff'), isCreation: false, mint: (2n ** 256n - 1n).toString(), value: (2n ** 256n - 1n).toString(), gasLimit: 46900000, dataLength: 100000 },
  { name: 'attributes at the limits', type: 'attributes', number: 70000, time: 9007199254740991, baseFee: '18446744073709551615', blobBaseFee: '1000', parentHash: word('0f'), prevrandao: word('ff') },
];
let acc = new Uint8Array(32);
let cumGas = 0;
for (const entry of entries) {
  const encoded = layouts[entry.type](entry);
  acc = accumulate(acc, encoded);
  cumGas += entry.type === 'deposit' ? entry.gasLimit : 250000;
  Object.assign(entry, { entry: hex(encoded), hash: hex(keccak(encoded)), acc: hex(acc), cumGas });
}

function header(c) {
  const head = concat(
    uint(1, 1), uint(c.kind, 1), bytes(c.inbox), uint(c.l1ChainId, 8), uint(c.index, 8), uint(c.l1Number, 8),
    uint(c.l1Time, 8), uint(c.depositFrom, 8), uint(c.depositTo, 8), bytes(c.depositAcc), bytes(c.claimedEndBlockHash),
  );
  if (c.kind === 0) return concat(head, chunked(pattern(c.payloadLength)), uint(c.payloadLength, 4));
  if (c.kind === 1) return concat(head, uint(c.blobs.length, 1), ...c.blobs.map(bytes));
  return head;
}

const place = { inbox: address('99'), l1ChainId: 31337 };
const headers = [
  { name: 'calldata', kind: 0, ...place, index: 1, l1Number: 1000, l1Time: 1700000000, depositFrom: 0, depositTo: 3, depositAcc: entries[2].acc, claimedEndBlockHash: word('e1'), payloadLength: 5000 },
  { name: 'empty payload', kind: 0, ...place, index: 2, l1Number: 1001, l1Time: 1700000012, depositFrom: 3, depositTo: 3, depositAcc: entries[2].acc, claimedEndBlockHash: word('00'), payloadLength: 0 },
  { name: 'forced', kind: 2, ...place, index: 3, l1Number: 9000, l1Time: 1700100000, depositFrom: 3, depositTo: 5, depositAcc: entries[4].acc, claimedEndBlockHash: word('00') },
  { name: 'blobs', kind: 1, ...place, index: 4, l1Number: 9001, l1Time: 1700100012, depositFrom: 5, depositTo: 6, depositAcc: entries[5].acc, claimedEndBlockHash: word('e4'), blobs: [`0x01${'c1'.repeat(31)}`, `0x01${'c2'.repeat(31)}`] },
  { name: 'one blob', kind: 1, ...place, index: 5, l1Number: 9002, l1Time: 1700100024, depositFrom: 6, depositTo: 6, depositAcc: entries[5].acc, claimedEndBlockHash: word('e5'), blobs: [`0x01${'d1'.repeat(31)}`] },
  { name: 'six blobs', kind: 1, ...place, index: 6, l1Number: 9003, l1Time: 1700100036, depositFrom: 6, depositTo: 6, depositAcc: entries[5].acc, claimedEndBlockHash: word('e6'), blobs: [1, 2, 3, 4, 5, 6].map((i) => `0x01${`e${i}`.repeat(31)}`) },
];
acc = new Uint8Array(32);
for (const item of headers) {
  const encoded = header(item);
  acc = accumulate(acc, encoded);
  Object.assign(item, { header: hex(encoded), hash: hex(keccak(encoded)), acc: hex(acc) });
}

const lengths = [0, 1, 31, 32, 4095, 4096, 4097, 8191, 8192, 24576, 100000];
const hashes = lengths.map((length) => ({ length, hash: hex(chunked(pattern(length))) }));

const offset = BigInt('0x1111000000000000000000000000000000001111');
const aliases = [zero, address('11'), address('ff'), `0xeeef${'ff'.repeat(16)}eeee`, `0xeeef${'ff'.repeat(16)}eeef`].map((l1) => ({
  l1,
  l2: hex(uint((BigInt(l1) + offset) % 2n ** 160n, 20)),
}));

mkdirSync(out, { recursive: true });
const put = (name, cases) =>
  writeFileSync(join(out, `${name}.json`), `${JSON.stringify({ count: cases.length, cases }, null, 1)}\n`);
put('entries', entries);
put('headers', headers);
put('chunked', hashes);
put('aliasing', aliases);
