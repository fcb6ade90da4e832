// cast as a developer uses it from a shell: each test is a command line.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { accessSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { account, accounts, artifact, eventually, l2, range } from './lib/clients.mjs';

const program = fileURLToPath(new URL('../../contracts/node_modules/.bin/cast', import.meta.url));
const execute = promisify(execFile);
/** A command line; one that hangs is ended. */
const run = (file, args) => execute(file, args, { timeout: 100_000, killSignal: 'SIGKILL' });
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

const FEES = ['--gas-limit', '21000', '--gas-price', '100gwei', '--priority-gas-price', '0'];
const NOTED = 'Noted(address indexed,uint256 indexed,string)';
const LIMIT = { timeout: 120_000 };

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

  it('calls each overload and reads the logs', async () => {
    const first = await receipt(...key(4), probe, 'note()');
    await receipt(...key(4), probe, 'note(string)', 'one');
    await receipt(...key(4), probe, 'note(string,uint256)', 'from a shell', '2');
    const logs = JSON.parse(await cast('logs', '--json', '--from-block', first.blockNumber, '--address', probe, NOTED));
    assert.deepEqual(logs.map(({ topics }) => BigInt(topics[2])), [1n, 2n, 3n, 4n]);
    assert.equal(await cast('call', probe, 'notesOf(address)(uint256)', account(4).address), '4');
  });

  it('hears of events by subscription', LIMIT, async () => {
    const child = spawn(program, ['logs', '--rpc-url', l2.ws, '--subscribe', '--json', '--address', probe, NOTED]);
    let out = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    try {
      await eventually('an event', 60, async () => {
        await receipt(...key(4), probe, 'note(string)', 'subscribed');
        return out.includes(Buffer.from('subscribed').toString('hex'));
      });
    } finally {
      child.kill('SIGKILL');
    }
    assert.match(out, new RegExp(probe, 'i'));
  });

  it('delegates to a contract, by address and by a signed authorisation', LIMIT, async () => {
    const [own, other] = [generatePrivateKey(), generatePrivateKey()].map((secret) => ({ secret, ...privateKeyToAccount(secret) }));
    await receipt(...key(4), own.address, '--value', '1ether');
    const code = `0xef0100${probe.slice(2).toLowerCase()}`;
    const by = ['--private-key', own.secret];
    const sent = await receipt(...by, own.address, 'note(string)', 'delegated', '--auth', probe, '--gas-limit', '300000');
    assert.equal(sent.type, '0x4');
    assert.equal(sent.logs[0].address.toLowerCase(), own.address.toLowerCase());
    assert.equal(await cast('code', own.address), code);
    const { stdout } = await run(program, ['wallet', 'sign-auth', probe, '--private-key', other.secret, '--rpc-url', l2.rpc]);
    const second = await receipt(...by, other.address, '--auth', stdout.trim(), '--gas-limit', '300000', 'note()');
    assert.equal(second.status, '0x1');
    assert.equal(await cast('code', other.address), code);
  });

  it('names what loses a race for a nonce', LIMIT, async () => {
    const secret = generatePrivateKey();
    await receipt(...key(4), privateKeyToAccount(secret).address, '--value', '1ether');
    const outcomes = await Promise.allSettled(
      range(4).map((index) => cast('send', '--async', '--private-key', secret, ...FEES, '--nonce', '0', fresh(), '--value', `${index + 1}wei`)),
    );
    const taken = outcomes.filter(({ status }) => status === 'fulfilled');
    assert.equal(taken.length, 1);
    for (const { reason } of outcomes.filter(({ status }) => status === 'rejected'))
      assert.match(reason.stderr, /nonce too low|replacement transaction underpriced/);
    assert.equal(JSON.parse(await cast('receipt', '--json', taken[0].value)).status, '0x1');
  });

  it('replaces a transaction that waits', LIMIT, async () => {
    const secret = generatePrivateKey();
    const own = privateKeyToAccount(secret).address;
    await receipt(...key(4), own, '--value', '1ether');
    const [lost, won] = [fresh(), fresh()];
    const send = (nonce, price, to) =>
      cast('send', '--async', '--private-key', secret, '--gas-limit', '21000', '--gas-price', price, '--priority-gas-price', '0', '--nonce', nonce, to, '--value', '1wei');
    await send('1', '50gwei', lost);
    await assert.rejects(send('1', '51gwei', won), ({ stderr }) => /replacement transaction underpriced/.test(stderr));
    const second = await send('1', '55gwei', won);
    await send('0', '50gwei', fresh());
    assert.equal(JSON.parse(await cast('receipt', '--json', second)).status, '0x1');
    assert.deepEqual([await cast('balance', lost), await cast('balance', won)], ['0', '1']);
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
    const send = (index) =>
      cast('send', '--async', ...key(5), ...FEES, '--nonce', String(first + index), to, '--value', '1wei');
    const hashes = await Promise.all(range(100).map(send));
    const receipts = await Promise.all(hashes.map((hash) => cast('receipt', '--json', hash)));
    assert.ok(receipts.every((text) => JSON.parse(text).status === '0x1'));
    assert.equal(await cast('balance', to), '100');
  });
});
