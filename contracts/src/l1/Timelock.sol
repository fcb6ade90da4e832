// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Timelock
/// @notice Owner of everything that can be upgraded: announces a change, waits, lets it happen.
/// @dev OpenZeppelin's, without an extra admin: roles change through the timelock itself.
contract Timelock is TimelockController {
    /// @param minDelay  Seconds between announcement and execution.
    /// @param proposers Accounts that announce and cancel.
    /// @param executors Accounts that execute; the zero address opens it to anyone.
    constructor(uint256 minDelay, address[] memory proposers, address[] memory executors)
        TimelockController(minDelay, proposers, executors, address(0))
    {}
}
