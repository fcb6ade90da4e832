// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {IInbox} from "../../src/l1/IInbox.sol";
import {InboxCodec, OperatorParams} from "../../src/l1/InboxCodec.sol";
import {ISystemConfig} from "../../src/l1/ISystemConfig.sol";

contract SystemConfigTest is Fixture {
    function test_setBatcher_rotatesAtOnceAndEnqueues_succeeds() public {
        OperatorParams memory params = _params();
        params.batcher = ALICE;
        bytes memory entry = InboxCodec.operatorEntry(params);
        bytes32 acc = keccak256(abi.encodePacked(bytes32(0), keccak256(entry)));
        vm.expectEmit(true, true, true, true, address(inbox));
        emit IInbox.EntryEnqueued(0, 2, acc, entry, "");
        vm.prank(OPERATOR);
        systemConfig.setBatcher(ALICE);
        assertEq(inbox.batcher(), ALICE, "in the Inbox");
        assertEq(systemConfig.operatorParams().batcher, ALICE, "in the record");
        assertEq(inbox.cumGas(1), SYSTEM_GAS, "charged");
        assertEq(inbox.depositAcc(1), acc, "accumulator");
    }

    function test_setFeeParameters_enqueues_succeeds() public {
        vm.prank(OPERATOR);
        systemConfig.setFeeParameters(1, 2, 3);
        OperatorParams memory params = systemConfig.operatorParams();
        assertEq(params.dataScalar, 1, "scalar");
        assertEq(params.dataKinds, 2, "kinds");
        assertEq(params.minFloor, 3, "floor");
        assertEq(params.userGasLimit, BLOCK_GAS, "the rest stays");
        assertEq(inbox.depositCount(), 1, "enqueued");
    }

    function test_setUserGasLimit_upToTheBlock_succeedsAboveReverts() public {
        vm.prank(OPERATOR);
        systemConfig.setUserGasLimit(BLOCK_GAS);
        _nextL1Block();
        vm.expectRevert(
            abi.encodeWithSelector(
                ISystemConfig.UserGasLimitTooHigh.selector, BLOCK_GAS + 1, BLOCK_GAS
            )
        );
        vm.prank(OPERATOR);
        systemConfig.setUserGasLimit(BLOCK_GAS + 1);
    }

    function test_setFeeParameters_unknownKinds_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(ISystemConfig.DataKindsInvalid.selector, 4));
        vm.prank(OPERATOR);
        systemConfig.setFeeParameters(1, 4, 3);
    }

    function test_setBatcher_zero_reverts() public {
        vm.expectRevert(ISystemConfig.ZeroAddress.selector);
        vm.prank(OPERATOR);
        systemConfig.setBatcher(address(0));
    }

    function test_rule_28_rotation_twiceInOneL1Block_reverts() public {
        vm.prank(OPERATOR);
        systemConfig.setBatcher(ALICE);
        vm.expectRevert(abi.encodeWithSelector(ISystemConfig.AlreadyRotated.selector, block.number));
        vm.prank(OPERATOR);
        systemConfig.setUserGasLimit(1);
        _nextL1Block();
        vm.prank(OPERATOR);
        systemConfig.setUserGasLimit(1);
        assertEq(inbox.depositCount(), 2, "one per L1 block");
    }

    function test_rotation_byAnother_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(ISystemConfig.NotOperator.selector, ALICE));
        vm.prank(ALICE);
        systemConfig.setBatcher(ALICE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IInbox.Unauthorized.selector, address(this), address(systemConfig)
            )
        );
        inbox.enqueueOperatorParams(_params());
    }

    function test_setOperator_byTimelockOnly_succeeds() public {
        vm.expectRevert(abi.encodeWithSelector(ISystemConfig.NotOperator.selector, OPERATOR));
        vm.prank(OPERATOR);
        systemConfig.setOperator(ALICE);
        vm.prank(address(timelock));
        systemConfig.setOperator(ALICE);
        vm.prank(ALICE);
        systemConfig.setBatcher(ALICE);
        vm.prank(address(timelock));
        vm.expectRevert(ISystemConfig.ZeroAddress.selector);
        systemConfig.setOperator(address(0));
    }
}
