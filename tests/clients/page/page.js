// A dApp's page: finds wallets by EIP-6963 and works with one through EIP-1193. The test calls what is in `dapp`.
const wallets = new Map();
addEventListener('eip6963:announceProvider', ({ detail }) => wallets.set(detail.info.uuid, detail));
dispatchEvent(new Event('eip6963:requestProvider'));

let provider;
const failure = (promise) => promise.then(() => undefined, (error) => ({ code: error.code, message: error.message }));

window.dapp = {
  wallets: () => [...wallets.values()].map(({ info }) => info),

  async connect(name) {
    ({ provider } = [...wallets.values()].find(({ info }) => info.name === name));
    return provider.request({ method: 'eth_requestAccounts' });
  },

  /** Switches to the chain; adds it where the wallet does not know it. */
  async join(chain) {
    const events = [];
    provider.on('chainChanged', (id) => events.push(id));
    const unknown = await failure(provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: chain.chainId }] }));
    if (unknown?.code === 4902) await provider.request({ method: 'wallet_addEthereumChain', params: [chain] });
    return { unknown, events, chainId: await provider.request({ method: 'eth_chainId' }) };
  },

  addWrong: (chain) => failure(provider.request({ method: 'wallet_addEthereumChain', params: [chain] })),

  async send(transaction) {
    const browser = new ethers.BrowserProvider(provider);
    browser.pollingInterval = 100;
    const signer = await browser.getSigner();
    const sent = await signer.sendTransaction(transaction);
    const receipt = await sent.wait();
    return { hash: sent.hash, status: receipt.status, gasUsed: String(receipt.gasUsed) };
  },

  async deploy({ abi, bytecode }) {
    const browser = new ethers.BrowserProvider(provider);
    browser.pollingInterval = 100;
    const created = await new ethers.ContractFactory(abi, bytecode, await browser.getSigner()).deploy();
    await created.waitForDeployment();
    return created.getAddress();
  },

  async note({ abi, address, text }) {
    const browser = new ethers.BrowserProvider(provider);
    browser.pollingInterval = 100;
    const contract = new ethers.Contract(address, abi, await browser.getSigner());
    const receipt = await (await contract['note(string)'](text)).wait();
    return receipt.logs.map((log) => contract.interface.parseLog(log).args.text);
  },

  async customError({ abi, address }) {
    const contract = new ethers.Contract(address, abi, new ethers.BrowserProvider(provider));
    return contract.bounded(101).then(() => undefined, (error) => error.revert?.name);
  },

  async signTyped({ domain, types, message }) {
    const signer = await new ethers.BrowserProvider(provider).getSigner();
    const signature = await signer.signTypedData(domain, types, message);
    return ethers.verifyTypedData(domain, types, message, signature);
  },

  sendCalls: () => failure(provider.request({ method: 'wallet_sendCalls', params: [{}] })),

  /** The node, asked from the page itself: another origin. */
  async ask(url, method, params) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return (await answer.json()).result;
  },

  /** The next head over WebSocket, from the page itself. */
  head: (url) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.onerror = () => reject(new Error('no WebSocket'));
      socket.onopen = () => socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }));
      socket.onmessage = ({ data }) => {
        const said = JSON.parse(data);
        if (said.method !== 'eth_subscription') return (window.subscribed = true);
        socket.close();
        return resolve(said.params.result);
      };
    }),
};
