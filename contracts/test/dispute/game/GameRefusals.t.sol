// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {DisputeGame} from "../../../src/dispute/game/DisputeGame.sol";
import {IDisputeGame} from "../../../src/dispute/game/IDisputeGame.sol";
import {IStepVerifier} from "../../../src/dispute/IStepVerifier.sol";
import {
    ClaimId,
    ClaimStatus,
    GameConfig,
    GameStatus,
    Header,
    Level,
    Proposal,
    Segment
} from "../../../src/dispute/game/Types.sol";
import {Refusals} from "./Refusals.sol";
import {ToyVerifier} from "./ToyVerifier.sol";

/// @notice Every error of the game, reached through an account and through a contract wallet.
contract GameRefusalsTest is Refusals {
    function counterCall(Node memory parent, Segment memory s, bytes32[] memory points, bytes memory end)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(IDisputeGame.counter, (parent.header, s, points, end));
    }

    function lieFrom(uint64 batch, uint64 step) internal pure returns (View memory) {
        return View(false, batch, step, keccak256("salt"));
    }

    /// @dev A true root over 300 batches, and the liar's dissection of it.
    function opened() internal returns (Node memory root, Node memory claim) {
        root = propose(300, true);
        claim = answer(liar, lieFrom(7, 9), root);
    }

    function test_initialize_notByFactory_reverts() public {
        propose(1, true);
        bytes memory data = abi.encodeCall(IDisputeGame.initialize, (account, PASSER, ""));
        refusedBy(
            address(game),
            data,
            abi.encodeWithSelector(IDisputeGame.NotFactory.selector, account),
            abi.encodeWithSelector(IDisputeGame.NotFactory.selector, address(wallet))
        );
    }

    function test_initialize_twice_reverts() public {
        bytes memory err = abi.encodeWithSelector(IDisputeGame.AlreadyInitialized.selector);
        (address ofAccount, bytes memory start) = gameOf(account);
        (address ofWallet,) = gameOf(address(wallet));
        uint256 bond = bondAt(Level.ROOT, 10);
        vm.prank(account, account);
        (bool ok,) = ofAccount.call{value: bond}(start);
        assertTrue(ok, "the account starts its game");
        (ok,) = wallet.execute(ofWallet, bond, start);
        assertTrue(ok, "the wallet starts its game");
        bytes memory got;
        vm.prank(account, account);
        (ok, got) = ofAccount.call{value: bond}(start);
        assertTrue(!ok && keccak256(got) == keccak256(err), "an account is refused");
        (ok, got) = wallet.execute(ofWallet, bond, start);
        assertTrue(!ok && keccak256(got) == keccak256(err), "a wallet is refused");
    }

    /// @dev A game of an implementation that takes `owner` for its factory, and the call that starts it.
    function gameOf(address owner) internal returns (address place, bytes memory start) {
        GameConfig memory c = config();
        c.factory = owner;
        (Proposal memory p, bytes memory header) = proposalFor(10, keccak256("state"));
        bytes memory args =
            abi.encodePacked(p.outputRoot, p.batchAcc, p.anchorRoot, p.batch, p.anchorBatch, p.l2BlockNumber);
        place = Clones.cloneWithImmutableArgs(address(new DisputeGame(c)), args);
        start = abi.encodeCall(IDisputeGame.initialize, (owner, PASSER, header));
    }

    function test_counter_unknownParent_reverts() public {
        (Node memory root,) = opened();
        Segment memory s = segmentAt(root, 0);
        root.header.hi -= 1;
        bytes memory err = abi.encodeWithSelector(IDisputeGame.UnknownClaim.selector, game.idOf(root.header));
        refused(address(game), 0, counterCall(root, s, new bytes32[](128), ""), err);
        refused(address(game), 0, abi.encodeCall(IDisputeGame.decide, (root.header)), err);
        refused(address(game), 0, abi.encodeCall(IDisputeGame.settle, (root.header, root.header)), err);
        refused(address(game), 0, abi.encodeCall(IDisputeGame.step, (root.header, s, "")), err);
    }

    function test_counter_afterDeadline_reverts() public {
        (Node memory root,) = opened();
        (Node memory child, bytes memory end) = dissect(lieFrom(8, 9), root, 0);
        uint256 deadline = game.deadlineOf(root.header);
        bytes memory data = counterCall(root, segmentAt(root, 0), child.points, end);
        vm.warp(deadline);
        refused(address(game), 1 ether, data, abi.encodeWithSelector(IDisputeGame.DeadlinePassed.selector, deadline));
        vm.warp(deadline - 1);
        uint256 bond = game.bondOf(child.header);
        vm.prank(account);
        (bool ok,) = address(game).call{value: bond}(data);
        assertTrue(ok, "one second before the deadline is in time");
    }

    function test_counter_toDecidedClaim_reverts() public {
        (Node memory root, Node memory claim) = opened();
        Node memory truth = answer(honest, honestView(), claim);
        vm.warp(game.deadlineOf(truth.header));
        game.decide(truth.header);
        game.decide(claim.header);
        game.resolve();
        (Node memory late, bytes memory end) = dissect(lieFrom(8, 9), root, 0);
        bytes memory err = abi.encodeWithSelector(
            IDisputeGame.ClaimDecided.selector, game.idOf(root.header), ClaimStatus.STANDS
        );
        refused(address(game), 1 ether, counterCall(root, segmentAt(root, 0), late.points, end), err);
        refused(address(game), 0, abi.encodeCall(IDisputeGame.decide, (root.header)), err);
        refused(address(game), 0, abi.encodeCall(IDisputeGame.resolve, ()), err);
    }

    function test_counter_wrongBond_reverts() public {
        (, Node memory claim) = opened();
        (Node memory child, bytes memory end) = dissect(honestView(), claim, firstRejected(honestView(), claim));
        uint256 bond = game.bondOf(child.header);
        bytes memory data = counterCall(claim, segmentAt(claim, child.header.segment), child.points, end);
        bytes4 err = IDisputeGame.BondMismatch.selector;
        refused(address(game), bond - 1, data, abi.encodeWithSelector(err, bond, bond - 1));
        refused(address(game), bond + 1, data, abi.encodeWithSelector(err, bond, bond + 1));
        refused(address(game), 0, data, abi.encodeWithSelector(err, bond, 0));
    }

    function test_counter_segmentBeyondLast_reverts() public {
        Node memory root = propose(2, false);
        Segment memory beyond = segmentAt(root, 0);
        beyond.index = 1;
        bytes memory err = abi.encodeWithSelector(IDisputeGame.NoSuchSegment.selector, 1, 1);
        refused(address(game), 0, counterCall(root, beyond, new bytes32[](2), ""), err);
        Node memory claim = answer(honest, honestView(), root);
        beyond = segmentAt(claim, 1);
        beyond.index = 2;
        err = abi.encodeWithSelector(IDisputeGame.NoSuchSegment.selector, 2, 2);
        refused(address(game), 0, counterCall(claim, beyond, new bytes32[](128), ""), err);
    }

    function test_counter_unprovenEnds_reverts() public {
        (Node memory root, Node memory claim) = opened();
        bytes32 other = keccak256("other");
        bytes4 startErr = IDisputeGame.SegmentStartUnproven.selector;
        bytes4 endErr = IDisputeGame.SegmentEndUnproven.selector;
        for (uint256 i; i < 4; ++i) {
            Node memory node = i < 2 ? root : claim;
            Segment memory s = segmentAt(node, i == 3 ? 5 : 0);
            s.start = other;
            refused(
                address(game), 0, counterCall(node, s, claim.points, ""), abi.encodeWithSelector(startErr, other)
            );
            s = segmentAt(node, i == 3 ? 5 : 0);
            s.end = other;
            refused(address(game), 0, counterCall(node, s, claim.points, ""), abi.encodeWithSelector(endErr, other));
        }
        Segment memory wrongPath = segmentAt(claim, 5);
        wrongPath.startProof[6] = other;
        refused(
            address(game),
            0,
            counterCall(claim, wrongPath, claim.points, ""),
            abi.encodeWithSelector(startErr, wrongPath.start)
        );
    }

    function test_counter_wrongPointCount_reverts() public {
        (Node memory root, Node memory claim) = opened();
        bytes4 err = IDisputeGame.PointCountMismatch.selector;
        Segment memory s = segmentAt(root, 0);
        refused(address(game), 0, counterCall(root, s, new bytes32[](127), ""), abi.encodeWithSelector(err, 128, 127));
        refused(address(game), 0, counterCall(root, s, new bytes32[](129), ""), abi.encodeWithSelector(err, 128, 129));
        // Segment 0 of 300 batches holds two of them.
        s = segmentAt(claim, 0);
        refused(address(game), 0, counterCall(claim, s, new bytes32[](0), ""), abi.encodeWithSelector(err, 2, 0));
        Node memory single = propose(1, false);
        s = segmentAt(single, 0);
        refused(address(game), 0, counterCall(single, s, new bytes32[](1), ""), abi.encodeWithSelector(err, 128, 1));
    }

    function test_rule_03_counter_endingInWhatItRejects_reverts() public {
        (Node memory root,) = opened();
        bytes32[] memory points = new bytes32[](128);
        for (uint256 i; i < 128; ++i) points[i] = bytes32(i + 1);
        points[127] = root.header.points;
        bytes memory err = abi.encodeWithSelector(IDisputeGame.EndNotContradicted.selector, root.header.points);
        refused(address(game), 0, counterCall(root, segmentAt(root, 0), points, ""), err);
    }

    function test_rule_03_machineEndingInRejectedOutput_reverts() public {
        Node memory root = propose(1, true);
        (Node memory run, bytes memory end) = dissect(honestView(), root, 0);
        bytes memory err = abi.encodeWithSelector(IDisputeGame.EndNotContradicted.selector, root.header.points);
        refused(address(game), 0, counterCall(root, segmentAt(root, 0), run.points, end), err);
    }

    function test_counter_outputAfterFailure_reverts() public {
        (Node memory root,) = opened();
        bytes32[] memory points = new bytes32[](128);
        for (uint256 i; i < 128; ++i) points[i] = bytes32(i + 1);
        points[50] = 0;
        bytes memory err = abi.encodeWithSelector(IDisputeGame.OutputAfterFailure.selector, 51);
        refused(address(game), 0, counterCall(root, segmentAt(root, 0), points, ""), err);
    }

    function test_counter_segmentAfterFailure_reverts() public {
        Node memory root = propose(300, false);
        failBatch(4, ToyVerifier.Program(9, 1, 0));
        Node memory truth = answerFailing(root, 4);
        Segment memory s = segmentAt(truth, 5);
        refused(
            address(game),
            0,
            counterCall(truth, s, new bytes32[](2), ""),
            abi.encodeWithSelector(IDisputeGame.StartIsFailure.selector)
        );
    }

    function failBatch(uint64 batch, ToyVerifier.Program memory program) internal {
        toy.setProgram(inbox.batchAcc(batch), program);
    }

    /// @dev The true answer to a root beyond a failing batch: zeros from that batch on.
    function answerFailing(Node memory root, uint64 failed) internal returns (Node memory child) {
        (child,) = dissect(honestView(), root, 0);
        for (uint256 i; i < child.points.length; ++i) {
            if (boundaryOf(child.header, i + 1) >= failed) child.points[i] = 0;
        }
        child.header.points = rootOf(child.points);
        send(honest, root, child, "");
    }

    function test_rule_08_rootBeyondFailingBatch_isRefutedAtAnyLength() public {
        Node memory root = propose(300, false);
        failBatch(4, ToyVerifier.Program(9, 1, 0));
        Node memory truth = answerFailing(root, 4);
        // The liar says that batch 4 succeeds, in a claim over the segment that holds it.
        Node memory claim = answer(liar, lieFrom(4, 9), truth);
        assertEq(claim.header.segment, 1, "the segment with the failing batch");
        Node memory run = answer(honest, honestView(), claim);
        assertTrue(run.header.level == Level.MACHINE, "the honest side runs the batch");
        vm.warp(game.deadlineOf(run.header));
        game.decide(run.header);
        game.decide(claim.header);
        vm.warp(game.deadlineOf(truth.header));
        game.decide(truth.header);
        assertTrue(game.resolve() == GameStatus.CHALLENGER_WINS, "no root beyond a failing batch stands");
    }

    function test_counter_endStateOfAnotherPoint_reverts() public {
        Node memory root = propose(1, false);
        (Node memory run, bytes memory end) = dissect(honestView(), root, 0);
        bytes32 hash = run.points[127];
        run.points[127] = keccak256("other");
        bytes memory err =
            abi.encodeWithSelector(IDisputeGame.EndStateMismatch.selector, run.points[127], hash);
        refused(address(game), 0, counterCall(root, segmentAt(root, 0), run.points, end), err);
        // A layout that is not canonical is refused by the verifier itself.
        err = abi.encodeWithSelector(ToyVerifier.BadState.selector);
        refused(address(game), 0, counterCall(root, segmentAt(root, 0), run.points, bytes.concat(end, hex"00")), err);
    }

    function leafOf(Node memory root) internal returns (Node memory node, Node memory parent) {
        node = root;
        bool honestMoves = true;
        while (!isLeaf(node.header)) {
            parent = node;
            node = answer(honestMoves ? honest : liar, honestMoves ? honestView() : lieFrom(1, 5), node);
            honestMoves = !honestMoves;
        }
    }

    function test_counter_singleStep_reverts() public {
        (Node memory leaf,) = leafOf(propose(1, false));
        bytes memory err = abi.encodeWithSelector(IDisputeGame.SegmentIsOneStep.selector);
        refused(address(game), 0, counterCall(leaf, segmentAt(leaf, 3), leaf.points, ""), err);
    }

    function test_step_notALeaf_reverts() public {
        (, Node memory parent) = leafOf(propose(1, false));
        bytes memory err = abi.encodeWithSelector(IDisputeGame.SegmentIsNotOneStep.selector);
        bytes memory data = abi.encodeCall(IDisputeGame.step, (parent.header, segmentAt(parent, 0), ""));
        refused(address(game), 0, data, err);
    }

    function stepCall(Node memory leaf, uint256 index) internal view returns (bytes memory) {
        bytes memory witness = stateBytes(honestView(), 1, leaf.outputBefore, boundaryOf(leaf.header, index));
        return abi.encodeCall(IDisputeGame.step, (leaf.header, segmentAt(leaf, index), witness));
    }

    function test_step_trueSegment_reverts() public {
        (Node memory leaf,) = leafOf(propose(1, false));
        // The liar's lie begins at state 5, so the step to state 3 is as the claim says.
        bytes memory err = abi.encodeWithSelector(IDisputeGame.StepConfirmsClaim.selector, leaf.points[2]);
        refused(address(game), 0, stepCall(leaf, 2), err);
    }

    function test_step_badWitness_reverts() public {
        (Node memory leaf,) = leafOf(propose(1, false));
        bytes memory data = abi.encodeCall(IDisputeGame.step, (leaf.header, segmentAt(leaf, 4), hex"1234"));
        refused(address(game), 0, data, abi.encodeWithSelector(ToyVerifier.BadWitness.selector));
    }

    function test_step_afterDeadline_reverts() public {
        (Node memory leaf,) = leafOf(propose(1, false));
        uint256 deadline = game.deadlineOf(leaf.header);
        bytes memory data = stepCall(leaf, 4);
        vm.warp(deadline);
        refused(address(game), 0, data, abi.encodeWithSelector(IDisputeGame.DeadlinePassed.selector, deadline));
    }

    function test_step_twice_reverts() public {
        (Node memory leaf,) = leafOf(propose(1, false));
        bytes memory data = stepCall(leaf, 4);
        vm.prank(stranger);
        (bool ok,) = address(game).call(data);
        assertTrue(ok, "first step");
        bytes memory err = abi.encodeWithSelector(
            IDisputeGame.ClaimDecided.selector, game.idOf(leaf.header), ClaimStatus.FALLS
        );
        refused(address(game), 0, data, err);
    }

    function test_decide_tooEarly_reverts() public {
        (Node memory root, Node memory claim) = opened();
        uint256 deadline = game.deadlineOf(claim.header);
        bytes memory data = abi.encodeCall(IDisputeGame.decide, (claim.header));
        vm.warp(deadline - 1);
        refused(address(game), 0, data, abi.encodeWithSelector(IDisputeGame.NotDecidable.selector, deadline, 0));
        // The root's time is over, but its counter is undecided.
        deadline = game.deadlineOf(root.header);
        vm.warp(deadline);
        data = abi.encodeCall(IDisputeGame.resolve, ());
        refused(address(game), 0, data, abi.encodeWithSelector(IDisputeGame.NotDecidable.selector, deadline, 1));
    }

    function test_settle_undecidedOrSettled_reverts() public {
        (, Node memory claim) = opened();
        Node memory truth = answer(honest, honestView(), claim);
        bytes memory data = abi.encodeCall(IDisputeGame.settle, (claim.header, truth.header));
        bytes memory err = abi.encodeWithSelector(IDisputeGame.NotSettleable.selector, game.idOf(claim.header));
        refused(address(game), 0, data, err);
        vm.warp(game.deadlineOf(truth.header));
        game.decide(truth.header);
        game.decide(claim.header);
        game.settle(claim.header, truth.header);
        refused(address(game), 0, data, err);
    }

    function test_rule_07_settle_toAnotherThanLeftmost_reverts() public {
        (, Node memory claim) = opened();
        Node memory truth = answer(honest, honestView(), claim);
        // A freeloader further right, whose start is false: nobody can step it, so it stands.
        (Node memory free, bytes memory end) = dissect(View(false, 7, 9, "free"), claim, truth.header.segment + 1);
        send(stranger, claim, free, end);
        vm.warp(game.deadlineOf(free.header));
        game.decide(free.header);
        game.decide(truth.header);
        game.decide(claim.header);
        bytes memory data = abi.encodeCall(IDisputeGame.settle, (claim.header, free.header));
        bytes memory err = abi.encodeWithSelector(IDisputeGame.NotBestCounter.selector, game.idOf(free.header));
        refused(address(game), 0, data, err);
        game.settle(claim.header, truth.header);
        uint256 bond = game.bondOf(claim.header);
        assertEq(game.credit(honest), game.bondOf(truth.header) + bond - bond / 5, "leftmost takes four fifths");
    }

    function test_claimCredit_none_reverts() public {
        propose(1, true);
        bytes memory data = abi.encodeCall(IDisputeGame.claimCredit, (account));
        refused(address(game), 0, data, abi.encodeWithSelector(IDisputeGame.NoCredit.selector, account));
    }

    function test_claimCredit_refusedByReceiver_revertsAndKeepsCredit() public {
        Node memory root = propose(1, false);
        (Node memory run, bytes memory end) = dissect(honestView(), root, 0);
        wallet.execute(
            address(game), game.bondOf(run.header), counterCall(root, segmentAt(root, 0), run.points, end)
        );
        vm.warp(game.deadlineOf(run.header));
        game.decide(run.header);
        uint256 owed = game.credit(address(wallet));
        assertEq(owed, game.bondOf(run.header), "pitfall a15: the wallet is the claimant");
        wallet.setClosed(true);
        bytes memory data = abi.encodeCall(IDisputeGame.claimCredit, (address(wallet)));
        refused(address(game), 0, data, abi.encodeWithSelector(IDisputeGame.TransferFailed.selector, wallet));
        assertEq(game.credit(address(wallet)), owed, "credit is kept");
        wallet.setClosed(false);
        game.claimCredit(address(wallet));
        assertEq(game.credit(address(wallet)), 0, "credit is paid");
    }

    function test_constructor_badConfig_reverts() public {
        GameConfig memory c = config();
        c.bondMin += 1;
        rejects(c, "bondMin");
        c = config();
        c.bondMin = 0;
        rejects(c, "bondMin");
        c = config();
        c.stepRefund = c.bondMin / 4 + 1;
        rejects(c, "stepRefund");
        c = config();
        c.stepCap = 2 ** 42;
        rejects(c, "extension");
        c = config();
        c.maxClock = c.extension - 1;
        rejects(c, "maxClock");
        c = config();
        (c.extension, c.stepCap, c.inclusionTime) = (0, 0, 0);
        rejects(c, "maxClock");
    }

    function rejects(GameConfig memory c, string memory rule) internal {
        bytes memory err = abi.encodeWithSelector(IDisputeGame.BadConfig.selector, rule);
        refusedCreation(bytes.concat(type(DisputeGame).creationCode, abi.encode(c)), err);
    }
}
