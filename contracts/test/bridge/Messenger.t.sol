// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ICrossDomainMessenger} from "../../src/messaging/ICrossDomainMessenger.sol";
import {IPortal} from "../../src/l1/IPortal.sol";
import {BridgeFixture} from "./BridgeFixture.sol";

/// @notice Target of messages: notes who sent them, and fails while told to.
contract Target {
    ICrossDomainMessenger private immutable _messenger;
    bool public isBroken;
    address public sender;
    uint256 public got;
    uint256 public gasAtStart;
    bytes private _inner;

    constructor(ICrossDomainMessenger messenger) {
        _messenger = messenger;
    }

    function setBroken(bool broken) external {
        isBroken = broken;
    }

    /// @notice Relay this call while the next message is delivered.
    function setInner(bytes calldata call) external {
        _inner = call;
    }

    function take() external payable {
        gasAtStart = gasleft();
        require(!isBroken, "broken");
        if (_inner.length > 0) {
            bytes memory inner = _inner;
            _inner = "";
            (bool ok,) = address(_messenger).call(inner);
            require(ok, "inner");
        }
        sender = _messenger.xDomainMessageSender();
        got += msg.value;
    }

    function recall(uint256 nonce, address from, uint256 value, uint256 gas_, bytes calldata data)
        external
    {
        _messenger.recallMessage(nonce, from, value, gas_, data);
    }

    receive() external payable {}
}

