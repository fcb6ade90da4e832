// What viem cannot know of a withdrawal: which games are true. docs/withdrawals.md.
import { encodeAbiParameters, keccak256, zeroHash } from 'viem';
import { getGames } from 'viem/op-stack';

/** Output root of a block of L2, as its node serves it; null if it has no such block. */
export async function outputRootOf(l2Client, blockNumber) {
  const block = await l2Client.getBlock({ blockNumber }).catch((error) => {
    if (error.name === 'BlockNotFoundError') return null;
    throw error;
  });
  if (!block) return null;
  const preimage = [zeroHash, block.stateRoot, block.withdrawalsRoot, block.hash];
  return keccak256(encodeAbiParameters(preimage.map(() => ({ type: 'bytes32' })), preimage));
}

/**
 * The newest game whose root is the one that `l2Client`, a node of one's own, derives; null if there is none.
 * viem takes the newest game as it is, and anyone can put a false one on top. Give what this returns to
 * `buildProveWithdrawal` as `game`. Games that hold the withdrawal's own block serve too (viem wants a later one).
 */
export async function getVerifiedGame(l1Client, { l2Client, l2BlockNumber, limit = 100, ...parameters }) {
  const games = await getGames(l1Client, { ...parameters, l2BlockNumber: l2BlockNumber - 1n, limit });
  for (const game of games) {
    if ((await outputRootOf(l2Client, game.l2BlockNumber)) === game.rootClaim) return game;
  }
  return null;
}
