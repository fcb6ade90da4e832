// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAnchorRegistry} from "../dispute/game/IAnchorRegistry.sol";
import {IDisputeGameFactory} from "../dispute/game/IDisputeGameFactory.sol";
import {GameType} from "../dispute/game/Types.sol";

/// @title Portal: where ETH and calls cross between L1 and L2
/// @notice ETH sent here is locked and minted on L2. A withdrawal is proven against an output root, also one
/// that is still disputed, and finalised when that root stands, its air gap is over and the proof has matured.
/// @dev ABI, events and error names of the OP Stack's portal at version 3 and above, so that wallets and viem
/// work unchanged. Normative text: `protocol/SPEC.md`, chapter "Withdrawals and messages".
///
/// A proof is a fact about (withdrawal, game): it has the time at which anyone made it first, and nothing
/// resets it. So nobody can delay a withdrawal of somebody else.
interface IPortal {
    /// @notice A withdrawal from L2, as the OP Stack lays it out.
    /// @dev Its hash is the keccak256 of its ABI encoding as six values.
    struct WithdrawalTransaction {
        /// Number of the message, with the version (1) in the two high bytes.
        uint256 nonce;
        /// Who sent it on L2; `l2Sender()` while the call runs.
        address sender;
        /// Whom to call on L1.
        address target;
        /// Wei that the call carries.
        uint256 value;
        /// L1 gas that the call has at least.
        uint256 gasLimit;
        /// Data of the call.
        bytes data;
    }

    /// @notice Preimage of an output root: its hash is the root.
    struct OutputRootProof {
        /// Zero.
        bytes32 version;
        /// State root of the L2 block.
        bytes32 stateRoot;
        /// Storage root of the L2ToL1MessagePasser after the block.
        bytes32 messagePasserStorageRoot;
        /// Hash of the L2 block.
        bytes32 latestBlockhash;
    }

    /// @notice Where a withdrawal stands, by one proof.
    enum WithdrawalStatus {
        /// No such proof.
        UNPROVEN,
        /// Proven; time has to pass, or the dispute has to end.
        WAITING,
        /// It can be finalised now.
        READY,
        /// It was paid.
        FINALIZED,
        /// The root it was proven against fell: prove it against another one.
        REPROVE,
        /// It would be ready, but the guardian paused finalisation for a time.
        PAUSED,
        /// Two contradictory roots stand: nothing is final until the timelock has acted.
        STOPPED
    }

    /// @notice The withdrawal was paid already.
    error OptimismPortal_AlreadyFinalized();
    /// @notice The target is this contract, or one that obeys it.
    error OptimismPortal_BadTarget();
    /// @notice The guardian paused finalisation; see `pausedUntil`.
    error OptimismPortal_CallPaused();
    /// @notice The game was not made by the factory while its type was accepted.
    error OptimismPortal_ImproperDisputeGame();
    /// @notice There is no such game, or its root fell.
    error OptimismPortal_InvalidDisputeGame();
    /// @notice The proof does not lead from the message passer's storage root to the withdrawal.
    error OptimismPortal_InvalidMerkleProof();
    /// @notice The preimage is not that of the game's output root.
    error OptimismPortal_InvalidOutputRootProof();
    /// @notice The root that the withdrawal was proven against does not stand, or not yet for long enough.
    error OptimismPortal_InvalidRootClaim();
    /// @notice Too little time has passed since the proof; see `proofMaturityDelaySeconds`.
    error OptimismPortal_ProofNotOldEnough();
    /// @notice The submitter has not proven this withdrawal.
    error OptimismPortal_Unproven();
    /// @notice Too little gas is left to give the target what the withdrawal promises it. L1 gas.
    error WithdrawalGasTooLow(uint256 left, uint256 gasLimit);
    /// @notice The target reverted. Nothing changed: the withdrawal can be finalised again at any time.
    error WithdrawalCallFailed(bytes32 withdrawalHash);
    /// @notice The caller lacks the role.
    error Unauthorized(address caller, address expected);
    /// @notice This deployment has no registry.
    error RegistryNotSet();
    /// @notice The guardian paused too recently. Seconds since 1970.
    error PauseTooSoon(uint256 next);
    /// @notice Finalisation is not paused.
    error NotPaused();
    /// @notice A parameter breaks a rule: `maxPause` must leave time between two pauses.
    error ConfigOutOfRange();

