// How it is used, for the compiler: clients as viem makes them, with and without a chain.
import { createPublicClient, createWalletClient, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { mainnet, optimism } from 'viem/chains';
import { publicActionsL1, publicActionsL2, walletActionsL1 } from 'viem/op-stack';
import { getDepositHashes, getVerifiedGame } from '../dist/index.js';

const l1Client = createPublicClient({ chain: mainnet, transport: http() }).extend(publicActionsL1());
const l2Client = createPublicClient({ chain: optimism, transport: http() }).extend(publicActionsL2());
const account = privateKeyToAccount(`0x${'11'.repeat(32)}`);
const l1Wallet = createWalletClient({ account, chain: mainnet, transport: http() }).extend(walletActionsL1());

export async function prove(hash: `0x${string}`) {
  const receipt = await l1Client.getTransactionReceipt({ hash });
  const [deposit] = getDepositHashes(receipt);
  if (!deposit) throw new Error('no deposit');
  const { withdrawal } = await l1Client.waitToProve({ receipt: await l2Client.getTransactionReceipt({ hash }), targetChain: optimism });
  const game = await getVerifiedGame(l1Client, { l2Client, l2BlockNumber: 1n, targetChain: optimism });
  if (!game) return null;
  const args = await l2Client.buildProveWithdrawal({ account, game, withdrawal });
  return l1Wallet.proveWithdrawal(args);
}

/** Clients without a chain serve too. */
export const loose = () =>
  getVerifiedGame(createPublicClient({ transport: http() }), {
    l2Client: createPublicClient({ transport: http() }),
    l2BlockNumber: 1n,
    targetChain: optimism,
    limit: 10,
  });
