// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IPortal} from "../../src/l1/IPortal.sol";
import {WithdrawalFixture} from "./WithdrawalFixture.sol";

/// @notice Target of withdrawals: breaks, notes its gas, or finalises another one.
contract Payee {
    IPortal private immutable _portal;
    bool public isBroken;
    uint256 public got;
    uint256 public gasAtStart;
    address public sender;
    bytes private _inner;

    constructor(IPortal portal) {
        _portal = portal;
    }

    function setBroken(bool broken) external {
        isBroken = broken;
    }

    function setInner(bytes calldata call) external {
        _inner = call;
    }

    receive() external payable {
        gasAtStart = gasleft();
        require(!isBroken, "broken");
        got += msg.value;
        if (_inner.length == 0) {
            sender = _portal.l2Sender();
            return;
        }
        bytes memory inner = _inner;
        _inner = "";
        (bool ok,) = address(_portal).call(inner);
        require(ok, "inner");
        sender = _portal.l2Sender();
    }
}

/// @notice Returns a megabyte.
contract Bomb {
    fallback() external payable {
        assembly {
            return(0, 1000000)
        }
    }
}

contract FinalizeTest is WithdrawalFixture {
    event WithdrawalFinalized(bytes32 indexed withdrawalHash, bool success);

    Payee internal payee;

    function setUp() public override {
        super.setUp();
        payee = new Payee(portal);
    }

    /// @dev A withdrawal to the payee, proven by Alice.
    function _proven(uint256 index) internal returns (IPortal.WithdrawalTransaction memory w) {
        w = _withdrawal(index);
        w.target = address(payee);
        _prove(w, _proposeWith(w, uint64(1 + index)), ALICE);
    }

    function _finalize(IPortal.WithdrawalTransaction memory w) internal {
        vm.prank(ALICE);
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_withdrawal_provenAndMatured_isPaid_succeeds() public {
        IPortal.WithdrawalTransaction memory w = _proven(0);
        _passAll();
        vm.expectEmit(true, true, true, true, address(portal));
        emit WithdrawalFinalized(_hashOf(w), true);
        _finalize(w);
        assertEq(payee.got(), 1 ether, "paid");
        assertEq(payee.sender(), ALICE, "in its sender's name");
        assertEq(portal.l2Sender(), address(0xdead), "and nobody's afterwards");
        assertTrue(portal.finalizedWithdrawals(_hashOf(w)), "once");
    }

    function test_finalize_twice_reverts() public {
        IPortal.WithdrawalTransaction memory w = _proven(0);
        _passAll();
        _finalize(w);
        vm.expectRevert(IPortal.OptimismPortal_AlreadyFinalized.selector);
        _finalize(w);
    }

    function test_finalize_unproven_reverts() public {
        IPortal.WithdrawalTransaction memory w = _proven(0);
        _passAll();
        vm.prank(BOB);
        vm.expectRevert(IPortal.OptimismPortal_Unproven.selector);
        portal.finalizeWithdrawalTransaction(w);
        w.value += 1;
        vm.expectRevert(IPortal.OptimismPortal_Unproven.selector);
        _finalize(w);
    }

    function test_rule_43_finalize_byAnyonesProof_succeeds() public {
        IPortal.WithdrawalTransaction memory w = _proven(0);
        _passAll();
        vm.prank(BOB);
        portal.finalizeWithdrawalTransactionExternalProof(w, ALICE);
        assertEq(payee.got(), 1 ether, "paid");
    }

    function test_finalize_namingTheGameAsSubmitter_succeeds() public {
        IPortal.WithdrawalTransaction memory w = _proven(0);
        _passAll();
        vm.prank(BOB);
        portal.finalizeWithdrawalTransactionExternalProof(w, address(_gameAt(0)));
        assertEq(payee.got(), 1 ether, "paid");
    }

    function test_finalize_beforeMaturity_reverts() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory proof = _proposeWith(w, 1);
        vm.warp(block.timestamp + W + AIR_GAP);
        _prove(w, proof, ALICE);
        vm.warp(block.timestamp + MATURITY - 1);
        vm.expectRevert(IPortal.OptimismPortal_ProofNotOldEnough.selector);
        _finalize(w);
        vm.warp(block.timestamp + 1);
        _finalize(w);
    }

    function test_rule_43_finalize_uncontestedRoot_needsNoDecision_atItsTime_succeeds() public {
        IPortal.WithdrawalTransaction memory w = _proven(0);
        vm.warp(START + W + AIR_GAP - 1);
        vm.expectRevert(IPortal.OptimismPortal_InvalidRootClaim.selector);
        _finalize(w);
        vm.warp(START + W + AIR_GAP);
        _finalize(w);
        assertEq(payee.got(), 1 ether, "nobody had to resolve the game");
    }

    function test_rule_43_finalize_lateDecision_delaysNothing_succeeds() public {
        IPortal.WithdrawalTransaction memory w = _proven(0);
        vm.warp(START + W + AIR_GAP - 1);
        _gameAt(0).resolve();
        vm.warp(START + W + AIR_GAP);
        _finalize(w);
    }

    function test_finalize_fallenRoot_reverts_thenAnotherProofPays() public {
        IPortal.WithdrawalTransaction memory w = _proven(0);
        _fell(_gameAt(0));
        _passAll();
        vm.expectRevert(IPortal.OptimismPortal_InvalidRootClaim.selector);
        _finalize(w);
        _prove(w, _proposeWith(w, 9), ALICE);
        _passAll();
        _finalize(w);
        assertEq(payee.got(), 1 ether, "proven again");
    }

    function test_rule_15_finalize_whileContradictionStands_reverts() public {
        IPortal.WithdrawalTransaction memory w = _proven(0);
        _proposeWith(_withdrawal(7), 1);
        vm.warp(block.timestamp + W);
        _gameAt(0).resolve();
        _gameAt(1).resolve();
        registry.contradiction(address(_gameAt(0)), address(_gameAt(1)));
        _passAll();
        vm.expectRevert(IPortal.OptimismPortal_InvalidRootClaim.selector);
        _finalize(w);
        (IPortal.WithdrawalStatus status, uint256 readyAt) =
            portal.withdrawalStatus(_hashOf(w), ALICE);
        assertEq(uint256(status), uint256(IPortal.WithdrawalStatus.STOPPED), "stopped");
        assertEq(readyAt, type(uint256).max, "nobody knows");
        assertTrue(!registry.isGameFinalized(address(_gameAt(0))), "viem shows it as waiting");
    }

    function test_withdrawal_targetThatReverts_changesNothing_thenSucceeds() public {
        IPortal.WithdrawalTransaction memory w = _proven(0);
        _passAll();
        payee.setBroken(true);
        vm.expectRevert(abi.encodeWithSelector(IPortal.WithdrawalCallFailed.selector, _hashOf(w)));
        _finalize(w);
        assertTrue(!portal.finalizedWithdrawals(_hashOf(w)), "not paid");
        payee.setBroken(false);
        _finalize(w);
        assertEq(payee.got(), 1 ether, "retried");
    }

    function test_pitfall_b03_withdrawal_finalisingAnother_paysBoth_succeeds() public {
        IPortal.WithdrawalTransaction memory first = _proven(0);
        IPortal.WithdrawalTransaction memory second = _withdrawal(1);
        second.target = address(payee);
        second.sender = BOB;
        _prove(second, _proposeWith(second, 2), ALICE);
        _passAll();
        payee.setInner(
            abi.encodeCall(portal.finalizeWithdrawalTransactionExternalProof, (second, ALICE))
        );
        _finalize(first);
        assertEq(payee.got(), 2 ether, "both");
        assertEq(payee.sender(), ALICE, "the outer sender is back");
    }

    function test_withdrawal_finalisingItself_reverts() public {
        IPortal.WithdrawalTransaction memory w = _proven(0);
        _passAll();
        payee.setInner(
            abi.encodeCall(portal.finalizeWithdrawalTransactionExternalProof, (w, ALICE))
        );
        vm.expectRevert(abi.encodeWithSelector(IPortal.WithdrawalCallFailed.selector, _hashOf(w)));
        _finalize(w);
    }

    function test_withdrawal_targetReturningMuch_isPaid_succeeds() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        w.target = address(new Bomb());
        w.gasLimit = 3_000_000;
        _prove(w, _proposeWith(w, 1), ALICE);
        _passAll();
        vm.prank(ALICE);
        (bool ok,) = address(portal).call{gas: 4_000_000}(
            abi.encodeCall(portal.finalizeWithdrawalTransaction, (w))
        );
        assertTrue(ok, "its return is not copied");
    }

    /// @notice With any gas, finalisation gives the target what it was promised or changes nothing.
    function testFuzz_pitfall_b02_finalize_starved_losesNothing(uint256 given, uint256 promised)
        public
    {
        promised = bound(promised, 30_000, 3_000_000);
        given = bound(given, 30_000, 4_000_000);
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        w.target = address(payee);
        w.gasLimit = promised;
        _prove(w, _proposeWith(w, 1), ALICE);
        _passAll();
        vm.prank(BOB);
        (bool ok,) = address(portal).call{gas: given}(
            abi.encodeCall(portal.finalizeWithdrawalTransactionExternalProof, (w, ALICE))
        );
        if (ok) {
            // Some gas goes before the target's first instruction is counted; 2,300 come with the value.
            assertLe(promised, payee.gasAtStart() + 500, "as promised");
        } else {
            assertTrue(!portal.finalizedWithdrawals(_hashOf(w)), "untouched");
            _finalize(w);
        }
        assertEq(payee.got(), 1 ether, "paid");
    }

    function test_finalize_withTooLittleGas_saysSo_reverts() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        w.target = address(payee);
        w.gasLimit = 1_000_000;
        _prove(w, _proposeWith(w, 1), ALICE);
        _passAll();
        vm.prank(ALICE);
        (bool ok, bytes memory reason) = address(portal).call{gas: 900_000}(
            abi.encodeCall(portal.finalizeWithdrawalTransaction, (w))
        );
        assertTrue(!ok, "refused");
        assertEq(
            bytes32(bytes4(reason)), bytes32(IPortal.WithdrawalGasTooLow.selector), "by its name"
        );
    }

    function test_donateETH_makesNoDeposit_succeeds() public {
        vm.deal(ALICE, 1 ether);
        uint256 before = address(portal).balance;
        vm.prank(ALICE);
        portal.donateETH{value: 1 ether}();
        assertEq(address(portal).balance, before + 1 ether, "given");
        assertEq(log.depositCount(), 0, "no deposit");
    }
}