    /// @notice A deposit was enqueued.
    /// @param from       Sender on L2, after aliasing.
    /// @param to         Recipient on L2; zero for a creation.
    /// @param version    Of `opaqueData`; 0.
    /// @param opaqueData `mint u256 ‖ value u256 ‖ gasLimit u64 ‖ isCreation u8 ‖ data`.
    event TransactionDeposited(
        address indexed from, address indexed to, uint256 indexed version, bytes opaqueData
    );
    /// @notice A withdrawal was proven.
    /// @param withdrawalHash Its hash.
    /// @param from           Who sent it on L2.
    /// @param to             Whom it calls on L1.
    event WithdrawalProven(
        bytes32 indexed withdrawalHash, address indexed from, address indexed to
    );
    /// @notice Who made the proof of the event before this one.
    /// @param withdrawalHash Hash of the withdrawal.
    /// @param proofSubmitter Who proved it.
    event WithdrawalProvenExtension1(
        bytes32 indexed withdrawalHash, address indexed proofSubmitter
    );
    /// @notice A withdrawal was paid.
    /// @param withdrawalHash Its hash.
    /// @param success        Always true: a call that fails changes nothing.
    event WithdrawalFinalized(bytes32 indexed withdrawalHash, bool success);
    /// @notice The guardian paused finalisation.
    /// @param until When the pause ends by itself. Seconds since 1970.
    event Paused(uint256 until);
    /// @notice The guardian ended the pause.
    event Unpaused();
    /// @notice The guardian's role was handed over.
    event GuardianChanged(address indexed previous, address indexed guardian);

    /// @notice Call `to` on L2 with `value`, having minted the wei sent along.
    /// @dev The mint is unconditional, also where the call fails on L2. L1 gas is burned for `gasLimit`:
    /// see `DepositMarket`. The sender on L2 is the caller; that of a contract is aliased, that of an account
    /// delegated under EIP-7702 is not.
    /// @param to         Recipient on L2; zero for a creation.
    /// @param value      Wei that the L2 call carries, out of the sender's balance on L2.
    /// @param gasLimit   L2 gas of the call; at least `minimumGasLimit(data.length)`.
    /// @param isCreation Whether the call creates a contract.
    /// @param data       Data of the L2 call, or init code.
    function depositTransaction(
        address to,
        uint256 value,
        uint64 gasLimit,
        bool isCreation,
        bytes calldata data
    ) external payable;

    /// @notice Give ETH to the Portal without a deposit.
    function donateETH() external payable;

    /// @notice Prove that L2 sent a withdrawal. Open to anyone, also while finalisation is paused.
    /// @dev A second proof against another game stands beside the first one. The same proof again changes nothing,
    /// but for making the caller a submitter of it.
    /// @param withdrawal      The withdrawal.
    /// @param gameIndex       Index, in the factory's list, of a game whose root has not fallen.
    /// @param outputRootProof Preimage of that game's output root.
    /// @param withdrawalProof Trie nodes from the message passer's storage root to the withdrawal, as `eth_getProof`
    /// gives them for slot `keccak256(withdrawalHash ‖ 0)`.
    function proveWithdrawalTransaction(
        WithdrawalTransaction calldata withdrawal,
        uint256 gameIndex,
        OutputRootProof calldata outputRootProof,
        bytes[] calldata withdrawalProof
    ) external;

    /// @notice Pay a withdrawal by the caller's own proof.
    /// @param withdrawal The withdrawal.
    function finalizeWithdrawalTransaction(WithdrawalTransaction calldata withdrawal) external;

    /// @notice Pay a withdrawal by the proof of `proofSubmitter`. Open to anyone.
    /// @dev Reverts with `WithdrawalCallFailed` when the target does, so that it can be tried again, and with
    /// `WithdrawalGasTooLow` rather than call it with less gas than promised.
    /// @param withdrawal     The withdrawal.
    /// @param proofSubmitter Who proved it, or the game that it was proven against.
    function finalizeWithdrawalTransactionExternalProof(
        WithdrawalTransaction calldata withdrawal,
        address proofSubmitter
    ) external;

    /// @notice Pause finalisation, for `maxPause` seconds and no longer; for the guardian.
    /// @dev Deposits, proofs, disputes and forced inclusion go on. Not again within `pauseInterval`.
    function pause() external;

    /// @notice End the pause; for the guardian.
    function unpause() external;

