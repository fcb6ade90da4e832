// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInboxView} from "../../../src/dispute/game/IInboxView.sol";

/// @notice An Inbox of any number of batches whose accumulators cost one hash.
contract ToyInbox is IInboxView {
    uint64 public batchCount;

    function setCount(uint64 count) external {
        batchCount = count;
    }

    function batchAcc(uint64 index) external view returns (bytes32) {
        return index > batchCount ? bytes32(0) : keccak256(abi.encode("batch", index));
    }
}
