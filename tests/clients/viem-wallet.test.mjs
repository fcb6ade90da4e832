// viem where wallets stumble: events by filter and by subscription, delegation, nonce races, replacement, batches,
// synchronous sending, and the same through a replica.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  createPublicClient,
  createWalletClient,
  decodeFunctionResult,
  encodeFunctionData,
  http,
  parseEther,
  parseGwei,
  webSocket,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { artifact, deploy, eventually, fundedKey, l2, l2Chain, l2Client, range } from './lib/clients.mjs';

const probe = artifact('Probe');
const LIMIT = { timeout: 60_000 };
const SUITE = { timeout: 300_000 };
const fresh = () => privateKeyToAccount(generatePrivateKey()).address;
const receiptOf = (hash) => l2Client.waitForTransactionReceipt({ hash });
const fees = { gas: 21_000n, maxFeePerGas: parseGwei('100'), maxPriorityFeePerGas: 0n };
const walletOf = (key, rpc = l2.rpc) =>
  createWalletClient({ account: privateKeyToAccount(key), chain: l2Chain, transport: http(rpc), pollingInterval: 50 });

/** What viem's errors say, from the outermost to the cause. */
const failure = (promise) =>
  promise.then(
    () => assert.fail('did not fail'),
    (error) => error,
  );

