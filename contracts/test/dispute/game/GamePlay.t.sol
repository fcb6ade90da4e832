// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Dissection} from "../../../src/dispute/game/Dissection.sol";
import {ClaimStatus, GameStatus, Level} from "../../../src/dispute/game/Types.sol";
import {GameFixture} from "./GameFixture.sol";

/// @notice Whole disputes: one liar against one honest player, from the bare root to a step or a timeout.
contract GamePlayTest is GameFixture {
    Node[] internal path;

    /// @dev Both play to the end of the path. The truth wins, whoever made the last claim.
    function playOut(uint64 n, uint64 lieBatch, uint64 lieStep, bool rootIsTrue) internal {
        View memory lie = View(false, lieBatch, lieStep, keccak256("salt"));
        path.push(propose(n, rootIsTrue));
        bool honestMoves = !rootIsTrue;
        while (!isLeaf(path[path.length - 1].header)) {
            vm.warp(block.timestamp + 600);
            path.push(
                answer(honestMoves ? honest : liar, honestMoves ? honestView() : lie, path[path.length - 1])
            );
            honestMoves = !honestMoves;
        }
        Node memory leaf = path[path.length - 1];
        if (honestMoves) stepAt(honest, leaf, firstRejected(honestView(), leaf));
        for (uint256 i = path.length - (honestMoves ? 1 : 0); i > 0; --i) {
            uint256 deadline = game.deadlineOf(path[i - 1].header);
            if (block.timestamp < deadline) vm.warp(deadline);
            game.decide(path[i - 1].header);
        }
        assertTrue(
            game.status() == (rootIsTrue ? GameStatus.DEFENDER_WINS : GameStatus.CHALLENGER_WINS), "truth wins"
        );
        uint256 bound_ = game.createdAt() + 2 * uint256(W) + 8 * uint256(EXT);
        assertLe(block.timestamp, bound_, "within the delay formula");
        settleAll(honestMoves);
        assertEq(address(game).balance, game.credit(honest) + game.credit(liar), "all that is left is credit");
        assertTrue(honest.balance + game.credit(honest) >= 1000 ether, "honest side loses nothing");
    }

    function settleAll(bool stepped) internal {
        for (uint256 i; i + (stepped ? 2 : 1) <= path.length; ++i) {
            if (game.claims(game.idOf(path[i].header)).status == ClaimStatus.FALLS) {
                if (game.claims(game.idOf(path[i].header)).isSettled) continue;
                game.settle(path[i].header, path[i + 1].header);
            }
        }
    }

    function test_play_singleBatchFalseRoot_challengerWins() public {
        playOut(1, 1, 5, false);
    }

    function test_play_singleBatchTrueRoot_defenderWins() public {
        playOut(1, 1, 5, true);
    }

    function test_play_longestGame_takesNineCountersAndOneStep() public {
        playOut(2 ** 21, 2 ** 21, 77, false);
        assertEq(path.length, 10, "root and nine counters");
    }

    /// forge-config: default.fuzz.runs = 100
    /// forge-config: soak.fuzz.runs = 2000
    function testFuzz_play_anyLengthAnyLie_truthWins(uint256 n, uint256 batch, uint256 step, bool isTrue) public {
        uint64 length = uint64(bound(n, 1, 2 ** 21));
        uint64 from = uint64(bound(batch, 1, length));
        // Every fourth run at a small length, where segments are single batches.
        if (n % 4 == 0) (length, from) = (uint64(length % 300 + 1), uint64(from % (length % 300 + 1) + 1));
        if (from > length) from = length;
        playOut(length, from, uint64(bound(step, 1, 2 ** 42 - 1)), isTrue);
    }
}
