// Traces of a corpus of transactions against anvil's, field by field: the same signed transactions, on accounts and
// contracts of the same addresses and balances. anvil and this node both trace with revm's inspectors; what is tested
// is what each makes of them: the state before the transaction, deposits, block context, encodings.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { concat, encodeFunctionData, getContractAddress, keccak256, numberToHex, pad, parseEther, parseGwei, toHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { account, artifact, eventually, fundedKey, l1Client, l1Wallet, l2, l2Chain, l2Client } from './lib/clients.mjs';
import { getDepositHashes } from '../../sdk/ts/dist/index.js';

const anvil = fileURLToPath(new URL('../../contracts/node_modules/.bin/anvil', import.meta.url));
const LIMIT = { timeout: 120_000 };
const [tour, probe] = [artifact('Tour'), artifact('Probe')];
const word = (value) => numberToHex(value, { size: 32 });

/** How traces are asked for. */
const TRACERS = {
  callTracer: { tracer: 'callTracer', tracerConfig: { withLog: true } },
  'callTracer, top call': { tracer: 'callTracer', tracerConfig: { onlyTopCall: true } },
  prestateTracer: { tracer: 'prestateTracer' },
  'prestateTracer, difference': { tracer: 'prestateTracer', tracerConfig: { diffMode: true } },
  'struct logs': {},
  'struct logs, everything': { enableMemory: true, enableReturnData: true },
};

async function rpc(url, method, params) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { result, error } = await answer.json();
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}

/** Starts anvil with the chain id of L2; gives its URL. */
function startAnvil() {
  const args = ['--port', '0', '--chain-id', String(l2.chain_id), '--hardfork', 'osaka', '--enable-tx-gas-limit', '--steps-tracing', '--accounts', '1'];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', anvil, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', (code) => reject(new Error(`anvil ended with ${code}`)));
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const found = /Listening on ([\d.:]+)/.exec(text);
      if (found) resolve(`http://${found[1]}`);
    });
  });
  return { child, url };
}

/**
 * Fields in which anvil differs from geth, whose word counts here; each is checked for what geth has there. `at` is the
 * field's path, `gas` the limit of the transaction.
 */
const DEVIATIONS = [
  {
    why: 'gas of the outermost call is the limit of the transaction; anvil shows what is left after the intrinsic gas',
    is: ({ at, ours, gas }) => at === '.gas' && BigInt(ours) === gas,
  },
  {
    why: 'a creation in a place that is taken fails with the words of geth',
    is: ({ at, ours, theirs }) => at.endsWith('.error') && ours === 'contract address collision' && theirs === 'CreateCollision',
  },
  {
    why: 'what the transaction creates was not there before it; anvil shows an empty account',
    is: ({ ours, theirs }) => ours === undefined && theirs?.balance === '0x0' && Object.keys(theirs).length === 1,
  },
];

/** Paths where two values differ, with both. */
function differences(ours, theirs, at = '') {
  if (ours === theirs) return [];
  const isNode = (value) => value !== null && typeof value === 'object';
  if (!isNode(ours) || !isNode(theirs)) return [{ at, ours, theirs }];
  const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return [...names].flatMap((name) => differences(ours[name], theirs[name], `${at}.${name}`));
}

