// ethers v6 as a dApp uses it, with its defaults (batches of a hundred, filters over HTTP, polling) but one: it answers
// from a cache for 250 ms, within which this chain has sealed several blocks and a nonce is used up (`cacheTimeout`).
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  Contract,
  ContractFactory,
  FetchRequest,
  JsonRpcProvider,
  NonceManager,
  Wallet,
  WebSocketProvider,
  hexlify,
  isError,
  parseEther,
  parseUnits,
  randomBytes,
} from 'ethers';
import { artifact, eventually, fundedKey, l2, range } from './lib/clients.mjs';

const { abi, bytecode, deployedBytecode } = artifact('Probe');
const LIMIT = { timeout: 60_000 };
const SUITE = { timeout: 300_000 };
const fresh = () => new Wallet(hexlify(randomBytes(32))).address;
const fees = { gasLimit: 21_000n, maxFeePerGas: parseUnits('100', 'gwei'), maxPriorityFeePerGas: 0n };

const failure = (promise) =>
  promise.then(
    () => assert.fail('did not fail'),
    (error) => error,
  );

describe('ethers', SUITE, () => {
  let provider;
  let socket;
  let wallet;
  let probe;
  const open = [];

  const connect = () => {
    const one = new JsonRpcProvider(l2.rpc, undefined, { cacheTimeout: -1 });
    one.pollingInterval = 50;
    open.push(one);
    return one;
  };

  before(async () => {
    provider = connect();
    socket = new WebSocketProvider(l2.ws);
    open.push(socket);
    wallet = new Wallet(await fundedKey('20'), provider);
    const created = await new ContractFactory(abi, bytecode, wallet).deploy();
    probe = await created.waitForDeployment();
  });
  after(() => Promise.all(open.map((one) => one.destroy())));

  it('deploys, and finds network and code', LIMIT, async () => {
    assert.equal((await provider.getNetwork()).chainId, BigInt(l2.chain_id));
    assert.equal(await provider.getCode(await probe.getAddress()), deployedBytecode);
    assert.equal((await probe.deploymentTransaction().wait()).status, 1);
  });

  it('transfers with the fees that it makes up itself', LIMIT, async () => {
    const to = fresh();
    const { maxFeePerGas, maxPriorityFeePerGas, gasPrice } = await provider.getFeeData();
    assert.ok(maxFeePerGas > 0n && gasPrice > 0n && maxPriorityFeePerGas !== null);
    const sent = await wallet.sendTransaction({ to, value: parseEther('1') });
    const receipt = await sent.wait();
    assert.equal(receipt.gasUsed, 21_000n);
    assert.equal(await provider.getBalance(to), parseEther('1'));
    const mined = await provider.getTransaction(sent.hash);
    assert.equal(mined.signature.serialized, sent.signature.serialized);
    const block = await provider.getBlock(receipt.blockNumber, true);
    assert.ok(block.prefetchedTransactions.some(({ hash }) => hash === sent.hash));
  });

  it('sends every type of transaction', LIMIT, async () => {
    const gasPrice = parseUnits('100', 'gwei');
    for (const request of [
      { type: 0, gasPrice },
      { type: 1, gasPrice, accessList: [{ address: await probe.getAddress(), storageKeys: [`0x${'00'.repeat(32)}`] }] },
      { type: 2 },
    ]) {
      const receipt = await (await wallet.sendTransaction({ to: fresh(), value: 1n, ...request })).wait();
      assert.equal((await receipt.getTransaction()).type, request.type);
    }
  });

  it('calls each overload and queries the logs', LIMIT, async () => {
    const first = await (await probe['note()']()).wait();
    await (await probe['note(string)']('one')).wait();
    const last = await (await probe['note(string,uint256)']('several', 3n)).wait();
    const logs = await probe.queryFilter(probe.filters.Noted(wallet.address), first.blockNumber, last.blockNumber);
    assert.deepEqual(logs.map(({ args }) => [args.number, args.text]), [[1n, ''], [2n, 'one'], [3n, 'several'], [4n, 'several'], [5n, 'several']]);
    assert.equal(await probe.notesOf(wallet.address), 5n);
  });

  for (const kind of ['a filter', 'a subscription']) {
    it(`hears of events by ${kind}, each once`, LIMIT, async () => {
      const listener = new Contract(await probe.getAddress(), abi, kind === 'a filter' ? provider : socket);
      const seen = [];
      await listener.on('Noted', (author, number, text, { log }) => seen.push({ text, removed: log.removed }));
      await eventually('the listener begins', 20, async () => {
        await (await probe['note(string)']('begin')).wait();
        return seen.length > 0;
      });
      for (const text of ['a', 'b', 'c']) await (await probe['note(string)'](text)).wait();
      const texts = () => seen.map(({ text }) => text).filter((text) => text !== 'begin');
      await eventually('three events', 20, () => texts().length >= 3);
      assert.deepEqual(texts(), ['a', 'b', 'c']);
      assert.ok(seen.every(({ removed }) => !removed));
      await listener.off('Noted');
    });
  }

  it('hears of blocks and pending transactions over WebSocket', LIMIT, async () => {
    const [blocks, pending] = [[], []];
    await socket.on('block', (number) => blocks.push(number));
    await socket.on('pending', (hash) => pending.push(hash));
    const sent = await eventually('a pending transaction', 20, async () => {
      const one = await wallet.sendTransaction({ to: fresh(), value: 1n });
      const { blockNumber } = await one.wait();
      return pending.includes(one.hash) && blocks.includes(blockNumber);
    });
    assert.ok(sent);
    await socket.off('block');
    await socket.off('pending');
  });

  it('decodes reason, custom error and panic', LIMIT, async () => {
    const reason = await failure(probe.refuse.staticCall());
    assert.ok(isError(reason, 'CALL_EXCEPTION'));
    assert.equal(reason.reason, 'the probe refuses');
    const custom = await failure(probe.bounded(101n));
    assert.ok(isError(custom, 'CALL_EXCEPTION'));
    assert.equal(custom.revert.name, 'TooLarge');
    assert.deepEqual([...custom.revert.args], [101n, 100n]);
    const panic = await failure(probe.divide(1n, 0n));
    assert.match(panic.reason, /Panic due to DIVIDE_BY_ZERO/);
    const estimate = await failure(probe.refuse.estimateGas());
    assert.equal(estimate.reason, 'the probe refuses');
    const mined = await failure((await probe.refuse({ gasLimit: 100_000n })).wait());
    assert.ok(isError(mined, 'CALL_EXCEPTION'));
    assert.equal(mined.receipt.status, 0);
    // A call of an account without code.
    const nowhere = await failure(new Contract(fresh(), abi, provider).total());
    assert.ok(isError(nowhere, 'BAD_DATA'), nowhere);
  });

  it('delegates to a contract', LIMIT, async () => {
    const signer = new Wallet(await fundedKey(), provider);
    const nonce = await signer.getNonce();
    const address = await probe.getAddress();
    const authorization = await signer.authorize({ address, nonce: nonce + 1 });
    const data = probe.interface.encodeFunctionData('note(string)', ['delegated']);
    const sent = await signer.sendTransaction({ type: 4, to: signer.address, data, nonce, authorizationList: [authorization] });
    const receipt = await sent.wait();
    assert.equal(receipt.logs[0].address, signer.address);
    assert.equal(await provider.getCode(signer.address), `0xef0100${address.slice(2).toLowerCase()}`);
    const mined = await provider.getTransaction(sent.hash);
    assert.equal(mined.authorizationList[0].address, address);
  });

  it('sends 100 transactions without awaiting any', LIMIT, async () => {
    const manager = new NonceManager(new Wallet(await fundedKey(), provider));
    const to = fresh();
    const sent = await Promise.all(range(100).map(() => manager.sendTransaction({ to, value: 1n, ...fees })));
    const receipts = await Promise.all(sent.map((one) => one.wait()));
    assert.ok(receipts.every(({ status }) => status === 1));
    assert.equal(await provider.getBalance(to), 100n);
  });

  it('names what loses a race for a nonce', LIMIT, async () => {
    const signer = new Wallet(await fundedKey(), provider);
    const nonce = await signer.getNonce('pending');
    const outcomes = await Promise.allSettled(
      range(5).map((index) => signer.sendTransaction({ to: fresh(), value: BigInt(index), nonce, ...fees })),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const { reason } of outcomes.filter(({ status }) => status === 'rejected'))
      assert.ok(isError(reason, 'NONCE_EXPIRED') || isError(reason, 'REPLACEMENT_UNDERPRICED'), reason);
    const poor = await failure(signer.sendTransaction({ to: fresh(), value: parseEther('999'), nonce: nonce + 1, ...fees }));
    assert.ok(isError(poor, 'INSUFFICIENT_FUNDS'), poor);
  });

  it('is told of a replacement', LIMIT, async () => {
    const signer = new Wallet(await fundedKey(), provider);
    const nonce = await signer.getNonce();
    const later = { gasLimit: 21_000n, value: 1n, nonce: nonce + 1 };
    const first = await signer.sendTransaction({ ...later, to: fresh(), maxFeePerGas: parseUnits('50', 'gwei'), maxPriorityFeePerGas: 1_000n });
    const waited = failure(first.wait());
    const second = await signer.sendTransaction({ ...later, to: fresh(), maxFeePerGas: parseUnits('60', 'gwei'), maxPriorityFeePerGas: 1_200n });
    await signer.sendTransaction({ to: fresh(), value: 1n, nonce, ...fees });
    assert.equal((await second.wait()).status, 1);
    const error = await waited;
    assert.ok(isError(error, 'TRANSACTION_REPLACED'), error);
    assert.equal(error.replacement.hash, second.hash);
  });

  it('asks hundreds of questions in a few requests', LIMIT, async () => {
    let requests = 0;
    const counted = new FetchRequest(l2.rpc);
    counted.getUrlFunc = async (...args) => {
      requests += 1;
      return FetchRequest.createGetUrlFunc()(...args);
    };
    const batching = new JsonRpcProvider(counted, l2.chain_id, { staticNetwork: true });
    open.push(batching);
    const wrong = failure(new Contract(await probe.getAddress(), abi, batching).bounded(101n));
    const answers = await Promise.all(range(250).map(() => batching.getBalance(fresh())));
    assert.ok(answers.every((balance) => balance === 0n));
    assert.equal((await wrong).revert.name, 'TooLarge');
    assert.ok(requests <= 4, `${requests} requests`);
  });

  it('knows an unknown method for what it is', LIMIT, async () => {
    const error = await failure(provider.send('eth_noSuchThing', []));
    assert.ok(isError(error, 'UNSUPPORTED_OPERATION'), error);
  });
});
