// wagmi's core with an injected wallet that behaves like MetaMask on a chain that it does not know.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  connect,
  createConfig,
  deployContract,
  estimateGas,
  getBalance,
  getBlockNumber,
  getBytecode,
  getChainId,
  getTransactionCount,
  readContract,
  readContracts,
  sendCalls,
  sendTransaction,
  signMessage,
  signTypedData,
  simulateContract,
  switchChain,
  waitForTransactionReceipt,
  watchBlockNumber,
  watchContractEvent,
  writeContract,
  http,
  injected,
  webSocket,
} from '@wagmi/core';
import { encodeFunctionData, parseEther, recoverMessageAddress, recoverTypedDataAddress } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { artifact, eventually, fundedKey, l2, l2Chain, range } from './lib/clients.mjs';
import { Wallet, chainParameters } from './lib/wallet.mjs';

// Where the injected connector looks for a page.
globalThis.window = new EventTarget();

const { abi, bytecode } = artifact('Probe');
const LIMIT = { timeout: 60_000 };
const SUITE = { timeout: 300_000 };
const fresh = () => privateKeyToAccount(generatePrivateKey()).address;
const chain = { ...l2Chain, testnet: true };

const failure = (promise) =>
  promise.then(
    () => assert.fail('did not fail'),
    (error) => error,
  );

