// What viem cannot know of a withdrawal: which games are true. docs/withdrawals.md.
import { type Account, type Chain, type Client, type Hex, type Transport, encodeAbiParameters, keccak256, zeroHash } from 'viem';
import { getBlock } from 'viem/actions';
import { type GetGamesParameters, type GetGamesReturnType, getGames } from 'viem/op-stack';

type AnyClient<chain extends Chain | undefined = Chain | undefined> = Client<Transport, chain, Account | undefined>;
type Game = GetGamesReturnType[number];

/** What `getVerifiedGame` needs: the chain as for viem's `getGames`, a node of one's own, and a block. */
export type VerifiedGameParameters = {
  /** A node of L2 whose word is taken: one's own. */
  l2Client: AnyClient;
  /** L2 block that the game has to hold: that of the withdrawal. */
  l2BlockNumber: bigint;
  /** How many of the newest games are looked at; 100 without. */
  limit?: number;
} & Pick<GetGamesParameters<Chain, Chain>, 'targetChain'>;

/** Output root of a block of L2, as its node serves it; null if it has no such block. */
export async function outputRootOf(l2Client: AnyClient, blockNumber: bigint): Promise<Hex | null> {
  const block = await getBlock(l2Client, { blockNumber }).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'BlockNotFoundError') return null;
    throw error;
  });
  if (!block?.hash) return null;
  const { withdrawalsRoot } = block as { withdrawalsRoot?: Hex };
  if (!withdrawalsRoot) throw new Error(`block ${blockNumber} of L2 names no root of messages`);
  const preimage = [zeroHash, block.stateRoot, withdrawalsRoot, block.hash] as const;
  return keccak256(encodeAbiParameters(preimage.map(() => ({ type: 'bytes32' })), preimage));
}

/**
 * The newest game whose root is the one that `l2Client`, a node of one's own, derives; null if there is none.
 *
 * viem takes the newest game as it is, and anyone can put a false one on top. Give what this returns to
 * `buildProveWithdrawal` as `game`. Games that hold the withdrawal's own block serve too (viem wants a later one).
 */
export async function getVerifiedGame(
  l1Client: AnyClient,
  { l2Client, l2BlockNumber, limit = 100, targetChain }: VerifiedGameParameters,
): Promise<Game | null> {
  const parameters = { targetChain, l2BlockNumber: l2BlockNumber - 1n, limit } as GetGamesParameters<Chain, Chain>;
  const games = await getGames(l1Client as AnyClient<Chain>, parameters);
  for (const game of games) {
    if ((await outputRootOf(l2Client, game.l2BlockNumber)) === game.rootClaim) return game;
  }
  return null;
}
