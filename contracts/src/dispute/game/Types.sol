// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev Value types and structs of the dissection game. Normative text: `protocol/SPEC.md`, chapter
/// "Claims and disputes".

/// @dev keccak256 of the game's address and a claim's whole content; see `Header`.
type ClaimId is bytes32;

/// @dev Kind of game in the factory's list. viem gives 4, 5, 7 and 9 a meaning of their own.
type GameType is uint32;

using {claimEquals as ==, claimDiffers as !=} for ClaimId global;
using {gameTypeEquals as ==} for GameType global;

function claimEquals(ClaimId a, ClaimId b) pure returns (bool) {
    return ClaimId.unwrap(a) == ClaimId.unwrap(b);
}

function claimDiffers(ClaimId a, ClaimId b) pure returns (bool) {
    return ClaimId.unwrap(a) != ClaimId.unwrap(b);
}

function gameTypeEquals(GameType a, GameType b) pure returns (bool) {
    return GameType.unwrap(a) == GameType.unwrap(b);
}

/// @dev Order and meaning as OP Stack clients read them.
enum GameStatus {
    IN_PROGRESS,
    CHALLENGER_WINS,
    DEFENDER_WINS
}

enum ClaimStatus {
    OPEN,
    STANDS,
    FALLS
}

/// @dev ROOT is the bare proposal; BATCH dissects batches; MACHINE dissects the steps of one batch.
enum Level {
    ROOT,
    BATCH,
    MACHINE
}

/// @dev "From `anchorRoot` after batch `anchorBatch`, the output root after batch `batch` is `outputRoot`."
/// All of it is the game's identity.
struct Proposal {
    bytes32 outputRoot;
    /// Inbox accumulator after `batch`.
    bytes32 batchAcc;
    bytes32 anchorRoot;
    uint64 batch;
    uint64 anchorBatch;
    /// Number of the L2 block that `outputRoot` commits to.
    uint64 l2BlockNumber;
}

/// @dev Whole content of a claim. Its ABI encoding after the game's address hashes to the claim's id, so the
/// chain stores only what changes and every call brings the header along.
struct Header {
    /// Zero for the root claim.
    ClaimId parent;
    Level level;
    /// Segment of the parent that this claim rejects, from 0.
    uint8 segment;
    /// Interval: batch indices, or machine steps.
    uint64 lo;
    uint64 hi;
    /// Point 0: what the claim accepts. An output root, or the hash of a machine state.
    bytes32 start;
    /// Merkle root (depth 7) of points 1 to k, zero-filled to 128 leaves. For the root claim its output root.
    bytes32 points;
}

/// @dev One segment of a claim, with both of its ends. The proofs are unread under a root claim, and
/// `startProof` is unread for segment 0.
struct Segment {
    uint8 index;
    bytes32 start;
    bytes32 end;
    bytes32[7] startProof;
    bytes32[7] endProof;
}

/// @dev What changes about a claim: two slots, the second first written by the claim's first counter.
struct Claim {
    address claimant;
    /// Seconds from the game's creation to the claim.
    uint32 madeAt;
    /// Seconds that the claimant's side had used when it made the claim.
    uint32 used;
    /// Age among its siblings, from 1.
    uint32 ordinal;
    uint32 children;
    uint32 undecided;
    /// Ordinal of the leftmost standing child, ties by age; 0 when no child stands.
    uint32 bestOrdinal;
    uint8 bestSegment;
    ClaimStatus status;
    bool isSettled;
}

/// @dev What a game implementation is deployed with; its immutables are the snapshot that all of its games keep.
struct GameConfig {
    GameType gameType;
    address factory;
    address registry;
    address inbox;
    address verifier;
    bytes32 configHash;
    /// Guest image of the batches from `imageFromBatch` on.
    bytes32 imageRoot;
    /// Guest image of the batches before `imageFromBatch`.
    bytes32 previousImageRoot;
    uint64 imageFromBatch;
    /// Chess clock of one side, in seconds.
    uint32 maxClock;
    /// Least time to answer any claim, in seconds.
    uint32 extension;
    /// Steps that the worst legal batch takes; sets the least extension.
    uint64 stepCap;
    /// Time to get a transaction into L1, in seconds; part of the least extension.
    uint32 inclusionTime;
    /// Bond of a claim that only a step can answer, in wei. A multiple of 4^9.
    uint256 bondMin;
    /// What the sender of a step gets out of the fallen bond, in wei. At most a quarter of `bondMin`.
    uint256 stepRefund;
}
