// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DisputeGame} from "../../../src/dispute/game/DisputeGame.sol";
import {IDisputeGame} from "../../../src/dispute/game/IDisputeGame.sol";
import {IDisputeGameFactory} from "../../../src/dispute/game/IDisputeGameFactory.sol";
import {GameConfig, GameType, Level, Proposal} from "../../../src/dispute/game/Types.sol";
import {GameFixture} from "./GameFixture.sol";

/// @notice What others got wrong at their edges: the time that is left at every depth, and numbers cut short.
contract GameClockTest is GameFixture {
    /// @dev Times of the claims on the path, and seconds that the side of each had used.
    uint256[] internal madeAt;
    uint256[] internal used;

    /// @notice At every depth and turn, both level changes included, the clock is what the rules say, computed
    /// here a second time; and the last second of it is still in time.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_pitfall_b23_remainingTime_atEveryDepthAndTurn(uint256 n, uint256 waits) public {
        Node memory claim = propose(uint64(bound(n, 1, 2 ** 21)), false);
        View memory lie = View(false, 1, 1 + uint64(waits % 1000), keccak256("salt"));
        note(0);
        while (!isLeaf(claim.header)) {
            uint256 deadline = expectedDeadline();
            assertEq(game.deadlineOf(claim.header), deadline, "deadline");
            assertEq(uint256(game.claims(game.idOf(claim.header)).used), used[used.length - 1], "time used");
            pass(deadline, waits);
            waits >>= 20;
            bool isHonest = used.length % 2 == 1;
            claim = answer(isHonest ? honest : liar, isHonest ? honestView() : lie, claim);
            note(block.timestamp - madeAt[madeAt.length - 1]);
        }
        assertEq(game.deadlineOf(claim.header), expectedDeadline(), "deadline of the leaf");
        uint256 latest = game.createdAt() + 2 * uint256(W) + used.length * EXT;
        assertLe(expectedDeadline(), latest, "two clocks and the extensions");
    }

    function note(uint256 spent) internal {
        used.push(spent + (used.length > 1 ? used[used.length - 2] : 0));
        madeAt.push(block.timestamp);
    }

    /// @dev The newest claim is answered by the side of the claim before it.
    function expectedDeadline() internal view returns (uint256) {
        uint256 spent = used.length > 1 ? used[used.length - 2] : 0;
        uint256 left = spent < W ? W - spent : 0;
        return madeAt[madeAt.length - 1] + (left < EXT ? EXT : left);
    }

    /// @dev To any time before the deadline: often the last second, or none at all.
    function pass(uint256 deadline, uint256 seed) internal {
        uint256 most = deadline - 1 - block.timestamp;
        uint256 kind = seed % 4;
        uint256 wait = kind == 0 ? most : kind == 1 ? 0 : kind == 2 ? most / 2 : (seed >> 2) % (most + 1);
        vm.warp(block.timestamp + wait);
    }

    /// @notice A game type keeps all of its 32 bits: no game passes for one of the type with the same low bits.
    function testFuzz_pitfall_b13_gameTypes_keepTheirBits(uint32 number, uint256 cut) public {
        uint32 other = uint32(number & (2 ** (8 * bound(cut, 1, 3)) - 1));
        vm.assume(number != other && number != GameType.unwrap(TYPE));
        GameType kind = GameType.wrap(number);
        GameConfig memory c = config();
        c.gameType = kind;
        factory.setImplementation(kind, address(new DisputeGame(c)));
        (Proposal memory p, bytes memory header) = proposalFor(10, keccak256("state"));
        vm.deal(address(this), 1 ether);
        uint256 bond = bondAt(Level.ROOT, 10);
        IDisputeGame made = factory.create{value: bond}(kind, p, PASSER, header);
        assertTrue(made.gameType() == kind, "type of the game");
        (GameType listed,,) = factory.gameAtIndex(0);
        assertTrue(listed == kind, "type in the list");
        assertEq(factory.findLatestGames(kind, 0, 1).length, 1, "found by its type");
        assertEq(factory.findLatestGames(GameType.wrap(other), 0, 1).length, 0, "not by another");
        registry.acceptGameType(GameType.wrap(other));
        assertTrue(!registry.isGameProper(address(made)), "another type's acceptance is none for this one");
        vm.expectRevert(abi.encodeWithSelector(IDisputeGameFactory.NoImplementation.selector, other));
        factory.create{value: bond}(GameType.wrap(other), p, PASSER, header);
    }
}
