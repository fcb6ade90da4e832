// A page in a real browser, with a wallet injected that behaves like MetaMask on a chain that it does not know.
// MetaMask itself is on no package registry.
import assert from 'node:assert/strict';
import { accessSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chromium } from 'playwright-core';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { artifact, fundedKey, l2, l2Client, l2Wallet } from './lib/clients.mjs';
import { Wallet, chainParameters } from './lib/wallet.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const LIMIT = { timeout: 90_000 };
const SUITE = { timeout: 300_000 };
const { abi, bytecode } = artifact('Probe');

/** Runs in the page before its own scripts: announces the wallet, which lives in the test. */
function inject() {
  const listeners = {};
  window.walletEvent = (event, value) => (listeners[event] ?? []).forEach((listener) => listener(value));
  const provider = {
    isMetaMask: true,
    async request(request) {
      const { result, error } = await window.walletRequest(request);
      if (error) throw Object.assign(new Error(error.message), error);
      return result;
    },
    on: (event, listener) => (listeners[event] ??= []).push(listener),
    removeListener: (event, listener) => (listeners[event] = (listeners[event] ?? []).filter((one) => one !== listener)),
  };
  const info = { uuid: crypto.randomUUID(), name: 'Test wallet', icon: 'data:image/svg+xml,', rdns: 'org.example.wallet' };
  const detail = Object.freeze({ info, provider });
  const announce = () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
  addEventListener('eip6963:requestProvider', announce);
  announce();
}

/** Serves the page on a port of its own, which is another origin than the node's. */
async function servePage() {
  const files = {
    '/': ['text/html', new URL('./page/index.html', import.meta.url)],
    '/page.js': ['text/javascript', new URL('./page/page.js', import.meta.url)],
    '/ethers.umd.min.js': ['text/javascript', new URL('./node_modules/ethers/dist/ethers.umd.min.js', import.meta.url)],
  };
  const server = createServer((request, response) => {
    const [type, file] = files[request.url] ?? [];
    if (!file) return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://localhost:${server.address().port}/`, stop: () => server.close() };
}

describe('browser', SUITE, () => {
  let [wallet, served, context, page, profile] = [];
  const chain = chainParameters(l2);
  let contract;
  const dapp = (name, ...args) => page.evaluate(([name, args]) => window.dapp[name](...args), [name, args]);

  before(async () => {
    accessSync(EXECUTABLE);
    wallet = new Wallet(await fundedKey('20'));
    served = await servePage();
    profile = mkdtempSync(join(tmpdir(), 'trestle-browser-'));
    context = await chromium.launchPersistentContext(profile, { executablePath: EXECUTABLE, headless: true, args: FLAGS });
    page = await context.newPage();
    await page.exposeFunction('walletRequest', (request) =>
      wallet.request(request).then(
        (result) => ({ result }),
        ({ code, message, data }) => ({ error: { code, message, data } }),
      ),
    );
    wallet.on('chainChanged', (id) => page.evaluate((id) => window.walletEvent('chainChanged', id), id));
    await page.addInitScript(inject);
    await page.goto(served.url);
  }, LIMIT);
  after(async () => {
    await context?.close();
    served?.stop();
    if (profile) rmSync(profile, { recursive: true, force: true });
  });

  it('finds the wallet and connects', LIMIT, async () => {
    const [info] = await dapp('wallets');
    assert.equal(info.rdns, 'org.example.wallet');
    assert.deepEqual(await dapp('connect', 'Test wallet'), [wallet.account.address.toLowerCase()]);
  });

  it('adds the chain, after the wallet refused one with a wrong id', LIMIT, async () => {
    const wrong = await dapp('addWrong', { ...chain, chainId: '0x1234' });
    assert.match(wrong.message, /does not match/);
    const { unknown, chainId } = await dapp('join', chain);
    assert.equal(unknown.code, 4902);
    assert.equal(chainId, chain.chainId);
  });

  it('sends, and the wallet’s gas and fees suffice', LIMIT, async () => {
    const to = privateKeyToAccount(generatePrivateKey()).address;
    const { status, gasUsed, hash } = await dapp('send', { to, value: '0x5' });
    assert.deepEqual([status, gasUsed], [1, '21000']);
    assert.equal(await l2Client.getBalance({ address: to }), 5n);
    const sent = await l2Client.getTransaction({ hash });
    assert.equal(sent.maxFeePerGas, sent.maxPriorityFeePerGas);
  });

  it('deploys, calls and reads an event', LIMIT, async () => {
    contract = { abi, address: await dapp('deploy', { abi, bytecode }) };
    assert.deepEqual(await dapp('note', { ...contract, text: 'from a page' }), ['from a page']);
    assert.equal(await dapp('customError', contract), 'TooLarge');
  });

  it('is included with 35 % of the block’s gas, where the estimate fails', LIMIT, async () => {
    const before = wallet.asked.length;
    const { message } = await page.evaluate(
      ([address]) => window.dapp.send({ to: address, data: '0xdeadbeef' }).then(() => ({}), ({ message }) => ({ message })),
      [contract.address],
    );
    // ethers estimates too when it is not told; the wallet alone is asked here.
    assert.ok(message);
    const hash = await wallet.request({
      method: 'eth_sendTransaction',
      params: [{ from: wallet.account.address, to: contract.address, data: '0xdeadbeef' }],
    });
    const receipt = await l2Client.waitForTransactionReceipt({ hash });
    assert.equal(receipt.status, 'reverted');
    const { gas } = await l2Client.getTransaction({ hash });
    const { gasLimit } = await l2Client.getBlock();
    assert.equal(gas, (gasLimit * 35n) / 100n);
    assert.ok(wallet.asked.slice(before).some(({ method }) => method === 'eth_estimateGas'));
  });

  it('signs typed data', LIMIT, async () => {
    const domain = { name: 'Probe', chainId: l2.chain_id, verifyingContract: contract.address };
    const types = { Note: [{ name: 'text', type: 'string' }] };
    assert.equal(await dapp('signTyped', { domain, types, message: { text: 'signed' } }), wallet.account.address);
  });

  it('is told that calls cannot be batched, and goes on', LIMIT, async () => {
    assert.equal((await dapp('sendCalls')).code, 5710);
  });

  it('asks the node itself, over HTTP and WebSocket', LIMIT, async () => {
    assert.equal(await dapp('ask', l2.rpc, 'eth_chainId', []), chain.chainId);
    const head = dapp('head', l2.ws);
    await page.waitForFunction(() => window.subscribed);
    await l2Wallet(0).sendTransaction({ to: privateKeyToAccount(generatePrivateKey()).address, value: 1n });
    assert.match((await head).hash, /^0x/);
  });

  it('had its reads answered at numbered blocks', LIMIT, async () => {
    const reads = wallet.asked.filter(({ method }) => ['eth_call', 'eth_getBalance', 'eth_getBlockByNumber'].includes(method));
    assert.ok(reads.some(({ params }) => params.some((param) => /^0x[0-9a-f]{1,8}$/.test(param))));
  });
});
