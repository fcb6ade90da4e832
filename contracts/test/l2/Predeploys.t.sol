// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.t.sol";
import {FeeVault} from "../../src/l2/FeeVault.sol";
import {L1Block} from "../../src/l2/L1Block.sol";
import {L2ToL1MessagePasser} from "../../src/l2/L2ToL1MessagePasser.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {RollupState} from "../../src/l2/RollupState.sol";

contract PredeploysTest is Base {
    address private constant ALICE = address(0xa11ce);
    L1Block private l1Block = new L1Block();
    RollupState private state = new RollupState();
    L2ToL1MessagePasser private passer = new L2ToL1MessagePasser();
    FeeVault private vault = new FeeVault();

    event MessagePassed(
        uint256 indexed nonce,
        address indexed sender,
        address indexed target,
        uint256 value,
        uint256 gasLimit,
        bytes data,
        bytes32 withdrawalHash
    );

    receive() external payable {}

    function testFuzz_setL1Attributes_byProtocol_succeeds(
        uint64 number,
        uint64 time,
        uint256 baseFee,
        uint256 blobBaseFee,
        bytes32 hash,
        bytes32 prevrandao
    ) public {
        vm.prank(Predeploys.DEPOSITOR);
        l1Block.setL1Attributes(number, time, baseFee, blobBaseFee, hash, prevrandao);
        assertEq(l1Block.number(), number, "number");
        assertEq(l1Block.timestamp(), time, "timestamp");
        assertEq(l1Block.basefee(), baseFee, "basefee");
        assertEq(l1Block.blobBaseFee(), blobBaseFee, "blobBaseFee");
        assertEq(l1Block.hash(), hash, "hash");
        assertEq(l1Block.prevrandao(), prevrandao, "prevrandao");
    }

    function test_setL1Attributes_worstCase_fitsTheSystemEntrysGas_succeeds() public {
        bytes32 full = bytes32(type(uint256).max);
        uint256 top = type(uint256).max;
        vm.prank(Predeploys.DEPOSITOR);
        uint256 before = gasleft();
        l1Block.setL1Attributes(type(uint64).max, type(uint64).max, top, top, full, full);
        // Intrinsic gas of 196 bytes, none of them zero, beside it.
        assertLe(before - gasleft() + 21_000 + 196 * 40, 250_000, "gas");
    }

    function test_setL1Attributes_byAnother_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(L1Block.NotDepositor.selector, address(this)));
        l1Block.setL1Attributes(1, 2, 3, 4, bytes32(0), bytes32(0));
    }

    function testFuzz_setOperatorParams_packsAsSpecified_succeeds(
        uint64 limit,
        uint32 scalar,
        uint8 kinds,
        uint128 floor
    ) public {
        vm.store(address(state), bytes32(0), bytes32(uint256(77)));
        vm.prank(Predeploys.DEPOSITOR);
        uint256 before = gasleft();
        state.setOperatorParams(limit, scalar, kinds, floor);
        assertLe(before - gasleft() + 21_000 + 132 * 40, 250_000, "gas");
        uint256 packed =
            uint256(limit) | uint256(scalar) << 64 | uint256(kinds) << 96 | uint256(floor) << 104;
        assertEq(uint256(vm.load(address(state), bytes32(uint256(1)))), packed, "slot 1");
        assertEq(state.nextDepositIndex(), 77, "slot 0 is the protocol's");
        assertEq(state.userGasLimit(), limit, "limit");
        assertEq(state.minFloor(), floor, "floor");
    }

    function test_setOperatorParams_byAnother_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(RollupState.NotDepositor.selector, address(this)));
        state.setOperatorParams(1, 2, 3, 4);
    }

    function test_initiateWithdrawal_recordsHashInSlotZero_succeeds() public {
        vm.deal(ALICE, 1 ether);
        uint256 nonce = uint256(1) << 240;
        bytes32 hash = keccak256(abi.encode(nonce, ALICE, address(7), 1 ether, 50_000, bytes("d")));
        vm.expectEmit(true, true, true, true, address(passer));
        emit MessagePassed(nonce, ALICE, address(7), 1 ether, 50_000, "d", hash);
        vm.prank(ALICE);
        passer.initiateWithdrawal{value: 1 ether}(address(7), 50_000, "d");
        assertTrue(passer.sentMessages(hash), "recorded");
        bytes32 slot = keccak256(abi.encode(hash, uint256(0)));
        assertEq(uint256(vm.load(address(passer), slot)), 1, "where proofs look");
        assertEq(passer.messageNonce(), nonce + 1, "next");
    }

    function test_receive_withdrawsToTheSender_succeeds() public {
        vm.deal(ALICE, 1 ether);
        vm.prank(ALICE);
        (bool ok,) = address(passer).call{value: 1 ether}("");
        assertTrue(ok, "accepted");
        bytes32 hash = keccak256(
            abi.encode(
                uint256(1) << 240, ALICE, ALICE, uint256(1 ether), uint256(100_000), bytes("")
            )
        );
        assertTrue(passer.sentMessages(hash), "recorded");
    }

    function test_burn_emptiesThePasser_succeeds() public {
        vm.deal(address(passer), 3 ether);
        passer.burn();
        assertEq(address(passer).balance, 0, "burned");
    }

    function test_feeVault_holdsAndPaysNothing_reverts() public {
        (bool ok,) = address(vault).call{value: 0}("");
        assertTrue(ok, "takes");
        vm.expectRevert(FeeVault.WithdrawalsUnavailable.selector);
        vault.withdraw();
    }
}
