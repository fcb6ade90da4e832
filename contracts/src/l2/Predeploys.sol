// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Addresses that L2 holds from its genesis
/// @notice SPEC.md, sections 5 and 6; those of the OP Stack where it has the same contract.
library Predeploys {
    /// @notice Sender of system transactions; nobody has its key.
    address internal constant DEPOSITOR = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;
    /// @notice State of the rollup that its protocol reads.
    address internal constant ROLLUP_STATE = 0x4200000000000000000000000000000000000800;
    /// @notice Newest L1 attributes.
    address internal constant L1_BLOCK = 0x4200000000000000000000000000000000000015;
    /// @notice Code of the representations of L1's tokens.
    address internal constant BRIDGED_ERC20 = 0x4200000000000000000000000000000000000801;
    /// @notice Messages between the layers that can be retried.
    address internal constant L2_CROSS_DOMAIN_MESSENGER = 0x4200000000000000000000000000000000000007;
    /// @notice Bridge for ETH and ERC-20 tokens.
    address internal constant L2_STANDARD_BRIDGE = 0x4200000000000000000000000000000000000010;
    /// @notice Messages to L1.
    address internal constant L2_TO_L1_MESSAGE_PASSER = 0x4200000000000000000000000000000000000016;
    /// @notice Tips; the beneficiary of every block.
    address internal constant SEQUENCER_FEE_VAULT = 0x4200000000000000000000000000000000000011;
    /// @notice Base fees.
    address internal constant BASE_FEE_VAULT = 0x4200000000000000000000000000000000000019;
}
