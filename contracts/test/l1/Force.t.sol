// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {IInbox} from "../../src/l1/IInbox.sol";

contract ForceTest is Fixture {
    function test_forceInclude_nothingQueued_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IInbox.NothingOverdue.selector, 0, 0));
        inbox.forceInclude();
    }

    function test_forceInclude_notYetOverdue_reverts() public {
        _deposit(100_000);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IInbox.NothingOverdue.selector, 0, 1));
        inbox.forceInclude();
    }

    function test_forceInclude_byAnyone_appendsHeaderWithoutPayload_succeeds() public {
        _deposit(100_000);
        vm.warp(block.timestamp + DELAY + 1);
        vm.recordLogs();
        vm.prank(ALICE);
        assertEq(inbox.forceInclude(), 1, "index");
        (bytes32 acc, bytes memory header) =
            abi.decode(vm.getRecordedLogs()[0].data, (bytes32, bytes));
        assertEq(header.length, 134, "header without content");
        assertEq(uint8(header[1]), 2, "kind");
        assertEq(acc, inbox.batchAcc(1), "accumulator");
        assertEq(inbox.nextDeposit(), 1, "consumed");
        assertEq(inbox.depositCount(), 1, "no attributes: anyone may enqueue them");
    }

    function test_forceInclude_leavesYoungEntries_succeeds() public {
        _deposit(100_000);
        vm.warp(block.timestamp + DELAY);
        _deposit(100_000);
        vm.warp(block.timestamp + 1);
        inbox.forceInclude();
        assertEq(inbox.nextDeposit(), 1, "the young one stays");
    }

    function test_rule_21_forceInclude_repeatedlyInOneL1Block_succeeds() public {
        _bigDeposits(12);
        vm.warp(block.timestamp + DELAY + 1);
        inbox.forceInclude();
        assertEq(inbox.nextDeposit(), 5, "as many as the cap allows");
        inbox.forceInclude();
        assertEq(inbox.nextDeposit(), 10, "again");
        inbox.forceInclude();
        assertEq(inbox.nextDeposit(), 12, "the rest");
        assertEq(inbox.batchCount(), 3, "batches");
        vm.expectRevert(abi.encodeWithSelector(IInbox.NothingOverdue.selector, 12, 12));
        inbox.forceInclude();
    }

    function test_rule_22_forceInclude_largestEntryAlwaysFits_succeeds() public {
        _enqueue(BLOCK_GAS - 1_000_000);
        vm.warp(block.timestamp + DELAY + 1);
        inbox.forceInclude();
        assertEq(inbox.nextDeposit(), 1, "consumed");
    }

    function test_rule_20_forceInclude_invalidatesPendingAppend_reverts() public {
        _deposit(100_000);
        vm.warp(block.timestamp + DELAY + 1);
        bytes memory pending = _appendInput(1, "");
        inbox.forceInclude();
        vm.expectRevert(abi.encodeWithSelector(IInbox.BatchIndexMismatch.selector, 1, 2));
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), pending);
    }

    function test_pitfall_b31_forceInclude_afterLongOutage_clearsTheQueue_succeeds() public {
        for (uint256 i = 0; i < 900; ++i) {
            _enqueue(250_000);
        }
        vm.warp(block.timestamp + 100 * DELAY);
        inbox.forceInclude();
        assertEq(inbox.nextDeposit(), 800, "800 of 250,000 gas fit");
        inbox.forceInclude();
        assertEq(inbox.nextDeposit(), 900, "all");
    }
}
