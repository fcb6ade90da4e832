// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {IInbox} from "./IInbox.sol";
import {BatchRange, DepositRequest, InboxCodec, OperatorParams} from "./InboxCodec.sol";

/// @title Inbox
/// @notice See `IInbox`.
/// @dev Behind a proxy. Static parameters are immutables of the implementation; state is four slots and
/// three append-only mappings.
contract Inbox is IInbox, Initializable {
    /// @notice Static parameters, equal to the fields of the same name in the chain configuration.
    /// @param blockGasLimit        Gas limit of an L2 block.
    /// @param batchDepositGas      L2 gas of the queue entries that one batch may consume.
    /// @param systemEntryGas       L2 gas charged for a system entry.
    /// @param forcedInclusionDelay Age in seconds after which an entry is overdue.
    /// @param maxPayloadBytes      Bytes of a calldata payload.
    /// @param maxDepositData       Bytes of a deposit's data.
    /// @param maxBlobs             Blobs of a blob batch, at least 1 and at most 6.
    struct Config {
        uint64 blockGasLimit;
        uint64 batchDepositGas;
        uint64 systemEntryGas;
        uint64 forcedInclusionDelay;
        uint32 maxPayloadBytes;
        uint32 maxDepositData;
        uint8 maxBlobs;
    }

    /// @inheritdoc IInbox
    uint64 public immutable blockGasLimit;
    /// @inheritdoc IInbox
    uint64 public immutable batchDepositGas;
    /// @inheritdoc IInbox
    uint64 public immutable systemEntryGas;
    /// @inheritdoc IInbox
    uint64 public immutable forcedInclusionDelay;
    /// @inheritdoc IInbox
    uint32 public immutable maxPayloadBytes;
    /// @inheritdoc IInbox
    uint32 public immutable maxDepositData;
    /// @inheritdoc IInbox
    uint8 public immutable maxBlobs;

    /// @dev Gas of an L2 block that no deposit may count on.
    uint64 private constant BLOCK_GAS_RESERVE = 1_000_000;
    /// @dev Longest init code, in bytes (EIP-3860).
    uint256 private constant MAX_INIT_CODE = 49_152;
    /// @dev Offset of the payload in the input of `appendBatch`: selector, six words of head, length.
    uint256 private constant PAYLOAD_OFFSET = 228;
    /// @dev Input of `appendBlobBatch`: selector and five words.
    uint256 private constant BLOB_INPUT = 164;
    /// @dev Most blobs of one L1 transaction (EIP-7594).
    uint8 private constant MAX_TX_BLOBS = 6;

    /// @inheritdoc IInbox
    uint64 public depositCount;
    /// @inheritdoc IInbox
    uint64 public nextDeposit;
    /// @inheritdoc IInbox
    uint64 public batchCount;
    /// @inheritdoc IInbox
    uint64 public lastAttributesBlock;
    /// @inheritdoc IInbox
    address public batcher;
    /// @inheritdoc IInbox
    address public portal;
    /// @inheritdoc IInbox
    address public systemConfig;
    /// @inheritdoc IInbox
    mapping(uint64 index => bytes32 acc) public batchAcc;
    /// @inheritdoc IInbox
    mapping(uint64 count => bytes32 acc) public depositAcc;
    /// @dev Two points to a slot, that of the even number in the low half. Point `n` is the cumulative
    /// charge after `n` entries (low 64 bits) and the L1 time of entry `n - 1` (high 64 bits).
    mapping(uint64 pair => uint256 points) private _points;

    /// @notice The implementation, unusable but behind a proxy.
    /// @param config Static parameters.
    constructor(Config memory config) {
        // One entry at its largest fits a batch, or the queue would stop (SPEC.md, section 3.1).
        require(
            config.blockGasLimit > BLOCK_GAS_RESERVE
                && config.blockGasLimit - BLOCK_GAS_RESERVE <= config.batchDepositGas
                && config.systemEntryGas <= config.batchDepositGas
                && config.systemEntryGas >= 21_000 && config.forcedInclusionDelay > 0
                && config.maxBlobs > 0 && config.maxBlobs <= MAX_TX_BLOBS,
            ConfigOutOfRange()
        );
        blockGasLimit = config.blockGasLimit;
        batchDepositGas = config.batchDepositGas;
        systemEntryGas = config.systemEntryGas;
        forcedInclusionDelay = config.forcedInclusionDelay;
        maxPayloadBytes = config.maxPayloadBytes;
        maxDepositData = config.maxDepositData;
        maxBlobs = config.maxBlobs;
        _disableInitializers();
    }

    /// @notice Set who may enqueue and append; once.
    /// @param portal_       The contract that enqueues deposits.
    /// @param systemConfig_ The contract that enqueues operator parameters.
    /// @param batcher_      The first batcher.
    function initialize(address portal_, address systemConfig_, address batcher_)
        external
        initializer
    {
        portal = portal_;
        systemConfig = systemConfig_;
        batcher = batcher_;
    }

    /// @inheritdoc IInbox
    function appendBatch(
        uint64 expectedIndex,
        bytes32 expectedPrevBatchAcc,
        uint64 depositTo,
        bytes32 expectedDepositAcc,
        bytes32 claimedEndBlockHash,
        bytes calldata payload
    ) external {
        _checkBatcher();
        _checkPayload(payload);
        BatchRange memory range = _expectedRange(
            expectedIndex, expectedPrevBatchAcc, depositTo, expectedDepositAcc, claimedEndBlockHash
        );
        bytes memory header =
            InboxCodec.calldataHeader(range, InboxCodec.chunked(payload), uint32(payload.length));
        _append(range, expectedPrevBatchAcc, InboxCodec.BATCH_CALLDATA, header);
        if (lastAttributesBlock != uint64(block.number)) _enqueueAttributes();
    }

    /// @inheritdoc IInbox
    function appendBlobBatch(
        uint64 expectedIndex,
        bytes32 expectedPrevBatchAcc,
        uint64 depositTo,
        bytes32 expectedDepositAcc,
        bytes32 claimedEndBlockHash
    ) external {
        _checkBatcher();
        require(msg.data.length == BLOB_INPUT, NonCanonicalInput(msg.data.length, BLOB_INPUT));
        bytes32[] memory hashes = _blobHashes();
        BatchRange memory range = _expectedRange(
            expectedIndex, expectedPrevBatchAcc, depositTo, expectedDepositAcc, claimedEndBlockHash
        );
        bytes memory header = InboxCodec.blobHeader(range, hashes);
        _append(range, expectedPrevBatchAcc, InboxCodec.BATCH_BLOBS, header);
        if (lastAttributesBlock != uint64(block.number)) _enqueueAttributes();
    }

    /// @inheritdoc IInbox
    function forceInclude() external returns (uint64 index) {
        uint64 to = forcedDepositTo();
        require(to > nextDeposit, NothingOverdue(nextDeposit, depositCount));
        index = batchCount + 1;
        BatchRange memory range = _range(index, to, bytes32(0));
        _append(range, batchAcc[index - 1], InboxCodec.BATCH_FORCED, InboxCodec.forcedHeader(range));
    }

    /// @inheritdoc IInbox
    function enqueueDeposit(DepositRequest calldata deposit, bytes calldata data)
        external
        returns (uint64 index)
    {
        require(msg.sender == portal, Unauthorized(msg.sender, portal));
        _checkDeposit(deposit, data.length);
        bytes memory entry =
            InboxCodec.depositEntry(deposit, uint32(data.length), InboxCodec.chunked(data));
        return _enqueue(InboxCodec.ENTRY_DEPOSIT, deposit.gasLimit, entry, data);
    }

    /// @inheritdoc IInbox
    function enqueueL1Attributes() external returns (uint64 index) {
        require(
            lastAttributesBlock != uint64(block.number),
            AttributesAlreadyEnqueued(uint64(block.number))
        );
        return _enqueueAttributes();
    }

    /// @inheritdoc IInbox
    function enqueueOperatorParams(OperatorParams calldata params) external returns (uint64 index) {
        require(msg.sender == systemConfig, Unauthorized(msg.sender, systemConfig));
        batcher = params.batcher;
        return _enqueue(
            InboxCodec.ENTRY_OPERATOR,
            systemEntryGas,
            InboxCodec.operatorEntry(params),
            msg.data[0:0]
        );
    }

    /// @inheritdoc IInbox
    function cumGas(uint64 count) external view returns (uint64) {
        return _cumGas(count);
    }

    /// @inheritdoc IInbox
    function entryTime(uint64 index) external view returns (uint64) {
        return _entryTime(index);
    }

    /// @inheritdoc IInbox
    function forcedDepositTo() public view returns (uint64 depositTo) {
        uint64 count = depositCount;
        depositTo = nextDeposit;
        uint64 maxCharge = _cumGas(depositTo) + batchDepositGas;
        // Entries are charged 21,000 gas at least, which bounds the search and so its cost.
        uint64 end = depositTo + batchDepositGas / 21_000;
        if (end > count) end = count;
        // Age and charge are both monotonic in the index: binary search for the last entry that fits.
        while (depositTo < end) {
            uint64 middle = depositTo + (end - depositTo + 1) / 2;
            if (_isOverdue(middle - 1) && _cumGas(middle) <= maxCharge) depositTo = middle;
            else end = middle - 1;
        }
    }

    function _enqueueAttributes() private returns (uint64) {
        lastAttributesBlock = uint64(block.number);
        return _enqueue(
            InboxCodec.ENTRY_ATTRIBUTES, systemEntryGas, InboxCodec.attributesEntry(), msg.data[0:0]
        );
    }

    function _enqueue(uint8 kind, uint64 charge, bytes memory entry, bytes calldata data)
        private
        returns (uint64 index)
    {
        index = depositCount;
        uint64 count = index + 1;
        bytes32 acc = InboxCodec.accumulate(depositAcc[index], entry);
        uint256 point = uint256(_cumGas(index) + charge) | (block.timestamp << 64);
        depositCount = count;
        depositAcc[count] = acc;
        // An even point opens its slot; an odd one joins the point before it.
        if (count & 1 == 0) _points[count >> 1] = point;
        else _points[count >> 1] |= point << 128;
        emit EntryEnqueued(index, kind, acc, entry, data);
    }

    function _append(BatchRange memory range, bytes32 prevAcc, uint8 kind, bytes memory header)
        private
    {
        bytes32 acc = InboxCodec.accumulate(prevAcc, header);
        batchCount = range.index;
        nextDeposit = range.depositTo;
        batchAcc[range.index] = acc;
        emit BatchAppended(range.index, kind, acc, header);
    }

    /// @dev The next batch's range, if the batch was built for exactly this place in the log.
    function _expectedRange(
        uint64 expectedIndex,
        bytes32 expectedPrevAcc,
        uint64 depositTo,
        bytes32 expectedDepositAcc,
        bytes32 claimedEnd
    ) private view returns (BatchRange memory range) {
        uint64 index = batchCount + 1;
        require(expectedIndex == index, BatchIndexMismatch(expectedIndex, index));
        bytes32 prevAcc = batchAcc[index - 1];
        require(expectedPrevAcc == prevAcc, BatchAccMismatch(expectedPrevAcc, prevAcc));
        range = _range(index, depositTo, claimedEnd);
        require(
            expectedDepositAcc == range.depositAcc,
            DepositAccMismatch(expectedDepositAcc, range.depositAcc)
        );
    }

    function _range(uint64 index, uint64 to, bytes32 claimedEnd)
        private
        view
        returns (BatchRange memory)
    {
        uint64 from = nextDeposit;
        uint64 count = depositCount;
        require(from <= to && to <= count, DepositRangeInvalid(from, to, count));
        uint64 before = _cumGas(from);
        uint64 gas = _cumGas(to) - before;
        require(gas <= batchDepositGas, DepositGasExceeded(gas, batchDepositGas));
        // An overdue entry may stay only where it would exceed the cap (else no append were legal).
        if (to < count && _isOverdue(to)) {
            require(
                _cumGas(to + 1) - before > batchDepositGas, OverdueEntrySkipped(to, _entryTime(to))
            );
        }
        return BatchRange(index, from, to, depositAcc[to], claimedEnd);
    }

    function _checkBatcher() private view {
        require(msg.sender == batcher, Unauthorized(msg.sender, batcher));
        require(
            msg.sender == tx.origin && msg.sender.code.length == 0,
            BatcherNotPlainAccount(msg.sender, tx.origin)
        );
    }

    function _checkPayload(bytes calldata payload) private view {
        require(payload.length <= maxPayloadBytes, PayloadTooLong(payload.length, maxPayloadBytes));
        uint256 offset;
        assembly ("memory-safe") {
            offset := payload.offset
        }
        uint256 expected = PAYLOAD_OFFSET + (payload.length + 31) / 32 * 32;
        require(
            offset == PAYLOAD_OFFSET && msg.data.length == expected,
            NonCanonicalInput(msg.data.length, expected)
        );
    }

    /// @dev Versioned hashes of all blobs of this transaction: L1 numbers them from 0 without gaps.
    function _blobHashes() private view returns (bytes32[] memory hashes) {
        uint256 count;
        // Bound: a transaction has MAX_TX_BLOBS blobs at most, and the hash of none is zero.
        while (blobhash(count) != 0) ++count;
        require(count > 0, NoBlobs());
        require(count <= maxBlobs, TooManyBlobs(count, maxBlobs));
        hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            hashes[i] = blobhash(i);
        }
    }

    function _checkDeposit(DepositRequest calldata deposit, uint256 length) private view {
        uint256 maxLength = maxDepositData;
        if (deposit.isCreation && maxLength > MAX_INIT_CODE) maxLength = MAX_INIT_CODE;
        require(length <= maxLength, DepositDataTooLong(length, maxLength));
        uint64 max = blockGasLimit - BLOCK_GAS_RESERVE;
        require(deposit.gasLimit <= max, DepositGasTooHigh(deposit.gasLimit, max));
        uint256 min = 21_000 + 40 * length;
        if (deposit.isCreation) {
            require(deposit.to == address(0), CreationHasRecipient(deposit.to));
            min += 32_000 + 2 * ((length + 31) / 32);
        }
        require(deposit.gasLimit >= min, DepositGasTooLow(deposit.gasLimit, uint64(min)));
    }

    function _isOverdue(uint64 index) private view returns (bool) {
        return block.timestamp > uint256(_entryTime(index)) + forcedInclusionDelay;
    }

    function _cumGas(uint64 count) private view returns (uint64) {
        return uint64(_point(count));
    }

    function _entryTime(uint64 index) private view returns (uint64) {
        return uint64(_point(index + 1) >> 64);
    }

    function _point(uint64 count) private view returns (uint256) {
        return _points[count >> 1] >> (count & 1 == 0 ? 0 : 128);
    }
}