describe('traces', { timeout: 400_000 }, () => {
  let [other, local, key, sender, nonce] = [];
  /** Hashes on both sides, by name. */
  const corpus = [];

  before(async () => {
    local = startAnvil();
    other = await local.url;
    key = await fundedKey('50');
    sender = privateKeyToAccount(key);
    nonce = 0;
    const balance = await l2Client.getBalance({ address: sender.address });
    await rpc(other, 'anvil_setBalance', [sender.address, toHex(balance)]);
    // Whoever gets the tips is an account of the same content, once and for all.
    const { miner } = await l2Client.getBlock();
    const [code, held] = [await l2Client.getCode({ address: miner }), await l2Client.getBalance({ address: miner })];
    await rpc(other, 'anvil_setCode', [miner, code ?? '0x']);
    await rpc(other, 'anvil_setNonce', [miner, toHex(await l2Client.getTransactionCount({ address: miner }))]);
    await rpc(other, 'anvil_setBalance', [miner, toHex(held)]);
    await rpc(other, 'anvil_setCoinbase', [miner]);
  }, LIMIT);
  after(() => local.child.kill('SIGKILL'));

  /** Runs a transaction on L2, then the same one on anvil, under the same base fee. */
  async function both(name, request) {
    const full = { chainId: l2.chain_id, type: 'eip1559', nonce: nonce++, gas: 3_000_000n, maxFeePerGas: parseGwei('100'), maxPriorityFeePerGas: 0n, ...request };
    const raw = await sender.signTransaction(full);
    const hash = await l2Client.sendRawTransaction({ serializedTransaction: raw });
    const receipt = await l2Client.waitForTransactionReceipt({ hash });
    const block = await l2Client.getBlock({ blockNumber: receipt.blockNumber });
    await rpc(other, 'anvil_setNextBlockBaseFeePerGas', [toHex(block.baseFeePerGas)]);
    assert.equal(await rpc(other, 'eth_sendRawTransaction', [raw]), hash);
    const mirrored = await eventually('anvil mines it', 20, () => rpc(other, 'eth_getTransactionReceipt', [hash]));
    assert.equal(BigInt(mirrored.gasUsed), receipt.gasUsed, name);
    corpus.push({ name, ours: hash, theirs: hash });
    return receipt;
  }

  it('has a corpus that runs alike on both', LIMIT, async () => {
    const deployed = async (code) => (await both('creation', { data: code })).contractAddress;
    const [tourAt, probeAt] = [await deployed(tour.bytecode), await deployed(probe.bytecode)];
    const visit = (name, to, { abi }, functionName, args = [], extra = {}) =>
      both(name, { to, data: encodeFunctionData({ abi, functionName, args }), ...extra });
    await both('transfer', { to: pad('0x1234', { size: 20 }), value: 5n, gas: 21_000n });
    await visit('logs', probeAt, probe, 'note', ['a note', 3n], { value: 7n });
    await visit('revert with a reason', probeAt, probe, 'refuse');
    await visit('custom error', probeAt, probe, 'bounded', [101n]);
    await visit('panic', probeAt, probe, 'divide', [1n, 0n]);
    await visit('out of gas', tourAt, tour, 'refunds', [500n], { gas: 300_000n });
    await visit('refunds', tourAt, tour, 'refunds', [5n]);
    await visit('nested calls that fail', tourAt, tour, 'descend', [4n]);
    await visit('creations and self-destruction', tourAt, tour, 'creations', [keccak256('0x01')], { value: parseEther('0.5'), gas: 16_000_000n });
    await visit('creation that reverts', tourAt, tour, 'creations', [keccak256('0x01')]);
    await both('creation that fails', { data: '0xfe', gas: 100_000n });
    for (const [at, input] of [
      [0x01, `0x${'00'.repeat(128)}`],
      [0x02, '0x616263'],
      [0x04, '0x616263'],
      [0x05, concat([word(1n), word(1n), word(2n), '0x030507'])],
      [0x06, concat([word(1n), word(2n), word(1n), word(2n)])],
      [0x08, '0xff'],
      [0x09, '0xff'],
      [0x0b, `0x${'00'.repeat(256)}`],
      [0x100, `0x${'11'.repeat(160)}`],
    ])
      await visit(`precompile ${at}`, tourAt, tour, 'call', [pad(toHex(at), { size: 20 }), input]);
    const authorization = await sender.signAuthorization({ chainId: l2.chain_id, address: probeAt, nonce: nonce + 1 });
    const note = encodeFunctionData({ abi: probe.abi, functionName: 'note', args: ['delegated'] });
    // The authorisation of the sender itself takes a nonce too.
    await both('delegation', { type: 'eip7702', to: sender.address, data: note, authorizationList: [authorization] });
    nonce += 1;
    await both('call of a delegated account', { to: sender.address, data: note });
    assert.equal(getContractAddress({ from: sender.address, nonce: 0n }).toLowerCase(), tourAt.toLowerCase());
  });

  it('has deposits that run alike on both', LIMIT, async () => {
    const from = account(7).address;
    const probeAt = getContractAddress({ from: sender.address, nonce: 1n });
    for (const [name, functionName, args, value] of [
      ['deposit that calls', 'note', ['from L1'], 3n],
      ['deposit that reverts', 'refuse', [], 0n],
    ]) {
      const request = { to: probeAt, data: encodeFunctionData({ abi: probe.abi, functionName, args }), value, mint: value, gas: 300_000n };
      const parameters = { request, targetChain: l2Chain, account: account(7) };
      const estimate = await l1Client.estimateDepositTransactionGas(parameters);
      const onL1 = await l1Client.waitForTransactionReceipt({ hash: await l1Wallet(7).depositTransaction({ ...parameters, gas: (estimate * 5n) / 4n }) });
      const [ours] = getDepositHashes(onL1);
      const receipt = await l2Client.waitForTransactionReceipt({ hash: ours, timeout: 60_000 });
      // anvil knows no deposits: the same call by the same account, for nothing, with what was minted put there.
      const balance = await l2Client.getBalance({ address: from, blockNumber: receipt.blockNumber });
      const count = await l2Client.getTransactionCount({ address: from, blockNumber: receipt.blockNumber });
      const paid = receipt.status === 'success' ? value : 0n;
      await rpc(other, 'anvil_setBalance', [from, toHex(balance + paid)]);
      await rpc(other, 'anvil_setNonce', [from, toHex(count - 1)]);
      await rpc(other, 'anvil_setNextBlockBaseFeePerGas', ['0x0']);
      await rpc(other, 'anvil_impersonateAccount', [from]);
      const tx = { from, to: request.to, data: request.data, value: toHex(value), gas: toHex(request.gas), gasPrice: '0x0' };
      const theirs = await rpc(other, 'eth_sendTransaction', [tx]);
      const mirrored = await eventually('anvil mines it', 20, () => rpc(other, 'eth_getTransactionReceipt', [theirs]));
      assert.equal(BigInt(mirrored.gasUsed), receipt.gasUsed, name);
      corpus.push({ name, ours, theirs });
    }
  });

  for (const [tracer, options] of Object.entries(TRACERS)) {
    it(`equals anvil's: ${tracer}`, LIMIT, async () => {
      const found = [];
      for (const { name, ours, theirs } of corpus) {
        const [here, there] = [
          await rpc(l2.rpc, 'debug_traceTransaction', [ours, options]),
          await rpc(other, 'debug_traceTransaction', [theirs, options]),
        ];
        const { gas } = await l2Client.getTransaction({ hash: ours });
        const all = differences(here, there).map((one) => ({ name, ...one, gas }));
        found.push(...all.filter((one) => !DEVIATIONS.some(({ is }) => is(one))));
      }
      assert.deepEqual(found.slice(0, 20), [], `${found.length} fields differ`);
      assert.equal(corpus.length, 26);
    });
  }
});
