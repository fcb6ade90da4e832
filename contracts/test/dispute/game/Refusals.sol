// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
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

    /// @dev For errors of constructors.
    function refusedCreation(bytes memory creationCode, bytes memory err) internal {
        (address place, bytes memory got) = wallet.create(creationCode);
        assertTrue(place == address(0), "a wallet is refused");
        assertEq(keccak256(got), keccak256(err), "the error that a wallet sees");
        vm.prank(account, account);
        assembly ("memory-safe") {
            place := create(0, add(creationCode, 0x20), mload(creationCode))
            got := mload(0x40)
            mstore(got, returndatasize())
            returndatacopy(add(got, 0x20), 0, returndatasize())
            mstore(0x40, add(add(got, 0x20), returndatasize()))
        }
        assertTrue(place == address(0), "an account is refused");
        assertEq(keccak256(got), keccak256(err), "the error that an account sees");
    }

    /// @dev For errors that only an owner gets to: an account and a wallet, each the owner of a contract of its own.
    function refusedOwner(Ownable ofAccount, Ownable ofWallet, bytes memory data, bytes memory err) internal {
        assertTrue(ofAccount.owner() == account && ofWallet.owner() == address(wallet), "two owners");
        vm.prank(account, account);
        (bool ok, bytes memory got) = address(ofAccount).call(data);
        assertTrue(!ok && keccak256(got) == keccak256(err), "an account is refused");
        (ok, got) = wallet.execute(address(ofWallet), 0, data);
        assertTrue(!ok && keccak256(got) == keccak256(err), "a wallet is refused");
    }
}
