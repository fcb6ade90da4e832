// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IPortal} from "../../src/l1/IPortal.sol";
import {Portal} from "../../src/l1/Portal.sol";
import {WithdrawalFixture} from "./WithdrawalFixture.sol";

contract PauseTest is WithdrawalFixture {
    IPortal.WithdrawalTransaction internal w;

    function setUp() public override {
        super.setUp();
        w = _withdrawal(0);
        _prove(w, _proposeWith(w, 1), ALICE);
        _passAll();
    }

    function _pause() private {
        vm.prank(GUARDIAN);
        portal.pause();
    }

    function test_rule_39_pause_stopsFinalisation_andEndsByItself_succeeds() public {
        _pause();
        uint256 end = block.timestamp + MAX_PAUSE;
        assertEq(portal.pausedUntil(), end, "end");
        vm.warp(end - 1);
        vm.prank(ALICE);
        vm.expectRevert(IPortal.OptimismPortal_CallPaused.selector);
        portal.finalizeWithdrawalTransaction(w);
        (IPortal.WithdrawalStatus status, uint256 readyAt) =
            portal.withdrawalStatus(_hashOf(w), ALICE);
        assertEq(uint256(status), uint256(IPortal.WithdrawalStatus.PAUSED), "paused");
        assertEq(readyAt, end, "until then");
        vm.warp(end);
        vm.prank(ALICE);
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_rule_39_pause_again_onlyAfterTheInterval() public {
        _pause();
        uint256 next = block.timestamp + PAUSE_INTERVAL;
        vm.prank(GUARDIAN);
        portal.unpause();
        vm.warp(next - 1);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(IPortal.PauseTooSoon.selector, next));
        portal.pause();
        vm.warp(next);
        _pause();
        assertTrue(portal.paused(), "paused");
    }

    function test_unpause_endsIt_succeeds() public {
        _pause();
        vm.prank(GUARDIAN);
        portal.unpause();
        vm.prank(ALICE);
        portal.finalizeWithdrawalTransaction(w);
        vm.prank(GUARDIAN);
        vm.expectRevert(IPortal.NotPaused.selector);
        portal.unpause();
    }

    function test_pause_byAnother_reverts() public {
        bytes memory refusal =
            abi.encodeWithSelector(IPortal.Unauthorized.selector, ALICE, GUARDIAN);
        vm.prank(ALICE);
        vm.expectRevert(refusal);
        portal.pause();
        _pause();
        vm.prank(ALICE);
        vm.expectRevert(refusal);
        portal.unpause();
        vm.prank(GUARDIAN);
        vm.expectRevert(
            abi.encodeWithSelector(IPortal.Unauthorized.selector, GUARDIAN, TIMELOCK)
        );
        portal.setGuardian(ALICE);
    }

    function test_setGuardian_byTheTimelock_succeeds() public {
        vm.prank(TIMELOCK);
        portal.setGuardian(BOB);
        vm.prank(BOB);
        portal.pause();
        assertEq(portal.guardian(), BOB, "handed over");
    }

    function test_pause_leavesDepositsOpen_succeeds() public {
        _pause();
        vm.deal(ALICE, 1 ether);
        vm.prank(ALICE, ALICE);
        portal.depositTransaction{value: 1 ether}(ALICE, 1 ether, 100_000, false, "");
        assertEq(log.depositCount(), 1, "deposited");
    }

    function test_config_outOfRange_reverts() public {
        Portal.Config memory config = _portalConfig();
        config.pauseInterval = 2 * MAX_PAUSE;
        vm.expectRevert(IPortal.ConfigOutOfRange.selector);
        new Portal(config);
        config = _portalConfig();
        config.maxPause = 0;
        vm.expectRevert(IPortal.ConfigOutOfRange.selector);
        new Portal(config);
        config = _portalConfig();
        config.proofMaturityDelay = 2 ** 33;
        vm.expectRevert(IPortal.ConfigOutOfRange.selector);
        new Portal(config);
    }
}
