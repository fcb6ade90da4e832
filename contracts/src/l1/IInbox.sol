// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DepositRequest, OperatorParams} from "./InboxCodec.sol";

/// @title Inbox: the one ordered log that L2 is derived from
/// @notice A queue of what L1 tells L2 (deposits, L1 attributes, operator parameters) and the batches
/// that consume it in order, both kept as hash accumulators. SPEC.md, section 3.
/// @dev Accumulators are append-only: no function and no upgrade may rewrite one, because claims and
/// proofs are made against them. Everything that a reader needs is in the events, but for a payload,
/// which is in the input of the batcher's own transaction or in its blobs.
interface IInbox {
    /// @notice The call is reserved to another account.
    error Unauthorized(address caller, address expected);
    /// @notice The batcher's call did not come straight from an account without code.
    /// @dev Else the payload would not be in a transaction's input, and nobody could derive the batch.
    error BatcherNotPlainAccount(address caller, address origin);
    /// @notice The input is not the canonical encoding, so the payload would not be at its fixed place, or
    /// the batch's blobs come with bytes that nobody would read.
    error NonCanonicalInput(uint256 length, uint256 expected);
    /// @notice The batch was built for another place in the log.
    error BatchIndexMismatch(uint64 expected, uint64 got);
    /// @notice The batch was built on another history.
    error BatchAccMismatch(bytes32 expected, bytes32 got);
    /// @notice The batch was built against other queue entries than those enqueued.
    error DepositAccMismatch(bytes32 expected, bytes32 got);
    /// @notice The range ends before its start or beyond the queue.
    error DepositRangeInvalid(uint64 from, uint64 to, uint64 count);
    /// @notice The entries of the range are charged more gas than one batch may consume.
    error DepositGasExceeded(uint64 gas, uint64 max);
    /// @notice The range leaves out an entry that is overdue and would have fit.
    error OverdueEntrySkipped(uint64 index, uint64 time);
    /// @notice No entry is overdue, so none can be forced.
    error NothingOverdue(uint64 next, uint64 count);
    /// @notice The payload is longer than allowed, in bytes.
    error PayloadTooLong(uint256 length, uint256 max);
    /// @notice The transaction of a blob batch carries no blob.
    error NoBlobs();
    /// @notice The transaction of a blob batch carries more blobs than allowed.
    error TooManyBlobs(uint256 count, uint256 max);
    /// @notice The deposit's data is longer than allowed, in bytes.
    error DepositDataTooLong(uint256 length, uint256 max);
    /// @notice The deposit's gas limit is below what its data needs to start on L2.
    error DepositGasTooLow(uint64 gasLimit, uint64 min);
    /// @notice The deposit's gas limit is above what an L2 block can surely give it.
    error DepositGasTooHigh(uint64 gasLimit, uint64 max);
    /// @notice A creation names a recipient.
    error CreationHasRecipient(address to);
    /// @notice This L1 block's attributes are in the queue already.
    error AttributesAlreadyEnqueued(uint64 l1Number);
    /// @notice A number does not fit its width: the configuration is out of range.
    error ConfigOutOfRange();

    /// @notice Entry `index` was enqueued.
    /// @param index Number of the entry, from 0.
    /// @param kind  First byte of the entry: 0 deposit, 1 L1 attributes, 2 operator parameters.
    /// @param acc   Queue accumulator after the entry, `depositAcc(index + 1)`.
    /// @param entry The entry's bytes.
    /// @param data  Data of a deposit; empty for the other kinds.
    event EntryEnqueued(
        uint64 indexed index, uint8 indexed kind, bytes32 acc, bytes entry, bytes data
    );

    /// @notice Batch `index` was appended.
    /// @param index  Number of the batch, from 1.
    /// @param kind   Kind byte of its header: 0 calldata, 1 blobs, 2 forced.
    /// @param acc    Batch accumulator after it, `batchAcc(index)`.
    /// @param header The header's bytes.
    event BatchAppended(uint64 indexed index, uint8 indexed kind, bytes32 acc, bytes header);

    /// @notice Append a batch whose payload is in this transaction's input.
    /// @dev From the batcher only, straight and without code (also under EIP-7702), in canonical ABI
    /// encoding: the payload is the transaction's input from byte 228. Enqueues this L1 block's attributes
    /// behind the batch's range, unless they are enqueued already.
    /// @param expectedIndex        Number that the batch was built for.
    /// @param expectedPrevBatchAcc Batch accumulator that it was built on.
    /// @param depositTo            Queue entry after the last one that it consumes.
    /// @param expectedDepositAcc   Queue accumulator after `depositTo` entries that it was built on.
    /// @param claimedEndBlockHash  The batcher's word on the hash of its last block; not consensus.
    /// @param payload              The blocks, encoded as in SPEC.md, section 4.
    function appendBatch(
        uint64 expectedIndex,
        bytes32 expectedPrevBatchAcc,
        uint64 depositTo,
        bytes32 expectedDepositAcc,
        bytes32 claimedEndBlockHash,
        bytes calldata payload
    ) external;

