// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Aliasing of L1 contracts
/// @notice A contract on L1 acts on L2 under another address than its own, or it could act for a
/// different contract that holds the same address there. An account with a key acts as itself.
library Aliasing {
    /// @notice What is added to the address of an L1 contract, modulo 2^160.
    uint160 internal constant OFFSET = uint160(0x1111000000000000000000000000000000001111);

    /// @notice Address on L2 of the L1 contract at `l1Address`.
    /// @param l1Address Contract on L1.
    /// @return Its alias.
    function applyAlias(address l1Address) internal pure returns (address) {
        unchecked {
            // Wraps modulo 2^160 on purpose.
            return address(uint160(l1Address) + OFFSET);
        }
    }

    /// @notice The address under which the caller acts on L2.
    /// @dev The caller has a key if it signed this transaction, or if its code is an EIP-7702 delegation
    /// (EIP-3541 keeps contracts from having such code). A caller without code that did not sign is a
    /// contract under construction: its address says nothing of who controls it on L2.
    /// @return The caller, aliased unless it has a key.
    function l2Sender() internal view returns (address) {
        return callerHasKey() ? msg.sender : applyAlias(msg.sender);
    }

    /// @notice Whether the caller is an account with a key: its address belongs to the same owner on both layers.
    /// @return True if it signed this transaction or its code is an EIP-7702 delegation.
    function callerHasKey() internal view returns (bool) {
        return msg.sender == tx.origin || isDelegated(msg.sender);
    }

    /// @notice Whether the code of `account` is an EIP-7702 delegation.
    /// @param account Account to look at.
    /// @return True for 23 bytes that begin with `0xef0100`.
    function isDelegated(address account) internal view returns (bool) {
        return account.code.length == 23 && bytes3(account.code) == 0xef0100;
    }
}
