// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BridgedERC20} from "../../src/bridge/BridgedERC20.sol";
import {IBridgedERC20} from "../../src/bridge/IBridgedERC20.sol";
import {IStandardBridge} from "../../src/bridge/IStandardBridge.sol";
import {StandardBridge} from "../../src/bridge/StandardBridge.sol";
import {ICrossDomainMessenger} from "../../src/messaging/ICrossDomainMessenger.sol";
import {IPortal} from "../../src/l1/IPortal.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {BridgeFixture} from "./BridgeFixture.sol";
import {PlainToken} from "./WeirdTokens.sol";

/// @notice A recipient that refuses ETH while told to.
contract Refuser {
    bool public isClosed = true;

    function open() external {
        isClosed = false;
    }

    receive() external payable {
        require(!isClosed, "closed");
    }
}

contract BridgeTest is BridgeFixture {
    PlainToken internal token;

    event ERC20BridgeInitiated(
        address indexed localToken,
        address indexed remoteToken,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );
    event ERC20DepositInitiated(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    function setUp() public override {
        super.setUp();
        token = new PlainToken();
        token.mint(ALICE, 1000);
        vm.deal(ALICE, 100 ether);
        vm.prank(ALICE);
        token.approve(address(l1Bridge), type(uint256).max);
        vm.prank(ALICE);
        token.approve(address(l2Bridge), type(uint256).max);
    }

    function _depositTokens(uint256 amount) internal returns (BridgedERC20 representation) {
        vm.prank(ALICE, ALICE);
        l1Bridge.bridgeERC20(address(token), address(0), amount, 0, "");
        _executeDeposits();
        return BridgedERC20(l2Bridge.representationOf(address(token)));
    }

    // ---- tokens of L1 ----

    function test_bridgeERC20_l1Native_thereAndBack_succeeds() public {
        address expected = l1Bridge.remoteTokenOf(address(token));
        BridgedERC20 there = _depositTokens(600);
        assertEq(address(there), expected, "where L1 said it would be");
        assertEq(there.balanceOf(ALICE), 600, "minted");
        assertEq(l1Bridge.escrow(address(token)), 600, "locked");
        assertEq(l1Bridge.deposits(address(token), expected), 600, "under the old name");
        assertEq(keccak256(bytes(there.name())), keccak256("Plain"), "name");
        assertEq(keccak256(bytes(there.symbol())), keccak256("PLN"), "symbol");
        assertEq(there.decimals(), 18, "decimals");
        assertEq(there.remoteToken(), address(token), "remote");
        assertTrue(l2Bridge.isRepresentation(address(there)), "known");
        vm.prank(ALICE, ALICE);
        l2Bridge.bridgeERC20(address(there), address(token), 250, 0, "");
        assertEq(there.totalSupply(), 350, "burned");
        _payWithdrawals();
        assertEq(token.balanceOf(ALICE), 650, "back");
        assertEq(l1Bridge.escrow(address(token)), 350, "escrow equals supply");
    }

    function test_bridgeERC20To_emitsEventsOfTheOpStack_succeeds() public {
        address there = l1Bridge.remoteTokenOf(address(token));
        vm.expectEmit(true, true, true, true, address(l1Bridge));
        emit ERC20BridgeInitiated(address(token), there, ALICE, BOB, 5, "x");
        vm.expectEmit(true, true, true, true, address(l1Bridge));
        emit ERC20DepositInitiated(address(token), there, ALICE, BOB, 5, "x");
        vm.prank(ALICE);
        l1Bridge.bridgeERC20To(address(token), there, BOB, 5, 200_000, "x");
        _executeDeposits();
        assertEq(BridgedERC20(there).balanceOf(BOB), 5, "to Bob");
    }

    function test_oldNames_ofTheOpStack_work_succeeds() public {
        address there = l1Bridge.remoteTokenOf(address(token));
        vm.prank(ALICE, ALICE);
        l1Bridge.depositERC20(address(token), there, 100, 200_000, "");
        vm.prank(ALICE);
        l1Bridge.depositERC20To(address(token), there, ALICE, 100, 200_000, "");
        vm.prank(ALICE, ALICE);
        l1Bridge.depositETH{value: 1 ether}(200_000, "");
        vm.prank(ALICE);
        l1Bridge.depositETHTo{value: 1 ether}(BOB, 200_000, "");
        _executeDeposits();
        assertEq(BridgedERC20(there).balanceOf(ALICE), 200, "tokens");
        assertEq(BOB.balance, 1 ether, "ETH");
        vm.prank(ALICE, ALICE);
        l2Bridge.withdraw(there, 50, 0, "");
        vm.prank(ALICE);
        l2Bridge.withdrawTo(there, BOB, 50, 0, "");
        vm.prank(ALICE);
        l2Bridge.withdrawTo{value: 1 ether}(
            0xDeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000, BOB, 1 ether, 0, ""
        );
        _payWithdrawals();
        assertEq(token.balanceOf(BOB), 50, "tokens back");
        assertEq(BOB.balance, 2 ether, "ETH back");
        assertEq(l1Bridge.l2TokenBridge(), address(l2Bridge), "bridge");
        assertEq(l2Bridge.l1TokenBridge(), address(l1Bridge), "bridge");
    }

    // ---- tokens of L2 ----

    function test_bridgeERC20_l2Native_thereAndBack_succeeds() public {
        vm.prank(ALICE, ALICE);
        l2Bridge.bridgeERC20(address(token), address(0), 600, 0, "");
        address expected = l2Bridge.remoteTokenOf(address(token));
        _payWithdrawals();
        BridgedERC20 there = BridgedERC20(l1Bridge.representationOf(address(token)));
        assertEq(address(there), expected, "where L2 said it would be");
        assertEq(there.balanceOf(ALICE), 600, "minted on L1");
        vm.prank(ALICE, ALICE);
        l1Bridge.bridgeERC20(address(there), address(0), 250, 0, "");
        _executeDeposits();
        assertEq(token.balanceOf(ALICE), 650, "back on L2");
        assertEq(l2Bridge.escrow(address(token)), there.totalSupply(), "escrow equals supply");
    }

    // ---- ETH ----

    function test_bridgeETH_thereAndBack_succeeds() public {
        vm.prank(ALICE, ALICE);
        l1Bridge.bridgeETH{value: 3 ether}(200_000, "");
        assertEq(address(portal).balance, 3 ether, "locked");
        _executeDeposits();
        assertEq(ALICE.balance, 100 ether, "arrived");
        vm.prank(ALICE, ALICE);
        (bool ok,) = address(l2Bridge).call{value: 2 ether}("");
        assertTrue(ok, "plain transfer to the bridge");
        _payWithdrawals();
        assertEq(address(portal).balance, 1 ether, "paid");
        assertEq(ALICE.balance, 100 ether, "all of it");
    }

    function test_bridgeETH_toRefuser_isKept_thenRelayed_succeeds() public {
        Refuser refuser = new Refuser();
        vm.prank(ALICE);
        l1Bridge.bridgeETHTo{value: 1 ether}(address(refuser), 200_000, "");
        (Deposit[] memory deposits,) = _collect();
        _execute(deposits[0]);
        assertEq(address(l2Messenger).balance, 1 ether, "kept");
        refuser.open();
        _relayAgain(false, deposits[0].data);
        assertEq(address(refuser).balance, 1 ether, "relayed again");
    }

    function test_pitfall_b54_bridgeETH_refusedOnL2_isRefundedOnL1_succeeds() public {
        Refuser refuser = new Refuser();
        vm.prank(ALICE);
        l1Bridge.bridgeETHTo{value: 1 ether}(address(refuser), 200_000, "");
        (Deposit[] memory deposits,) = _collect();
        _execute(deposits[0]);
        vm.prank(ALICE);
        l2Bridge.refund(_failed(deposits[0].data), 0);
        uint256 before = ALICE.balance;
        _payWithdrawals();
        assertEq(ALICE.balance, before + 1 ether, "back with its sender");
        assertEq(address(portal).balance, 0, "nothing is left");
        vm.expectRevert();
        _relayAgain(false, deposits[0].data);
    }

    function test_pitfall_b54_bridgeETH_refusedOnL1_isRefundedOnL2_succeeds() public {
        Refuser refuser = new Refuser();
        vm.deal(address(portal), 1 ether);
        vm.prank(ALICE);
        l2Bridge.bridgeETHTo{value: 1 ether}(address(refuser), 200_000, "");
        bytes memory call = _payWithdrawals()[0].data;
        vm.prank(ALICE);
        l1Bridge.refund(_failed(call), 200_000);
        uint256 before = ALICE.balance;
        _executeDeposits();
        assertEq(ALICE.balance, before + 1 ether, "back with its sender");
    }

    function test_pitfall_b54_refund_byContractThroughTheMessenger_succeeds() public {
        // The sender is a contract on L1: it has no voice on L2 but by a message.
        Refuser refuser = new Refuser();
        address sender = address(new Refuser());
        vm.deal(sender, 1 ether);
        vm.prank(sender, ALICE);
        l1Bridge.bridgeETHTo{value: 1 ether}(address(refuser), 200_000, "");
        (Deposit[] memory deposits,) = _collect();
        _execute(deposits[0]);
        bytes memory ask =
            abi.encodeCall(IStandardBridge.refund, (_failed(deposits[0].data), 200_000));
        vm.prank(BOB, BOB);
        l1Messenger.sendMessage(address(l2Bridge), ask, 1_000_000);
        _executeDeposits();
        assertEq(address(l2Messenger).balance, 1 ether, "somebody else's message does nothing");
        vm.prank(sender, ALICE);
        l1Messenger.sendMessage(address(l2Bridge), ask, 1_000_000);
        _executeDeposits();
        assertEq(address(passer).balance, 1 ether, "on its way back");
    }

    function test_refund_byStranger_orOfDelivered_reverts() public {
        Refuser refuser = new Refuser();
        vm.prank(ALICE);
        l1Bridge.bridgeETHTo{value: 1 ether}(address(refuser), 200_000, "");
        (Deposit[] memory deposits,) = _collect();
        _execute(deposits[0]);
        vm.prank(BOB);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStandardBridge.NotParty.selector, BOB, ALICE, address(refuser)
            )
        );
        l2Bridge.refund(_failed(deposits[0].data), 0);
        refuser.open();
        _relayAgain(false, deposits[0].data);
        vm.prank(ALICE);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICrossDomainMessenger.AlreadyRelayed.selector, keccak256(deposits[0].data)
            )
        );
        l2Bridge.refund(_failed(deposits[0].data), 0);
    }

    // ---- refusals ----

    function test_bridgeERC20_wrongPair_reverts() public {
        address right = l1Bridge.remoteTokenOf(address(token));
        vm.prank(ALICE);
        vm.expectRevert(
            abi.encodeWithSelector(IStandardBridge.WrongPair.selector, right, address(0xbad))
        );
        l1Bridge.bridgeERC20To(address(token), address(0xbad), ALICE, 1, 0, "");
        BridgedERC20 there = _depositTokens(10);
        vm.prank(ALICE);
        vm.expectRevert(
            abi.encodeWithSelector(IStandardBridge.WrongPair.selector, address(token), address(1))
        );
        l2Bridge.bridgeERC20To(address(there), address(1), ALICE, 1, 0, "");
    }

    function test_bridgeERC20_withoutCode_reverts() public {
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IStandardBridge.NotAToken.selector, BOB));
        l1Bridge.bridgeERC20To(BOB, address(0), ALICE, 1, 0, "");
    }

    function test_bridgeERC20_badRecipient_reverts() public {
        address[3] memory bad = [address(0), address(l1Bridge), address(l2Bridge)];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.prank(ALICE);
            vm.expectRevert(
                abi.encodeWithSelector(IStandardBridge.BadRecipient.selector, bad[i])
            );
            l1Bridge.bridgeERC20To(address(token), address(0), bad[i], 1, 0, "");
            vm.prank(ALICE);
            vm.expectRevert(
                abi.encodeWithSelector(IStandardBridge.BadRecipient.selector, bad[i])
            );
            l1Bridge.bridgeETHTo{value: 1}(bad[i], 0, "");
        }
    }

    function test_pitfall_a01_bridgeToOneself_needsAKey() public {
        address account = address(new Refuser());
        vm.deal(account, 1 ether);
        vm.prank(account, ALICE);
        vm.expectRevert(abi.encodeWithSelector(IStandardBridge.NoKey.selector, account));
        l1Bridge.bridgeETH{value: 1}(0, "");
        vm.prank(account, ALICE);
        vm.expectRevert(abi.encodeWithSelector(IStandardBridge.NoKey.selector, account));
        l1Bridge.bridgeERC20(address(token), address(0), 1, 0, "");
        // An account delegated under EIP-7702 has code, and a key.
        vm.etch(ALICE, abi.encodePacked(hex"ef0100", account));
        vm.prank(ALICE, BOB);
        l1Bridge.bridgeETH{value: 1}(0, "");
    }

    function test_finalize_byAnybodyElse_reverts() public {
        IStandardBridge.Metadata memory none;
        StandardBridge[2] memory bridges =
            [StandardBridge(payable(address(l1Bridge))), StandardBridge(payable(address(l2Bridge)))];
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory refusal =
                abi.encodeWithSelector(IStandardBridge.NotOtherBridge.selector, address(this));
            vm.expectRevert(refusal);
            bridges[i].finalizeBridgeETH(ALICE, ALICE, 0, "");
            vm.expectRevert(refusal);
            bridges[i].finalizeBridgeERC20(address(token), address(0), ALICE, ALICE, 0, "");
            vm.expectRevert(refusal);
            bridges[i].finalizeBridgeRepresentation(
                address(token), address(0), ALICE, ALICE, 0, "", none
            );
        }
    }

    function test_finalize_byMessageOfAnother_fails() public {
        _depositTokens(100);
        bytes memory steal = abi.encodeCall(
            IStandardBridge.finalizeBridgeERC20,
            (address(token), l1Bridge.remoteTokenOf(address(token)), BOB, BOB, 100, "")
        );
        vm.prank(BOB, BOB);
        l2Messenger.sendMessage(address(l1Bridge), steal, 500_000);
        bytes memory call = _payWithdrawals()[0].data;
        assertTrue(l1Messenger.failedMessages(keccak256(call)), "refused");
        assertEq(token.balanceOf(BOB), 0, "nothing stolen");
        vm.prank(BOB);
        vm.expectRevert();
        l1Bridge.refund(_failed(call), 0);
    }

    function test_representation_obeysTheBridgeAlone() public {
        BridgedERC20 there = _depositTokens(100);
        bytes memory refusal =
            abi.encodeWithSelector(IBridgedERC20.NotBridge.selector, address(this));
        vm.expectRevert(refusal);
        there.mint(BOB, 1);
        vm.expectRevert(refusal);
        there.burn(ALICE, 1);
        IStandardBridge.Metadata memory none;
        vm.expectRevert(IBridgedERC20.AlreadyInitialized.selector);
        there.initialize(BOB, none);
        BridgedERC20 code = BridgedERC20(l1Bridge.tokenImplementation());
        vm.expectRevert(IBridgedERC20.AlreadyInitialized.selector);
        code.initialize(BOB, none);
        assertTrue(there.supportsInterface(0x01ffc9a7), "ERC-165");
        assertTrue(there.supportsInterface(0xec4fc8e3), "mintable token of the OP Stack");
        assertTrue(!there.supportsInterface(0xffffffff), "nothing else");
    }

    function test_pitfall_b49_initialize_again_reverts() public {
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        l1Bridge.initialize(BOB, BOB);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        l1Messenger.initialize(IPortal(BOB));
    }

    function test_sizes_fitIntoTheLimitOfCode() public view {
        assertLe(address(l2Bridge).code.length, 24_576, "bridge");
        assertLe(address(l2Messenger).code.length, 24_576, "messenger");
    }
}
