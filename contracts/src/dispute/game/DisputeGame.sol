// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IStepVerifier} from "../IStepVerifier.sol";
import {Dissection} from "./Dissection.sol";
import {IAnchorRegistry} from "./IAnchorRegistry.sol";
import {IDisputeGame} from "./IDisputeGame.sol";
import {IInboxView} from "./IInboxView.sol";
import {
    Claim,
    ClaimId,
    ClaimStatus,
    GameConfig,
    GameStatus,
    GameType,
    Header,
    Level,
    Proposal,
    Segment
} from "./Types.sol";

/// @title The dissection game
/// @notice Implementation behind every game of one type: games are minimal proxies whose code carries their
/// proposal, at an address that is a hash of it.
/// @dev The parameters are immutables of this code, so a game keeps those that it began with, whatever the
/// factory creates later.
contract DisputeGame is IDisputeGame {
    using SafeCast for uint256;

    GameType internal immutable GAME_TYPE;
    /// @notice The only caller of `initialize`.
    address public immutable factory;
    /// @notice Where the anchor was read.
    IAnchorRegistry public immutable registry;
    /// @notice The log of batches.
    IInboxView public immutable inbox;
    /// @notice The proof system.
    IStepVerifier public immutable verifier;
    /// @notice Hash of the chain's static configuration.
    bytes32 public immutable configHash;
    /// @notice Guest image of the batches from `imageFromBatch` on.
    bytes32 public immutable imageRoot;
    /// @notice Guest image of the batches before `imageFromBatch`.
    bytes32 public immutable previousImageRoot;
    /// @notice First batch of the current guest image.
    uint64 public immutable imageFromBatch;
    /// @notice Chess clock of one side, in seconds.
    uint256 public immutable maxClock;
    /// @notice Least time to answer any claim, in seconds.
    uint256 public immutable extension;
    /// @notice Bond of a claim that only a step can answer, in wei.
    uint256 public immutable bondMin;
    /// @notice What the sender of a step gets out of the fallen bond, in wei.
    uint256 public immutable stepRefund;

    /// @dev One fifth of every fallen bond is burned, so that answering oneself is not free.
    uint256 internal constant BURN_DIVISOR = 5;
    /// @dev Instructions per second of the slowest supported executor, the interpreter.
    uint256 internal constant SLOWEST_STEPS_PER_SECOND = 250_000_000;
    /// @dev 4^9: bonds at every level are whole multiples of the ratio 5/4.
    uint256 internal constant BOND_GRAIN = 4 ** 9;

    /// @inheritdoc IDisputeGame
    uint64 public createdAt;
    /// @inheritdoc IDisputeGame
    uint64 public resolvedAt;
    /// @dev Time of the last decision on a counter to the root. Seconds since 1970.
    uint64 internal _lastAnswerDecidedAt;
    /// @inheritdoc IDisputeGame
    GameStatus public status;
    mapping(ClaimId => Claim) internal _claims;
    /// @inheritdoc IDisputeGame
    mapping(address => uint256) public credit;

    constructor(GameConfig memory config) {
        if (config.bondMin == 0 || config.bondMin % BOND_GRAIN != 0) revert BadConfig("bondMin");
        if (config.stepRefund > config.bondMin / 4) revert BadConfig("stepRefund");
        if (config.extension < 2 * uint256(config.stepCap) / SLOWEST_STEPS_PER_SECOND + config.inclusionTime) {
            revert BadConfig("extension");
        }
        if (config.extension == 0 || config.maxClock < config.extension) revert BadConfig("maxClock");
        GAME_TYPE = config.gameType;
        factory = config.factory;
        registry = IAnchorRegistry(config.registry);
        inbox = IInboxView(config.inbox);
        verifier = IStepVerifier(config.verifier);
        configHash = config.configHash;
        imageRoot = config.imageRoot;
        previousImageRoot = config.previousImageRoot;
        imageFromBatch = config.imageFromBatch;
        maxClock = config.maxClock;
        extension = config.extension;
        bondMin = config.bondMin;
        stepRefund = config.stepRefund;
    }

    /// @inheritdoc IDisputeGame
    function initialize(address proposer_, bytes32 messagePasserRoot, bytes calldata headerRlp) external payable {
        if (msg.sender != factory) revert NotFactory(msg.sender);
        if (createdAt != 0) revert AlreadyInitialized();
        Proposal memory p = proposal();
        _checkAnchor(p);
        _checkInbox(p);
        _checkOutputRoot(p, messagePasserRoot, headerRlp);
        uint256 bond = _bond(Level.ROOT, p.batch - p.anchorBatch);
        if (msg.value != bond) revert BondMismatch(bond, msg.value);
        createdAt = uint64(block.timestamp);
        _claims[_idOf(_rootHeader(p))].claimant = proposer_;
    }

    /// @inheritdoc IDisputeGame
    function counter(
        Header calldata parent,
        Segment calldata segment,
        bytes32[] calldata points,
        bytes calldata machineEnd
    ) external payable returns (ClaimId claim) {
        ClaimId parentId = _known(parent);
        Header memory child = _childOn(parentId, parent, segment);
        if (child.level == Level.MACHINE) {
            _checkMachinePoints(parent.level, segment.end, points, machineEnd);
        } else {
            _checkBatchPoints(child, points);
        }
        if (points[points.length - 1] == segment.end) revert EndNotContradicted(segment.end);
        child.points = Dissection.rootOf(points);
        claim = _idOf(child);
        if (_claims[claim].claimant != address(0)) {
            credit[msg.sender] += msg.value;
            emit MoveRepeated(claim, msg.sender, msg.value);
            return claim;
        }
        _checkAnswerable(parentId, parent);
        _takeBond(_bond(child.level, child.hi - child.lo));
        _record(claim, parentId, parent.parent);
        emit Moved(claim, parentId, msg.sender, child, points);
    }

    /// @inheritdoc IDisputeGame
    function step(Header calldata header, Segment calldata segment, bytes calldata witness) external {
        ClaimId claim = _known(header);
        if (header.level != Level.MACHINE || header.hi - header.lo != Dissection.ARITY) {
            revert SegmentIsNotOneStep();
        }
        _checkSegment(header, segment);
        _checkAnswerable(claim, header);
        bytes32 post = verifier.step(segment.start, witness);
        if (post == segment.end) revert StepConfirmsClaim(post);
        emit Stepped(claim, segment.index, post, msg.sender);

        _claims[claim].isSettled = true;
        _close(claim, header, ClaimStatus.FALLS);
        credit[msg.sender] += stepRefund;
        _payOut(claim, _bond(header.level, header.hi - header.lo), stepRefund, _claims[header.parent].claimant);
    }

    /// @inheritdoc IDisputeGame
    function decide(Header calldata header) external returns (ClaimStatus) {
        return _decide(_known(header), header);
    }

    /// @inheritdoc IDisputeGame
    function resolve() external returns (GameStatus) {
        Header memory root = rootHeader();
        _decide(_known(root), root);
        return status;
    }

    /// @inheritdoc IDisputeGame
    function settle(Header calldata header, Header calldata best) external {
        ClaimId claim = _known(header);
        Claim storage c = _claims[claim];
        if (c.status != ClaimStatus.FALLS || c.isSettled || c.undecided != 0) revert NotSettleable(claim);
        ClaimId bestId = _known(best);
        Claim storage b = _claims[bestId];
        if (best.parent != claim || b.ordinal != c.bestOrdinal) revert NotBestCounter(bestId);
        c.isSettled = true;
        _payOut(claim, _bond(header.level, header.hi - header.lo), 0, b.claimant);
    }

    /// @inheritdoc IDisputeGame
    function claimCredit(address account) external {
        uint256 amount = credit[account];
        if (amount == 0) revert NoCredit(account);
        credit[account] = 0;
        emit CreditClaimed(account, amount);
        (bool ok,) = account.call{value: amount}("");
        if (!ok) revert TransferFailed(account);
    }

    /// @inheritdoc IDisputeGame
    function bondOf(Header calldata header) external view returns (uint256) {
        return _bond(header.level, header.hi - header.lo);
    }

    /// @inheritdoc IDisputeGame
    function claims(ClaimId claim) external view returns (Claim memory) {
        return _claims[claim];
    }

    /// @inheritdoc IDisputeGame
    function idOf(Header calldata header) external view returns (ClaimId) {
        return _idOf(header);
    }

    /// @inheritdoc IDisputeGame
    function deadlineOf(Header calldata header) external view returns (uint256) {
        return _deadline(_known(header), header.parent);
    }

    /// @inheritdoc IDisputeGame
    function rootClaim() external view returns (bytes32) {
        return proposal().outputRoot;
    }

    /// @inheritdoc IDisputeGame
    function l2SequenceNumber() external view returns (uint256) {
        return proposal().l2BlockNumber;
    }

    /// @inheritdoc IDisputeGame
    function l2BlockNumber() external view returns (uint256) {
        return proposal().l2BlockNumber;
    }

    /// @inheritdoc IDisputeGame
    function extraData() external view returns (bytes memory) {
        Proposal memory p = proposal();
        return abi.encode(p.l2BlockNumber, p.batch, p.batchAcc, p.anchorBatch, p.anchorRoot);
    }

    /// @inheritdoc IDisputeGame
    function gameType() external view returns (GameType) {
        return GAME_TYPE;
    }

    /// @inheritdoc IDisputeGame
    function gameCreator() external view returns (address) {
        return _claims[_idOf(rootHeader())].claimant;
    }

    /// @inheritdoc IDisputeGame
    function rootHeader() public view returns (Header memory) {
        return _rootHeader(proposal());
    }

    /// @inheritdoc IDisputeGame
    function proposal() public view returns (Proposal memory p) {
        bytes memory args = Clones.fetchCloneArgs(address(this));
        assembly ("memory-safe") {
            // Packed by the factory: three words, then three 8-byte numbers.
            mstore(p, mload(add(args, 0x20)))
            mstore(add(p, 0x20), mload(add(args, 0x40)))
            mstore(add(p, 0x40), mload(add(args, 0x60)))
            let numbers := mload(add(args, 0x80))
            mstore(add(p, 0x60), shr(192, numbers))
            mstore(add(p, 0x80), and(shr(128, numbers), 0xffffffffffffffff))
            mstore(add(p, 0xa0), and(shr(64, numbers), 0xffffffffffffffff))
        }
    }

    function _checkAnchor(Proposal memory p) internal view {
        (uint64 batch, bytes32 root) = registry.anchor();
        if (batch != p.anchorBatch || root != p.anchorRoot) revert AnchorMismatch(batch, root);
    }

    function _checkInbox(Proposal memory p) internal view {
        if (p.batch <= p.anchorBatch) revert BatchNotAboveAnchor(p.batch, p.anchorBatch);
        uint64 count = inbox.batchCount();
        if (p.batch > count) revert BatchBeyondInbox(p.batch, count);
        uint64 length = p.batch - p.anchorBatch;
        if (length > Dissection.MAX_BATCHES) revert TooManyBatches(length, Dissection.MAX_BATCHES);
        bytes32 acc = inbox.batchAcc(p.batch);
        if (acc != p.batchAcc) revert BatchAccMismatch(acc, p.batchAcc);
    }

    /// @dev Binds the block number: the output root commits to the header, and the header to its number.
    function _checkOutputRoot(Proposal memory p, bytes32 messagePasserRoot, bytes calldata headerRlp) internal pure {
        if (p.outputRoot == 0) revert ZeroOutputRoot();
        Memory.Slice[] memory fields = BlockHeader.parseHeader(headerRlp);
        bytes32 root = keccak256(
            abi.encode(bytes32(0), BlockHeader.getStateRoot(fields), messagePasserRoot, keccak256(headerRlp))
        );
        if (root != p.outputRoot) revert OutputRootMismatch(p.outputRoot, root);
        uint256 number = BlockHeader.getNumber(fields);
        if (number != p.l2BlockNumber) revert BlockNumberMismatch(number, p.l2BlockNumber);
    }

    /// @dev Proves the segment's two ends, and gives the interval that lies between them.
    function _checkSegment(Header calldata header, Segment calldata segment)
        internal
        pure
        returns (uint64 lo, uint64 hi)
    {
        uint256 index = segment.index;
        if (header.level == Level.ROOT) {
            if (index != 0) revert NoSuchSegment(index, 1);
            if (segment.start != header.start) revert SegmentStartUnproven(segment.start);
            if (segment.end != header.points) revert SegmentEndUnproven(segment.end);
            return (header.lo, header.hi);
        }
        uint256 count = Dissection.segments(header.hi - header.lo);
        if (index >= count) revert NoSuchSegment(index, count);
        if (index == 0) {
            if (segment.start != header.start) revert SegmentStartUnproven(segment.start);
        } else if (!Dissection.isUnder(header.points, index - 1, segment.start, segment.startProof)) {
            revert SegmentStartUnproven(segment.start);
        }
        if (!Dissection.isUnder(header.points, index, segment.end, segment.endProof)) {
            revert SegmentEndUnproven(segment.end);
        }
        lo = Dissection.boundary(header.lo, header.hi, index);
        hi = Dissection.boundary(header.lo, header.hi, index + 1);
    }

    /// @dev Content of the counter to a segment, but for its points.
    function _childOn(ClaimId parentId, Header calldata parent, Segment calldata segment)
        internal
        view
        returns (Header memory child)
    {
        child.parent = parentId;
        child.segment = segment.index;
        child.start = segment.start;
        (child.lo, child.hi) = _checkSegment(parent, segment);
        if (parent.level == Level.MACHINE) {
            if (child.hi - child.lo == 1) revert SegmentIsOneStep();
            child.level = Level.MACHINE;
            return child;
        }
        if (child.start == 0) revert StartIsFailure();
        child.level = Level.BATCH;
        if (child.hi - child.lo == 1) {
            child.level = Level.MACHINE;
            child.start = _initialState(child.hi, segment.start);
            (child.lo, child.hi) = (0, Dissection.MACHINE_STEPS);
        }
    }

    /// @dev First machine state of a batch, from the Inbox alone and what both sides accept.
    function _initialState(uint64 batch, bytes32 outputBefore) internal view returns (bytes32) {
        return verifier.initialState(
            batch < imageFromBatch ? previousImageRoot : imageRoot,
            configHash,
            outputBefore,
            inbox.batchAcc(batch - 1),
            inbox.batchAcc(batch)
        );
    }

    /// @dev Output roots after the points' batches. Zero says that a batch failed, and nothing follows on that.
    function _checkBatchPoints(Header memory child, bytes32[] calldata points) internal pure {
        uint256 count = Dissection.segments(child.hi - child.lo);
        if (points.length != count) revert PointCountMismatch(count, points.length);
        for (uint256 i = 1; i < count; ++i) {
            if (points[i - 1] == 0 && points[i] != 0) revert OutputAfterFailure(i);
        }
    }

    /// @dev States of the machine. Where the machine level begins, the end must contradict the output that the
    /// parent claims: another output, a trap, a failure exit, or no halt at all.
    function _checkMachinePoints(
        Level parentLevel,
        bytes32 rejected,
        bytes32[] calldata points,
        bytes calldata machineEnd
    ) internal view {
        if (points.length != Dissection.ARITY) revert PointCountMismatch(Dissection.ARITY, points.length);
        if (parentLevel == Level.MACHINE) return;
        (bytes32 state, bool halted, uint64 exitCode, bytes32 output) = verifier.endState(machineEnd);
        bytes32 last = points[Dissection.ARITY - 1];
        if (state != last) revert EndStateMismatch(last, state);
        if ((halted && exitCode == 0 ? output : bytes32(0)) == rejected) revert EndNotContradicted(rejected);
    }

    function _checkAnswerable(ClaimId claim, Header calldata header) internal view {
        ClaimStatus s = _claims[claim].status;
        if (s != ClaimStatus.OPEN) revert ClaimDecided(claim, s);
        uint256 deadline = _deadline(claim, header.parent);
        if (block.timestamp >= deadline) revert DeadlinePassed(deadline);
    }

    function _takeBond(uint256 bond) internal {
        uint256 available = credit[msg.sender];
        if (msg.value > bond || msg.value + available < bond) {
            revert BondMismatch(bond, msg.value > bond ? msg.value : msg.value + available);
        }
        if (msg.value != bond) credit[msg.sender] = available - (bond - msg.value);
    }

    /// @dev The mover's side has used what it had at its last claim on this path, and the time since the
    /// opponent's claim. Claims of depth 1 have no claim of their own side above them: zero.
    function _record(ClaimId claim, ClaimId parentId, ClaimId grandparentId) internal {
        Claim storage parent = _claims[parentId];
        uint32 ordinal = parent.children + 1;
        parent.children = ordinal;
        parent.undecided += 1;
        uint256 elapsed = block.timestamp - createdAt;
        Claim storage c = _claims[claim];
        c.claimant = msg.sender;
        c.madeAt = elapsed.toUint32();
        c.used = (_claims[grandparentId].used + elapsed - parent.madeAt).toUint32();
        c.ordinal = ordinal;
    }

    function _decide(ClaimId claim, Header memory header) internal returns (ClaimStatus result) {
        Claim storage c = _claims[claim];
        if (c.status != ClaimStatus.OPEN) revert ClaimDecided(claim, c.status);
        if (c.bestOrdinal != 0) {
            result = ClaimStatus.FALLS;
        } else {
            uint256 deadline = _deadline(claim, header.parent);
            if (block.timestamp < deadline || c.undecided != 0) revert NotDecidable(deadline, c.undecided);
            result = ClaimStatus.STANDS;
            c.isSettled = true;
            credit[c.claimant] += _bond(header.level, header.hi - header.lo);
        }
        _close(claim, header, result);
    }

    /// @dev Fixes the status and tells the parent; for the root, the game.
    function _close(ClaimId claim, Header memory header, ClaimStatus result) internal {
        Claim storage c = _claims[claim];
        c.status = result;
        emit Decided(claim, result);
        if (header.level == Level.ROOT) {
            _finish(result, header.parent);
            return;
        }
        Claim storage parent = _claims[header.parent];
        parent.undecided -= 1;
        if (result == ClaimStatus.STANDS) {
            uint32 best = parent.bestOrdinal;
            uint8 segment = parent.bestSegment;
            bool isLefter = header.segment < segment || (header.segment == segment && c.ordinal < best);
            if (best == 0 || isLefter) {
                parent.bestOrdinal = c.ordinal;
                parent.bestSegment = header.segment;
            }
        }
        // Only the root has no age among siblings.
        if (parent.ordinal == 0) _lastAnswerDecidedAt = uint64(block.timestamp);
    }

    function _finish(ClaimStatus result, ClaimId none) internal {
        if (result == ClaimStatus.STANDS) {
            status = GameStatus.DEFENDER_WINS;
            ClaimId root = _idOf(rootHeader());
            resolvedAt = uint64(Math.max(_deadline(root, none), _lastAnswerDecidedAt));
        } else {
            status = GameStatus.CHALLENGER_WINS;
            resolvedAt = uint64(block.timestamp);
        }
        emit Resolved(status);
    }

    /// @dev Burns a fifth of the fallen bond and credits the rest. The zero address takes any value.
    function _payOut(ClaimId claim, uint256 bond, uint256 paid, address payee) internal {
        uint256 burned = bond / BURN_DIVISOR;
        uint256 rest = bond - burned - paid;
        credit[payee] += rest;
        emit Settled(claim, payee, rest, burned);
        (bool ok,) = address(0).call{value: burned}("");
        if (!ok) revert TransferFailed(address(0));
    }

    function _known(Header memory header) internal view returns (ClaimId claim) {
        claim = _idOf(header);
        if (_claims[claim].claimant == address(0)) revert UnknownClaim(claim);
    }

    function _idOf(Header memory header) internal view returns (ClaimId) {
        return ClaimId.wrap(keccak256(abi.encode(address(this), header)));
    }

    /// @dev The opponents of a claim are the side of its parent: what is left of their clock, and never less
    /// than the extension.
    function _deadline(ClaimId claim, ClaimId parent) internal view returns (uint256) {
        uint256 left = maxClock - Math.min(maxClock, _claims[parent].used);
        return createdAt + _claims[claim].madeAt + Math.max(extension, left);
    }

    function _bond(Level level, uint256 length) internal view returns (uint256) {
        uint256 moves = Dissection.movesBelow(level, length);
        return bondMin * 5 ** moves / 4 ** moves;
    }

    function _rootHeader(Proposal memory p) internal pure returns (Header memory root) {
        root.lo = p.anchorBatch;
        root.hi = p.batch;
        root.start = p.anchorRoot;
        root.points = p.outputRoot;
    }
}
