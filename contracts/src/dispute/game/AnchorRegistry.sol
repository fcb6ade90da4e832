// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAnchorRegistry} from "./IAnchorRegistry.sol";
import {IDisputeGame} from "./IDisputeGame.sol";
import {IDisputeGameFactory} from "./IDisputeGameFactory.sol";
import {Claim, GameStatus, GameType, Header, Proposal} from "./Types.sol";

/// @title What counts as settled
contract AnchorRegistry is IAnchorRegistry, Ownable {
    /// @inheritdoc IAnchorRegistry
    IDisputeGameFactory public immutable factory;
    /// @inheritdoc IAnchorRegistry
    uint256 public immutable airGap;

    /// @dev When a game type began and ceased to count. Seconds since 1970; zero for never.
    struct Acceptance {
        uint64 from;
        uint64 until;
    }

    uint64 internal _anchorBatch;
    /// @inheritdoc IAnchorRegistry
    GameType public respectedGameType;
    /// @inheritdoc IAnchorRegistry
    bool public isStopped;
    /// @dev Games created up to this time are void: the timelock lifted a contradiction among them. Seconds since
    /// 1970; zero for never.
    uint64 internal _voidUntil;
    bytes32 internal _anchorRoot;
    /// @inheritdoc IAnchorRegistry
    address public anchorGame;
    mapping(GameType => Acceptance) internal _acceptance;

    constructor(address owner_, IDisputeGameFactory factory_, uint256 airGap_, uint64 anchorBatch, bytes32 anchorRoot)
        Ownable(owner_)
    {
        if (anchorRoot == 0) revert ZeroAnchor();
        factory = factory_;
        airGap = airGap_;
        _anchorBatch = anchorBatch;
        _anchorRoot = anchorRoot;
    }

    /// @inheritdoc IAnchorRegistry
    function updateAnchor(address game) external {
        if (isStopped) revert FinalisationStopped();
        _checkStanding(game);
        uint256 until = IDisputeGame(game).resolvedAt() + airGap;
        if (block.timestamp < until) revert AirGapRuns(until);
        Proposal memory p = IDisputeGame(game).proposal();
        if (p.batch <= _anchorBatch) revert AnchorNotForward(_anchorBatch, p.batch);
        _anchorBatch = p.batch;
        _anchorRoot = p.outputRoot;
        anchorGame = game;
        emit AnchorUpdated(game, p.batch, p.outputRoot);
    }

    /// @inheritdoc IAnchorRegistry
    function contradiction(address first, address second) external {
        _checkStanding(first);
        _checkStanding(second);
        Proposal memory a = IDisputeGame(first).proposal();
        Proposal memory b = IDisputeGame(second).proposal();
        if (a.batch != b.batch || a.batchAcc != b.batchAcc || a.outputRoot == b.outputRoot) {
            revert NoContradiction(first, second);
        }
        isStopped = true;
        emit ContradictionFound(first, second);
    }

    /// @inheritdoc IAnchorRegistry
    function clearContradiction() external onlyOwner {
        if (!isStopped) revert NotStopped();
        isStopped = false;
        // The two roots stand for good: if their games still counted, one of them would settle a falsehood, and
        // anyone could show the same contradiction again.
        _voidUntil = uint64(block.timestamp);
        emit ContradictionCleared();
    }

    /// @inheritdoc IAnchorRegistry
    function acceptGameType(GameType gameType) external onlyOwner {
        if (_acceptance[gameType].from != 0) revert GameTypeUsed(gameType);
        _acceptance[gameType].from = uint64(block.timestamp);
        respectedGameType = gameType;
        emit GameTypeAccepted(gameType);
    }

    /// @inheritdoc IAnchorRegistry
    function retireGameType(GameType gameType) external onlyOwner {
        Acceptance storage a = _acceptance[gameType];
        if (a.from == 0 || a.until != 0) revert GameTypeUsed(gameType);
        a.until = uint64(block.timestamp);
        emit GameTypeRetired(gameType);
    }

    /// @inheritdoc IAnchorRegistry
    function anchor() external view returns (uint64 batch, bytes32 root) {
        return (_anchorBatch, _anchorRoot);
    }

    /// @inheritdoc IAnchorRegistry
    function isGameRespected(address game) external view returns (bool) {
        return _isAccepted(game);
    }

    /// @inheritdoc IAnchorRegistry
    function isGameFinalized(address game) external view returns (bool) {
        if (isStopped) return false;
        if (IDisputeGame(game).status() == GameStatus.CHALLENGER_WINS) return true;
        uint256 time = finalAt(game);
        return time != 0 && block.timestamp >= time;
    }

    /// @inheritdoc IAnchorRegistry
    function earliestFinalAt(address game) external view returns (uint256) {
        if (!isGameProper(game) || IDisputeGame(game).status() == GameStatus.CHALLENGER_WINS) return 0;
        uint256 time = finalAt(game);
        if (time != 0) return time;
        // In dispute: it is decided at its deadline, or later.
        return Math.max(_deadline(game), block.timestamp) + airGap;
    }

    /// @inheritdoc IAnchorRegistry
    function isGameFinal(address game) external view returns (bool) {
        if (isStopped || !isGameProper(game)) return false;
        uint256 time = finalAt(game);
        return time != 0 && block.timestamp >= time;
    }

    /// @inheritdoc IAnchorRegistry
    function isGameProper(address game) public view returns (bool) {
        return factory.isGame(game) && IDisputeGame(game).createdAt() > _voidUntil && _isAccepted(game);
    }

    /// @inheritdoc IAnchorRegistry
    function finalAt(address game) public view returns (uint256) {
        GameStatus status = IDisputeGame(game).status();
        if (status == GameStatus.DEFENDER_WINS) return IDisputeGame(game).resolvedAt() + airGap;
        if (status == GameStatus.CHALLENGER_WINS || _isCountered(game)) return 0;
        // Nobody can counter it any more, so its decision is certain and would name the deadline.
        uint256 deadline = _deadline(game);
        return block.timestamp < deadline ? 0 : deadline + airGap;
    }

    function _isCountered(address game) internal view returns (bool) {
        Header memory root = IDisputeGame(game).rootHeader();
        Claim memory claim = IDisputeGame(game).claims(IDisputeGame(game).idOf(root));
        return claim.children != 0;
    }

    function _deadline(address game) internal view returns (uint256) {
        return IDisputeGame(game).deadlineOf(IDisputeGame(game).rootHeader());
    }

    function _checkStanding(address game) internal view {
        if (!factory.isGame(game)) revert NotAGame(game);
        uint64 created = IDisputeGame(game).createdAt();
        if (created <= _voidUntil) revert GameVoid(game, _voidUntil);
        if (!_isAccepted(game)) revert GameTypeNotAccepted(IDisputeGame(game).gameType(), created);
        if (IDisputeGame(game).status() != GameStatus.DEFENDER_WINS) revert RootDoesNotStand(game);
    }

    /// @dev A retired type still settles the games that were created before its retirement.
    function _isAccepted(address game) internal view returns (bool) {
        Acceptance memory a = _acceptance[IDisputeGame(game).gameType()];
        uint64 created = IDisputeGame(game).createdAt();
        return a.from != 0 && created >= a.from && (a.until == 0 || created < a.until);
    }
}
