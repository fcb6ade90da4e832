// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAnchorRegistry} from "../dispute/game/IAnchorRegistry.sol";
import {IDisputeGame} from "../dispute/game/IDisputeGame.sol";
import {IDisputeGameFactory} from "../dispute/game/IDisputeGameFactory.sol";
import {GameStatus, GameType} from "../dispute/game/Types.sol";
import {GasBoundCall} from "../messaging/GasBoundCall.sol";
import {FinalisationPause} from "./FinalisationPause.sol";
import {IPortal} from "./IPortal.sol";

/// @title Withdrawals: proofs against output roots, and their payment
/// @dev Part of the Portal. No variable may be added here: a later one goes to the end of the Portal's.
abstract contract Withdrawals is FinalisationPause {
    /// @inheritdoc IPortal
    uint256 public immutable proofMaturityDelaySeconds;

    /// @dev What `l2Sender` says while no withdrawal runs, as in the OP Stack.
    address private constant NO_SENDER = 0x000000000000000000000000000000000000dEaD;
    /// @dev L1 gas for what follows the call.
    uint256 private constant RESERVED_GAS = 10_000;

    /// @dev See `anchorStateRegistry`.
    IAnchorRegistry internal _registry;
    /// @inheritdoc IPortal
    mapping(bytes32 withdrawalHash => bool) public finalizedWithdrawals;
    /// @dev When anyone first proved a withdrawal against a game. Seconds since 1970. Never changes once set.
    mapping(bytes32 withdrawalHash => mapping(address game => uint64)) private _provenAt;
    /// @dev Game that a submitter proved a withdrawal against last.
    mapping(bytes32 withdrawalHash => mapping(address submitter => address)) private _gameOf;
    /// @dev Games that a withdrawal was proven against, in order.
    mapping(bytes32 withdrawalHash => address[]) private _games;

    /// @dev Who sent the running withdrawal; zero while none runs.
    address private transient _sender;

    /// @param maturity Least age of a proof, in seconds.
    constructor(uint256 maturity) {
        require(maturity <= type(uint32).max, ConfigOutOfRange());
        proofMaturityDelaySeconds = maturity;
    }

    /// @inheritdoc IPortal
    function proveWithdrawalTransaction(
        WithdrawalTransaction calldata withdrawal,
        uint256 gameIndex,
        OutputRootProof calldata outputRootProof,
        bytes[] calldata withdrawalProof
    ) external {
        _checkTarget(withdrawal.target);
        bytes32 hash = _hash(withdrawal);
        require(!finalizedWithdrawals[hash], OptimismPortal_AlreadyFinalized());
        address game = _provableGame(gameIndex);
        require(
            IDisputeGame(game).rootClaim() == keccak256(abi.encode(outputRootProof)),
            OptimismPortal_InvalidOutputRootProof()
        );
        // The passer's mapping `sentMessages` is its slot 0; the trie's key is the hash of the slot.
        bytes32 key = keccak256(bytes.concat(keccak256(abi.encode(hash, uint256(0)))));
        require(
            TrieProof.verify(
                hex"01",
                outputRootProof.messagePasserStorageRoot,
                bytes.concat(key),
                withdrawalProof
            ),
            OptimismPortal_InvalidMerkleProof()
        );
        if (_provenAt[hash][game] == 0) {
            _provenAt[hash][game] = uint64(block.timestamp);
            _games[hash].push(game);
        }
        _gameOf[hash][msg.sender] = game;
        emit WithdrawalProven(hash, withdrawal.sender, withdrawal.target);
        emit WithdrawalProvenExtension1(hash, msg.sender);
    }

    /// @inheritdoc IPortal
    function finalizeWithdrawalTransaction(WithdrawalTransaction calldata withdrawal) external {
        _finalize(withdrawal, msg.sender);
    }

    /// @inheritdoc IPortal
    function finalizeWithdrawalTransactionExternalProof(
        WithdrawalTransaction calldata withdrawal,
        address proofSubmitter
    ) external {
        _finalize(withdrawal, proofSubmitter);
    }

    /// @inheritdoc IPortal
    function withdrawalStatus(bytes32 withdrawalHash, address proofSubmitter)
        external
        view
        returns (WithdrawalStatus status, uint256 readyAt)
    {
        return _status(withdrawalHash, proofSubmitter);
    }

    /// @inheritdoc IPortal
    function numProofSubmitters(bytes32 withdrawalHash) external view returns (uint256) {
        return _games[withdrawalHash].length;
    }

    /// @inheritdoc IPortal
    function proofSubmitters(bytes32 withdrawalHash, uint256 index)
        external
        view
        returns (address)
    {
        address[] storage games = _games[withdrawalHash];
        uint256 best = _best(withdrawalHash, games);
        if (index == games.length - 1) return games[best];
        return index == best ? games[games.length - 1] : games[index];
    }

    /// @inheritdoc IPortal
    function l2Sender() external view returns (address) {
        return _sender == address(0) ? NO_SENDER : _sender;
    }

    /// @inheritdoc IPortal
    function disputeGameFactory() external view returns (IDisputeGameFactory) {
        return anchorStateRegistry().factory();
    }

    /// @inheritdoc IPortal
    function respectedGameType() external view returns (GameType) {
        return anchorStateRegistry().respectedGameType();
    }

    /// @inheritdoc IPortal
    function disputeGameFinalityDelaySeconds() external view returns (uint256) {
        return anchorStateRegistry().airGap();
    }

    /// @inheritdoc IPortal
    function anchorStateRegistry() public view returns (IAnchorRegistry) {
        require(address(_registry) != address(0), RegistryNotSet());
        return _registry;
    }

    /// @inheritdoc IPortal
    function checkWithdrawal(bytes32 withdrawalHash, address proofSubmitter) public view {
        require(!finalizedWithdrawals[withdrawalHash], OptimismPortal_AlreadyFinalized());
        (address game, uint64 timestamp) = provenWithdrawals(withdrawalHash, proofSubmitter);
        require(game != address(0), OptimismPortal_Unproven());
        require(
            block.timestamp >= timestamp + proofMaturityDelaySeconds,
            OptimismPortal_ProofNotOldEnough()
        );
        require(_registry.isGameFinal(game), OptimismPortal_InvalidRootClaim());
    }

    /// @inheritdoc IPortal
    function provenWithdrawals(bytes32 withdrawalHash, address proofSubmitter)
        public
        view
        returns (address disputeGameProxy, uint64 timestamp)
    {
        disputeGameProxy = _gameOf[withdrawalHash][proofSubmitter];
        if (disputeGameProxy == address(0)) disputeGameProxy = proofSubmitter;
        timestamp = _provenAt[withdrawalHash][disputeGameProxy];
        if (timestamp == 0) disputeGameProxy = address(0);
    }

    /// @dev Whether the Portal may call `target`: not where it has rights of its own.
    function _checkTarget(address target) internal view virtual;

    function _finalize(WithdrawalTransaction calldata withdrawal, address submitter) private {
        require(!paused(), OptimismPortal_CallPaused());
        _checkTarget(withdrawal.target);
        bytes32 hash = _hash(withdrawal);
        checkWithdrawal(hash, submitter);
        finalizedWithdrawals[hash] = true;
        bytes memory data = withdrawal.data;
        // A withdrawal's call may finalise another one: the sender of this one is put back then.
        address outer = _sender;
        _sender = withdrawal.sender;
        require(
            GasBoundCall.hasGas(withdrawal.gasLimit, RESERVED_GAS),
            WithdrawalGasTooLow(gasleft(), withdrawal.gasLimit)
        );
        bool success = GasBoundCall.call(withdrawal.target, withdrawal.value, data, RESERVED_GAS);
        require(success, WithdrawalCallFailed(hash));
        _sender = outer;
        emit WithdrawalFinalized(hash, true);
    }

    /// @dev The game of an index, if a withdrawal may be proven against it.
    function _provableGame(uint256 gameIndex) private view returns (address game) {
        IAnchorRegistry registry = anchorStateRegistry();
        IDisputeGameFactory factory = registry.factory();
        require(gameIndex < factory.gameCount(), OptimismPortal_InvalidDisputeGame());
        (,, game) = factory.gameAtIndex(gameIndex);
        require(registry.isGameProper(game), OptimismPortal_ImproperDisputeGame());
        require(
            IDisputeGame(game).status() != GameStatus.CHALLENGER_WINS,
            OptimismPortal_InvalidDisputeGame()
        );
    }

    function _status(bytes32 hash, address submitter)
        private
        view
        returns (WithdrawalStatus, uint256)
    {
        if (finalizedWithdrawals[hash]) return (WithdrawalStatus.FINALIZED, 0);
        (address game, uint64 timestamp) = provenWithdrawals(hash, submitter);
        if (game == address(0)) return (WithdrawalStatus.UNPROVEN, 0);
        uint256 rootAt = _registry.earliestFinalAt(game);
        if (rootAt == 0) return (WithdrawalStatus.REPROVE, 0);
        if (_registry.isStopped()) return (WithdrawalStatus.STOPPED, type(uint256).max);
        uint256 readyAt = Math.max(timestamp + proofMaturityDelaySeconds, rootAt);
        bool waits = block.timestamp < readyAt;
        if (!paused()) return (waits ? WithdrawalStatus.WAITING : WithdrawalStatus.READY, readyAt);
        return (
            waits ? WithdrawalStatus.WAITING : WithdrawalStatus.PAUSED,
            Math.max(readyAt, pausedUntil())
        );
    }

    /// @dev Position of the proof that is ready first; of those that can be, the first one.
    function _best(bytes32 hash, address[] storage games) private view returns (uint256 best) {
        uint256 bestAt = type(uint256).max;
        bool bestStands;
        for (uint256 i = 0; i < games.length; ++i) {
            uint256 rootAt = _registry.earliestFinalAt(games[i]);
            if (rootAt == 0) continue;
            // A root that stands is a fact, one in dispute a hope.
            bool stands = _registry.finalAt(games[i]) != 0;
            uint256 readyAt = Math.max(_provenAt[hash][games[i]] + proofMaturityDelaySeconds, rootAt);
            if (stands == bestStands ? readyAt < bestAt : stands) {
                (best, bestAt, bestStands) = (i, readyAt, stands);
            }
        }
    }

    function _hash(WithdrawalTransaction calldata w) private pure returns (bytes32) {
        return keccak256(abi.encode(w.nonce, w.sender, w.target, w.value, w.gasLimit, w.data));
    }
}