contract MessengerTest is BridgeFixture {
    event FailedRelayedMessage(bytes32 indexed msgHash);

    Target internal l1Target;
    Target internal l2Target;
    bytes internal take = abi.encodeCall(Target.take, ());

    function setUp() public override {
        super.setUp();
        l1Target = new Target(l1Messenger);
        l2Target = new Target(l2Messenger);
        vm.deal(ALICE, 100 ether);
    }

    function _down(uint256 value) internal returns (bytes memory call) {
        vm.prank(ALICE, ALICE);
        l1Messenger.sendMessage{value: value}(address(l2Target), take, 100_000);
        (Deposit[] memory deposits,) = _collect();
        assertTrue(_execute(deposits[0]), "deposit");
        return deposits[0].data;
    }

    function _up(uint256 value) internal returns (bytes memory call) {
        vm.prank(ALICE, ALICE);
        l2Messenger.sendMessage{value: value}(address(l1Target), take, 100_000);
        vm.deal(address(portal), address(portal).balance + value);
        return _payWithdrawals()[0].data;
    }

    function test_message_toL2_arrivesWithSenderAndValue_succeeds() public {
        bytes memory call = _down(1 ether);
        assertEq(l2Target.sender(), ALICE, "sender");
        assertEq(l2Target.got(), 1 ether, "value");
        assertTrue(l2Messenger.successfulMessages(keccak256(call)), "hash is that of the call");
    }

    function test_message_toL1_arrivesWithSenderAndValue_succeeds() public {
        bytes memory call = _up(1 ether);
        assertEq(l1Target.sender(), ALICE, "sender");
        assertEq(l1Target.got(), 1 ether, "value");
        assertTrue(l1Messenger.successfulMessages(keccak256(call)), "hash is that of the call");
        assertEq(address(l1Messenger).balance, 0, "nothing stays");
    }

    function test_message_byContract_namesTheContractItself_succeeds() public {
        // The messenger's own address is aliased, that of its caller is not: the target asks the messenger.
        vm.deal(address(l1Target), 1 ether);
        vm.prank(address(l1Target), ALICE);
        l1Messenger.sendMessage(address(l2Target), take, 100_000);
        _executeDeposits();
        assertEq(l2Target.sender(), address(l1Target), "sender");
    }

    function test_message_thatFailed_canBeRelayedAgainByAnyone_succeeds() public {
        l2Target.setBroken(true);
        bytes memory call = _down(1 ether);
        bytes32 hash = keccak256(call);
        assertTrue(l2Messenger.failedMessages(hash), "failed");
        assertTrue(!l2Messenger.successfulMessages(hash), "not delivered");
        assertEq(address(l2Messenger).balance, 1 ether, "ETH is kept");
        _relayAgain(false, call);
        assertTrue(!l2Messenger.successfulMessages(hash), "fails again, and stays");
        l2Target.setBroken(false);
        vm.prank(BOB, BOB);
        _relayAgain(false, call);
        assertEq(l2Target.got(), 1 ether, "delivered");
        assertEq(l2Target.sender(), ALICE, "as by its sender");
    }

    function test_relayMessage_twice_reverts() public {
        l2Target.setBroken(true);
        bytes memory call = _down(0);
        l2Target.setBroken(false);
        _relayAgain(false, call);
        vm.expectRevert(
            abi.encodeWithSelector(ICrossDomainMessenger.AlreadyRelayed.selector, keccak256(call))
        );
        _relayAgain(false, call);
    }

    function test_relayMessage_deliveredAtOnce_isNotReplayable_reverts() public {
        bytes memory call = _up(1 ether);
        vm.expectRevert(
            abi.encodeWithSelector(ICrossDomainMessenger.NotReplayable.selector, keccak256(call))
        );
        _relayAgain(true, call);
    }

    function test_relayMessage_unsent_reverts() public {
        bytes memory call = abi.encodeCall(
            l1Messenger.relayMessage, (1 << 240, ALICE, address(l1Target), 0, 100_000, take)
        );
        vm.expectRevert(
            abi.encodeWithSelector(ICrossDomainMessenger.NotReplayable.selector, keccak256(call))
        );
        _relayAgain(true, call);
        // The alias of anybody but the messenger is nobody to L2.
        vm.prank(_aliasOf(ALICE), _aliasOf(ALICE));
        vm.expectRevert(
            abi.encodeWithSelector(ICrossDomainMessenger.NotReplayable.selector, keccak256(call))
        );
        _call(address(l2Messenger), call);
        // So is the messenger's own address without its alias.
        vm.prank(address(l1Messenger), address(l1Messenger));
        vm.expectRevert(
            abi.encodeWithSelector(ICrossDomainMessenger.NotReplayable.selector, keccak256(call))
        );
        _call(address(l2Messenger), call);
    }

    function test_relayMessage_fromPortalForAnotherSender_reverts() public {
        // A withdrawal to the messenger that the L2 messenger did not send.
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        w.target = address(l1Messenger);
        w.value = 0;
        w.gasLimit = 500_000;
        w.data = abi.encodeCall(
            l1Messenger.relayMessage, (1 << 240, ALICE, address(l1Target), 0, 100_000, take)
        );
        _prove(w, _proposeWith(w, 1), BOB);
        _passAll();
        vm.prank(BOB);
        vm.expectRevert(
            abi.encodeWithSelector(IPortal.WithdrawalCallFailed.selector, _hashOf(w))
        );
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_pitfall_b04_relayMessage_ofAnotherVersion_reverts() public {
        for (uint16 v = 0; v < 4; ++v) {
            if (v == 1) continue;
            vm.expectRevert(
                abi.encodeWithSelector(ICrossDomainMessenger.UnknownVersion.selector, v)
            );
            vm.prank(_aliasOf(address(l1Messenger)));
            l2Messenger.relayMessage(uint256(v) << 240, ALICE, address(l2Target), 0, 0, take);
        }
    }

    function test_relayMessage_valueThatDiffers_reverts() public {
        address from = _aliasOf(address(l1Messenger));
        vm.deal(from, 2 ether);
        vm.prank(from, from);
        vm.expectRevert(
            abi.encodeWithSelector(ICrossDomainMessenger.ValueMismatch.selector, 1 ether, 2 ether)
        );
        l2Messenger.relayMessage{value: 2 ether}(
            1 << 240, ALICE, address(l2Target), 1 ether, 0, take
        );
    }

    function test_relayMessage_againWithValue_reverts() public {
        l2Target.setBroken(true);
        bytes memory call = _down(1 ether);
        Message memory m = _messageOf(call);
        vm.deal(BOB, 1 ether);
        vm.prank(BOB);
        vm.expectRevert(
            abi.encodeWithSelector(ICrossDomainMessenger.ValueMismatch.selector, 0, 1 ether)
        );
        l2Messenger.relayMessage{value: 1 ether}(
            m.nonce, m.sender, m.target, m.value, m.minGasLimit, m.data
        );
    }

    function test_pitfall_b03_message_relayingAnother_deliversBoth_succeeds() public {
        l2Target.setBroken(true);
        bytes memory first = _down(1 ether);
        l2Target.setBroken(false);
        l2Target.setInner(first);
        _down(2 ether);
        assertEq(l2Target.got(), 3 ether, "both");
        assertEq(l2Target.sender(), ALICE, "the outer sender is back");
    }

    function test_message_relayingItself_staysFailed_thenSucceeds() public {
        l2Target.setBroken(true);
        bytes memory call = _down(1 ether);
        l2Target.setBroken(false);
        l2Target.setInner(call);
        _relayAgain(false, call);
        assertEq(l2Target.got(), 0, "the inner relay is refused, so the target reverts");
        l2Target.setInner("");
        _relayAgain(false, call);
        assertEq(l2Target.got(), 1 ether, "once");
    }

    function test_relayMessage_toBlockedTarget_fails() public {
        address from = _aliasOf(address(l1Messenger));
        bytes memory data = abi.encodeCall(passer.initiateWithdrawal, (ALICE, 100_000, ""));
        bytes memory call = abi.encodeCall(
            l2Messenger.relayMessage, (1 << 240, ALICE, address(passer), 0, 100_000, data)
        );
        vm.expectEmit(true, true, true, true, address(l2Messenger));
        emit FailedRelayedMessage(keccak256(call));
        vm.prank(from, from);
        _call(address(l2Messenger), call);
        assertEq(passer.messageNonce(), 1 << 240, "nothing was sent in the messenger's name");
    }

    function test_sendMessage_toBlockedTarget_reverts() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                ICrossDomainMessenger.BlockedTarget.selector, address(l2Messenger)
            )
        );
        l1Messenger.sendMessage(address(l2Messenger), "", 0);
        vm.expectRevert(
            abi.encodeWithSelector(ICrossDomainMessenger.BlockedTarget.selector, address(passer))
        );
        l1Messenger.sendMessage(address(passer), "", 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICrossDomainMessenger.BlockedTarget.selector, address(l1Messenger)
            )
        );
        l2Messenger.sendMessage(address(l1Messenger), "", 0);
    }

    function test_xDomainMessageSender_outsideDelivery_reverts() public {
        vm.expectRevert(ICrossDomainMessenger.NoMessage.selector);
        l1Messenger.xDomainMessageSender();
        _down(0);
        vm.expectRevert(ICrossDomainMessenger.NoMessage.selector);
        l2Messenger.xDomainMessageSender();
    }

    function test_recallMessage_byTarget_endsIt_succeeds() public {
        l2Target.setBroken(true);
        bytes memory call = _down(1 ether);
        Message memory m = _messageOf(call);
        l2Target.recall(m.nonce, m.sender, m.value, m.minGasLimit, m.data);
        assertEq(address(l2Target).balance, 1 ether, "with its ETH");
        l2Target.setBroken(false);
        vm.expectRevert(
            abi.encodeWithSelector(ICrossDomainMessenger.AlreadyRelayed.selector, keccak256(call))
        );
        _relayAgain(false, call);
        vm.expectRevert(
            abi.encodeWithSelector(ICrossDomainMessenger.AlreadyRelayed.selector, keccak256(call))
        );
        l2Target.recall(m.nonce, m.sender, m.value, m.minGasLimit, m.data);
    }

    function test_recallMessage_byAnother_orUnfailed_reverts() public {
        l2Target.setBroken(true);
        Message memory m = _messageOf(_down(1 ether));
        vm.prank(ALICE);
        vm.expectRevert();
        l2Messenger.recallMessage(m.nonce, m.sender, m.value, m.minGasLimit, m.data);
        l2Target.setBroken(false);
        bytes memory call = _down(1 ether);
        m = _messageOf(call);
        vm.expectRevert(
            abi.encodeWithSelector(ICrossDomainMessenger.NotFailed.selector, keccak256(call))
        );
        l2Target.recall(m.nonce, m.sender, m.value, m.minGasLimit, m.data);
    }

    /// @notice Whatever the length of a message and the gas that it asks for, the gas of its deposit delivers it, with
    /// at least that gas to its target.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_pitfall_b02_baseGas_sufficesOnArrival(uint256 length, uint256 gasLimit) public {
        length = bound(length, 0, 60_000);
        gasLimit = bound(gasLimit, 60_000, 20_000_000);
        bytes memory data = bytes.concat(take, new bytes(length));
        vm.fee(1 gwei);
        vm.prank(ALICE, ALICE);
        l1Messenger.sendMessage(address(l2Target), data, uint32(gasLimit));
        (Deposit[] memory deposits,) = _collect();
        assertTrue(_execute(deposits[0]), "does not run out of gas");
        assertTrue(l2Messenger.successfulMessages(keccak256(deposits[0].data)), "delivered");
        assertLe(gasLimit, l2Target.gasAtStart() + 500, "with what it asked for");
    }

    /// @notice With any gas, a relay by a third party delivers the message with the gas it asks for, or leaves it as it
    /// was: failed, and deliverable.
    function testFuzz_pitfall_b02_relayMessage_starved_losesNothing(uint256 given) public {
        l2Target.setBroken(true);
        bytes memory call = _down(1 ether);
        l2Target.setBroken(false);
        given = bound(given, 5_000, 400_000);
        (bool ok,) = address(l2Messenger).call{gas: given}(call);
        bytes32 hash = keccak256(call);
        if (ok && l2Messenger.successfulMessages(hash)) {
            assertLe(100_000, l2Target.gasAtStart() + 500, "with what it asked for");
            assertEq(l2Target.got(), 1 ether, "delivered");
        } else {
            assertTrue(!l2Messenger.successfulMessages(hash), "not counted as delivered");
            _relayAgain(false, call);
            assertEq(l2Target.got(), 1 ether, "deliverable");
        }
    }
}
