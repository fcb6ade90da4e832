// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What a dispute game reads of the Inbox
/// @dev Both values are append-only: no upgrade may rewrite an accumulator, because running games read them.
interface IInboxView {
    /// @notice Number of batches appended; the newest batch has this index.
    /// @return count Batches, from 0 for an empty Inbox.
    function batchCount() external view returns (uint64 count);

    /// @notice Accumulator after a batch.
    /// @param index Batch index; 0 gives the genesis accumulator.
    /// @return acc  Accumulator over the headers of batches 1 to `index`.
    function batchAcc(uint64 index) external view returns (bytes32 acc);
}
