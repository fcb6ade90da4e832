// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {IInbox} from "../../src/l1/IInbox.sol";

/// @notice Sends a batch from within a call.
contract Relay {
    function relay(address target, bytes calldata input) external {
        (bool ok, bytes memory reason) = target.call(input);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
    }
}

contract AppendTest is Fixture {
    function test_appendBatch_consumesQueueAndEnqueuesAttributes_succeeds() public {
        _deposit(100_000);
        _append(1, "payload");
        assertEq(inbox.batchCount(), 1, "batches");
        assertEq(inbox.nextDeposit(), 1, "next");
        assertEq(inbox.depositCount(), 2, "attributes behind the range");
        assertEq(inbox.cumGas(1), 100_000, "charge of the deposit");
        assertEq(inbox.cumGas(2), 100_000 + SYSTEM_GAS, "charge of the attributes");
        assertEq(inbox.lastAttributesBlock(), block.number, "attributes of this block");
    }

    function test_appendBatch_twiceInOneL1Block_enqueuesAttributesOnce_succeeds() public {
        _append(0, "one");
        _append(1, "two");
        assertEq(inbox.batchCount(), 2, "batches");
        assertEq(inbox.depositCount(), 1, "one entry per L1 block");
    }

    function test_rule_25_appendBatch_headerIsEmittedInFull_succeeds() public {
        _deposit(100_000);
        vm.recordLogs();
        _append(1, "payload");
        (bytes32 acc, bytes memory header) =
            abi.decode(vm.getRecordedLogs()[0].data, (bytes32, bytes));
        bytes32 content = keccak256(abi.encodePacked(keccak256("payload")));
        bytes memory place =
            abi.encodePacked(uint64(1), uint64(block.number), uint64(block.timestamp));
        bytes memory range =
            abi.encodePacked(uint64(0), uint64(1), inbox.depositAcc(1), END, content, uint32(7));
        bytes memory expected = abi.encodePacked(
            uint8(1), uint8(0), address(inbox), uint64(block.chainid), place, range
        );
        assertEq(header.length, 170, "length");
        assertEq(keccak256(header), keccak256(expected), "header");
        assertEq(acc, inbox.batchAcc(1), "accumulator");
        assertEq(acc, keccak256(abi.encodePacked(bytes32(0), keccak256(expected))), "from zero");
    }

    function test_rule_02_appendBatch_throughContract_reverts() public {
        Relay relay = new Relay();
        vm.prank(OPERATOR);
        systemConfig.setBatcher(address(relay));
        bytes memory input = _appendInput(0, "");
        vm.expectRevert(
            abi.encodeWithSelector(
                IInbox.BatcherNotPlainAccount.selector, address(relay), tx.origin
            )
        );
        relay.relay(address(inbox), input);
    }

    function test_rule_02_appendBatch_fromDelegatedBatcher_reverts() public {
        vm.etch(BATCHER, abi.encodePacked(hex"ef0100", address(this)));
        bytes memory input = _appendInput(0, "");
        vm.expectRevert(
            abi.encodeWithSelector(IInbox.BatcherNotPlainAccount.selector, BATCHER, BATCHER)
        );
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }

    function test_appendBatch_byAnother_reverts() public {
        bytes memory input = _appendInput(0, "");
        vm.expectRevert(abi.encodeWithSelector(IInbox.Unauthorized.selector, ALICE, BATCHER));
        vm.prank(ALICE, ALICE);
        _call(address(inbox), input);
    }

    function test_rule_20_appendBatch_withOtherIndex_reverts() public {
        _append(0, "");
        vm.expectRevert(abi.encodeWithSelector(IInbox.BatchIndexMismatch.selector, 1, 2));
        vm.prank(BATCHER, BATCHER);
        inbox.appendBatch(1, bytes32(0), 0, bytes32(0), END, "");
    }

    function test_rule_20_appendBatch_onOtherHistory_reverts() public {
        _append(0, "");
        bytes32 acc = inbox.batchAcc(1);
        vm.expectRevert(abi.encodeWithSelector(IInbox.BatchAccMismatch.selector, bytes32(0), acc));
        vm.prank(BATCHER, BATCHER);
        inbox.appendBatch(2, bytes32(0), 0, bytes32(0), END, "");
    }

    function test_rule_20_appendBatch_onOtherQueue_reverts() public {
        _deposit(100_000);
        bytes32 acc = inbox.depositAcc(1);
        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositAccMismatch.selector, END, acc));
        vm.prank(BATCHER, BATCHER);
        inbox.appendBatch(1, bytes32(0), 1, END, END, "");
    }

    function test_appendBatch_beyondOrBeforeTheQueue_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositRangeInvalid.selector, 0, 1, 0));
        vm.prank(BATCHER, BATCHER);
        inbox.appendBatch(1, bytes32(0), 1, bytes32(0), END, "");
        _deposit(100_000);
        _append(1, "");
        bytes memory input = _appendInput(0, "");
        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositRangeInvalid.selector, 1, 0, 2));
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }

    function test_rule_21_appendBatch_overdueEntryLeftOut_reverts() public {
        _deposit(100_000);
        uint64 time = uint64(block.timestamp);
        vm.warp(time + DELAY);
        _append(0, "not overdue yet");
        vm.warp(time + DELAY + 1);
        bytes memory input = _appendInput(0, "");
        vm.expectRevert(abi.encodeWithSelector(IInbox.OverdueEntrySkipped.selector, 0, time));
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
        _append(1, "");
        assertEq(inbox.nextDeposit(), 1, "consumed");
    }

    function test_rule_21_appendBatch_moreOverdueThanFits_succeeds() public {
        _bigDeposits(7);
        vm.warp(block.timestamp + DELAY + 1);
        bytes memory tooFew = _appendInput(4, "");
        uint64 time = inbox.entryTime(4);
        vm.expectRevert(abi.encodeWithSelector(IInbox.OverdueEntrySkipped.selector, 4, time));
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), tooFew);
        bytes memory tooMany = _appendInput(6, "");
        vm.expectRevert(
            abi.encodeWithSelector(IInbox.DepositGasExceeded.selector, 240_000_000, BATCH_GAS)
        );
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), tooMany);
        _append(5, "");
        _append(7, "");
        assertEq(inbox.nextDeposit(), 7, "all consumed");
    }

    function test_appendBatch_payloadAtTheLimit_succeeds() public {
        _append(0, new bytes(MAX_BYTES));
        assertEq(inbox.batchCount(), 1, "appended");
    }

    function test_appendBatch_payloadAboveTheLimit_reverts() public {
        bytes memory input = _appendInput(0, new bytes(MAX_BYTES + 1));
        vm.expectRevert(
            abi.encodeWithSelector(IInbox.PayloadTooLong.selector, MAX_BYTES + 1, MAX_BYTES)
        );
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }

    function test_appendBatch_trailingInput_reverts() public {
        bytes memory input = bytes.concat(_appendInput(0, "abc"), hex"00");
        vm.expectRevert(abi.encodeWithSelector(IInbox.NonCanonicalInput.selector, 261, 260));
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }

    function test_appendBatch_payloadElsewhere_reverts() public {
        // The same length as canonical input, but the offset points one word further.
        bytes memory input = bytes.concat(
            inbox.appendBatch.selector,
            abi.encode(uint64(1), bytes32(0), uint64(0), bytes32(0), END, uint256(0xe0)),
            abi.encode(uint256(0), uint256(0))
        );
        vm.expectRevert(abi.encodeWithSelector(IInbox.NonCanonicalInput.selector, 260, 228));
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }

    function test_rule_28_enqueueL1Attributes_oncePerL1Block_succeedsThenReverts() public {
        inbox.enqueueL1Attributes();
        assertEq(inbox.cumGas(1), SYSTEM_GAS, "charged");
        vm.expectRevert(
            abi.encodeWithSelector(IInbox.AttributesAlreadyEnqueued.selector, block.number)
        );
        inbox.enqueueL1Attributes();
        _nextL1Block();
        inbox.enqueueL1Attributes();
        assertEq(inbox.depositCount(), 2, "two");
    }

    /// @notice The range of any append equals the sum of its charges, by entry, and never passes the cap.
    function testFuzz_appendBatch_rangeMatchesNaiveModel(uint256 seed, uint8 count, uint8 age)
        public
    {
        uint64[] memory gas = new uint64[](uint256(count) % 12 + 1);
        uint256[] memory times = new uint256[](gas.length);
        for (uint256 i = 0; i < gas.length; ++i) {
            gas[i] = uint64(21_000 + uint256(keccak256(abi.encode(seed, i))) % 46_000_000);
            times[i] = block.timestamp;
            _enqueue(gas[i]);
            vm.roll(block.number + 1);
            vm.warp(block.timestamp + DELAY / 4);
        }
        vm.warp(block.timestamp + uint256(age) * DELAY / 64);
        uint256 forced;
        uint256 sum;
        while (
            forced < gas.length && block.timestamp > times[forced] + DELAY
                && sum + gas[forced] <= BATCH_GAS
        ) sum += gas[forced++];
        assertEq(inbox.forcedDepositTo(), forced, "forced range");
        sum = 0;
        for (uint64 to = 0; to <= gas.length; ++to) {
            bytes memory input = _appendInput(to, "");
            uint256 state = vm.snapshotState();
            vm.prank(BATCHER, BATCHER);
            (bool ok,) = address(inbox).call(input);
            assertTrue(ok == (to >= forced && sum <= BATCH_GAS), "legal exactly as in the model");
            vm.revertToState(state);
            if (to < gas.length) sum += gas[to];
        }
    }
}
