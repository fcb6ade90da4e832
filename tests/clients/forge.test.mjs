// `forge script --broadcast`: it simulates by itself, takes its own gas for a chain that it does not know, and sends
// up to a hundred transactions without awaiting any.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { artifact, eventually, fundedKey, l2, l2Client, range } from './lib/clients.mjs';

const program = fileURLToPath(new URL('../../contracts/node_modules/.bin/forge', import.meta.url));
const root = fileURLToPath(new URL('./forge', import.meta.url));
const run = promisify(execFile);
const LIMIT = { timeout: 240_000 };

/** Runs the script; its own keys, by the environment, so that none is on a command line. */
async function script(key, other, extra, ...call) {
  const signature = call.length ? call : ['run()'];
  const args = ['script', 'script/Story.s.sol:Story', '--sig', ...signature, '--broadcast', '--rpc-url', l2.rpc, ...extra];
  const env = { ...process.env, STORY_KEY: key, STORY_OTHER_KEY: other, FOUNDRY_DISABLE_NIGHTLY_WARNING: '1' };
  return run(program, args, { cwd: root, env, timeout: 200_000, killSignal: 'SIGKILL', maxBuffer: 1 << 26 });
}

const broadcast = () =>
  JSON.parse(readFileSync(`${root}/broadcast/Story.s.sol/${l2.chain_id}/run-latest.json`, 'utf8'));

/** What the receivers of the story's `pays` have, in wei: one for each payment. */
async function paid() {
  const receivers = range(10).map((i) => `0x${(0xfeee000000n + BigInt(i)).toString(16).padStart(40, '0')}`);
  const balances = await Promise.all(receivers.map((address) => l2Client.getBalance({ address })));
  return balances.reduce((sum, balance) => sum + balance);
}

describe('forge script', { timeout: 600_000 }, () => {
  let deployed;
  before(() => {
    rmSync(`${root}/broadcast`, { recursive: true, force: true });
    // forge finds no sources outside its root.
    copyFileSync(new URL('../../contracts/src/samples/Probe.sol', import.meta.url), `${root}/script/Probe.sol`);
  });

  for (const extra of [[], ['--skip-simulation']]) {
    it(`broadcasts a deployment ${extra.join(' ') || 'with its own simulation'}`, LIMIT, async () => {
      const [key, other] = [await fundedKey('10'), generatePrivateKey()];
      await script(key, other, extra);
      const { transactions, receipts } = broadcast();
      assert.equal(transactions.length, 107);
      assert.equal(receipts.length, 107);
      assert.ok(receipts.every(({ status }) => status === '0x1'));
      const [probe, fixed] = transactions.filter(({ transactionType }) => /^CREATE/.test(transactionType));
      assert.equal(fixed.transactionType, 'CREATE2');
      for (const { contractAddress } of [probe, fixed])
        assert.equal(await l2Client.getCode({ address: contractAddress }), artifact('Probe').deployedBytecode);
      const contract = { address: probe.contractAddress, abi: artifact('Probe').abi };
      assert.equal(await l2Client.readContract({ ...contract, functionName: 'total' }), 5n);
      const account = privateKeyToAccount(other).address;
      assert.match(await l2Client.getCode({ address: account }), /^0xef0100/);
      const sender = privateKeyToAccount(key).address;
      assert.equal(await l2Client.getTransactionCount({ address: sender }), 107);
      deployed = probe.contractAddress;
    });
  }

  it('reads events back, and names a custom error', LIMIT, async () => {
    const error = await script(await fundedKey(), generatePrivateKey(), [], 'reads(address)', deployed).then(
      () => assert.fail('did not fail'),
      (thrown) => thrown,
    );
    // The script ends by an error on purpose, after everything else held.
    assert.match(error.stderr + error.stdout, /TooLarge\(102, 100\)/);
  });

  it('races another script for the same nonces, and each nonce pays once', LIMIT, async () => {
    const key = await fundedKey();
    const before = await paid();
    const outcomes = await Promise.allSettled(range(2).map(() => script(key, generatePrivateKey(), [], 'pays()')));
    // Each sends ten without awaiting any, so each may take a nonce from the other, and then both say so.
    for (const { reason } of outcomes.filter(({ status }) => status === 'rejected'))
      assert.match(reason.stderr + reason.stdout, /nonce too low|already known|replacement transaction underpriced|EOA nonce changed/i);
    const account = { address: privateKeyToAccount(key).address };
    // A script that lost may have left without awaiting what it sent.
    const count = await eventually('everything sent is in a block', 30, async () => {
      const pending = await l2Client.getTransactionCount({ ...account, blockTag: 'pending' });
      return (await l2Client.getTransactionCount(account)) === pending && pending;
    });
    // Both get their ten when they sign the very same, or one after the other; else who lost has lost a nonce.
    const won = outcomes.filter(({ status }) => status === 'fulfilled').length;
    assert.ok(won === 2 ? count === 10 || count === 20 : count >= 10 && count < 20, `${count} transactions, ${won} scripts won`);
    assert.equal((await paid()) - before, BigInt(count));
  });

  it('stops before sending what would revert', LIMIT, async () => {
    const key = await fundedKey();
    const error = await script(key, generatePrivateKey(), [], 'fails()').then(
      () => assert.fail('did not fail'),
      (thrown) => thrown,
    );
    assert.match(error.stderr + error.stdout, /the probe refuses/);
    assert.equal(await l2Client.getTransactionCount({ address: privateKeyToAccount(key).address }), 0);
  });
});
