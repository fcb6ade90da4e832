// viem as a dApp uses it: deploy, transfer, logs, reverts, many transactions at once, heads.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  decodeEventLog,
  parseEther,
  parseGwei,
  webSocket,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { account, artifact, deploy, l2, l2Chain, l2Client, l2Wallet, range } from './lib/clients.mjs';

const { abi, deployedBytecode } = artifact('Probe');
const fresh = () => privateKeyToAccount(generatePrivateKey()).address;
const receiptOf = (hash) => l2Client.waitForTransactionReceipt({ hash });

/** The contract's error in what viem threw. */
async function revertOf(promise) {
  const error = await promise.then(
    () => assert.fail('did not revert'),
    (thrown) => thrown,
  );
  assert.ok(error instanceof BaseError, error);
  const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  assert.ok(revert, error);
  return revert;
}

describe('viem', () => {
  const wallet = l2Wallet(0);
  let address;
  let probe;

  before(async () => {
    address = await deploy('Probe');
    probe = { address, abi };
  });

  it('finds the chain id that the manifest names', async () => {
    assert.equal(await l2Client.getChainId(), l2.chain_id);
  });

  it('finds the deployed code', async () => {
    assert.equal(await l2Client.getCode({ address }), deployedBytecode);
  });

  it('transfers ETH and the fee is what the receipt says', async () => {
    const to = fresh();
    const from = account(1).address;
    const before = await l2Client.getBalance({ address: from });
    const receipt = await receiptOf(await l2Wallet(1).sendTransaction({ to, value: parseEther('1.5') }));
    assert.equal(receipt.status, 'success');
    assert.equal(receipt.gasUsed, 21_000n);
    assert.equal(await l2Client.getBalance({ address: to }), parseEther('1.5'));
    const fee = receipt.gasUsed * receipt.effectiveGasPrice;
    assert.equal(await l2Client.getBalance({ address: from }), before - parseEther('1.5') - fee);
  });

  it('sends a legacy and an access-list transaction', async () => {
    const to = fresh();
    const gasPrice = (await l2Client.getGasPrice()) * 2n;
    const legacy = await receiptOf(await wallet.sendTransaction({ to, value: 1n, gasPrice, type: 'legacy' }));
    assert.equal(legacy.type, 'legacy');
    const accessList = [{ address, storageKeys: [`0x${'00'.repeat(32)}`] }];
    const listed = await receiptOf(await wallet.sendTransaction({ to, value: 1n, gasPrice, accessList, type: 'eip2930' }));
    assert.equal(listed.type, 'eip2930');
    assert.equal(await l2Client.getBalance({ address: to }), 2n);
  });

  it('calls each overload and reads the logs back', async () => {
    const from = account(0).address;
    const texts = [[], ['one'], ['several', 3n]];
    const receipts = [];
    for (const args of texts) {
      receipts.push(await receiptOf(await wallet.writeContract({ ...probe, functionName: 'note', args })));
    }
    const fromReceipts = receipts.flatMap((receipt) => receipt.logs);
    const logs = await l2Client.getContractEvents({
      ...probe,
      eventName: 'Noted',
      args: { author: from },
      fromBlock: receipts[0].blockNumber,
      toBlock: receipts[2].blockNumber,
    });
    assert.deepEqual(
      logs.map(({ args }) => [args.number, args.text]),
      [[1n, ''], [2n, 'one'], [3n, 'several'], [4n, 'several'], [5n, 'several']],
    );
    assert.deepEqual(
      fromReceipts.map((log) => decodeEventLog({ abi, ...log }).args.number),
      logs.map(({ args }) => args.number),
    );
    const numbered = await l2Client.getContractEvents({ ...probe, eventName: 'Noted', args: { number: 4n }, fromBlock: 0n });
    assert.equal(numbered.length, 1);
    assert.equal(await l2Client.readContract({ ...probe, functionName: 'notesOf', args: [from] }), 5n);
  });

  it('names the reason of a revert', async () => {
    const revert = await revertOf(l2Client.simulateContract({ ...probe, functionName: 'refuse', account: account(0) }));
    assert.equal(revert.reason, 'the probe refuses');
    const estimate = await revertOf(l2Client.estimateContractGas({ ...probe, functionName: 'refuse', account: account(0) }));
    assert.equal(estimate.reason, 'the probe refuses');
  });

  it('decodes a custom error with its values', async () => {
    const revert = await revertOf(l2Client.readContract({ ...probe, functionName: 'bounded', args: [101n] }));
    assert.equal(revert.data.errorName, 'TooLarge');
    assert.deepEqual(revert.data.args, [101n, 100n]);
    assert.equal(await l2Client.readContract({ ...probe, functionName: 'bounded', args: [100n] }), 100n);
  });

  it('decodes a panic', async () => {
    const revert = await revertOf(l2Client.readContract({ ...probe, functionName: 'divide', args: [1n, 0n] }));
    assert.equal(revert.data.errorName, 'Panic');
    assert.deepEqual(revert.data.args, [0x12n]);
  });

  it('includes a transaction that reverts and charges for it', async () => {
    const hash = await wallet.writeContract({ ...probe, functionName: 'refuse', gas: 100_000n });
    const receipt = await receiptOf(hash);
    assert.equal(receipt.status, 'reverted');
    assert.equal(receipt.logs.length, 0);
    assert.ok(receipt.gasUsed > 21_000n && receipt.gasUsed < 100_000n);
  });

  it('sends 100 transactions of one sender without awaiting any', async () => {
    const sender = l2Wallet(2);
    const from = account(2).address;
    const to = fresh();
    const first = await l2Client.getTransactionCount({ address: from });
    const hashes = await Promise.all(
      range(100).map((index) =>
        sender.sendTransaction({
          to,
          value: 1n,
          nonce: first + index,
          gas: 21_000n,
          maxFeePerGas: parseGwei('100'),
          maxPriorityFeePerGas: 0n,
        }),
      ),
    );
    const receipts = await Promise.all(hashes.map(receiptOf));
    assert.ok(receipts.every(({ status }) => status === 'success'));
    assert.equal(await l2Client.getBalance({ address: to }), 100n);
    assert.equal(await l2Client.getTransactionCount({ address: from }), first + 100);
    const places = receipts.map(({ blockNumber, transactionIndex }) => [Number(blockNumber), transactionIndex]);
    const sorted = [...places].sort(([a, b], [c, d]) => a - c || b - d);
    assert.deepEqual(places, sorted, 'nonce order is block order');
  });

  it('hears of each head over WebSocket, in order and linked', async () => {
    const client = createPublicClient({ chain: l2Chain, transport: webSocket(l2.ws) });
    const heads = [];
    let enough;
    const done = new Promise((resolve) => (enough = resolve));
    // `watchBlocks` asks for the latest block at each head; here each head itself counts.
    const subscription = await client.transport.subscribe({
      params: ['newHeads'],
      onData: ({ result }) => {
        heads.push(result);
        if (heads.length === 5) enough();
      },
    });
    const sender = l2Wallet(3);
    for (const value of range(6)) {
      await receiptOf(await sender.sendTransaction({ to: fresh(), value: BigInt(value) }));
    }
    await done;
    heads.slice(1).forEach((head, index) => {
      assert.equal(BigInt(head.number), BigInt(heads[index].number) + 1n);
      assert.equal(head.parentHash, heads[index].hash);
    });
    const stored = await l2Client.getBlock({ blockNumber: BigInt(heads[0].number) });
    assert.equal(stored.hash, heads[0].hash);
    await subscription.unsubscribe();
    (await client.transport.getRpcClient()).close();
  });
});