describe('wagmi', SUITE, () => {
  let wallet;
  let config;
  let contract;
  const configOf = (transport, provider) =>
    createConfig({
      chains: [chain],
      connectors: [injected({ target: () => ({ id: 'test', name: 'Test wallet', provider: provider ?? wallet }) })],
      transports: { [chain.id]: transport },
      pollingInterval: 50,
      multiInjectedProviderDiscovery: false,
      storage: null,
    });
  const receiptOf = (hash) => waitForTransactionReceipt(config, { hash });

  before(async () => {
    wallet = new Wallet(await fundedKey('20'));
    config = configOf(http(l2.rpc, { batch: true }));
  });

  it('connects, and adds the chain to a wallet that does not know it', LIMIT, async () => {
    const { accounts } = await connect(config, { connector: config.connectors[0] });
    assert.equal(accounts[0].toLowerCase(), wallet.account.address.toLowerCase());
    await switchChain(config, { chainId: chain.id });
    assert.equal(getChainId(config), chain.id);
    const asked = wallet.asked.map(({ method }) => method);
    assert.ok(asked.includes('eth_chainId') && asked.includes('net_version'));
  });

  it('deploys through the wallet', LIMIT, async () => {
    const receipt = await receiptOf(await deployContract(config, { abi, bytecode }));
    assert.equal(receipt.status, 'success');
    contract = { address: receipt.contractAddress, abi };
    assert.equal(await readContract(config, { ...contract, functionName: 'total' }), 0n);
  });

  it('transfers, with the wallet’s own fees', LIMIT, async () => {
    const to = fresh();
    const receipt = await receiptOf(await sendTransaction(config, { to, value: parseEther('1') }));
    assert.equal(receipt.gasUsed, 21_000n);
    assert.equal((await getBalance(config, { address: to })).value, parseEther('1'));
  });

  it('calls each overload', LIMIT, async () => {
    for (const args of [[], ['one'], ['several', 3n]]) {
      const { request } = await simulateContract(config, { ...contract, functionName: 'note', args });
      assert.equal((await receiptOf(await writeContract(config, request))).status, 'success');
    }
    const [total, mine] = await readContracts(config, {
      contracts: [{ ...contract, functionName: 'total' }, { ...contract, functionName: 'notesOf', args: [wallet.account.address] }],
    });
    assert.deepEqual([total.result, mine.result], [5n, 5n]);
  });

  it('decodes a custom error', LIMIT, async () => {
    const error = await failure(simulateContract(config, { ...contract, functionName: 'bounded', args: [101n] }));
    assert.equal(error.cause.data.errorName, 'TooLarge');
    const reason = await failure(estimateGas(config, { to: contract.address, data: '0x8d15ef5f' }));
    assert.ok(reason);
  });

  for (const [kind, transport] of [
    ['a filter', http(l2.rpc)],
    ['a subscription', webSocket(l2.ws)],
  ]) {
    it(`hears of events and blocks by ${kind}`, LIMIT, async () => {
      const watching = configOf(transport);
      const [texts, numbers] = [[], []];
      const stops = [
        watchContractEvent(watching, { ...contract, eventName: 'Noted', onLogs: (logs) => texts.push(...logs.map(({ args }) => args.text)) }),
        watchBlockNumber(watching, { onBlockNumber: (number) => numbers.push(number) }),
      ];
      await eventually('the watch begins', 20, async () => {
        await receiptOf(await writeContract(config, { ...contract, functionName: 'note', args: ['begin'] }));
        return texts.length > 0 && numbers.length > 0;
      });
      for (const text of ['a', 'b', 'c']) await receiptOf(await writeContract(config, { ...contract, functionName: 'note', args: [text] }));
      const later = () => texts.filter((text) => text !== 'begin');
      await eventually('three events', 20, () => later().length >= 3);
      assert.deepEqual(later(), ['a', 'b', 'c']);
      stops.forEach((stop) => stop());
    });
  }

  it('signs messages and typed data', LIMIT, async () => {
    const signature = await signMessage(config, { message: 'to whom it may concern' });
    assert.equal(await recoverMessageAddress({ message: 'to whom it may concern', signature }), wallet.account.address);
    const typed = {
      domain: { name: 'Probe', chainId: chain.id, verifyingContract: contract.address },
      types: { Note: [{ name: 'text', type: 'string' }] },
      primaryType: 'Note',
      message: { text: 'signed' },
    };
    assert.equal(await recoverTypedDataAddress({ ...typed, signature: await signTypedData(config, typed) }), wallet.account.address);
  });

  it('delegates to a contract with an account of its own, and not through the wallet', LIMIT, async () => {
    const account = privateKeyToAccount(await fundedKey());
    const nonce = await getTransactionCount(config, { address: account.address });
    const authorization = await account.signAuthorization({ contractAddress: contract.address, chainId: chain.id, nonce: nonce + 1 });
    const data = encodeFunctionData({ abi, functionName: 'note', args: ['delegated'] });
    const sent = await sendTransaction(config, { account, chainId: chain.id, to: account.address, data, authorizationList: [authorization] });
    const receipt = await receiptOf(sent);
    assert.equal(receipt.status, 'success');
    assert.equal(receipt.type, 'eip7702');
    assert.equal(receipt.logs[0].address.toLowerCase(), account.address.toLowerCase());
    const code = await getBytecode(config, { address: account.address });
    assert.equal(code, `0xef0100${contract.address.slice(2).toLowerCase()}`);
    // What a page gets to hear from a wallet that does not list the chain, and falls back to single transactions on.
    const refused = await failure(sendCalls(config, { calls: [{ to: contract.address, data }] }));
    assert.match(`${refused.message} ${refused.details}`, /EIP-7702 not supported/);
  });

  it('is told of a race for a nonce between two devices of one account', LIMIT, async () => {
    const key = await fundedKey();
    const devices = [new Wallet(key), new Wallet(key), new Wallet(key)];
    const outcomes = await Promise.allSettled(
      devices.map(async (device, index) => {
        await device.request({ method: 'wallet_addEthereumChain', params: [chainParameters(l2)] });
        device.customNonce = 0;
        const own = configOf(http(l2.rpc), device);
        await connect(own, { connector: own.connectors[0] });
        return sendTransaction(own, { to: fresh(), value: BigInt(index + 1), gas: 21_000n });
      }),
    );
    const taken = outcomes.filter(({ status }) => status === 'fulfilled');
    assert.equal(taken.length, 1, JSON.stringify(outcomes.map(({ reason }) => reason?.details)));
    for (const { reason } of outcomes.filter(({ status }) => status === 'rejected'))
      assert.match(reason.message, /nonce too low|lower than the current nonce|replacement transaction underpriced/i);
    assert.equal((await receiptOf(taken[0].value)).status, 'success');
  });

  for (const [button, reason] of [
    ['speedUp', 'repriced'],
    ['cancel', 'cancelled'],
  ]) {
    it(`is told that the user had a transaction ${reason}`, LIMIT, async () => {
      const user = new Wallet(await fundedKey());
      let looked = 0;
      const own = configOf(http(l2.rpc, { onFetchResponse: () => void (looked += 1) }), user);
      await connect(own, { connector: own.connectors[0] });
      await switchChain(own, { chainId: chain.id });
      const to = fresh();
      // A gap before it, so that it waits.
      user.customNonce = 1;
      const first = await sendTransaction(own, { to, value: 3n, gas: 21_000n });
      let told;
      const waited = waitForTransactionReceipt(own, { hash: first, onReplaced: (replaced) => (told = replaced.reason) });
      // It looks for a replacement only of what it has seen.
      await eventually('the transaction was looked at', 20, () => looked >= 6);
      const second = await user[button](first);
      assert.notEqual(second, first);
      user.customNonce = 0;
      await sendTransaction(own, { to: fresh(), value: 1n, gas: 21_000n });
      const receipt = await waited;
      assert.equal(receipt.transactionHash, second);
      assert.equal(told, reason);
      assert.equal((await getBalance(own, { address: to })).value, reason === 'repriced' ? 3n : 0n);
    });
  }

  it('asks hundreds of questions in a few requests, and one wrong one spoils no other', LIMIT, async () => {
    let requests = 0;
    const asking = configOf(http(l2.rpc, { batch: { batchSize: 500, wait: 20 }, onFetchRequest: () => void (requests += 1) }));
    const questions = range(250).map(() => getTransactionCount(asking, { address: fresh() }));
    const wrong = failure(readContract(asking, { ...contract, functionName: 'bounded', args: [101n] }));
    assert.ok((await Promise.all(questions)).every((count) => count === 0));
    assert.equal((await wrong).cause.data.errorName, 'TooLarge');
    assert.ok(requests <= 4, `${requests} requests`);
  });

  it('sends 100 transactions through the wallet without awaiting any', LIMIT, async () => {
    const to = fresh();
    const hashes = await Promise.all(range(100).map(() => sendTransaction(config, { to, value: 1n, gas: 21_000n })));
    const receipts = await Promise.all(hashes.map(receiptOf));
    assert.ok(receipts.every(({ status }) => status === 'success'));
    assert.equal((await getBalance(config, { address: to })).value, 100n);
    assert.ok((await getTransactionCount(config, { address: wallet.account.address })) >= 100);
    assert.ok((await getBlockNumber(config)) > 0n);
  });

  it('asked the node at numbered blocks, never at latest', LIMIT, async () => {
    const counted = wallet.asked.filter(({ method }) => method === 'eth_getTransactionCount');
    assert.ok(counted.length > 0);
    assert.ok(counted.every(({ params }) => /^0x/.test(params[1])), JSON.stringify(counted[0]));
  });
});