describe('viem wallet', SUITE, () => {
  let wallet;
  let contract;
  before(async () => {
    wallet = walletOf(await fundedKey('20'));
    contract = { address: await deploy('Probe'), abi: probe.abi };
  });
  const note = (args) => wallet.writeContract({ ...contract, functionName: 'note', args });

  for (const [kind, transport, poll] of [
    ['a filter', http(l2.rpc), true],
    ['a subscription', webSocket(l2.ws), false],
  ]) {
    it(`hears of events by ${kind}, each once`, LIMIT, async () => {
      const client = createPublicClient({ chain: l2Chain, transport, pollingInterval: 50 });
      // A filter or subscription begins with its own creation, which viem does not report.
      const seen = [];
      const stop = client.watchContractEvent({ ...contract, eventName: 'Noted', poll, onLogs: (logs) => seen.push(...logs) });
      await eventually('the watch begins', 20, async () => {
        await receiptOf(await note(['begin']));
        return seen.length > 0;
      });
      const begun = seen.length;
      for (const text of ['a', 'b', 'c']) await receiptOf(await note([text]));
      const texts = () => seen.slice(begun).map(({ args }) => args.text).filter((text) => text !== 'begin');
      await eventually('three events', 20, () => texts().length >= 3);
      assert.deepEqual(texts(), ['a', 'b', 'c']);
      assert.ok(seen.every(({ removed }) => !removed));
      stop();
    });
  }

  it('delegates to a contract and revokes that', LIMIT, async () => {
    const signer = walletOf(await fundedKey());
    const own = signer.account.address;
    const authorization = await signer.signAuthorization({ contractAddress: contract.address, executor: 'self' });
    const data = encodeFunctionData({ abi: probe.abi, functionName: 'note', args: ['delegated'] });
    const receipt = await receiptOf(await signer.sendTransaction({ to: own, data, authorizationList: [authorization] }));
    assert.equal(receipt.type, 'eip7702');
    assert.equal(receipt.logs[0].address.toLowerCase(), own.toLowerCase());
    assert.equal(await l2Client.getCode({ address: own }), `0xef0100${contract.address.slice(2).toLowerCase()}`);
    const zero = `0x${'00'.repeat(20)}`;
    const revoked = await signer.signAuthorization({ contractAddress: zero, executor: 'self' });
    await receiptOf(await signer.sendTransaction({ to: own, authorizationList: [revoked] }));
    assert.equal(await l2Client.getCode({ address: own }), undefined);
  });

  it('estimates with the code that an account would have', LIMIT, async () => {
    const own = fresh();
    const data = encodeFunctionData({ abi: probe.abi, functionName: 'note', args: ['imagined'] });
    const code = `0xef0100${contract.address.slice(2)}`;
    const request = { account: own, to: own, data };
    const gas = await l2Client.estimateGas({ ...request, stateOverride: [{ address: own, code }] });
    assert.ok(gas > 60_000n, String(gas));
  });

  it('tells two transactions of one nonce apart, and takes one', LIMIT, async () => {
    const key = await fundedKey();
    const racers = range(6).map(() => walletOf(key));
    const nonce = await l2Client.getTransactionCount({ address: racers[0].account.address, blockTag: 'pending' });
    const outcomes = await Promise.allSettled(
      racers.map((racer, index) => racer.sendTransaction({ to: fresh(), value: BigInt(index + 1), nonce, ...fees })),
    );
    const taken = outcomes.filter(({ status }) => status === 'fulfilled');
    assert.equal(taken.length, 1);
    for (const { reason } of outcomes.filter(({ status }) => status === 'rejected'))
      assert.match(reason.message, /nonce too low|lower than the current nonce|replacement transaction underpriced/i);
    assert.equal((await receiptOf(taken[0].value)).status, 'success');
  });

  it('takes nonces that come in the wrong order', LIMIT, async () => {
    const racer = walletOf(await fundedKey());
    const first = await l2Client.getTransactionCount({ address: racer.account.address });
    const order = [4, 1, 3, 0, 2];
    const hashes = await Promise.all(
      order.map((step) => racer.sendTransaction({ to: fresh(), value: 1n, nonce: first + step, ...fees })),
    );
    const receipts = await Promise.all(hashes.map(receiptOf));
    assert.ok(receipts.every(({ status }) => status === 'success'));
  });

  it('replaces a transaction that waits, for a tenth more', LIMIT, async () => {
    const racer = walletOf(await fundedKey());
    const address = racer.account.address;
    const nonce = await l2Client.getTransactionCount({ address });
    const [lost, won] = [fresh(), fresh()];
    const base = { value: 1n, gas: 21_000n, nonce: nonce + 1, maxPriorityFeePerGas: 1_000n };
    const first = await racer.sendTransaction({ ...base, to: lost, maxFeePerGas: parseGwei('50') });
    const waiting = await l2Client.getTransaction({ hash: first });
    assert.equal(waiting.blockNumber, null);
    // A gap is before it: what waits is counted once the gap is filled.
    assert.equal(await l2Client.getTransactionCount({ address, blockTag: 'pending' }), nonce);
    // Whoever waits for a transaction learns of its replacement, once it has seen what it waits for.
    let looked = 0;
    const onFetchResponse = () => void (looked += 1);
    const watching = createPublicClient({ chain: l2Chain, transport: http(l2.rpc, { onFetchResponse }), pollingInterval: 50 });
    let reason;
    const told = watching.waitForTransactionReceipt({ hash: first, onReplaced: (replaced) => ({ reason } = replaced) });
    await eventually('the transaction was looked at', 20, () => looked >= 4);
    const cheap = await failure(racer.sendTransaction({ ...base, to: won, maxFeePerGas: parseGwei('51') }));
    assert.match(cheap.details, /replacement transaction underpriced/);
    const dear = { ...base, to: won, maxFeePerGas: parseGwei('60'), maxPriorityFeePerGas: 1_200n };
    const second = await racer.sendTransaction(dear);
    await racer.sendTransaction({ to: fresh(), value: 1n, nonce, ...fees });
    const receipt = await receiptOf(second);
    assert.equal(receipt.status, 'success');
    assert.equal((await told).transactionHash, second);
    assert.equal(reason, 'replaced');
    assert.equal(await l2Client.getBalance({ address: lost }), 0n);
    assert.equal(await l2Client.getBalance({ address: won }), 1n);
  });

  it('names each refusal as viem knows it', LIMIT, async () => {
    const racer = walletOf(await fundedKey());
    const to = fresh();
    const nonce = await l2Client.getTransactionCount({ address: racer.account.address });
    await receiptOf(await racer.sendTransaction({ to, value: 1n, nonce, ...fees }));
    for (const [wrong, name] of [
      [{ nonce }, 'NonceTooLowError'],
      [{ value: parseEther('1000') }, 'InsufficientFundsError'],
      [{ gas: 20_000n }, 'IntrinsicGasTooLowError'],
      [{ maxFeePerGas: 1n }, 'FeeCapTooLowError'],
    ]) {
      const request = { to, value: 1n, nonce: nonce + 1, ...fees, ...wrong };
      const error = await failure(racer.sendTransaction(request));
      assert.ok(error.walk((cause) => cause.name === name), `${name}: ${error.details}`);
    }
  });

  it('sends and has the receipt in one request', LIMIT, async () => {
    const to = fresh();
    const receipt = await wallet.sendTransactionSync({ to, value: 7n });
    assert.equal(receipt.status, 'success');
    assert.equal(await l2Client.getBalance({ address: to }), 7n);
  });

  it('asks 500 questions in one request, and one wrong one spoils no other', LIMIT, async () => {
    const client = createPublicClient({ chain: l2Chain, transport: http(l2.rpc, { batch: { batchSize: 1_000, wait: 20 } }) });
    const questions = range(500).map(() => client.getBalance({ address: fresh() }));
    const wrong = failure(client.readContract({ ...contract, functionName: 'bounded', args: [101n] }));
    assert.ok((await Promise.all(questions)).every((balance) => balance === 0n));
    assert.equal((await wrong).cause.data.errorName, 'TooLarge');
  });

  it('reads through Multicall3 where viem expects it', LIMIT, async () => {
    const results = await l2Client.multicall({
      contracts: [{ ...contract, functionName: 'LIMIT' }, { ...contract, functionName: 'bounded', args: [101n] }],
    });
    assert.equal(results[0].result, 100n);
    assert.match(results[1].error.shortMessage, /TooLarge|reverted/);
  });

  it('simulates calls that build on each other', LIMIT, async () => {
    const { results } = await l2Client.simulateCalls({
      account: wallet.account,
      calls: [
        { ...contract, to: contract.address, functionName: 'note', args: ['simulated'] },
        { to: contract.address, data: encodeFunctionData({ abi: probe.abi, functionName: 'notesOf', args: [wallet.account.address] }) },
      ],
    });
    const before = await l2Client.readContract({ ...contract, functionName: 'notesOf', args: [wallet.account.address] });
    const after = decodeFunctionResult({ abi: probe.abi, functionName: 'notesOf', data: results[1].data });
    assert.equal(after, before + 1n);
  });

  it('lives on a replica: pending nonces, its own transactions, receipts before a batch', LIMIT, async () => {
    const key = await fundedKey();
    const client = createPublicClient({ chain: l2Chain, transport: http(l2.replica), pollingInterval: 50 });
    const racer = walletOf(key, l2.replica);
    const address = racer.account.address;
    await eventually('the replica has the account', 20, async () => (await client.getBalance({ address })) > 0n);
    // A gap, so that what is sent waits at the sequencer.
    const nonce = await client.getTransactionCount({ address });
    const late = await racer.sendTransaction({ to: fresh(), value: 1n, nonce: nonce + 1, ...fees });
    assert.equal((await client.getTransaction({ hash: late })).blockNumber, null);
    // Awaited one after another, each takes the nonce that the one before it left: what waits is counted.
    await racer.sendTransaction({ to: fresh(), value: 1n, nonce, ...fees });
    assert.equal(await client.getTransactionCount({ address, blockTag: 'pending' }), nonce + 2);
    const third = await racer.sendTransaction({ to: fresh(), value: 1n, ...fees });
    const receipt = await client.waitForTransactionReceipt({ hash: third });
    assert.equal(receipt.status, 'success');
    // What the replica has from the feed is the sequencer's chain, and not safe because of it.
    const [here, there] = await Promise.all([client, l2Client].map((of) => of.getBlock({ blockNumber: receipt.blockNumber })));
    assert.equal(here.hash, there.hash);
  });
});
