// The life of a withdrawal with viem's own op-stack actions; and with a false game on top.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createWalletClient, encodeAbiParameters, fromRlp, http, keccak256, numberToHex, parseEther, toRlp, zeroHash } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { getWithdrawals, publicActionsL2, walletActionsL2 } from 'viem/op-stack';
import { account, artifact, l1, l1Client, l1Wallet, l2Chain as chain, l2Client as l2 } from './lib/clients.mjs';
import { getVerifiedGame, outputRootOf } from '../../sdk/ts/dist/index.js';

const USER = 9;
const LIAR = 8;
/** Time for what the stack does by itself, in milliseconds. */
const LIMIT = 120_000;

const l2Chain = {
  ...chain,
  contracts: { ...chain.contracts, disputeGameFactory: { [l1.chain_id]: { address: l1.contracts.DisputeGameFactory } } },
};
const l2Client = l2.extend(publicActionsL2());
const l2Wallet = createWalletClient({ account: account(USER), chain: l2Chain, transport: http(), pollingInterval: 50 }).extend(
  walletActionsL2(),
);
const factory = { address: l1.contracts.DisputeGameFactory, abi: artifact('DisputeGameFactory').abi };
const registry = { address: l1.contracts.AnchorRegistry, abi: artifact('AnchorRegistry').abi };
const gameAbi = artifact('DisputeGame').abi;

const fresh = () => privateKeyToAccount(generatePrivateKey()).address;

async function eventually(what, probe) {
  for (const end = Date.now() + LIMIT; Date.now() < end; ) {
    const found = await probe();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`${what}: not within ${LIMIT} ms`);
}

async function mined(client, hash) {
  const receipt = await client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  return receipt;
}

/** Begins a withdrawal of `value` for `to`; its receipt on L2. */
async function initiate(to, value) {
  const args = await l1Client.buildInitiateWithdrawal({ account: account(USER), to, value });
  return mined(l2Client, await l2Wallet.initiateWithdrawal(args));
}

const statusOf = (receipt) => l1Client.getWithdrawalStatus({ receipt, targetChain: l2Chain });

async function prove(game, withdrawal) {
  const args = await l2Client.buildProveWithdrawal({ account: account(USER), game, withdrawal });
  return mined(l1Client, await l1Wallet(USER).proveWithdrawal({ ...args, targetChain: l2Chain }));
}

async function finalize(receipt, withdrawal) {
  await l1Client.waitToFinalize({ withdrawalHash: withdrawal.withdrawalHash, targetChain: l2Chain });
  // viem knows of the proof's delay, not of the game's clock: its status tells.
  await eventually('ready to finalize', async () => (await statusOf(receipt)) === 'ready-to-finalize');
  return mined(l1Client, await l1Wallet(USER).finalizeWithdrawal({ account: account(USER), targetChain: l2Chain, withdrawal }));
}

/** Proposes a root for the newest game's batch whose state is not that of L2. */
async function lie() {
  const count = await l1Client.readContract({ ...factory, functionName: 'gameCount' });
  const [gameType, , newest] = await l1Client.readContract({ ...factory, functionName: 'gameAtIndex', args: [count - 1n] });
  const truth = await l1Client.readContract({ address: newest, abi: gameAbi, functionName: 'proposal' });
  const [anchorBatch, anchorRoot] = await l1Client.readContract({ ...registry, functionName: 'anchor' });
  const rlp = await l2Client.request({ method: 'debug_getRawHeader', params: [numberToHex(truth.l2BlockNumber)] });
  const fields = fromRlp(rlp, 'hex');
  fields[3] = keccak256(fields[3]);
  const headerRlp = toRlp(fields);
  const block = await l2Client.getBlock({ blockNumber: truth.l2BlockNumber });
  const preimage = [zeroHash, fields[3], block.withdrawalsRoot, keccak256(headerRlp)];
  const outputRoot = keccak256(encodeAbiParameters(preimage.map(() => ({ type: 'bytes32' })), preimage));
  const header = { parent: zeroHash, level: 0, segment: 0, lo: anchorBatch, hi: truth.batch, start: anchorRoot, points: outputRoot };
  const implementation = await l1Client.readContract({ ...factory, functionName: 'gameImpls', args: [gameType] });
  const bond = await l1Client.readContract({ address: implementation, abi: gameAbi, functionName: 'bondOf', args: [header] });
  const proposal = { ...truth, outputRoot, anchorBatch, anchorRoot };
  const args = [gameType, proposal, block.withdrawalsRoot, headerRlp];
  await mined(l1Client, await l1Wallet(LIAR).writeContract({ ...factory, functionName: 'create', args, value: bond }));
  return outputRoot;
}

describe('withdrawals with viem', { timeout: 3 * LIMIT }, () => {
  it('rule_41_lone withdrawal on an idle chain goes through every stage by viem alone', async () => {
    const to = fresh();
    const receipt = await initiate(to, parseEther('1.25'));
    assert.equal(await statusOf(receipt), 'waiting-to-prove');
    const { game, withdrawal } = await l1Client.waitToProve({ receipt, targetChain: l2Chain });
    assert.equal(await statusOf(receipt), 'ready-to-prove');
    await prove(game, withdrawal);
    assert.equal(await statusOf(receipt), 'waiting-to-finalize');
    await finalize(receipt, withdrawal);
    assert.equal(await statusOf(receipt), 'finalized');
    assert.equal(await l1Client.getBalance({ address: to }), parseEther('1.25'));
  });

  it('rule_42_false game on top makes viem fail, a verified game serves', async () => {
    const to = fresh();
    const receipt = await initiate(to, parseEther('0.5'));
    const [withdrawal] = getWithdrawals(receipt);
    const parameters = { l2Client, l2BlockNumber: receipt.blockNumber, targetChain: l2Chain };
    await eventually('a true game', () => getVerifiedGame(l1Client, parameters));
    const lied = await eventually('the false game is the newest', async () => {
      const root = await lie();
      const count = await l1Client.readContract({ ...factory, functionName: 'gameCount' });
      const [, , newest] = await l1Client.readContract({ ...factory, functionName: 'gameAtIndex', args: [count - 1n] });
      return (await l1Client.readContract({ address: newest, abi: gameAbi, functionName: 'rootClaim' })) === root && root;
    });
    const [newest] = await l1Client.getGames({ targetChain: l2Chain, limit: 1 });
    assert.equal(newest.rootClaim, lied);
    await assert.rejects(prove(newest, withdrawal), /OptimismPortal_InvalidOutputRootProof|reverted/);

    const game = await getVerifiedGame(l1Client, parameters);
    assert.notEqual(game.rootClaim, lied);
    assert.equal(game.rootClaim, await outputRootOf(l2Client, game.l2BlockNumber));
    await prove(game, withdrawal);
    await finalize(receipt, withdrawal);
    assert.equal(await l1Client.getBalance({ address: to }), parseEther('0.5'));
  });
});
