/** What viem's op-stack actions cannot know of a Trestle chain. docs/withdrawals.md. */
export { depositHash, entriesOf, getDepositHashes, sourceHash, type QueueEntry } from './deposits.js';
export { getVerifiedGame, outputRootOf, type VerifiedGameParameters } from './withdrawals.js';
