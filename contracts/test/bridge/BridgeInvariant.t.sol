// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BridgedERC20} from "../../src/bridge/BridgedERC20.sol";
import {IStandardBridge} from "../../src/bridge/IStandardBridge.sol";
import {IPortal} from "../../src/l1/IPortal.sol";
import {Base} from "../Base.t.sol";
import {BridgeFixture} from "./BridgeFixture.sol";
import {FalseToken} from "./WeirdTokens.sol";

/// @notice Actors on both layers who move ETH and a token that sometimes refuses, and one who means ill.
contract BridgeHandler is BridgeFixture {
    /// @notice A withdrawal under way.
    struct Pending {
        IPortal.WithdrawalTransaction w;
        Proof proof;
        uint256 tokens;
        bool isProven;
        bool isPaid;
    }

    /// @notice A deposit under way.
    struct Down {
        Deposit d;
        uint256 tokens;
        bool isExecuted;
    }

    FalseToken public token;
    BridgedERC20 public there;
    address[] public l1Actors;
    address[] public l2Actors;
    Down[] internal _downs;
    Pending[] internal _ups;
    uint256 public minted;
    /// @dev Broken laws that only show while an action runs.
    bool public refusedReady;
    bool public raisedDelay;
    uint256 public paidCount;
    uint256 public executedCount;
    uint256 public refundCount;

    function setUp() public override {
        super.setUp();
        token = new FalseToken();
        there = BridgedERC20(l1Bridge.remoteTokenOf(address(token)));
        for (uint160 i = 0; i < 3; ++i) {
            l1Actors.push(address(0x11000 + i));
            l2Actors.push(address(0x22000 + i));
            token.mint(l1Actors[i], 1e6);
            vm.deal(l1Actors[i], 1000 ether);
            vm.prank(l1Actors[i]);
            token.approve(address(l1Bridge), type(uint256).max);
        }
        depositTokens(0, 0, 1000);
        execute();
    }

    // ---- actions ----

    function depositETH(uint256 from, uint256 to, uint96 amount) external {
        address actor = l1Actors[from % 3];
        amount = uint96(bound(amount, 0, 1 ether));
        vm.prank(actor);
        l1Bridge.bridgeETHTo{value: amount}(l2Actors[to % 3], 0, "");
        _noteLogs(0);
    }

    function depositTokens(uint256 from, uint256 to, uint96 amount) public {
        amount = uint96(bound(amount, 0, 1000));
        if (token.isBroken()) return;
        vm.prank(l1Actors[from % 3]);
        l1Bridge.bridgeERC20To(address(token), address(0), l2Actors[to % 3], amount, 0, "");
        _noteLogs(amount);
    }

    /// @notice L2 takes the oldest deposit in, sometimes with a gas that is spent on something else.
    function execute() public {
        for (uint256 i = 0; i < _downs.length; ++i) {
            if (_downs[i].isExecuted) continue;
            _downs[i].isExecuted = true;
            minted += _downs[i].d.mint;
            _execute(_downs[i].d);
            ++executedCount;
            _noteLogs(0);
            return;
        }
    }

    function withdrawETH(uint256 from, uint256 to, uint96 amount) external {
        address actor = l2Actors[from % 3];
        amount = uint96(bound(amount, 0, actor.balance));
        vm.prank(actor);
        l2Bridge.bridgeETHTo{value: amount}(l1Actors[to % 3], 0, "");
        _noteLogs(0);
    }

    function withdrawTokens(uint256 from, uint256 to, uint96 amount) external {
        address actor = l2Actors[from % 3];
        amount = uint96(bound(amount, 0, there.balanceOf(actor)));
        vm.prank(actor);
        l2Bridge.bridgeERC20To(address(there), address(0), l1Actors[to % 3], amount, 0, "");
        _noteLogs(amount);
    }

    function prove(uint256 which) external {
        if (_ups.length == 0) return;
        Pending storage p = _ups[which % _ups.length];
        if (p.isProven || p.isPaid) return;
        p.proof = _proposeWith(p.w, ++_batch);
        p.isProven = true;
        _prove(p.w, p.proof, ALICE);
    }

    /// @notice Whatever is ready must be payable.
    function pay(uint256 which) external {
        if (_ups.length == 0) return;
        Pending storage p = _ups[which % _ups.length];
        (IPortal.WithdrawalStatus status,) = portal.withdrawalStatus(_hashOf(p.w), ALICE);
        if (status != IPortal.WithdrawalStatus.READY) return;
        vm.prank(BOB);
        try portal.finalizeWithdrawalTransactionExternalProof(p.w, ALICE) {
            p.isPaid = true;
            ++paidCount;
            vm.deal(address(passer), address(passer).balance - p.w.value);
        } catch {
            refusedReady = true;
        }
        _noteLogs(0);
    }

    /// @notice Somebody proves another's withdrawal, by its own root or by a false one, and pays what is ready with
    /// whatever gas.
    function meddle(uint256 which, bool byFalseRoot, uint256 gasGiven) external {
        if (_ups.length == 0) return;
        Pending storage p = _ups[which % _ups.length];
        if (p.isPaid || !p.isProven) return;
        (, uint256 before) = portal.withdrawalStatus(_hashOf(p.w), ALICE);
        (, uint256 shownBefore) = portal.withdrawalStatus(_hashOf(p.w), _last(p.w));
        _prove(p.w, byFalseRoot ? _proposeWith(p.w, ++_batch) : p.proof, BOB);
        vm.prank(BOB);
        (bool ok,) = address(portal).call{gas: bound(gasGiven, 50_000, 2_000_000)}(
            abi.encodeCall(portal.finalizeWithdrawalTransactionExternalProof, (p.w, BOB))
        );
        if (ok) {
            p.isPaid = true;
            ++paidCount;
            vm.deal(address(passer), address(passer).balance - p.w.value);
        } else {
            (, uint256 later) = portal.withdrawalStatus(_hashOf(p.w), ALICE);
            (, uint256 shown) = portal.withdrawalStatus(_hashOf(p.w), _last(p.w));
            if (later > before || shown > shownBefore) raisedDelay = true;
        }
        _noteLogs(0);
    }

    function wait_(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, W + AIR_GAP));
    }

    function breakToken(bool broken) external {
        token.setBroken(broken);
    }

    function relayAgain(uint256 which) external {
        (bool onL1, bytes memory call) = _any(which);
        if (call.length == 0 || !_isFailed(onL1, call)) return;
        vm.prank(BOB);
        _relayAgain(onL1, call);
        _noteLogs(0);
    }

    function refundFailed(uint256 which) external {
        (bool onL1, bytes memory call) = _any(which);
        if (call.length == 0 || !_isFailed(onL1, call)) return;
        Message memory m = _messageOf(call);
        // Arguments begin with two tokens, or, for ETH, with sender and recipient.
        (, bool isTokens) = _tokensOf(m.data);
        (address a, address b, address c, uint256 amount) =
            abi.decode(_from(m.data, 4), (address, address, address, uint256));
        if (isTokens) (,,,, amount) = abi.decode(_from(m.data, 4), (address, address, address, address, uint256));
        vm.prank(isTokens ? c : a);
        if (onL1) l1Bridge.refund(_failed(call), 0);
        else l2Bridge.refund(_failed(call), 0);
        assertTrue(b != address(this), "");
        ++refundCount;
        _noteLogs(isTokens ? amount : 0);
    }

    // ---- what the laws look at ----

    /// @notice Tokens in messages that were not delivered.
    function tokensInFlight() external view returns (uint256 sum) {
        for (uint256 i = 0; i < _downs.length; ++i) {
            if (!l2Messenger.successfulMessages(keccak256(_downs[i].d.data))) sum += _downs[i].tokens;
        }
        for (uint256 i = 0; i < _ups.length; ++i) {
            if (!l1Messenger.successfulMessages(keccak256(_ups[i].w.data))) sum += _ups[i].tokens;
        }
    }

    /// @notice ETH on L2, that of failed messages included; what the passer holds has left.
    function supplyOfETH() external view returns (uint256 sum) {
        for (uint256 i = 0; i < 3; ++i) {
            sum += l2Actors[i].balance;
        }
        sum += address(l2Messenger).balance + address(l2Bridge).balance;
        sum += _aliasOf(address(l1Messenger)).balance;
    }

    /// @notice ETH of deposits that L2 has not taken in, and of withdrawals that L1 has not paid.
    function ethInFlight() external view returns (uint256 sum) {
        for (uint256 i = 0; i < _downs.length; ++i) {
            if (!_downs[i].isExecuted) sum += _downs[i].d.mint;
        }
        for (uint256 i = 0; i < _ups.length; ++i) {
            if (!_ups[i].isPaid) sum += _ups[i].w.value;
        }
    }

    function escrowed() external view returns (uint256) {
        return l1Bridge.escrow(address(token));
    }

    function held() external view returns (uint256) {
        return token.balanceOf(address(l1Bridge));
    }

    function portalBalance() external view returns (uint256) {
        return address(portal).balance;
    }

    /// @notice Every message that was executed or paid is delivered or kept, never both.
    function isEveryMessageOnce() external view returns (bool) {
        for (uint256 i = 0; i < _downs.length; ++i) {
            bytes32 hash = keccak256(_downs[i].d.data);
            bool known = l2Messenger.successfulMessages(hash) || l2Messenger.failedMessages(hash);
            if (known != _downs[i].isExecuted) return false;
        }
        for (uint256 i = 0; i < _ups.length; ++i) {
            bytes32 hash = keccak256(_ups[i].w.data);
            bool known = l1Messenger.successfulMessages(hash) || l1Messenger.failedMessages(hash);
            if (known != _ups[i].isPaid) return false;
        }
        return true;
    }

    // ---- helpers ----

    function _noteLogs(uint256 tokens) private {
        (Deposit[] memory deposits, IPortal.WithdrawalTransaction[] memory sent) = _collect();
        for (uint256 i = 0; i < deposits.length; ++i) {
            _downs.push(Down(deposits[i], tokens, false));
        }
        for (uint256 i = 0; i < sent.length; ++i) {
            Pending storage p = _ups.push();
            p.w = sent[i];
            p.tokens = tokens;
        }
    }

    function _any(uint256 which) private view returns (bool onL1, bytes memory call) {
        uint256 count = _downs.length + _ups.length;
        if (count == 0) return (false, "");
        which %= count;
        if (which < _downs.length) return (false, _downs[which].d.data);
        return (true, _ups[which - _downs.length].w.data);
    }

    function _isFailed(bool onL1, bytes memory call) private view returns (bool) {
        bytes32 hash = keccak256(call);
        return onL1
            ? l1Messenger.failedMessages(hash) && !l1Messenger.successfulMessages(hash)
            : l2Messenger.failedMessages(hash) && !l2Messenger.successfulMessages(hash);
    }

    function _tokensOf(bytes memory data) private pure returns (bytes4 selector, bool isTokens) {
        selector = bytes4(data);
        isTokens = selector != IStandardBridge.finalizeBridgeETH.selector;
    }

    function _last(IPortal.WithdrawalTransaction memory w) private view returns (address) {
        bytes32 hash = _hashOf(w);
        return portal.proofSubmitters(hash, portal.numProofSubmitters(hash) - 1);
    }
}

