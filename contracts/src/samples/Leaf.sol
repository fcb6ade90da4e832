// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Leaf: a contract that can be created, called and destroyed
contract Leaf {
    /// @notice Its creator.
    address public immutable root = msg.sender;

    constructor() payable {}

    /// @notice Destroys itself in favour of `heir`; only what was created in the same transaction goes.
    /// @param heir Who gets the ETH.
    function end(address payable heir) external {
        selfdestruct(heir);
    }
}
