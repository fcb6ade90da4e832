// A wallet that treats the chain as MetaMask treats one that it does not know. MetaMask itself is on no package
// registry; this keeps to what its sources do where a chain can notice it:
// - adding a chain asks `eth_chainId` and `net_version` and refuses another answer (EIP-3085);
// - `latest` is rewritten to the number that the wallet polled last, every 20 s and after each receipt;
// - gas is the estimate and a half, and 35 % of the block's limit where the estimate fails;
// - fees are `eth_gasPrice` twice, as fee cap and as tip, because its fee service knows no such chain;
// - nonces are the wallet's own where they are ahead of the chain's, or what the user types (`customNonce`);
// - speeding up sends the same with both fees times 1.1, without the fraction; cancelling sends nothing to oneself so.
import { privateKeyToAccount } from 'viem/accounts';

/** Place of the block among a method's parameters, where the wallet rewrites it. */
const BLOCK_AT = {
  eth_getBalance: 1,
  eth_getCode: 1,
  eth_getTransactionCount: 1,
  eth_call: 1,
  eth_getStorageAt: 2,
  eth_getBlockByNumber: 0,
};
/** Time between two polls of the block number, in milliseconds. */
const POLL = 20_000;

/** An error as EIP-1193 has it. */
export class ProviderError extends Error {
  constructor(code, message, data) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

const hex = (number) => `0x${BigInt(number).toString(16)}`;

export class Wallet {
  /** Everything that the wallet asked of a chain: method and parameters. */
  asked = [];
  /** Nonce of the next transaction, where the user typed one into the confirmation. */
  customNonce;
  #sent = new Map();
  #chains = new Map();
  #chain;
  #polled;
  #listeners = new Map();
  #nonces = new Map();
  #id = 0;

  constructor(key) {
    this.account = privateKeyToAccount(key);
  }

  on(event, listener) {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  removeListener(event, listener) {
    this.#listeners.set(event, (this.#listeners.get(event) ?? []).filter((one) => one !== listener));
  }

  #emit(event, value) {
    for (const listener of this.#listeners.get(event) ?? []) listener(value);
  }

  /** EIP-1193. */
  async request({ method, params = [] }) {
    switch (method) {
      case 'eth_requestAccounts':
      case 'eth_accounts':
        return [this.account.address.toLowerCase()];
      case 'wallet_requestPermissions':
      case 'wallet_getPermissions':
        return [{ parentCapability: 'eth_accounts' }];
      case 'eth_chainId':
        return this.#chain?.chainId ?? '0x1';
      case 'wallet_addEthereumChain':
        return this.#add(params[0]);
      case 'wallet_switchEthereumChain':
        return this.#switch(params[0].chainId);
      case 'wallet_getCapabilities':
        return {};
      case 'wallet_sendCalls':
        throw new ProviderError(5710, 'EIP-7702 not supported on chain');
      case 'eth_sendTransaction':
        return this.#send(params[0]);
      case 'personal_sign':
        return this.account.signMessage({ message: { raw: params[0] } });
      case 'eth_signTypedData_v4': {
        const { domain, types, primaryType, message } = JSON.parse(params[1]);
        return this.account.signTypedData({ domain, types, primaryType, message });
      }
      default:
        return this.#pass(method, params);
    }
  }

  async #add({ chainId, chainName, rpcUrls, nativeCurrency }) {
    const url = rpcUrls.find((each) => each.startsWith('https:') || /^http:\/\/(localhost|127\.)/.test(each));
    if (!url) throw new ProviderError(-32602, 'Expected an array with at least one valid string HTTPS url');
    if (nativeCurrency?.decimals !== 18 || !chainName) throw new ProviderError(-32602, 'Expected a name and 18 decimals');
    const [id, version] = [await this.#ask(url, 'eth_chainId', []), await this.#ask(url, 'net_version', [])];
    if (id !== chainId || BigInt(version) !== BigInt(chainId) || !/^\d+$/.test(version))
      throw new ProviderError(-32602, `Chain ID returned by RPC URL ${url} does not match ${chainId}`);
    this.#chains.set(chainId, { chainId, url });
    return this.#switch(chainId);
  }

  async #switch(chainId) {
    const chain = this.#chains.get(chainId);
    if (!chain) throw new ProviderError(4902, `Unrecognized chain ID "${chainId}". Try adding the chain first.`);
    this.#chain = chain;
    this.#polled = undefined;
    this.#emit('chainChanged', chainId);
    return null;
  }

