// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Calls that are given the gas they were promised
/// @notice Whoever relays a message chooses the gas of the transaction. Without a check before the call they could
/// let it fail for want of gas and have it counted as delivered.
library GasBoundCall {
    /// @dev What the call itself costs before its target runs: a cold account, a value, a new account, and slack.
    uint256 private constant CALL_OVERHEAD = 40_000;

    /// @notice Whether a call made now, by `call` with the same reserve, gives its target at least `minGas`.
    /// @dev EIP-150: a call passes on at most 63/64 of what is left after its own cost.
    /// @param minGas  Gas that the target must have.
    /// @param reserve Gas to keep for what follows the call.
    /// @return True if there is enough.
    function hasGas(uint256 minGas, uint256 reserve) internal view returns (bool) {
        // Bound: a limit beyond 64 bits is never met, and below it nothing overflows.
        if (minGas > type(uint64).max) return false;
        return gasleft() * 63 >= minGas * 64 + 63 * (CALL_OVERHEAD + reserve);
    }

    /// @notice Call with all the gas but a reserve, and do not look at what comes back.
    /// @dev A target that returns megabytes costs its caller nothing. The caller has asked `hasGas`.
    /// @param target  Whom to call.
    /// @param value   Wei to send.
    /// @param data    Data of the call.
    /// @param reserve Gas to keep for what follows the call.
    /// @return success Whether the call did not revert.
    function call(address target, uint256 value, bytes memory data, uint256 reserve)
        internal
        returns (bool success)
    {
        uint256 gasLimit = gasleft() > reserve ? gasleft() - reserve : 0;
        assembly ("memory-safe") {
            success := call(gasLimit, target, value, add(data, 32), mload(data), 0, 0)
        }
    }
}
