// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IPortal} from "../../src/l1/IPortal.sol";
import {WithdrawalFixture} from "./WithdrawalFixture.sol";

contract FinalizeTest is WithdrawalFixture {
    event WithdrawalFinalized(bytes32 indexed withdrawalHash, bool success);

    function test_withdrawal_provenAndMatured_isPaid_succeeds() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory proof = _proposeWith(w, 1);
        _prove(w, proof, ALICE);
        _passAll();
        vm.expectEmit(true, true, true, true, address(portal));
        emit WithdrawalFinalized(_hashOf(w), true);
        vm.prank(ALICE);
        portal.finalizeWithdrawalTransaction(w);
        assertEq(BOB.balance, 1 ether, "paid");
        assertTrue(portal.finalizedWithdrawals(_hashOf(w)), "once");
    }
}