  /** What the wallet asks a node. */
  async #ask(url, method, params) {
    this.asked.push({ method, params });
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++this.#id, method, params });
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { result, error } = await answer.json();
    if (error) throw new ProviderError(error.code, error.message, error.data);
    return result;
  }

  async #pass(method, params) {
    if (!this.#chain) throw new ProviderError(4901, 'not connected to this chain');
    const at = BLOCK_AT[method];
    if (at !== undefined && (params[at] === 'latest' || params[at] === undefined)) {
      params = [...params];
      while (params.length < at) params.push(undefined);
      params[at] = await this.#latest();
    }
    const result = await this.#ask(this.#chain.url, method, params);
    if (method === 'eth_getTransactionReceipt' && result) this.#polled = undefined;
    return result;
  }

  /** The number that the wallet takes for the newest block. */
  async #latest() {
    if (!this.#polled || Date.now() - this.#polled.at > POLL)
      this.#polled = { at: Date.now(), number: await this.#ask(this.#chain.url, 'eth_blockNumber', []) };
    return this.#polled.number;
  }

  async #gas(tx, block) {
    if (tx.gas) return BigInt(tx.gas);
    const isPlain = tx.to && (!tx.data || tx.data === '0x') && (await this.#pass('eth_getCode', [tx.to, 'latest'])) === '0x';
    if (isPlain) return 21_000n;
    try {
      const estimate = BigInt(await this.#pass('eth_estimateGas', [tx]));
      const most = (BigInt(block.gasLimit) * 9n) / 10n;
      const buffered = (estimate * 3n) / 2n;
      return buffered < most || estimate > most ? buffered : most;
    } catch {
      return (BigInt(block.gasLimit) * 35n) / 100n;
    }
  }

  async #nonce() {
    if (this.customNonce !== undefined) {
      const typed = this.customNonce;
      this.customNonce = undefined;
      return typed;
    }
    const onChain = Number(await this.#pass('eth_getTransactionCount', [this.account.address, 'latest']));
    const nonce = Math.max(onChain, this.#nonces.get(this.#chain.chainId) ?? 0);
    this.#nonces.set(this.#chain.chainId, nonce + 1);
    return nonce;
  }

  async #send({ from, to, data, value, gas }) {
    if (from?.toLowerCase() !== this.account.address.toLowerCase()) throw new ProviderError(4100, 'unknown account');
    const block = await this.#pass('eth_getBlockByNumber', ['latest', false]);
    if (block.baseFeePerGas === undefined) throw new ProviderError(-32603, 'chain is taken for one without EIP-1559');
    const gasPrice = BigInt(await this.#pass('eth_gasPrice', []));
    const tx = { from, to, data, value, gas };
    for (const name of Object.keys(tx)) if (tx[name] === undefined) delete tx[name];
    return this.#submit({
      type: 'eip1559',
      chainId: Number(this.#chain.chainId),
      nonce: await this.#nonce(),
      gas: await this.#gas(tx, block),
      maxFeePerGas: gasPrice,
      maxPriorityFeePerGas: gasPrice,
      to,
      data,
      value: value ? BigInt(value) : undefined,
    });
  }

  async #submit(tx) {
    const hash = await this.#pass('eth_sendRawTransaction', [await this.account.signTransaction(tx)]);
    this.#sent.set(hash, tx);
    return hash;
  }

  #raised(hash, changes) {
    const tx = this.#sent.get(hash);
    const raise = (fee) => (fee * 11n) / 10n;
    const [maxFeePerGas, maxPriorityFeePerGas] = [raise(tx.maxFeePerGas), raise(tx.maxPriorityFeePerGas)];
    return this.#submit({ ...tx, ...changes, maxFeePerGas, maxPriorityFeePerGas });
  }

  /** The user's button of that name. */
  speedUp(hash) {
    return this.#raised(hash, {});
  }

  /** The user's button of that name. */
  cancel(hash) {
    return this.#raised(hash, { to: this.account.address, value: 0n, data: undefined, gas: 21_000n });
  }
}

/** How a page is told of the chain. */
export const chainParameters = ({ chain_id, rpc }) => ({
  chainId: hex(chain_id),
  chainName: 'trestle dev',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: [rpc],
});