    /// @notice Append a batch whose payload is in the blobs of this transaction, all of them, in their order.
    /// @dev From the batcher only, straight and without code, with an input of these five words and no more:
    /// so a transaction appends one batch, and its blobs belong to that batch alone. Enqueues this L1
    /// block's attributes as `appendBatch` does.
    /// @param expectedIndex        Number that the batch was built for.
    /// @param expectedPrevBatchAcc Batch accumulator that it was built on.
    /// @param depositTo            Queue entry after the last one that it consumes.
    /// @param expectedDepositAcc   Queue accumulator after `depositTo` entries that it was built on.
    /// @param claimedEndBlockHash  The batcher's word on the hash of its last block; not consensus.
    function appendBlobBatch(
        uint64 expectedIndex,
        bytes32 expectedPrevBatchAcc,
        uint64 depositTo,
        bytes32 expectedDepositAcc,
        bytes32 claimedEndBlockHash
    ) external;

    /// @notice Append a batch without payload that consumes the overdue entries. Open to anyone.
    /// @dev Consumes every overdue entry or as many as one batch may; call again for the rest.
    /// @return index Number of the batch.
    function forceInclude() external returns (uint64 index);

    /// @notice Enqueue a deposit; for the Portal.
    /// @param deposit What was ordered; paid for by the Portal's market.
    /// @param data    Data of the L2 call, or init code.
    /// @return index Number of the queue entry.
    function enqueueDeposit(DepositRequest calldata deposit, bytes calldata data)
        external
        returns (uint64 index);

    /// @notice Enqueue this L1 block's attributes. Open to anyone, once per L1 block.
    /// @return index Number of the queue entry.
    function enqueueL1Attributes() external returns (uint64 index);

    /// @notice Enqueue operator parameters and rotate the batcher; for the SystemConfig.
    /// @param params The parameters from now on.
    /// @return index Number of the queue entry.
    function enqueueOperatorParams(OperatorParams calldata params) external returns (uint64 index);

    /// @notice Number of batches.
    /// @return Count; the newest batch has this number.
    function batchCount() external view returns (uint64);

    /// @notice Batch accumulator after `index` batches.
    /// @param index Number of the batch, from 1; 0 for the empty log.
    /// @return Accumulator; zero for index 0 and for a batch that is not there.
    function batchAcc(uint64 index) external view returns (bytes32);

    /// @notice Number of queue entries.
    /// @return Count; the newest entry has this number less one.
    function depositCount() external view returns (uint64);

    /// @notice Queue accumulator after `count` entries.
    /// @param count Number of entries.
    /// @return Accumulator; zero for 0 and for entries that are not there.
    function depositAcc(uint64 count) external view returns (bytes32);

    /// @notice Gas charged for the first `count` entries, in L2 gas.
    /// @param count Number of entries.
    /// @return Cumulative charge; zero for 0 and for entries that are not there.
    function cumGas(uint64 count) external view returns (uint64);

    /// @notice L1 time at which entry `index` was enqueued, in seconds.
    /// @param index Number of the entry, from 0.
    /// @return Timestamp; zero for an entry that is not there.
    function entryTime(uint64 index) external view returns (uint64);

    /// @notice Number of the oldest entry that no batch consumed.
    /// @return Index; equal to `depositCount()` when all are consumed.
    function nextDeposit() external view returns (uint64);

    /// @notice Where the range of a forced batch would end now.
    /// @return depositTo Entry after the last one; equal to `nextDeposit()` when nothing is overdue.
    function forcedDepositTo() external view returns (uint64 depositTo);

    /// @notice Number of the L1 block whose attributes were enqueued last.
    /// @return L1 block number.
    function lastAttributesBlock() external view returns (uint64);

    /// @notice The account whose batches are accepted.
    /// @return Address.
    function batcher() external view returns (address);

    /// @notice The contract that enqueues deposits.
    /// @return Address.
    function portal() external view returns (address);

    /// @notice The contract that enqueues operator parameters.
    /// @return Address.
    function systemConfig() external view returns (address);

    /// @notice Gas limit of an L2 block.
    /// @return L2 gas.
    function blockGasLimit() external view returns (uint64);

    /// @notice Gas of the entries that one batch may consume.
    /// @return L2 gas.
    function batchDepositGas() external view returns (uint64);

    /// @notice Gas charge of an L1-attributes or operator-parameters entry.
    /// @return L2 gas.
    function systemEntryGas() external view returns (uint64);

    /// @notice Age after which an entry is overdue.
    /// @return Seconds.
    function forcedInclusionDelay() external view returns (uint64);

    /// @notice Longest payload of a calldata batch.
    /// @return Bytes.
    function maxPayloadBytes() external view returns (uint32);

    /// @notice Longest data of a deposit.
    /// @return Bytes.
    function maxDepositData() external view returns (uint32);

    /// @notice Most blobs of a blob batch.
    /// @return Count.
    function maxBlobs() external view returns (uint8);
}
