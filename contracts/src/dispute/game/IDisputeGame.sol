// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claim, ClaimId, ClaimStatus, GameStatus, GameType, Header, Proposal, Segment} from "./Types.sol";

/// @title One dissection game: settles whether one output root is true
/// @notice Claims form a tree. A counter rejects one segment of its parent and dissects it; a claim stands when
/// none of its counters stands. Normative text: `protocol/SPEC.md`, chapter "Claims and disputes".
/// @dev No move is reserved to anybody, no loop grows with the number of claims, and nothing that is decided
/// opens again.
interface IDisputeGame {
    /// @notice Only the factory initialises a game.
    error NotFactory(address caller);
    /// @notice The game already runs.
    error AlreadyInitialized();
    /// @notice The proposal does not lie above its anchor.
    error BatchNotAboveAnchor(uint64 batch, uint64 anchorBatch);
    /// @notice The proposal claims more batches than the Inbox holds.
    error BatchBeyondInbox(uint64 batch, uint64 count);
    /// @notice The proposal lies too far above its anchor: propose an earlier batch.
    error TooManyBatches(uint64 count, uint64 max);
    /// @notice The Inbox holds other batches than the proposer saw.
    error BatchAccMismatch(bytes32 expected, bytes32 got);
    /// @notice The anchor is another than the proposer saw.
    error AnchorMismatch(uint64 batch, bytes32 root);
    /// @notice Zero is no output root: it marks a batch that failed.
    error ZeroOutputRoot();
    /// @notice The output root's preimage does not hash to it.
    error OutputRootMismatch(bytes32 expected, bytes32 got);
    /// @notice The header's number is not the proposed one.
    error BlockNumberMismatch(uint256 expected, uint64 got);
    /// @notice The bond offered, value and credit together, differs from what this claim needs. Wei.
    error BondMismatch(uint256 expected, uint256 got);
    /// @notice No claim has this content.
    error UnknownClaim(ClaimId claim);
    /// @notice The claim is decided.
    error ClaimDecided(ClaimId claim, ClaimStatus status);
    /// @notice The time to answer this claim is over. Seconds since 1970.
    error DeadlinePassed(uint256 deadline);
    /// @notice The claim has no such segment.
    error NoSuchSegment(uint256 index, uint256 count);
    /// @notice The segment's start is not a point of the claim.
    error SegmentStartUnproven(bytes32 start);
    /// @notice The segment's end is not a point of the claim.
    error SegmentEndUnproven(bytes32 end);
    /// @notice The segment starts after a batch that failed, where nothing is left to dispute.
    error StartIsFailure();
    /// @notice A dissection of this segment has another number of points.
    error PointCountMismatch(uint256 expected, uint256 got);
    /// @notice A counter must end in something else than what it rejects.
    error EndNotContradicted(bytes32 end);
    /// @notice An output follows a batch that failed.
    error OutputAfterFailure(uint256 index);
    /// @notice The end state is not the preimage of the last point.
    error EndStateMismatch(bytes32 expected, bytes32 got);
    /// @notice A segment of one machine step is answered by a step, not by a counter.
    error SegmentIsOneStep();
    /// @notice Only a segment of one machine step is answered by a step.
    error SegmentIsNotOneStep();
    /// @notice The step leads to what the claim says, so it refutes nothing.
    error StepConfirmsClaim(bytes32 post);
    /// @notice No counter stands, and either the time to answer runs or counters are undecided.
    error NotDecidable(uint256 deadline, uint256 undecided);
    /// @notice Only a fallen claim, once, with no undecided counter, pays out.
    error NotSettleable(ClaimId claim);
    /// @notice The claim named as payee is not the leftmost standing counter.
    error NotBestCounter(ClaimId claim);
    /// @notice The account has no credit.
    error NoCredit(address account);
    /// @notice The account refused its credit.
    error TransferFailed(address account);
    /// @notice The configuration breaks a rule of the game.
    error BadConfig(string rule);

    /// @notice A counter was made. Carries all that is needed to answer it, so no trace of the call is.
    event Moved(
        ClaimId indexed claim, ClaimId indexed parent, address indexed claimant, Header header, bytes32[] points
    );
    /// @notice A counter of the same content was there already; its value became credit.
    event MoveRepeated(ClaimId indexed claim, address indexed sender, uint256 value);
    /// @notice A step refuted a claim.
    event Stepped(ClaimId indexed claim, uint256 segment, bytes32 post, address indexed sender);
    /// @notice A claim was decided for good.
    event Decided(ClaimId indexed claim, ClaimStatus status);
    /// @notice A fallen claim's bond was paid out. Wei.
    event Settled(ClaimId indexed claim, address indexed payee, uint256 paid, uint256 burned);
    /// @notice The root claim was decided.
    event Resolved(GameStatus indexed status);
    /// @notice Credit left the game. Wei.
    event CreditClaimed(address indexed account, uint256 amount);

