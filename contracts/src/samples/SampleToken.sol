// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title SampleToken: an ERC-20 that anyone may mint
/// @notice For tests and for the load generator; worth nothing.
contract SampleToken is ERC20 {
    constructor() ERC20("Sample", "SMPL") {}

    /// @notice Mints the same amount to each of `holders`.
    /// @param holders Who receives tokens.
    /// @param amount  Smallest units of the token for each.
    function mint(address[] calldata holders, uint256 amount) external {
        for (uint256 i = 0; i < holders.length; ++i) {
            _mint(holders[i], amount);
        }
    }
}
