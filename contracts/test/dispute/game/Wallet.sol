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

    /// @notice Deploys a contract; where its constructor reverts, gives what it reverted with.
    function create(bytes memory creationCode) external returns (address place, bytes memory result) {
        assembly ("memory-safe") {
            place := create(0, add(creationCode, 0x20), mload(creationCode))
            result := mload(0x40)
            mstore(result, returndatasize())
            returndatacopy(add(result, 0x20), 0, returndatasize())
            mstore(0x40, add(add(result, 0x20), returndatasize()))
        }
    }
}
