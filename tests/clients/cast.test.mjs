// cast as a developer uses it from a shell: each test is a command line.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { accessSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { account, accounts, artifact, l2, range } from './lib/clients.mjs';

const program = fileURLToPath(new URL('../../contracts/node_modules/.bin/cast', import.meta.url));
const run = promisify(execFile);
const fresh = () => privateKeyToAccount(generatePrivateKey()).address;
const key = (index) => ['--private-key', accounts[index].private_key];

/** Standard output of `cast …` against L2. */
async function cast(command, ...args) {
  const { stdout } = await run(program, [command, '--rpc-url', l2.rpc, ...args]);
  return stdout.trim();
}

/** Standard error of a `cast …` that fails. */
async function castFails(command, ...args) {
  const error = await cast(command, ...args).then(
    (out) => assert.fail(`did not fail: ${out}`),
    (thrown) => thrown,
  );
  return error.stderr;
}

const receipt = async (...args) => JSON.parse(await cast('send', '--json', ...args));

describe('cast', () => {
  let probe;

  before(async () => {
    accessSync(program);
    const created = await receipt(...key(4), '--create', artifact('Probe').bytecode);
    assert.equal(created.status, '0x1');
    probe = created.contractAddress;
  });

  it('asks for chain id, block and code', async () => {
    assert.equal(Number(await cast('chain-id')), l2.chain_id);
    assert.ok(Number(await cast('block-number')) > 0);
    assert.equal(await cast('code', probe), artifact('Probe').deployedBytecode);
  });

  it('transfers ETH', async () => {
    const to = fresh();
    const sent = await receipt(...key(4), to, '--value', '1ether');
    assert.equal(sent.status, '0x1');
    assert.equal(await cast('balance', to), '1000000000000000000');
  });

  it('calls an overload and reads its logs', async () => {
    const sent = await receipt(...key(4), probe, 'note(string,uint256)', 'from a shell', '2');
    const logs = JSON.parse(
      await cast('logs', '--json', '--from-block', sent.blockNumber, '--address', probe, 'Noted(address indexed,uint256 indexed,string)'),
    );
    assert.deepEqual(logs.map(({ topics }) => BigInt(topics[2])), [1n, 2n]);
    assert.equal(await cast('call', probe, 'notesOf(address)(uint256)', account(4).address), '2');
  });

  it('estimates gas that suffices', async () => {
    const gas = await cast('estimate', '--from', account(4).address, probe, 'note()');
    const sent = await receipt(...key(4), probe, 'note()', '--gas-limit', gas);
    assert.equal(sent.status, '0x1');
    assert.ok(BigInt(sent.gasUsed) <= BigInt(gas));
  });

  it('shows the reason of a revert', async () => {
    assert.match(await castFails('call', probe, 'refuse()'), /the probe refuses/);
    assert.match(await castFails('send', ...key(4), probe, 'refuse()'), /the probe refuses/);
  });

  it('shows a custom error', async () => {
    const selector = (await run(program, ['sig', 'TooLarge(uint256,uint256)'])).stdout.trim();
    const word = (value) => value.toString(16).padStart(64, '0');
    const shown = await castFails('call', probe, 'bounded(uint256)', '101');
    assert.ok(shown.includes(selector + word(101) + word(100)), shown);
  });

  it('reports the receipt of a transaction that reverted', async () => {
    const hash = await cast('send', '--async', ...key(4), probe, 'refuse()', '--gas-limit', '100000');
    const mined = JSON.parse(await cast('receipt', '--json', hash));
    assert.equal(mined.status, '0x0');
  });

  it('sends 100 transactions of one sender without awaiting any', async () => {
    const to = fresh();
    const first = Number(await cast('nonce', account(5).address));
    const fees = ['--gas-limit', '21000', '--gas-price', '100gwei', '--priority-gas-price', '0'];
    const send = (index) =>
      cast('send', '--async', ...key(5), ...fees, '--nonce', String(first + index), to, '--value', '1wei');
    const hashes = await Promise.all(range(100).map(send));
    const receipts = await Promise.all(hashes.map((hash) => cast('receipt', '--json', hash)));
    assert.ok(receipts.every((text) => JSON.parse(text).status === '0x1'));
    assert.equal(await cast('balance', to), '100');
  });
});
