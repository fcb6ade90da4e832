// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ProxyAdmin} from "@openzeppelin/contracts/proxy/transparent/ProxyAdmin.sol";
import {
    ITransparentUpgradeableProxy
} from "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {DisputeGame} from "../../src/dispute/game/DisputeGame.sol";
import {GameConfig} from "../../src/dispute/game/Types.sol";
import {IPortal} from "../../src/l1/IPortal.sol";
import {Portal} from "../../src/l1/Portal.sol";
import {WithdrawalFixture} from "./WithdrawalFixture.sol";

/// @notice Upgrades while withdrawals and disputes are under way.
contract UpgradeTest is WithdrawalFixture {
    bytes32 private constant ADMIN_SLOT =
        0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103;

    function _upgrade(Portal.Config memory config) private {
        ProxyAdmin admin =
            ProxyAdmin(address(uint160(uint256(vm.load(address(portal), ADMIN_SLOT)))));
        address next = address(new Portal(config));
        vm.expectRevert();
        admin.upgradeAndCall(ITransparentUpgradeableProxy(address(portal)), next, "");
        vm.prank(TIMELOCK);
        admin.upgradeAndCall(ITransparentUpgradeableProxy(address(portal)), next, "");
    }

    function test_rule_44_upgrade_ofThePortal_keepsProofsAndPayments_succeeds() public {
        IPortal.WithdrawalTransaction memory paid = _withdrawal(0);
        IPortal.WithdrawalTransaction memory waiting = _withdrawal(1);
        _prove(paid, _proposeWith(paid, 1), ALICE);
        _passAll();
        vm.prank(ALICE);
        portal.finalizeWithdrawalTransaction(paid);
        _prove(waiting, _proposeWith(waiting, 2), ALICE);
        Portal.Config memory config = _portalConfig();
        config.proofMaturityDelay = 2 days;
        _upgrade(config);
        assertEq(portal.proofMaturityDelaySeconds(), 2 days, "upgraded");
        assertEq(address(portal.anchorStateRegistry()), address(registry), "registry");
        assertEq(portal.inbox(), address(log), "inbox");
        assertEq(portal.guardian(), GUARDIAN, "guardian");
        assertTrue(portal.finalizedWithdrawals(_hashOf(paid)), "paid");
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        portal.initialize(ALICE, registry, ALICE, ALICE);
        _passAll();
        vm.prank(ALICE);
        vm.expectRevert(IPortal.OptimismPortal_AlreadyFinalized.selector);
        portal.finalizeWithdrawalTransaction(paid);
        vm.prank(ALICE);
        portal.finalizeWithdrawalTransaction(waiting);
        assertEq(BOB.balance, 2 ether, "both");
    }

    function test_rule_44_newGameCode_leavesGamesUnderWayAlone_succeeds() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        _prove(w, _proposeWith(w, 1), ALICE);
        GameConfig memory config = config();
        config.imageRoot = keccak256("next image");
        config.maxClock = W * 2;
        factory.setImplementation(TYPE, address(new DisputeGame(config)));
        IPortal.WithdrawalTransaction memory other = _withdrawal(1);
        _prove(other, _proposeWith(other, 2), ALICE);
        (, uint256 first) = portal.withdrawalStatus(_hashOf(w), ALICE);
        (, uint256 second) = portal.withdrawalStatus(_hashOf(other), ALICE);
        assertEq(first, START + W + AIR_GAP, "by the clock it began with");
        assertEq(second, START + 2 * W + AIR_GAP, "by the new one");
        vm.warp(first);
        vm.prank(ALICE);
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_rule_44_upgradeInDispute_endsAsItMust_succeeds() public {
        // A root in dispute falls under the code it began with, and what was proven against it is proven again.
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        _prove(w, _proposeWith(w, 1), ALICE);
        _counterRoot(_gameAt(0));
        factory.setImplementation(TYPE, address(new DisputeGame(config())));
        _upgrade(_portalConfig());
        vm.warp(START + W + AIR_GAP);
        vm.prank(ALICE);
        vm.expectRevert(IPortal.OptimismPortal_InvalidRootClaim.selector);
        portal.finalizeWithdrawalTransaction(w);
        _prove(w, _proposeWith(w, 2), ALICE);
        _passAll();
        vm.prank(ALICE);
        portal.finalizeWithdrawalTransaction(w);
        assertEq(BOB.balance, 1 ether, "paid");
    }
}
