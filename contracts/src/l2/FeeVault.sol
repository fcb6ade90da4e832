// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title FeeVault: where the protocol credits fees
/// @notice One at the SequencerFeeVault's address (tips), one at the BaseFeeVault's (base fees).
/// Fees only accumulate: NOTHING CAN BE WITHDRAWN YET, `withdraw` reverts with `WithdrawalsUnavailable`.
/// @dev The protocol credits the balance without a call, so this code never runs for a fee. At its
/// address from genesis, without a proxy.
contract FeeVault {
    /// @notice This version cannot pay fees out.
    error WithdrawalsUnavailable();

    /// @notice Take a plain transfer of ETH, as a gift to the operator.
    receive() external payable {}

    /// @notice Not available: reverts with `WithdrawalsUnavailable`.
    function withdraw() external pure {
        revert WithdrawalsUnavailable();
    }

    /// @notice Version of the interface.
    /// @return Semantic version.
    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}
