// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DisputeGame} from "../../../src/dispute/game/DisputeGame.sol";
import {IDisputeGame} from "../../../src/dispute/game/IDisputeGame.sol";
import {Claim, ClaimId, GameConfig, GameStatus, Header, Segment} from "../../../src/dispute/game/Types.sol";
import {Vm} from "../../Base.t.sol";
import {GameFixture} from "./GameFixture.sol";
import {Wallet} from "./Wallet.sol";

/// @notice Rules of the game that no error speaks of: what is public, what a repeated move costs, what a running
/// game still listens to.
contract GameRulesTest is GameFixture {
    /// @notice Whoever answers a move needs its event and nothing of its transaction: the points of a move that a
    /// contract made up are all in it.
    function test_rule_01_moveOfAContract_isWholeInItsEvent() public {
        Node memory root = propose(300, true);
        (Node memory lie, bytes memory end) = dissect(View(false, 7, 9, "salt"), root, 0);
        Wallet wallet = new Wallet();
        vm.deal(address(wallet), 10 ether);
        bytes memory data =
            abi.encodeCall(IDisputeGame.counter, (root.header, segmentAt(root, 0), lie.points, end));
        uint256 bond = game.bondOf(lie.header);
        vm.recordLogs();
        (bool ok,) = wallet.execute(address(game), bond, data);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertTrue(ok && logs.length == 1 && logs[0].topics[0] == IDisputeGame.Moved.selector, "one event");
        assertEq(address(uint160(uint256(logs[0].topics[3]))), address(wallet), "claimant");
        Node memory seen;
        (seen.header, seen.points) = abi.decode(logs[0].data, (Header, bytes32[]));
        assertEq(logs[0].topics[1], ClaimId.unwrap(game.idOf(seen.header)), "the header is the claim's");
        assertEq(seen.header.points, rootOf(seen.points), "the points are those of the header");
        answer(honest, honestView(), seen);
    }

    /// @notice An identical move gives its value back as credit, whoever sends it, also when it is late; it takes
    /// nothing of the first one's claim.
    function test_rule_05_identicalMove_isRefunded() public {
        Node memory root = propose(2, false);
        Node memory truth = answer(honest, honestView(), root);
        uint256 bond = game.bondOf(truth.header);
        Claim memory before = game.claims(game.idOf(truth.header));
        repeat(root, truth, bond);
        repeat(root, truth, bond / 3);
        vm.warp(game.deadlineOf(truth.header));
        game.decide(truth.header);
        game.resolve();
        repeat(root, truth, bond);
        assertEq(game.credit(stranger), 2 * bond + bond / 3, "all of it is credit");
        assertEq(game.claims(game.idOf(truth.header)).claimant, before.claimant, "the claimant is the first one");
        assertEq(game.claims(game.idOf(root.header)).children, 1, "no second claim");
        uint256 balance = stranger.balance;
        game.claimCredit(stranger);
        assertEq(stranger.balance, balance + 2 * bond + bond / 3, "and can be taken out");
    }

    function repeat(Node memory parent, Node memory child, uint256 value) internal {
        Segment memory s = segmentAt(parent, child.header.segment);
        vm.prank(stranger);
        ClaimId id = game.counter{value: value}(parent.header, s, child.points, "");
        assertEq(ClaimId.unwrap(id), ClaimId.unwrap(game.idOf(child.header)), "the id of what is there");
    }

    /// @notice New code, a retired type and more batches are nothing to a running game.
    function test_rule_11_runningGame_isNotTouchedByWhatChangesOutside() public {
        Node memory root = propose(300, false);
        IDisputeGame first = game;
        bytes32 content = keccak256(abi.encode(first.proposal()));
        GameConfig memory c = config();
        (c.maxClock, c.extension, c.bondMin, c.imageRoot) = (2 * W, 2 * EXT, 2 * BOND_MIN, keccak256("new image"));
        factory.setImplementation(TYPE, address(new DisputeGame(c)));
        registry.retireGameType(TYPE);
        inbox.setCount(1000);
        Node memory truth = answer(honest, honestView(), root);
        assertEq(game.deadlineOf(truth.header), block.timestamp + W, "clocks");
        assertEq(game.claims(game.idOf(truth.header)).used, 0, "time used");
        assertEq(keccak256(abi.encode(first.proposal())), content, "proposal");
        Node memory lie = answer(liar, View(false, 7, 9, "salt"), truth);
        Node memory run = answer(honest, honestView(), lie);
        vm.warp(game.deadlineOf(run.header));
        game.decide(run.header);
        game.decide(lie.header);
        vm.warp(game.deadlineOf(truth.header));
        game.decide(truth.header);
        assertTrue(game.resolve() == GameStatus.CHALLENGER_WINS, "it ends as it would have");
    }

    /// @notice A move names its game and its parent by content: in another game the parent does not exist.
    function test_rule_16_moveSentToAnotherGame_isRefused() public {
        propose(2, true);
        IDisputeGame other = game;
        Node memory root = propose(3, true);
        (Node memory lie, bytes memory end) = dissect(View(false, 1, 9, "salt"), root, 0);
        Segment memory s = segmentAt(root, 0);
        uint256 bond = game.bondOf(lie.header);
        ClaimId there = other.idOf(root.header);
        vm.prank(liar);
        vm.expectRevert(abi.encodeWithSelector(IDisputeGame.UnknownClaim.selector, there));
        other.counter{value: bond}(root.header, s, lie.points, end);
        assertTrue(there != game.idOf(root.header), "the same content has another id there");
    }
}
