// Deposits through the Portal with viem's op-stack actions: ETH, a call, one that fails, a contract.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { encodeFunctionData, getContractAddress, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { account, artifact, deploy, l1Client, l1Wallet, l2Chain, l2Client } from './lib/clients.mjs';
import { getDepositHashes } from '../../sdk/ts/dist/index.js';

const probe = artifact('Probe');
const fresh = () => privateKeyToAccount(generatePrivateKey()).address;

/**
 * Deposits `request` from account `index`; gives its receipt on L2.
 *
 * An L1 node estimates in the newest block, the deposit is in a later one, where the market's storage
 * may cost some thousand gas more: hence the margin.
 */
async function deposit(index, request) {
  const parameters = { request, targetChain: l2Chain, account: account(index) };
  const estimate = await l1Client.estimateDepositTransactionGas(parameters);
  const hash = await l1Wallet(index).depositTransaction({ ...parameters, gas: (estimate * 5n) / 4n });
  const onL1 = await l1Client.waitForTransactionReceipt({ hash });
  assert.equal(onL1.status, 'success');
  const hashes = getDepositHashes(onL1);
  assert.equal(hashes.length, 1);
  return l2Client.waitForTransactionReceipt({ hash: hashes[0], timeout: 60_000 });
}

describe('deposits', () => {
  let address;
  before(async () => (address = await deploy('Probe', 6)));

  it('carries ETH to a fresh account', async () => {
    const to = fresh();
    const receipt = await deposit(6, { to, mint: parseEther('2'), value: parseEther('2'), gas: 100_000n });
    assert.equal(receipt.status, 'success');
    assert.equal(receipt.type, '0x7e');
    assert.equal(await l2Client.getBalance({ address: to }), parseEther('2'));
  });

  it('calls a contract as the account that deposited', async () => {
    const from = account(6).address;
    const nonce = await l2Client.getTransactionCount({ address: from });
    const data = encodeFunctionData({ abi: probe.abi, functionName: 'note', args: ['from L1'] });
    const receipt = await deposit(6, { to: address, data, gas: 300_000n });
    assert.equal(receipt.status, 'success');
    const [log] = await l2Client.getContractEvents({
      address,
      abi: probe.abi,
      eventName: 'Noted',
      fromBlock: receipt.blockNumber,
      toBlock: receipt.blockNumber,
    });
    assert.equal(log.args.author, from);
    assert.equal(log.args.text, 'from L1');
    assert.equal(await l2Client.getTransactionCount({ address: from }), nonce + 1);
  });

  it('mints and bumps the nonce though its call fails', async () => {
    const from = account(7).address;
    const [balance, nonce] = await Promise.all([
      l2Client.getBalance({ address: from }),
      l2Client.getTransactionCount({ address: from }),
    ]);
    const data = encodeFunctionData({ abi: probe.abi, functionName: 'refuse' });
    const request = { to: address, data, mint: parseEther('3'), value: parseEther('1'), gas: 200_000n };
    const receipt = await deposit(7, request);
    assert.equal(receipt.status, 'reverted');
    assert.equal(await l2Client.getBalance({ address: from }), balance + parseEther('3'));
    assert.equal(await l2Client.getTransactionCount({ address: from }), nonce + 1);
    assert.equal(await l2Client.getBalance({ address }), 0n);
  });

  it('creates a contract', async () => {
    const from = account(8).address;
    const nonce = await l2Client.getTransactionCount({ address: from });
    const receipt = await deposit(8, { isCreation: true, data: probe.bytecode, gas: 3_000_000n });
    assert.equal(receipt.status, 'success');
    const created = getContractAddress({ from, nonce: BigInt(nonce) });
    assert.equal(await l2Client.getCode({ address: created }), probe.deployedBytecode);
  });
});
