// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Create3} from "@openzeppelin/contracts/utils/Create3.sol";

/// @title Creates contracts at addresses that do not depend on their code
/// @notice L2's genesis names the messenger and the bridge on L1, and the contract that creates these two holds the
/// hash of that genesis. Their addresses must therefore be known before their code is: they follow from a salt.
/// @dev Open to anyone. Who takes a chain's salt before its deployment does stops that deployment, which then takes
/// another salt; nothing is deployed that its deployer did not make.
contract Create3Factory {
    /// @notice Create a contract.
    /// @param salt     Decides the address; not used before.
    /// @param initCode Creation code with arguments.
    /// @return Its address.
    function deploy(bytes32 salt, bytes calldata initCode) external returns (address) {
        return Create3.deploy(0, salt, initCode);
    }

    /// @notice Where the contract of a salt is or will be.
    /// @param salt The salt.
    /// @return Its address.
    function addressOf(bytes32 salt) external view returns (address) {
        return Create3.computeAddress(salt);
    }
}
