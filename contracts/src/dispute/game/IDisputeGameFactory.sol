// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IDisputeGame} from "./IDisputeGame.sol";
import {GameType, Proposal} from "./Types.sol";

/// @title Creates dispute games and lists them
/// @notice Reads follow the OP Stack's factory, so that its clients find the games.
/// @dev A game's address is a hash of its implementation and its whole proposal: an L1 reorg cannot put another
/// game under an address that somebody has sent a move to, and a game made before an upgrade is none after it.
interface IDisputeGameFactory {
    /// @notice One row of `findLatestGames`.
    struct GameSearchResult {
        uint256 index;
        /// Game type (32 bits), creation time (64 bits, seconds since 1970), game (160 bits).
        bytes32 metadata;
        uint64 timestamp;
        bytes32 rootClaim;
        bytes extraData;
    }

    /// @notice No implementation is set for this game type.
    error NoImplementation(GameType gameType);
    /// @notice The same proposal runs or ran already.
    error GameAlreadyExists(address game);

    /// @notice A game began.
    event DisputeGameCreated(address indexed disputeProxy, GameType indexed gameType, bytes32 indexed rootClaim);
    /// @notice New games of this type use another implementation from now on.
    event ImplementationSet(address indexed impl, GameType indexed gameType);

    /// @notice Propose an output root. The value is the root claim's bond, in wei.
    /// @param gameType          Kind of game.
    /// @param proposal          What is proposed, with the accumulator and the anchor that the sender saw.
    /// @param messagePasserRoot Storage root of the L2 message passer in the proposed block.
    /// @param headerRlp         RLP of the proposed L2 block's header.
    /// @return game             The new game.
    function create(
        GameType gameType,
        Proposal calldata proposal,
        bytes32 messagePasserRoot,
        bytes calldata headerRlp
    ) external payable returns (IDisputeGame game);

    /// @notice Set the implementation of new games. Only the owner; running games keep theirs.
    function setImplementation(GameType gameType, address impl) external;

    /// @notice Where the game of a proposal is or would be.
    /// @return game   Its address.
    /// @return exists Whether it is there.
    function gameOf(GameType gameType, Proposal calldata proposal) external view returns (address game, bool exists);

    /// @notice Implementation of new games of a type.
    function gameImpls(GameType gameType) external view returns (address);

    /// @notice Whether this factory made the game.
    function isGame(address game) external view returns (bool);

    /// @notice Number of games made.
    function gameCount() external view returns (uint256);

    /// @notice The game of an index, from 0 in order of creation.
    function gameAtIndex(uint256 index) external view returns (GameType gameType, uint64 timestamp, address proxy);

    /// @notice Games of one type, newest first.
    /// @dev Meant for calls, not for transactions: it walks back from `start` until it has found `n`.
    /// @param gameType Kind of game.
    /// @param start    Index to begin with; beyond the last one gives an empty list.
    /// @param n        Most rows wanted.
    function findLatestGames(GameType gameType, uint256 start, uint256 n)
        external
        view
        returns (GameSearchResult[] memory games);
}
