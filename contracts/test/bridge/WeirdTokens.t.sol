// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BridgedERC20} from "../../src/bridge/BridgedERC20.sol";
import {IStandardBridge} from "../../src/bridge/IStandardBridge.sol";
import {IPortal} from "../../src/l1/IPortal.sol";
import {BridgeFixture} from "./BridgeFixture.sol";
import {
    BlockingToken,
    Bytes32Token,
    DecimalsToken,
    FallbackToken,
    FalseToken,
    FeeToken,
    HugeMetadataToken,
    NoReturnToken,
    PermitToken,
    PlainToken,
    ReentrantToken,
    RebasingToken,
    RevertingMetadataToken,
    SurchargeToken
} from "./WeirdTokens.sol";

/// @notice Deposits a token that calls it back, and deposits again when called.
contract Nester {
    ReentrantToken private immutable _token;
    address private immutable _bridge;
    bool public wasCalled;
    bool public innerOk;

    constructor(ReentrantToken token, address bridge) {
        _token = token;
        _bridge = bridge;
        token.approve(bridge, type(uint256).max);
    }

    function deposit(uint256 amount) external {
        _token.onMove(address(this), abi.encodeCall(this.nest, ()));
        IStandardBridge(_bridge)
            .bridgeERC20To(address(_token), address(0), address(this), amount, 0, "");
    }

    function nest() external {
        wasCalled = true;
        (innerOk,) = _bridge.call(
            abi.encodeCall(
                IStandardBridge.bridgeERC20To,
                (address(_token), address(0), address(this), 100, 0, "")
            )
        );
    }
}

