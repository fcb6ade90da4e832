#!/usr/bin/env node
// Writes tests/vectors/withdrawals: hashes of withdrawals and messages, storage proofs, and addresses of
// representations, by libraries of others (viem, @ethereumjs/mpt). Forge (test/withdrawal/Vectors.t.sol) and Rust
// (sdk/tests/it/withdrawals.rs) are judged by them.
import { MerklePatriciaTrie, createMerkleProof } from '@ethereumjs/mpt';
import { writeFileSync } from 'node:fs';
import {
  concat, encodeAbiParameters, encodeFunctionData, getContractAddress, hexToBytes, keccak256, pad, parseAbi, toHex,
} from 'viem';
import { getWithdrawalHashStorageSlot } from 'viem/op-stack';

const file = new URL('../vectors/withdrawals/cases.json', import.meta.url);
const bytes = (length) => toHex(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff));
const address = (n) => pad(toHex(n), { size: 20 });
const types = ['uint256', 'address', 'address', 'uint256', 'uint256', 'bytes'].map((type) => ({ type }));
const relay = parseAbi(['function relayMessage(uint256,address,address,uint256,uint256,bytes)']);
const version = 1n << 240n;

const inputs = [
  { nonce: version, sender: address(1), target: address(2), value: 0n, gasLimit: 0n, data: '0x' },
  { nonce: version + 1n, sender: address(0xa11ce), target: address(0xb0b), value: 10n ** 18n, gasLimit: 100_000n, data: '0x00' },
  { nonce: version + 2n, sender: address(3), target: address(4), value: 2n ** 256n - 1n, gasLimit: 14_000_000n, data: bytes(31) },
  { nonce: version + 3n, sender: address(5), target: address(6), value: 7n, gasLimit: 8n, data: bytes(32) },
  { nonce: version + 4n, sender: address(7), target: address(8), value: 0n, gasLimit: 21_000n, data: bytes(1000) },
];
for (let i = 5n; i < 200n; i += 1n) {
  inputs.push({ nonce: version + i, sender: address(i), target: address(i), value: i, gasLimit: i, data: '0x' });
}

const values = ({ nonce, sender, target, value, gasLimit, data }) => [nonce, sender, target, value, gasLimit, data];
const hashOf = (w) => keccak256(encodeAbiParameters(types, values(w)));
const trie = new MerklePatriciaTrie();
for (const w of inputs) {
  const slot = getWithdrawalHashStorageSlot({ withdrawalHash: hashOf(w) });
  await trie.put(hexToBytes(keccak256(slot)), Uint8Array.of(1));
}

const cases = [];
for (const w of inputs.slice(0, 8)) {
  const slot = getWithdrawalHashStorageSlot({ withdrawalHash: hashOf(w) });
  const proof = await createMerkleProof(trie, hexToBytes(keccak256(slot)));
  const call = encodeFunctionData({ abi: relay, functionName: 'relayMessage', args: values(w) });
  const length = (w.data.length - 2) / 2 + 260;
  const spent = 200_000n + 20n * BigInt(length) + (64n * w.gasLimit + 62n) / 63n;
  const floor = 40n * BigInt(length);
  cases.push({
    ...Object.fromEntries(Object.entries(w).map(([k, v]) => [k, typeof v === 'bigint' ? toHex(v, { size: 32 }) : v])),
    hash: hashOf(w),
    slot,
    proof: proof.map((node) => toHex(node)),
    messageHash: keccak256(call),
    baseGas: toHex(21_000n + (spent > floor ? spent : floor), { size: 32 }),
  });
}

const representations = [1, 2, 3].map((n) => {
  const [bridge, implementation, token] = [address(n * 0x1001), address(n * 0x2002), address(n * 0x3003)];
  const bytecode = concat(['0x3d602d80600a3d3981f3363d3d373d3d3d363d73', implementation, '0x5af43d82803e903d91602b57fd5bf3']);
  const at = getContractAddress({ opcode: 'CREATE2', from: bridge, salt: pad(token, { size: 32 }), bytecode });
  return { bridge, implementation, token, representation: at.toLowerCase() };
});

const result = { count: cases.length, root: toHex(trie.root()), cases, representations };
writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`);