contract BridgeInvariantTest is Base {
    uint256 private constant W_AND_GAP = 604_800;

    BridgeHandler private _handler;

    function setUp() public {
        _handler = new BridgeHandler();
        _handler.setUp();
        bytes4[] memory actions = new bytes4[](11);
        actions[0] = BridgeHandler.depositETH.selector;
        actions[1] = BridgeHandler.depositTokens.selector;
        actions[2] = BridgeHandler.execute.selector;
        actions[3] = BridgeHandler.withdrawETH.selector;
        actions[4] = BridgeHandler.withdrawTokens.selector;
        actions[5] = BridgeHandler.prove.selector;
        actions[6] = BridgeHandler.pay.selector;
        actions[7] = BridgeHandler.meddle.selector;
        actions[8] = BridgeHandler.wait_.selector;
        actions[9] = BridgeHandler.relayAgain.selector;
        actions[10] = BridgeHandler.breakToken.selector;
        targetContract(address(_handler));
        targetSelector(FuzzSelector(address(_handler), actions));
        bytes4[] memory more = new bytes4[](4);
        more[0] = BridgeHandler.refundFailed.selector;
        more[1] = BridgeHandler.pay.selector;
        more[2] = BridgeHandler.prove.selector;
        more[3] = BridgeHandler.execute.selector;
        targetSelector(FuzzSelector(address(_handler), more));
    }

    /// @notice The actions reach what the laws are about: payments, failures that are relayed, refunds.
    function test_actions_reachEveryFate_andLawsHold_succeeds() public {
        BridgeHandler h = _handler;
        for (uint256 round = 0; round < 4; ++round) {
            h.depositETH(round, round, 1 ether);
            h.depositTokens(round, round, 500);
            h.execute();
            h.execute();
            h.withdrawTokens(round, round, 100);
            h.withdrawETH(round, round, 0.5 ether);
            h.breakToken(round % 2 == 0);
            for (uint256 i = 0; i < 8; ++i) {
                h.prove(i);
            }
            h.meddle(round, true, 1_000_000);
            h.wait_(type(uint256).max / 2);
            h.wait_(W_AND_GAP);
            h.wait_(W_AND_GAP);
            for (uint256 i = 0; i < 8; ++i) {
                h.pay(i);
            }
            h.breakToken(false);
            if (round < 2) {
                for (uint256 i = 0; i < 24; ++i) {
                    h.relayAgain(i);
                }
            } else {
                for (uint256 i = 0; i < 24; ++i) {
                    h.refundFailed(i);
                }
                h.execute();
            }
            invariant_laws();
        }
        assertTrue(h.paidCount() > 4, "payments");
        assertTrue(h.executedCount() > 8, "deposits");
        assertTrue(h.refundCount() > 0, "refunds");
    }

    /// @notice One campaign for all laws.
    function invariant_laws() public view {
        BridgeHandler h = _handler;
        // Per token, what is locked is what is represented and what is on its way; and it is there.
        assertEq(h.escrowed(), h.there().totalSupply() + h.tokensInFlight(), "escrow");
        assertEq(h.held(), h.escrowed(), "the tokens are there");
        // The Portal holds what L2 has and what is on its way.
        assertEq(h.portalBalance(), h.supplyOfETH() + h.ethInFlight(), "ETH");
        // Each message has one fate.
        assertTrue(h.isEveryMessageOnce(), "messages");
        // What is proven against a root that stands can be paid.
        assertTrue(!h.refusedReady(), "ready, and refused");
        // Nobody makes another wait longer, nor look as if.
        assertTrue(!h.raisedDelay(), "delay raised");
    }
}
