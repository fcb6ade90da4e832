// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {IInbox} from "../../src/l1/IInbox.sol";

/// @notice Sends a batch from within a call, which sees the transaction's blobs all the same.
contract BlobRelay {
    function relay(address target, bytes calldata input) external {
        (bool ok, bytes memory reason) = target.call(input);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
    }
}

contract BlobsTest is Fixture {
    function test_appendBlobBatch_consumesQueueAndEnqueuesAttributes_succeeds() public {
        _deposit(100_000);
        _carryBlobs(1);
        _appendBlobs(1);
        assertEq(inbox.batchCount(), 1, "batches");
        assertEq(inbox.nextDeposit(), 1, "next");
        assertEq(inbox.depositCount(), 2, "attributes behind the range");
        assertEq(inbox.lastAttributesBlock(), block.number, "attributes of this block");
    }

    function test_appendBlobBatch_headerBindsEveryBlobInOrder_succeeds() public {
        _deposit(100_000);
        for (uint256 count = 1; count <= MAX_BLOBS; ++count) {
            bytes32[] memory hashes = _carryBlobs(count);
            uint64 index = inbox.batchCount() + 1;
            bytes32 before = inbox.batchAcc(index - 1);
            vm.recordLogs();
            _appendBlobs(1);
            (bytes32 acc, bytes memory header) =
                abi.decode(vm.getRecordedLogs()[0].data, (bytes32, bytes));
            bytes memory place =
                abi.encodePacked(index, uint64(block.number), uint64(block.timestamp));
            bytes memory range =
                abi.encodePacked(uint64(index > 1 ? 1 : 0), uint64(1), inbox.depositAcc(1), END);
            bytes memory expected = abi.encodePacked(
                uint8(1), uint8(1), address(inbox), uint64(block.chainid), place, range
            );
            expected = abi.encodePacked(expected, uint8(count), hashes);
            assertEq(header.length, 135 + 32 * count, "length");
            assertEq(keccak256(header), keccak256(expected), "header");
            assertEq(acc, keccak256(abi.encodePacked(before, keccak256(expected))), "accumulator");
            assertEq(acc, inbox.batchAcc(index), "stored");
        }
    }

    function test_appendBlobBatch_betweenCalldataBatches_succeeds() public {
        _append(0, "one");
        _carryBlobs(2);
        _appendBlobs(1);
        _append(1, "three");
        assertEq(inbox.batchCount(), 3, "batches");
        assertEq(inbox.depositCount(), 1, "one entry per L1 block");
    }

    function test_appendBlobBatch_withoutBlob_reverts() public {
        bytes memory input = _blobInput(0);
        vm.expectRevert(IInbox.NoBlobs.selector);
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }

    function test_appendBlobBatch_withTooManyBlobs_reverts() public {
        _carryBlobs(MAX_BLOBS + 1);
        bytes memory input = _blobInput(0);
        vm.expectRevert(
            abi.encodeWithSelector(IInbox.TooManyBlobs.selector, MAX_BLOBS + 1, MAX_BLOBS)
        );
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }

    function test_appendBlobBatch_withCalldataBeside_reverts() public {
        _carryBlobs(1);
        bytes memory input = bytes.concat(_blobInput(0), hex"01");
        vm.expectRevert(abi.encodeWithSelector(IInbox.NonCanonicalInput.selector, 165, 164));
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }

    function test_appendBlobBatch_byAnother_reverts() public {
        _carryBlobs(1);
        bytes memory input = _blobInput(0);
        vm.expectRevert(abi.encodeWithSelector(IInbox.Unauthorized.selector, ALICE, BATCHER));
        vm.prank(ALICE, ALICE);
        _call(address(inbox), input);
    }

    function test_appendBlobBatch_throughContract_reverts() public {
        BlobRelay relay = new BlobRelay();
        vm.prank(OPERATOR);
        systemConfig.setBatcher(address(relay));
        _carryBlobs(1);
        bytes memory input = _blobInput(0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IInbox.BatcherNotPlainAccount.selector, address(relay), tx.origin
            )
        );
        relay.relay(address(inbox), input);
    }

    function test_appendBlobBatch_fromDelegatedBatcher_reverts() public {
        vm.etch(BATCHER, abi.encodePacked(hex"ef0100", address(this)));
        _carryBlobs(1);
        bytes memory input = _blobInput(0);
        vm.expectRevert(
            abi.encodeWithSelector(IInbox.BatcherNotPlainAccount.selector, BATCHER, BATCHER)
        );
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }

    function test_rule_20_appendBlobBatch_forAnotherPlace_reverts() public {
        _carryBlobs(1);
        _appendBlobs(0);
        bytes32 acc = inbox.batchAcc(1);
        bytes32 queue = inbox.depositAcc(1);
        _refused(
            abi.encodeCall(inbox.appendBlobBatch, (1, bytes32(0), 0, bytes32(0), END)),
            abi.encodeWithSelector(IInbox.BatchIndexMismatch.selector, 1, 2)
        );
        _refused(
            abi.encodeCall(inbox.appendBlobBatch, (2, bytes32(0), 0, bytes32(0), END)),
            abi.encodeWithSelector(IInbox.BatchAccMismatch.selector, bytes32(0), acc)
        );
        _refused(
            abi.encodeCall(inbox.appendBlobBatch, (2, acc, 1, END, END)),
            abi.encodeWithSelector(IInbox.DepositAccMismatch.selector, END, queue)
        );
        _refused(
            abi.encodeCall(inbox.appendBlobBatch, (2, acc, 2, bytes32(0), END)),
            abi.encodeWithSelector(IInbox.DepositRangeInvalid.selector, 0, 2, 1)
        );
    }

    function test_rule_21_appendBlobBatch_overdueEntryLeftOut_reverts() public {
        _deposit(100_000);
        uint64 time = uint64(block.timestamp);
        _carryBlobs(1);
        vm.warp(time + DELAY + 1);
        _refused(
            _blobInput(0), abi.encodeWithSelector(IInbox.OverdueEntrySkipped.selector, 0, time)
        );
        _appendBlobs(1);
        assertEq(inbox.nextDeposit(), 1, "consumed");
    }

    function _refused(bytes memory input, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }

    function _appendBlobs(uint64 depositTo) private {
        bytes memory input = _blobInput(depositTo);
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }
}
