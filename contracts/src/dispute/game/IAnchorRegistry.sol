// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IDisputeGameFactory} from "./IDisputeGameFactory.sol";
import {GameType} from "./Types.sol";

/// @title What counts as settled
/// @notice Keeps the anchor from which games start, the accepted game types, the air gap, and the contradiction
/// stop. Withdrawals ask it whether a game's root may be relied on.
/// @dev The owner is the timelock. It can accept and retire game types and lift a contradiction stop; it cannot
/// touch the anchor.
interface IAnchorRegistry {
    /// @notice The game was not made by this registry's factory.
    error NotAGame(address game);
    /// @notice The game's type was not accepted when the game was created.
    error GameTypeNotAccepted(GameType gameType, uint64 createdAt);
    /// @notice The game was created before the timelock lifted a contradiction stop. Seconds since 1970.
    error GameVoid(address game, uint64 voidUntil);
    /// @notice The game's root does not stand.
    error RootDoesNotStand(address game);
    /// @notice The air gap after the game's outcome runs. Seconds since 1970.
    error AirGapRuns(uint256 until);
    /// @notice The game does not lie above the anchor.
    error AnchorNotForward(uint64 anchorBatch, uint64 batch);
    /// @notice The two games do not contradict each other.
    error NoContradiction(address first, address second);
    /// @notice Two contradictory roots stand: nothing is final until the timelock has acted.
    error FinalisationStopped();
    /// @notice There is no stop to lift.
    error NotStopped();
    /// @notice The game type is accepted already, or was retired for good.
    error GameTypeUsed(GameType gameType);
    /// @notice Zero is no output root.
    error ZeroAnchor();

    /// @notice The anchor moved forward to a settled root.
    event AnchorUpdated(address indexed game, uint64 batch, bytes32 outputRoot);
    /// @notice Games of this type count, if created from now on.
    event GameTypeAccepted(GameType indexed gameType);
    /// @notice Games of this type count no more, if created from now on.
    event GameTypeRetired(GameType indexed gameType);
    /// @notice Two contradictory roots stand.
    event ContradictionFound(address indexed first, address indexed second);
    /// @notice The timelock lifted the stop.
    event ContradictionCleared();

    /// @notice Move the anchor to a game's root. Anyone may call.
    /// @param game A game whose root stands, past its air gap, above the anchor.
    function updateAnchor(address game) external;

    /// @notice Stop finalisation on evidence of a broken proof system: two games over the same batches with
    /// different roots that both stand. Anyone may call.
    function contradiction(address first, address second) external;

    /// @notice Lift the contradiction stop. Only the owner, as part of the upgrade that mends the proof system.
    /// @dev Every game created so far becomes void, the two that contradict each other among them: what was proven
    /// against them has to be proven against a new game. The anchor stays; if it is false itself, the upgrade has to
    /// bring another registry.
    function clearContradiction() external;

    /// @notice Let games of a type count, and show it to clients as the respected one. Only the owner, once.
    function acceptGameType(GameType gameType) external;

    /// @notice Stop counting games of a type that are created from now on. Only the owner.
    function retireGameType(GameType gameType) external;

    /// @notice From where new games start.
    /// @return batch Batch index.
    /// @return root  Output root after that batch.
    function anchor() external view returns (uint64 batch, bytes32 root);

    /// @notice Game whose root is the anchor; zero for the genesis anchor.
    function anchorGame() external view returns (address);

    /// @notice Game type for clients that follow a single one: the one accepted last.
    function respectedGameType() external view returns (GameType);

    /// @notice Seconds between a game's outcome and the reliance on it.
    function airGap() external view returns (uint256);

    /// @notice Whether two contradictory roots have been shown to stand.
    function isStopped() external view returns (bool);

    /// @notice Whether the game was made by the factory while its type counted, and was not voided since.
    function isGameProper(address game) external view returns (bool);

    /// @notice Whether the game's type counted when the game was created.
    function isGameRespected(address game) external view returns (bool);

    /// @notice Whether the game's outcome will not change and may be acted upon: its root fell, or it stands and the
    /// air gap is over. False while finalisation is stopped.
    function isGameFinalized(address game) external view returns (bool);

    /// @notice Whether withdrawals may finalise against the game: proper, standing, past the air gap, no stop.
    function isGameFinal(address game) external view returns (bool);

    /// @notice When the air gap of a standing game ends. Seconds since 1970; zero unless the root stands.
    /// @dev A root that nobody countered stands from its deadline on, also while nobody has decided it.
    function finalAt(address game) external view returns (uint256);

    /// @notice When the air gap of the game ends at the earliest. Seconds since 1970; zero once the root fell, and for a
    /// game that is not proper.
    function earliestFinalAt(address game) external view returns (uint256);

    /// @notice Whose games count.
    function factory() external view returns (IDisputeGameFactory);
}
