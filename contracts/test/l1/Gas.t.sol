// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";

/// @notice L1 gas of whole transactions: the larger of execution with intrinsic gas and EIP-7623's floor.
/// @dev The chain has run for a while, so that counters are not zero; slots are cold, as in a transaction.
contract GasTest is Fixture {
    uint256 private constant TX_GAS_CAP = 16_777_216;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < 3; ++i) {
            _deposit(100_000);
            _append(uint64(i), "x");
            _nextL1Block();
        }
    }

    function test_gas_appendBatch() public {
        _measureAppend("appendBatch, 1 KB", 1000);
        _measureAppend("appendBatch, 100 KB", 100_000);
    }

    function test_gas_appendBlobBatch() public {
        for (uint256 blobs = 1; blobs <= MAX_BLOBS; blobs += MAX_BLOBS - 1) {
            _nextL1Block();
            _carryBlobs(blobs);
            string memory name = string.concat("appendBlobBatch, blobs: ", vm.toString(blobs));
            _measure(name, BATCHER, address(inbox), _blobInput(inbox.depositCount()));
        }
    }

    function test_gas_depositTransaction() public {
        // A base fee at which the market burns next to nothing: the figure is that of the code.
        vm.fee(type(uint64).max);
        _measureDeposit("depositTransaction, no data", 0, 100_000);
        _measureDeposit("depositTransaction, 100 KB", 100_000, 4_021_000);
    }

    function test_gas_forceInclude() public {
        vm.warp(block.timestamp + DELAY + 1);
        _measure(
            "forceInclude, one entry", ALICE, address(inbox), abi.encodeCall(inbox.forceInclude, ())
        );
        for (uint256 i = 0; i < 800; ++i) {
            _enqueue(SYSTEM_GAS);
        }
        vm.warp(block.timestamp + DELAY + 1);
        _measure(
            "forceInclude, 800 entries",
            ALICE,
            address(inbox),
            abi.encodeCall(inbox.forceInclude, ())
        );
    }

    function test_gas_enqueueL1Attributes() public {
        bytes memory input = abi.encodeCall(inbox.enqueueL1Attributes, ());
        _measure("enqueueL1Attributes", ALICE, address(inbox), input);
    }

    function _measureAppend(string memory name, uint256 length) private {
        _nextL1Block();
        bytes memory input = _appendInput(inbox.depositCount(), _incompressible(length));
        _measure(name, BATCHER, address(inbox), input);
    }

    function _measureDeposit(string memory name, uint256 length, uint64 gasLimit) private {
        _nextL1Block();
        bytes memory data = _incompressible(length);
        bytes memory input =
            abi.encodeCall(portal.depositTransaction, (ALICE, 0, gasLimit, false, data));
        _measure(name, ALICE, address(portal), input);
    }

    function _measure(string memory name, address from, address target, bytes memory input)
        private
    {
        vm.cool(target);
        vm.cool(address(inbox));
        vm.prank(from, from);
        uint256 before = gasleft();
        (bool ok,) = target.call(input);
        uint256 execution = before - gasleft();
        assertTrue(ok, name);
        uint256 gas = _transactionGas(input, execution);
        assertLe(gas, TX_GAS_CAP * 3 / 10, "well below the cap of a transaction");
        vm.snapshotValue("inbox", name, gas);
    }

    function _transactionGas(bytes memory input, uint256 execution) private pure returns (uint256) {
        uint256 tokens;
        for (uint256 i = 0; i < input.length; ++i) {
            tokens += input[i] == 0 ? 1 : 4;
        }
        uint256 floor = 21_000 + 10 * tokens;
        uint256 gas = 21_000 + 4 * tokens + execution;
        return gas > floor ? gas : floor;
    }

    /// @dev Without zero bytes, the dearest calldata.
    function _incompressible(uint256 length) private pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            data[i] = bytes1(uint8(i % 255 + 1));
        }
    }
}
