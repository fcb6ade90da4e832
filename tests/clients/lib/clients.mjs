// viem clients for both layers of the stack under test, and what the tests share.
import { readFileSync } from 'node:fs';
import { createPublicClient, createWalletClient, defineChain, http, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { chainConfig, publicActionsL1, walletActionsL1 } from 'viem/op-stack';
import { manifest } from './stack.mjs';

export const { l1, l2, accounts } = manifest();

const ether = { name: 'Ether', symbol: 'ETH', decimals: 18 };

export const l1Chain = defineChain({
  id: l1.chain_id,
  name: 'local L1',
  nativeCurrency: ether,
  rpcUrls: { default: { http: [l1.rpc] } },
  contracts: { multicall3: { address: l1.contracts.Multicall3 } },
});

/** L2 as viem's op-stack describes a chain: serializers, formatters, and the portal on L1. */
export const l2Chain = defineChain({
  ...chainConfig,
  id: l2.chain_id,
  name: 'trestle dev',
  nativeCurrency: ether,
  sourceId: l1.chain_id,
  rpcUrls: { default: { http: [l2.rpc], webSocket: [l2.ws] } },
  contracts: {
    ...chainConfig.contracts,
    multicall3: { address: l2.contracts.Multicall3 },
    portal: { [l1.chain_id]: { address: l1.contracts.Portal } },
  },
});

/** Short intervals: blocks come within milliseconds. */
const pollingInterval = 50;

export const l1Client = createPublicClient({ chain: l1Chain, transport: http(), pollingInterval }).extend(
  publicActionsL1(),
);
export const l2Client = createPublicClient({ chain: l2Chain, transport: http(), pollingInterval });

/** Account number `index` of the manifest, as a viem account. */
export const account = (index) => privateKeyToAccount(accounts[index].private_key);

export const l1Wallet = (index) =>
  createWalletClient({ account: account(index), chain: l1Chain, transport: http(), pollingInterval }).extend(
    walletActionsL1(),
  );
export const l2Wallet = (index) =>
  createWalletClient({ account: account(index), chain: l2Chain, transport: http(), pollingInterval });

/** Committed artifact of a contract: abi, bytecode, deployedBytecode. */
export function artifact(name) {
  const file = new URL(`../../../contracts/artifacts/${name}.json`, import.meta.url);
  const { abi, bytecode, deployedBytecode } = JSON.parse(readFileSync(file, 'utf8'));
  return { abi, bytecode: bytecode.object, deployedBytecode: deployedBytecode.object };
}

/** Deploys a contract without constructor arguments on L2 and returns its address. */
export async function deploy(name, index = 0) {
  const { abi, bytecode } = artifact(name);
  const hash = await l2Wallet(index).deployContract({ abi, bytecode });
  const receipt = await l2Client.waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success') throw new Error(`deployment of ${name} failed: ${hash}`);
  return receipt.contractAddress;
}

/** A key of its own with some ETH on L2, so that nobody else uses its nonces. */
export async function fundedKey(ether = '5') {
  const key = generatePrivateKey();
  const to = privateKeyToAccount(key).address;
  const hash = await l2Wallet(0).sendTransaction({ to, value: parseEther(ether) });
  const receipt = await l2Client.waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success') throw new Error(`funding failed: ${hash}`);
  return key;
}

/** Polls until `look` gives something; fails after `seconds`, naming `what`. */
export async function eventually(what, seconds, look) {
  const limit = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false && found !== null) return found;
    if (Date.now() > limit) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** Numbers from 0 to `count` - 1. */
export const range = (count) => Array.from({ length: count }, (_, index) => index);
