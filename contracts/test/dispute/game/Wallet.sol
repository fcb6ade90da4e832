// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A contract wallet: passes calls on, and takes or refuses ether.
contract Wallet {
    bool public isClosed;

    receive() external payable {
        require(!isClosed);
    }

    function setClosed(bool closed) external {
        isClosed = closed;
    }

    function execute(address target, uint256 value, bytes calldata data)
        external
        returns (bool ok, bytes memory result)
    {
        (ok, result) = target.call{value: value}(data);
    }
}
