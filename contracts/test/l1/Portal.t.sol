// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {Base, Vm} from "../Base.t.sol";
import {Aliasing} from "../../src/l1/Aliasing.sol";
import {DepositRequest, InboxCodec} from "../../src/l1/InboxCodec.sol";
import {IInbox} from "../../src/l1/IInbox.sol";
import {Portal} from "../../src/l1/Portal.sol";

/// @notice Deposits while it is under construction: it has no code then.
contract DepositsInConstructor {
    constructor(Portal portal) {
        portal.depositTransaction(address(this), 0, 100_000, false, "");
    }
}

/// @notice Deposits when told to.
contract Depositor {
    function deposit(Portal portal) external {
        portal.depositTransaction(address(this), 0, 100_000, false, "");
    }
}

contract PortalTest is Fixture {
    event TransactionDeposited(
        address indexed from, address indexed to, uint256 indexed version, bytes opaqueData
    );

    function test_depositTransaction_emitsOpaqueDataAndEntry_succeeds() public {
        bytes memory opaque =
            abi.encodePacked(uint256(1 ether), uint256(2 ether), uint64(200_000), false, "data");
        DepositRequest memory deposit =
            DepositRequest(ALICE, BATCHER, false, 1 ether, 2 ether, 200_000);
        bytes32 dataHash = keccak256(abi.encodePacked(keccak256("data")));
        bytes memory entry = InboxCodec.depositEntry(deposit, 4, dataHash);
        bytes32 acc = keccak256(abi.encodePacked(bytes32(0), keccak256(entry)));
        vm.expectEmit(true, true, true, true, address(inbox));
        emit IInbox.EntryEnqueued(0, 0, acc, entry, "data");
        vm.expectEmit(true, true, true, true, address(portal));
        emit TransactionDeposited(ALICE, BATCHER, 0, opaque);
        vm.prank(ALICE, ALICE);
        portal.depositTransaction{value: 1 ether}(BATCHER, 2 ether, 200_000, false, "data");
        assertEq(address(portal).balance, 1 ether, "locked");
        assertEq(inbox.depositAcc(1), acc, "accumulator");
        assertEq(inbox.entryTime(0), block.timestamp, "time");
    }

    function test_receive_depositsToTheSender_succeeds() public {
        vm.expectEmit(true, true, true, true, address(portal));
        emit TransactionDeposited(
            ALICE,
            ALICE,
            0,
            abi.encodePacked(uint256(1 ether), uint256(1 ether), uint64(100_000), false)
        );
        vm.prank(ALICE, ALICE);
        (bool ok,) = address(portal).call{value: 1 ether}("");
        assertTrue(ok, "accepted");
    }

    function test_pitfall_a01_depositTransaction_byContract_isAliased_succeeds() public {
        Depositor depositor = new Depositor();
        _expectFrom(Aliasing.applyAlias(address(depositor)), address(depositor));
        depositor.deposit(portal);
    }

    function test_pitfall_a01_depositTransaction_byContractUnderConstruction_isAliased_succeeds()
        public
    {
        vm.recordLogs();
        address created = address(new DepositsInConstructor(portal));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        address from = address(uint160(uint256(logs[1].topics[1])));
        assertEq(from, Aliasing.applyAlias(created), "aliased");
    }

    function test_pitfall_a01_depositTransaction_byDelegatedAccount_isNotAliased_succeeds() public {
        // Called by another account's transaction, so only its code tells that it has a key.
        vm.etch(ALICE, abi.encodePacked(hex"ef0100", address(new Depositor())));
        _expectFrom(ALICE, ALICE);
        Depositor(ALICE).deposit(portal);
    }

    function test_depositTransaction_bySignerOfTheTransaction_isNotAliased_succeeds() public {
        _expectFrom(ALICE, ALICE);
        vm.prank(ALICE, ALICE);
        portal.depositTransaction(ALICE, 0, 100_000, false, "");
    }

    function test_rule_22_depositTransaction_gasBelowIntrinsic_reverts() public {
        bytes memory data = new bytes(1000);
        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositGasTooLow.selector, 60_999, 61_000));
        vm.prank(ALICE, ALICE);
        portal.depositTransaction(ALICE, 0, 60_999, false, data);
        vm.prank(ALICE, ALICE);
        portal.depositTransaction(ALICE, 0, 61_000, false, data);
        assertEq(portal.minimumGasLimit(1000), 61_000, "as it says");
    }

    function test_rule_22_depositTransaction_gasAboveBlock_reverts() public {
        uint64 max = BLOCK_GAS - 1_000_000;
        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositGasTooHigh.selector, max + 1, max));
        vm.prank(ALICE, ALICE);
        portal.depositTransaction(ALICE, 0, max + 1, false, "");
    }

    function test_depositTransaction_dataAboveTheLimit_reverts() public {
        vm.expectRevert(
            abi.encodeWithSelector(IInbox.DepositDataTooLong.selector, MAX_BYTES + 1, MAX_BYTES)
        );
        vm.prank(ALICE, ALICE);
        portal.depositTransaction(ALICE, 0, 5_000_000, false, new bytes(MAX_BYTES + 1));
    }

    function test_depositTransaction_creation_checksInitCodeAndRecipient() public {
        bytes memory code = new bytes(49_152);
        // 21,000 + 40 per byte + 32,000 + 2 per word
        uint64 min = 21_000 + 40 * 49_152 + 32_000 + 2 * 1536;
        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositGasTooLow.selector, min - 1, min));
        vm.prank(ALICE, ALICE);
        portal.depositTransaction(address(0), 0, min - 1, true, code);
        vm.expectRevert(abi.encodeWithSelector(IInbox.CreationHasRecipient.selector, ALICE));
        vm.prank(ALICE, ALICE);
        portal.depositTransaction(ALICE, 0, min, true, code);
        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositDataTooLong.selector, 49_153, 49_152));
        vm.prank(ALICE, ALICE);
        portal.depositTransaction(address(0), 0, 5_000_000, true, new bytes(49_153));
        vm.prank(ALICE, ALICE);
        portal.depositTransaction(address(0), 0, min, true, code);
        assertEq(inbox.depositCount(), 1, "the legal one");
    }

    function test_enqueueDeposit_byAnother_reverts() public {
        vm.expectRevert(
            abi.encodeWithSelector(IInbox.Unauthorized.selector, address(this), address(portal))
        );
        inbox.enqueueDeposit(_request(100_000), "");
    }

    function _expectFrom(address from, address to) private {
        vm.expectEmit(true, true, true, true, address(portal));
        emit TransactionDeposited(
            from, to, 0, abi.encodePacked(uint256(0), uint256(0), uint64(100_000), false)
        );
    }
}
