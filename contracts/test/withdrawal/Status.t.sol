// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IPortal} from "../../src/l1/IPortal.sol";
import {WithdrawalFixture} from "./WithdrawalFixture.sol";

contract StatusTest is WithdrawalFixture {
    IPortal.WithdrawalTransaction internal w;

    function setUp() public override {
        super.setUp();
        w = _withdrawal(0);
    }

    function _expect(address submitter, IPortal.WithdrawalStatus status, uint256 readyAt)
        internal
        view
    {
        (IPortal.WithdrawalStatus got, uint256 at) =
            portal.withdrawalStatus(_hashOf(w), submitter);
        assertEq(uint256(got), uint256(status), "status");
        assertEq(at, readyAt, "readyAt");
    }

    function test_status_throughALife_succeeds() public {
        _expect(ALICE, IPortal.WithdrawalStatus.UNPROVEN, 0);
        _prove(w, _proposeWith(w, 1), ALICE);
        _expect(ALICE, IPortal.WithdrawalStatus.WAITING, START + W + AIR_GAP);
        vm.warp(START + W + AIR_GAP - 1);
        _expect(ALICE, IPortal.WithdrawalStatus.WAITING, START + W + AIR_GAP);
        vm.warp(START + W + AIR_GAP);
        _expect(ALICE, IPortal.WithdrawalStatus.READY, START + W + AIR_GAP);
        portal.checkWithdrawal(_hashOf(w), ALICE);
        vm.prank(ALICE);
        portal.finalizeWithdrawalTransaction(w);
        _expect(ALICE, IPortal.WithdrawalStatus.FINALIZED, 0);
        vm.expectRevert(IPortal.OptimismPortal_AlreadyFinalized.selector);
        portal.checkWithdrawal(_hashOf(w), ALICE);
    }

    function test_status_matureLate_readyAtTheProofsTime_succeeds() public {
        Proof memory proof = _proposeWith(w, 1);
        vm.warp(START + 30 days);
        _prove(w, proof, ALICE);
        _expect(ALICE, IPortal.WithdrawalStatus.WAITING, START + 30 days + MATURITY);
        vm.warp(START + 30 days + MATURITY);
        _expect(ALICE, IPortal.WithdrawalStatus.READY, START + 30 days + MATURITY);
    }

    function test_status_fallenRoot_asksForAnotherProof() public {
        _prove(w, _proposeWith(w, 1), ALICE);
        _fell(_gameAt(0));
        _expect(ALICE, IPortal.WithdrawalStatus.REPROVE, 0);
        // What viem reads then: the proof, and that its game is over at once.
        vm.warp(block.timestamp + MATURITY);
        vm.expectRevert(IPortal.OptimismPortal_InvalidRootClaim.selector);
        portal.checkWithdrawal(_hashOf(w), ALICE);
        address game = address(_gameAt(0));
        assertTrue(registry.isGameProper(game) && registry.isGameRespected(game), "proper");
        assertTrue(registry.isGameFinalized(game), "over");
    }

    function test_status_contestedRoot_waitsForTheDecision() public {
        _prove(w, _proposeWith(w, 1), ALICE);
        _counterRoot(_gameAt(0));
        vm.warp(START + W + AIR_GAP + 5);
        // Decided now at best.
        _expect(ALICE, IPortal.WithdrawalStatus.WAITING, block.timestamp + AIR_GAP);
        vm.expectRevert(IPortal.OptimismPortal_InvalidRootClaim.selector);
        portal.checkWithdrawal(_hashOf(w), ALICE);
        assertTrue(!registry.isGameFinalized(address(_gameAt(0))), "not over");
    }

    function test_pitfall_b05_status_anothersProofs_worsenNothing() public {
        Proof memory good = _proposeWith(w, 1);
        _prove(w, good, ALICE);
        vm.warp(START + 3 days);
        // Somebody proves it again, against the same root and against a false one on top of the list.
        _prove(w, good, BOB);
        Proof memory bad = _proposeWith(w, 2);
        _prove(w, bad, BOB);
        _expect(ALICE, IPortal.WithdrawalStatus.WAITING, START + W + AIR_GAP);
        // viem asks for the last submitter.
        _expect(_last(), IPortal.WithdrawalStatus.WAITING, START + W + AIR_GAP);
        _fell(_gameAt(1));
        _expect(_last(), IPortal.WithdrawalStatus.WAITING, START + W + AIR_GAP);
        assertEq(portal.numProofSubmitters(_hashOf(w)), 2, "two games");
        assertEq(portal.proofSubmitters(_hashOf(w), 0), address(_gameAt(1)), "the rest of them");
    }

    function test_pitfall_b05_status_falseProofFirst_worsensNothing() public {
        // The false root is older, so its time comes first, but it falls.
        _prove(w, _proposeWith(w, 1), BOB);
        vm.warp(START + 1 hours);
        _prove(w, _proposeWith(w, 2), ALICE);
        _fell(_gameAt(0));
        _expect(_last(), IPortal.WithdrawalStatus.WAITING, START + 1 hours + W + AIR_GAP);
        vm.warp(START + 1 hours + W + AIR_GAP);
        portal.checkWithdrawal(_hashOf(w), _last());
    }

    function test_status_proverWhoMovesOn_leavesItsProof() public {
        Proof memory good = _proposeWith(w, 1);
        Proof memory bad = _proposeWith(w, 2);
        _prove(w, good, BOB);
        _prove(w, bad, BOB);
        _fell(_gameAt(1));
        _expect(BOB, IPortal.WithdrawalStatus.REPROVE, 0);
        vm.warp(START + W + AIR_GAP);
        _expect(_last(), IPortal.WithdrawalStatus.READY, START + W + AIR_GAP);
    }

    function _last() private view returns (address) {
        return portal.proofSubmitters(_hashOf(w), portal.numProofSubmitters(_hashOf(w)) - 1);
    }
}