/// @notice The table of `docs/bridge.md`, row by row.
contract WeirdTokensTest is BridgeFixture {
    uint256 private constant KEY = 0xa11ce;
    address private signer;

    function setUp() public override {
        super.setUp();
        signer = vm.addr(KEY);
        vm.deal(ALICE, 10 ether);
    }

    function _approve(address token) private {
        PlainToken(token).mint(ALICE, 1000);
        vm.prank(ALICE);
        _call(token, abi.encodeCall(IERC20.approve, (address(l1Bridge), type(uint256).max)));
    }

    function _deposit(address token, uint256 amount) private returns (BridgedERC20 there) {
        vm.prank(ALICE, ALICE);
        l1Bridge.bridgeERC20(token, address(0), amount, 0, "");
        _executeDeposits();
        there = BridgedERC20(l2Bridge.representationOf(token));
        assertEq(there.totalSupply(), l1Bridge.escrow(token), "supply equals escrow");
    }

    /// @dev Withdraws; the call that the messenger kept if it failed.
    function _withdraw(address token, uint256 amount, address to) private returns (bytes memory) {
        address there = l2Bridge.representationOf(token);
        vm.prank(ALICE);
        l2Bridge.bridgeERC20To(there, address(0), to, amount, 0, "");
        return _payWithdrawals()[0].data;
    }

    function _isFailed(bytes memory call) private view returns (bool) {
        bytes32 hash = keccak256(call);
        return l1Messenger.failedMessages(hash) && !l1Messenger.successfulMessages(hash);
    }

    function test_pitfall_b51_feeToken_deposit_reverts() public {
        FeeToken token = new FeeToken();
        _approve(address(token));
        vm.prank(ALICE, ALICE);
        vm.expectRevert(abi.encodeWithSelector(IStandardBridge.AmountMismatch.selector, 500, 495));
        l1Bridge.bridgeERC20(address(token), address(0), 500, 0, "");
    }

    function test_pitfall_b51_feeTurnedOnLater_recipientPaysIt_escrowHolds() public {
        FeeToken token = new FeeToken();
        token.setFee(false);
        _approve(address(token));
        _deposit(address(token), 500);
        token.setFee(true);
        _withdraw(address(token), 200, BOB);
        assertEq(token.balanceOf(BOB), 198, "less the token's fee");
        assertEq(token.balanceOf(address(l1Bridge)), l1Bridge.escrow(address(token)), "escrow");
    }

    function test_pitfall_b51_surchargeTurnedOnLater_failsClosed_untilTurnedOff() public {
        SurchargeToken token = new SurchargeToken();
        _approve(address(token));
        _deposit(address(token), 500);
        token.setFee(true);
        bytes memory call = _withdraw(address(token), 200, BOB);
        assertTrue(_isFailed(call), "others' tokens do not pay the surcharge");
        assertEq(token.balanceOf(address(l1Bridge)), 500, "untouched");
        token.setFee(false);
        _relayAgain(true, call);
        assertEq(token.balanceOf(BOB), 200, "retried");
    }

    function test_pitfall_b51_negativeRebase_withdrawalsStayRetryable() public {
        RebasingToken token = new RebasingToken();
        _approve(address(token));
        BridgedERC20 there = _deposit(address(token), 500);
        token.rebase(500);
        bytes memory call = _withdraw(address(token), 400, BOB);
        assertTrue(_isFailed(call), "250 are left");
        assertEq(l1Bridge.escrow(address(token)), there.totalSupply() + 400, "in flight");
        token.rebase(1000);
        _relayAgain(true, call);
        assertEq(token.balanceOf(BOB), 400, "retried");
    }

    function test_positiveRebase_surplusStays() public {
        RebasingToken token = new RebasingToken();
        _approve(address(token));
        _deposit(address(token), 500);
        token.rebase(2000);
        _withdraw(address(token), 500, BOB);
        assertEq(token.balanceOf(BOB), 500, "what was deposited");
        assertEq(token.balanceOf(address(l1Bridge)), 500, "surplus");
    }

    function test_falseToken_depositReverts_withdrawalStaysRetryable() public {
        FalseToken token = new FalseToken();
        _approve(address(token));
        _deposit(address(token), 500);
        token.setBroken(true);
        vm.prank(ALICE, ALICE);
        vm.expectRevert();
        l1Bridge.bridgeERC20(address(token), address(0), 1, 0, "");
        bytes memory call = _withdraw(address(token), 200, BOB);
        assertTrue(_isFailed(call), "false is a failure");
        token.setBroken(false);
        _relayAgain(true, call);
        assertEq(token.balanceOf(BOB), 200, "retried");
    }

    function test_upgradedToken_movingNothing_orGone_failsClosed_untilRepaired() public {
        PlainToken token = new PlainToken();
        _approve(address(token));
        _deposit(address(token), 500);
        bytes memory code = address(token).code;
        // Whatever it is asked, it says 1: true, and a balance that does not change.
        vm.etch(address(token), hex"60015f5260205ff3");
        vm.prank(ALICE, ALICE);
        vm.expectRevert(abi.encodeWithSelector(IStandardBridge.AmountMismatch.selector, 100, 0));
        l1Bridge.bridgeERC20(address(token), address(0), 100, 0, "");
        bytes memory first = _withdraw(address(token), 200, BOB);
        assertTrue(_isFailed(first), "nothing moved");
        vm.etch(address(token), "");
        bytes memory second = _withdraw(address(token), 100, BOB);
        assertTrue(_isFailed(second), "no code");
        assertEq(l1Bridge.escrow(address(token)), 500, "escrow is not given up");
        vm.etch(address(token), code);
        _relayAgain(true, first);
        _relayAgain(true, second);
        assertEq(token.balanceOf(BOB), 300, "paid when it is repaired");
        assertEq(l1Bridge.escrow(address(token)), 200, "escrow");
    }

    function test_firstDeposit_withLongExtraData_starvesNobodyElse_succeeds() public {
        // Only the first deposit brings the gas for making the representation: it must not be spent otherwise.
        PlainToken token = new PlainToken();
        address meddler = address(0xbad);
        token.mint(meddler, 1);
        vm.prank(meddler);
        token.approve(address(l1Bridge), 1);
        vm.prank(meddler, meddler);
        l1Bridge.bridgeERC20(address(token), address(0), 1, 0, new bytes(98_500));
        _executeDeposits();
        assertTrue(l2Bridge.isRepresentation(l2Bridge.representationOf(address(token))), "made");
        _approve(address(token));
        BridgedERC20 there = _deposit(address(token), 500);
        assertEq(there.balanceOf(ALICE), 500, "arrived");
    }

    function test_firstWithdrawal_withLongExtraData_leastGas_starvesNobodyElse_succeeds() public {
        PlainToken token = new PlainToken();
        address meddler = address(0xbad);
        token.mint(meddler, 1);
        vm.prank(meddler);
        token.approve(address(l2Bridge), 1);
        vm.prank(meddler, meddler);
        l2Bridge.bridgeERC20(address(token), address(0), 1, 0, new bytes(98_500));
        (, IPortal.WithdrawalTransaction[] memory sent) = _collect();
        _prove(sent[0], _proposeWith(sent[0], ++_batch), meddler);
        _passAll();
        // The least gas with which it counts as paid.
        uint256 low = sent[0].gasLimit;
        uint256 high = 2 * low + 1_000_000;
        while (high - low > 500) {
            uint256 middle = (low + high) / 2;
            uint256 state = vm.snapshotState();
            if (_pays(sent[0], meddler, middle)) high = middle;
            else low = middle;
            vm.revertToState(state);
        }
        assertTrue(_pays(sent[0], meddler, high), "paid");
        assertTrue(l1Bridge.isRepresentation(l1Bridge.representationOf(address(token))), "made");
    }

    function _pays(IPortal.WithdrawalTransaction memory w, address by, uint256 gasLimit)
        private
        returns (bool ok)
    {
        vm.prank(by, by);
        (ok,) = address(portal).call{gas: gasLimit}(
            abi.encodeCall(IPortal.finalizeWithdrawalTransaction, (w))
        );
    }

    function test_noReturnToken_thereAndBack_succeeds() public {
        NoReturnToken token = new NoReturnToken();
        _approve(address(token));
        BridgedERC20 there = _deposit(address(token), 500);
        assertEq(there.decimals(), 6, "decimals");
        _withdraw(address(token), 500, BOB);
        assertEq(token.balanceOf(BOB), 500, "back");
    }

    function test_pitfall_b52_reentrantToken_secondDepositInside_isRefused() public {
        ReentrantToken token = new ReentrantToken();
        Nester nester = new Nester(token, address(l1Bridge));
        token.mint(address(nester), 1000);
        nester.deposit(500);
        assertTrue(nester.wasCalled() && !nester.innerOk(), "refused");
        assertEq(l1Bridge.escrow(address(token)), 500, "once");
        assertEq(token.balanceOf(address(l1Bridge)), 500, "as many as there are");
    }

    function test_pitfall_b52_reentrantToken_recipientThatIsCalled_isPaid() public {
        ReentrantToken token = new ReentrantToken();
        _approve(address(token));
        _deposit(address(token), 500);
        vm.prank(BOB);
        token.onMove(address(this), "");
        bytes memory call = _withdraw(address(token), 100, BOB);
        assertEq(token.balanceOf(BOB), 100, "paid");
        assertTrue(!_isFailed(call), "delivered");
    }

    function test_blockedRecipient_staysRetryable_orIsRefunded() public {
        BlockingToken token = new BlockingToken();
        _approve(address(token));
        BridgedERC20 there = _deposit(address(token), 500);
        token.setBlocked(BOB, true);
        bytes memory call = _withdraw(address(token), 200, BOB);
        assertTrue(_isFailed(call), "not served");
        vm.prank(ALICE);
        l1Bridge.refund(_failed(call), 0);
        _executeDeposits();
        assertEq(there.balanceOf(ALICE), 500, "minted again for its sender");
        assertEq(l1Bridge.escrow(address(token)), 500, "escrow");
        vm.expectRevert();
        _relayAgain(true, call);
    }

    function test_pausedToken_staysRetryable() public {
        BlockingToken token = new BlockingToken();
        _approve(address(token));
        _deposit(address(token), 500);
        token.setPaused(true);
        bytes memory call = _withdraw(address(token), 200, BOB);
        assertTrue(_isFailed(call), "paused");
        token.setPaused(false);
        _relayAgain(true, call);
        assertEq(token.balanceOf(BOB), 200, "retried");
    }

    function test_hugeMetadata_isCutAtACharacter_succeeds() public {
        HugeMetadataToken token = new HugeMetadataToken();
        _approve(address(token));
        BridgedERC20 there = _deposit(address(token), 500);
        assertEq(bytes(there.name()).length, 64, "cut");
        assertEq(bytes(there.symbol()).length, 63, "whole characters");
    }

    function test_revertingMetadata_isEmpty_succeeds() public {
        RevertingMetadataToken token = new RevertingMetadataToken();
        _approve(address(token));
        BridgedERC20 there = _deposit(address(token), 500);
        assertEq(bytes(there.name()).length, 0, "reverts");
        assertEq(bytes(there.symbol()).length, 0, "burns its gas");
        assertEq(there.decimals(), 0, "256 is none");
    }

    function test_bytes32Metadata_isRead_succeeds() public {
        Bytes32Token token = new Bytes32Token();
        token.mint(ALICE, 10);
        BridgedERC20 there = _deposit(address(token), 10);
        assertEq(keccak256(bytes(there.name())), keccak256("Maker"), "name");
        assertEq(keccak256(bytes(there.symbol())), keccak256("MKR"), "symbol");
        assertEq(there.decimals(), 0, "has none");
    }

    function test_decimals_0and77_areKept_succeeds() public {
        uint8[2] memory decimals = [0, 77];
        for (uint256 i = 0; i < 2; ++i) {
            DecimalsToken token = new DecimalsToken(decimals[i]);
            _approve(address(token));
            assertEq(_deposit(address(token), 1).decimals(), decimals[i], "decimals");
        }
    }

    // ---- permits ----

    function _permit(PermitToken token, uint256 amount) private view returns (bytes memory, bytes memory) {
        bytes32 content = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                signer,
                address(l1Bridge),
                amount,
                token.nonces(signer),
                block.timestamp
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(KEY, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), content)));
        return (
            abi.encode(block.timestamp, v, r, s),
            abi.encodeCall(
                token.permit, (signer, address(l1Bridge), amount, block.timestamp, v, r, s)
            )
        );
    }

    function test_pitfall_b55_permitDeposit_inOneTransaction_succeeds() public {
        PermitToken token = new PermitToken();
        token.mint(signer, 100);
        (bytes memory permit,) = _permit(token, 100);
        vm.prank(signer, signer);
        l1Bridge.bridgeERC20WithPermit(address(token), address(0), signer, 100, 0, "", permit);
        assertEq(l1Bridge.escrow(address(token)), 100, "deposited");
    }

    function test_pitfall_b55_permitDeposit_frontRun_succeeds() public {
        PermitToken token = new PermitToken();
        token.mint(signer, 100);
        (bytes memory permit, bytes memory copy) = _permit(token, 100);
        vm.prank(BOB);
        _call(address(token), copy);
        vm.prank(signer, signer);
        l1Bridge.bridgeERC20WithPermit(address(token), address(0), signer, 100, 0, "", permit);
        assertEq(l1Bridge.escrow(address(token)), 100, "deposited all the same");
    }

    function test_pitfall_b55_permitOfAnother_movesNothing_reverts() public {
        PermitToken token = new PermitToken();
        token.mint(signer, 100);
        (bytes memory permit,) = _permit(token, 100);
        vm.prank(BOB, BOB);
        vm.expectRevert();
        l1Bridge.bridgeERC20WithPermit(address(token), address(0), BOB, 100, 0, "", permit);
        assertEq(token.balanceOf(signer), 100, "still there");
    }

    function test_permitDeposit_ofTokenThatIgnoresPermits_needsAnAllowance() public {
        FallbackToken token = new FallbackToken();
        token.mint(ALICE, 100);
        vm.prank(ALICE, ALICE);
        vm.expectRevert();
        l1Bridge.bridgeERC20WithPermit(
            address(token), address(0), ALICE, 100, 0, "", abi.encode(0, 0, 0, 0)
        );
    }

    function test_representation_takesPermits_succeeds() public {
        PlainToken token = new PlainToken();
        token.mint(ALICE, 100);
        vm.prank(ALICE);
        token.approve(address(l1Bridge), 100);
        vm.prank(ALICE);
        l1Bridge.bridgeERC20To(address(token), address(0), signer, 100, 0, "");
        _executeDeposits();
        PermitToken there = PermitToken(l2Bridge.representationOf(address(token)));
        (, bytes memory call) = _permit(there, 40);
        _call(address(there), call);
        assertEq(there.allowance(signer, address(l1Bridge)), 40, "allowed");
        vm.expectRevert();
        _call(address(there), call);
    }
}
