// A walk through the EVM: opcodes, precompiles, creations, refunds, delegation. What each of them gives is
// kept in storage and logs, which the replay by another EVM then compares.
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { concat, keccak256, numberToHex, pad, parseEther, toHex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { walletActionsL2 } from 'viem/op-stack';
import { account, artifact, deploy, l2Client, l2Wallet, range } from './lib/clients.mjs';

const { abi } = artifact('Tour');
const zeros = (length) => `0x${'00'.repeat(length)}`;
const word = (value) => numberToHex(value, { size: 32 });

/** Input of ECRECOVER for a valid signature. */
async function recoverInput() {
  const signer = privateKeyToAccount(generatePrivateKey());
  const hash = keccak256('0x51');
  const signature = await signer.sign({ hash });
  return concat([hash, pad(`0x${signature.slice(130)}`, { size: 32 }), signature.slice(0, 130)]);
}

/** Input of the point evaluation for the polynomial 0 at 0: everything is the point at infinity. */
function pointInput() {
  const infinity = Buffer.concat([Buffer.from([0xc0]), Buffer.alloc(47)]);
  const hash = createHash('sha256').update(infinity).digest();
  hash[0] = 1;
  return toHex(Buffer.concat([hash, Buffer.alloc(64), infinity, infinity]));
}

/** Input of P256VERIFY for a valid signature. */
function p256Input() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const message = Buffer.from('a message');
  const signature = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const coordinates = [x, y].map((part) => Buffer.from(part, 'base64url'));
  return toHex(Buffer.concat([createHash('sha256').update(message).digest(), signature, ...coordinates]));
}

/** Calls of precompiles: well-formed input, and then input that is none. */
async function precompileCalls() {
  const one = [word(1n), word(2n)];
  const valid = [
    [0x01, await recoverInput()],
    [0x02, '0x616263'],
    [0x03, '0x616263'],
    [0x04, zeros(100)],
    [0x05, concat([word(1n), word(1n), word(2n), '0x030507'])],
    [0x05, concat([word(64n), word(32n), word(64n), toHex(new Uint8Array(160).fill(0xa7))])],
    [0x06, concat([...one, ...one])],
    [0x07, concat([...one, word(7n)])],
    [0x08, '0x'],
    [0x09, concat(['0x0000000c', toHex(new Uint8Array(64).fill(5)), toHex(new Uint8Array(128).fill(9)), zeros(16), '0x01'])],
    [0x0a, pointInput()],
    [0x0b, zeros(256)],
    [0x0c, zeros(160)],
    [0x0d, zeros(512)],
    [0x0e, zeros(288)],
    [0x0f, zeros(384)],
    [0x10, zeros(64)],
    [0x11, zeros(128)],
    [0x100, p256Input()],
  ];
  const wrong = [...range(0x11).map((index) => index + 1), 0x100].flatMap((at) => [
    [at, '0x'],
    [at, toHex(new Uint8Array(213).fill(0xff))],
  ]);
  return [...valid, ...wrong].map(([at, input]) => [pad(toHex(at), { size: 20 }), input]);
}

describe('evm', () => {
  const wallet = l2Wallet(9);
  let tour;
  before(async () => (tour = { address: await deploy('Tour', 9), abi }));

  // Gas is given: what is noted differs between estimate and execution, and so does what noting costs.
  const visit = async (functionName, args, extra = {}) => {
    const hash = await wallet.writeContract({ ...tour, functionName, args, gas: 3_000_000n, ...extra });
    const receipt = await l2Client.waitForTransactionReceipt({ hash });
    assert.equal(receipt.status, 'success', functionName);
    return receipt;
  };

  it('shows block and transaction from inside', async () => {
    const receipt = await visit('environment', [], { value: 7n });
    assert.equal(receipt.logs.length, 15);
  });

  it('runs the newer opcodes', async () => {
    for (const value of [0n, 1n, 2n ** 255n, 0x1234n]) await visit('opcodes', [value]);
  });

  it('calls every precompile, with input that is valid and with input that is not', async () => {
    for (const args of await precompileCalls()) await visit('call', args);
  });

  it('creates and destroys contracts', async () => {
    // A CREATE2 that meets its own contract uses 63/64 of the gas.
    await visit('creations', [keccak256('0x01')], { value: parseEther('0.5'), gas: 16_000_000n });
    // The second time the first CREATE2 does so, and the whole call reverts.
    const args = [keccak256('0x01')];
    const hash = await wallet.writeContract({ ...tour, functionName: 'creations', args, gas: 3_000_000n });
    assert.equal((await l2Client.waitForTransactionReceipt({ hash })).status, 'reverted');
  });

  it('refunds what is cleared', async () => {
    const receipt = await visit('refunds', [20n]);
    assert.ok(receipt.gasUsed > 21_000n);
  });

  it('calls itself to a depth and survives the failure there', async () => {
    await visit('descend', [30n], { gas: 10_000_000n });
  });

  it('runs out of gas', async () => {
    const hash = await wallet.writeContract({ ...tour, functionName: 'refunds', args: [500n], gas: 300_000n });
    const receipt = await l2Client.waitForTransactionReceipt({ hash });
    assert.equal(receipt.status, 'reverted');
    assert.equal(receipt.gasUsed, 300_000n);
  });

  it('pays the floor of calldata', async () => {
    const data = toHex(new Uint8Array(1_000).fill(1));
    const hash = await wallet.sendTransaction({ to: account(8).address, data, gas: 100_000n });
    const receipt = await l2Client.waitForTransactionReceipt({ hash });
    assert.equal(receipt.gasUsed, 21_000n + 40n * 1_000n);
  });

  it('sends a message to L1, which changes the root that headers carry', async () => {
    const root = async (blockNumber) => (await l2Client.getBlock({ blockNumber })).withdrawalsRoot;
    const request = { to: account(8).address, value: 1n, gas: 100_000n };
    const hash = await wallet.extend(walletActionsL2()).initiateWithdrawal({ request });
    const receipt = await l2Client.waitForTransactionReceipt({ hash });
    assert.equal(receipt.status, 'success');
    assert.notEqual(await root(receipt.blockNumber), await root(receipt.blockNumber - 1n));
  });

  it('runs a contract’s code in an account that delegated to it', async () => {
    const authorization = await wallet.signAuthorization({ contractAddress: tour.address, executor: 'self' });
    const hash = await wallet.writeContract({
      ...tour,
      address: account(9).address,
      functionName: 'opcodes',
      args: [5n],
      authorizationList: [authorization],
      gas: 500_000n,
    });
    const receipt = await l2Client.waitForTransactionReceipt({ hash });
    assert.equal(receipt.status, 'success');
    assert.equal(receipt.type, 'eip7702');
    assert.equal(await l2Client.getCode({ address: account(9).address }), concat(['0xef0100', tour.address]).toLowerCase());
  });
});