    /// @notice Start the game: check the proposal and take the proposer's bond.
    /// @dev Only the factory, once, in the transaction that deploys the game.
    /// @param proposer_         Who gets the bond back when the root stands.
    /// @param messagePasserRoot Storage root of the L2 message passer in the proposed block.
    /// @param headerRlp         RLP of the proposed L2 block's header.
    function initialize(address proposer_, bytes32 messagePasserRoot, bytes calldata headerRlp) external payable;

    /// @notice Reject one segment of a claim and dissect it.
    /// @dev The value and, where it falls short, the sender's credit pay exactly `bondOf` the new claim. An
    /// identical counter is not made twice: its value becomes credit and its id is returned.
    /// @param parent     Content of the claim that is answered.
    /// @param segment    First segment of it whose start the sender accepts and whose end it rejects.
    /// @param points     State hashes or output roots at the ends of the new segments; the last one contradicts
    /// the segment's end. Where one batch is left: 128 machine states.
    /// @param machineEnd Layout of the last machine state where one batch is left, else unread.
    /// @return claim     Id of the new claim.
    function counter(
        Header calldata parent,
        Segment calldata segment,
        bytes32[] calldata points,
        bytes calldata machineEnd
    ) external payable returns (ClaimId claim);

    /// @notice Refute a claim by re-executing one machine step of it. The claim falls at once.
    /// @param header  Content of a machine claim whose segments are single steps.
    /// @param segment Segment whose start is true and whose end is not.
    /// @param witness What the step verifier needs.
    function step(Header calldata header, Segment calldata segment, bytes calldata witness) external;

    /// @notice Decide a claim: it falls when a counter stands, and stands when its time is over and every
    /// counter has fallen. Anyone may call.
    /// @param header Content of the claim.
    /// @return status What it is now.
    function decide(Header calldata header) external returns (ClaimStatus status);

    /// @notice Decide the root claim, as `decide(rootHeader())`.
    /// @return status What the game's outcome is.
    function resolve() external returns (GameStatus status);

    /// @notice Pay out the bond of a claim that fell to a counter. Anyone may call.
    /// @param header Content of the fallen claim.
    /// @param best   Content of its leftmost standing counter, the oldest of them.
    function settle(Header calldata header, Header calldata best) external;

    /// @notice Send an account its credit. Anyone may call.
    /// @param account Whose credit, and who receives it.
    function claimCredit(address account) external;

    /// @notice Credit of an account in this game, in wei.
    function credit(address account) external view returns (uint256);

    /// @notice Bond of the claim that answers the given segment, or of the root claim. Wei.
    /// @param header Content of the claim whose own bond is asked for.
    function bondOf(Header calldata header) external view returns (uint256);

    /// @notice State of a claim; all zero when there is none.
    function claims(ClaimId claim) external view returns (Claim memory);

    /// @notice Id that a claim of this content has in this game.
    function idOf(Header calldata header) external view returns (ClaimId);

    /// @notice Content of the root claim.
    function rootHeader() external view returns (Header memory);

    /// @notice First time at which the claim can no longer be answered. Seconds since 1970.
    function deadlineOf(Header calldata header) external view returns (uint256);

    /// @notice All that the game is about.
    function proposal() external view returns (Proposal memory);

    /// @notice Output root that the game settles.
    function rootClaim() external view returns (bytes32);

    /// @notice Number of the L2 block that the output root commits to.
    function l2SequenceNumber() external view returns (uint256);

    /// @notice Number of the L2 block that the output root commits to.
    function l2BlockNumber() external view returns (uint256);

    /// @notice Five words: L2 block number, batch, batch accumulator, anchor batch, anchor root.
    function extraData() external view returns (bytes memory);

    /// @notice Outcome, or that there is none yet.
    function status() external view returns (GameStatus);

    /// @notice Kind of game.
    function gameType() external view returns (GameType);

    /// @notice Time of creation. Seconds since 1970; zero for a game that was never initialised.
    function createdAt() external view returns (uint64);

    /// @notice For a root that stands, its deadline or the decision on its last counter, whichever is later; for
    /// one that fell, the decision. Seconds since 1970; zero while it is open.
    function resolvedAt() external view returns (uint64);

    /// @notice Who proposed the output root.
    function gameCreator() external view returns (address);
}
