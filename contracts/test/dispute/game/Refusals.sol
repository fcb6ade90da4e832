// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GameFixture} from "./GameFixture.sol";
import {Wallet} from "./Wallet.sol";

/// @notice Checks that a call is refused with one exact error, sent by an account and by a contract wallet.
abstract contract Refusals is GameFixture {
    Wallet internal wallet;
    address internal account = address(0xacc);

    function setUp() public virtual override {
        super.setUp();
        wallet = new Wallet();
        vm.deal(address(wallet), 100 ether);
        vm.deal(account, 100 ether);
    }

    function refused(address target, uint256 value, bytes memory data, bytes memory err) internal {
        vm.prank(account, account);
        (bool ok, bytes memory got) = target.call{value: value}(data);
        assertTrue(!ok, "an account is refused");
        assertEq(keccak256(got), keccak256(err), "the error that an account sees");
        vm.prank(account, account);
        (ok, got) = wallet.execute(target, value, data);
        assertTrue(!ok, "a wallet is refused");
        assertEq(keccak256(got), keccak256(err), "the error that a wallet sees");
    }

    /// @dev For errors that name the sender.
    function refusedBy(address target, bytes memory data, bytes memory accountErr, bytes memory walletErr) internal {
        vm.prank(account, account);
        (bool ok, bytes memory got) = target.call(data);
        assertTrue(!ok && keccak256(got) == keccak256(accountErr), "an account is refused");
        (ok, got) = wallet.execute(target, 0, data);
        assertTrue(!ok && keccak256(got) == keccak256(walletErr), "a wallet is refused");
    }
}