    /// @notice Hand the guardian's role over; for the timelock.
    /// @param guardian The guardian from now on; zero for none.
    function setGuardian(address guardian) external;

    /// @notice Where a withdrawal stands by one submitter's proof. Takes the same time whatever others did.
    /// @param withdrawalHash Hash of the withdrawal.
    /// @param proofSubmitter Who proved it, or the game that it was proven against.
    /// @return status  Where it stands.
    /// @return readyAt When it can be finalised, in seconds since 1970. While the root is disputed the earliest such
    /// time; 0 when unproven, finalised or fallen, the highest number while stopped.
    function withdrawalStatus(bytes32 withdrawalHash, address proofSubmitter)
        external
        view
        returns (WithdrawalStatus status, uint256 readyAt);

    /// @notice Reverts unless the withdrawal could be finalised by this submitter's proof, with the error from which
    /// clients of the OP Stack infer its status. A pause is not looked at.
    /// @param withdrawalHash Hash of the withdrawal.
    /// @param proofSubmitter Who proved it, or the game that it was proven against.
    function checkWithdrawal(bytes32 withdrawalHash, address proofSubmitter) external view;

    /// @notice The proof that a submitter made last.
    /// @param withdrawalHash Hash of the withdrawal.
    /// @param proofSubmitter Who proved it, or the game that it was proven against.
    /// @return disputeGameProxy Game whose root it was proven against; zero for none.
    /// @return timestamp        When anyone first proved it against that game. Seconds since 1970.
    function provenWithdrawals(bytes32 withdrawalHash, address proofSubmitter)
        external
        view
        returns (address disputeGameProxy, uint64 timestamp);

    /// @notice Number of games that the withdrawal was proven against.
    /// @param withdrawalHash Hash of the withdrawal.
    /// @return Count.
    function numProofSubmitters(bytes32 withdrawalHash) external view returns (uint256);

    /// @notice Whom to name as submitter for each of these games: the game itself, under which its proof is found.
    /// @dev The last one is always the proof that is ready first, for clients of the OP Stack read the last one.
    /// Meant for calls: it looks at every game that the withdrawal was proven against.
    /// @param withdrawalHash Hash of the withdrawal.
    /// @param index          From 0, below `numProofSubmitters`.
    /// @return A submitter for `provenWithdrawals`, `checkWithdrawal` and the like.
    function proofSubmitters(bytes32 withdrawalHash, uint256 index) external view returns (address);

    /// @notice Whether the withdrawal was paid.
    /// @param withdrawalHash Hash of the withdrawal.
    function finalizedWithdrawals(bytes32 withdrawalHash) external view returns (bool);

    /// @notice While a withdrawal's call runs, who sent it on L2; else `0x…dEaD`.
    function l2Sender() external view returns (address);

    /// @notice What counts as settled.
    function anchorStateRegistry() external view returns (IAnchorRegistry);

    /// @notice The list of games that withdrawals are proven against.
    function disputeGameFactory() external view returns (IDisputeGameFactory);

    /// @notice Game type for clients that follow a single one: the one accepted last.
    function respectedGameType() external view returns (GameType);

    /// @notice Least age of a proof, in seconds.
    function proofMaturityDelaySeconds() external view returns (uint256);

    /// @notice Seconds between a game's outcome and the reliance on it.
    function disputeGameFinalityDelaySeconds() external view returns (uint256);

    /// @notice Who may pause finalisation.
    function guardian() external view returns (address);

    /// @notice Who may hand the guardian's role over.
    function timelock() external view returns (address);

    /// @notice Whether finalisation is paused now.
    function paused() external view returns (bool);

    /// @notice When the newest pause ends or ended. Seconds since 1970; 0 when there was none.
    function pausedUntil() external view returns (uint256);

    /// @notice Length of a pause, in seconds: longer than an upgrade takes.
    function maxPause() external view returns (uint256);

    /// @notice Least time from one pause to the next, in seconds.
    function pauseInterval() external view returns (uint256);

    /// @notice Least gas limit of a call with `byteCount` bytes of data.
    /// @param byteCount Bytes of data.
    /// @return L2 gas.
    function minimumGasLimit(uint64 byteCount) external pure returns (uint64);

    /// @notice The Inbox that carries deposits to L2.
    /// @return Address.
    function inbox() external view returns (address);

    /// @notice Version of the interface.
    /// @return Semantic version.
    function version() external pure returns (string memory);
}
