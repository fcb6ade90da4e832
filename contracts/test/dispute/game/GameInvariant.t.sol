// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Dissection} from "../../../src/dispute/game/Dissection.sol";
import {DisputeGame} from "../../../src/dispute/game/DisputeGame.sol";
import {ClaimId, ClaimStatus, GameStatus, Header, Level, Claim, Segment} from "../../../src/dispute/game/Types.sol";
import {GameFixture} from "./GameFixture.sol";

/// @notice Actors that move at will in one game, and a defender that answers for the truth before time passes.
contract GameInvariantTest is GameFixture {
    Node[] internal nodes;
    /// @dev Whether the node's start is true, and whether all of it is.
    bool[] internal startsTrue;
    bool[] internal isTrue;
    ClaimId[] internal ids;
    /// @dev First false segment of each node; the largest number for the truth.
    uint256[] internal falseAt;
    uint256[] internal parents;
    mapping(ClaimId => bool) internal known;
    mapping(ClaimId => ClaimStatus) internal decided;
    mapping(ClaimId => bool) internal stepped;
    bool internal rootIsTrue;
    /// @dev A fifth of every bond that was lost and paid out, in wei.
    uint256 internal burned;
    /// @dev Set when a law was seen broken.
    string internal broken;

    function setUp() public override {
        super.setUp();
        rootIsTrue = true;
        begin(300, true);
        bytes4[] memory actions = new bytes4[](10);
        actions[0] = this.attack.selector;
        actions[1] = this.attackNewest.selector;
        actions[2] = this.attackOwn.selector;
        actions[3] = this.pass.selector;
        actions[4] = this.decideSome.selector;
        actions[5] = this.settleSome.selector;
        actions[6] = this.takeCredit.selector;
        actions[7] = this.copyTruth.selector;
        actions[8] = this.stepSome.selector;
        actions[9] = this.passAll.selector;
        targetContract(address(this));
        targetSelector(FuzzSelector(address(this), actions));
    }

    /// @dev The game, or a variant of it that lacks a rule: its creation code in GAME_CODE.
    function newImplementation() internal override returns (DisputeGame made) {
        bytes memory code = vm.envOr("GAME_CODE", bytes(""));
        if (code.length == 0) return super.newImplementation();
        code = bytes.concat(code, abi.encode(config()));
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        assertTrue(address(made) != address(0), "the variant is deployed");
    }

    function begin(uint64 n, bool truth) internal virtual {
        rootIsTrue = truth;
        note(propose(n, truth), true);
    }

    function note(Node memory node, bool startTrue) internal {
        ClaimId id = game.idOf(node.header);
        if (known[id]) return;
        known[id] = true;
        for (uint256 i; i < ids.length; ++i) {
            if (ids[i] == node.header.parent) parents.push(i);
        }
        if (ids.length == 0) parents.push(0);
        else if (game.bondOf(node.header) * 5 > game.bondOf(nodes[parents[ids.length]].header) * 4) {
            broken = "an answer locks more than four fifths";
        }
        nodes.push(node);
        ids.push(id);
        startsTrue.push(startTrue);
        falseAt.push(firstFalse(node));
        isTrue.push(startTrue && falseAt[falseAt.length - 1] == type(uint256).max);
    }

    /// @dev First segment that is not the truth's; the largest number where there is none.
    function firstFalse(Node memory node) internal view returns (uint256) {
        uint256 count = segmentCount(node.header);
        for (uint256 i; i < count; ++i) {
            bytes32 end = node.header.level == Level.ROOT ? node.header.points : node.points[i];
            if (end != pointAt(honestView(), node, boundaryOf(node.header, i + 1))) return i;
        }
        return type(uint256).max;
    }

    // ---- actions ----

    /// @notice Any lie about any claim.
    function attack(uint256 which, uint256 segment, uint64 from, bytes32 salt) external {
        lieAbout(which % nodes.length, segment, from, salt, liar);
    }

    /// @notice The same about the newest claim, so that paths grow deep.
    function attackNewest(uint256 segment, uint64 from, bytes32 salt) external {
        lieAbout(nodes.length - 1, segment, from, salt, liar);
        defend();
    }

    /// @notice A stranger answers what the liar made, right or wrong.
    function attackOwn(uint256 which, uint256 segment, bytes32 salt) external {
        lieAbout(which % nodes.length, segment, 1, salt, stranger);
    }

    /// @notice Hours pass, after the defender has done its part.
    function pass(uint256 time) external {
        defend();
        vm.warp(block.timestamp + bound(time, 1, EXT - 1));
        defend();
    }

    /// @notice Every clock runs out; then all that can be decided is, the oldest or the newest first, or nothing.
    function passAll(uint256 how) external {
        defend();
        vm.warp(block.timestamp + W);
        if (how % 3 == 1) decideAll();
        for (uint256 i; how % 3 == 2 && i < nodes.length; ++i) {
            tryDecide(i);
        }
    }

    function decideSome(uint256 which) external {
        tryDecide(which % nodes.length);
        decideAll();
    }

    function decideAll() internal {
        for (uint256 i = nodes.length; i > 0; --i) {
            tryDecide(i - 1);
        }
    }

    function settleSome(uint256 which) external {
        uint256 child = which % nodes.length;
        if (child == 0) return;
        Header memory fallen = nodes[parents[child]].header;
        try game.settle(fallen, nodes[child].header) {
            burned += game.bondOf(fallen) / 5;
        } catch {}
    }

    /// @notice The truth about any segment, also about one that is true already.
    function copyTruth(uint256 which, uint256 segment) external {
        uint256 index = which % nodes.length;
        if (isLeaf(nodes[index].header) || nodes.length > 24) return;
        segment = segment % segmentCount(nodes[index].header);
        (Node memory child, bytes memory machineEnd) = dissect(honestView(), nodes[index], segment);
        tryCounter(stranger, index, child, machineEnd);
    }

    /// @notice A step of a leaf with the true witness, anywhere or where it lies.
    function stepSome(uint256 which, uint256 segment) external {
        uint256 index = which % nodes.length;
        for (uint256 i; i < nodes.length; ++i) {
            if (isLeaf(nodes[(index + i) % nodes.length].header)) index = (index + i) % nodes.length;
        }
        Node memory node = nodes[index];
        if (!isLeaf(node.header)) return;
        bool isAtLie = segment % 2 == 0 && falseAt[index] < segmentCount(node.header);
        segment = isAtLie ? falseAt[index] : segment % segmentCount(node.header);
        bytes memory witness =
            stateBytes(honestView(), node.batch, node.outputBefore, boundaryOf(node.header, segment));
        Segment memory s = segmentAt(node, segment);
        vm.prank(liar);
        try game.step(node.header, s, witness) {
            noteStep(index);
        } catch {}
    }

    function takeCredit(uint256 who) external {
        address[3] memory all = [honest, liar, stranger];
        try game.claimCredit(all[who % 3]) {} catch {}
    }

    // ---- what the actions do ----

    function lieAbout(uint256 index, uint256 segment, uint64 from, bytes32 salt, address who) internal {
        Node memory parent = nodes[index];
        if (isLeaf(parent.header) || nodes.length > 24) return;
        segment = segment % segmentCount(parent.header);
        View memory lie = View(false, 0, uint64(bound(from, 1, 2 ** 42 - 1)), salt);
        lie.fromBatch = boundaryOf(parent.header, segment) + 1;
        if (parent.header.level == Level.MACHINE) lie.fromStep = lie.fromBatch;
        (Node memory child, bytes memory machineEnd) = dissect(lie, parent, segment);
        tryCounter(who, index, child, machineEnd);
    }

    /// @dev Sends a counter, paid from credit first, and sees whether its time had passed.
    function tryCounter(address who, uint256 index, Node memory child, bytes memory machineEnd) internal {
        Node memory parent = nodes[index];
        uint256 segment = child.header.segment;
        bool isNew = game.claims(game.idOf(child.header)).claimant == address(0);
        uint256 value = valueFor(who, child.header);
        vm.prank(who);
        try game.counter{value: value}(
            parent.header, segmentAt(parent, segment), child.points, machineEnd
        ) {
            bool isLate = block.timestamp >= game.deadlineOf(parent.header);
            if (isNew && isLate) broken = "an answer after the deadline";
            if (isNew && decided[ids[index]] != ClaimStatus.OPEN) broken = "an answer to a decided claim";
            note(child, startsTrue[index] && falseAt[index] >= segment);
        } catch {}
    }

    /// @dev What the bond needs besides the credit; now and then nothing, which must be refused.
    function valueFor(address who, Header memory child) internal view returns (uint256) {
        (uint256 bond, uint256 credit) = (game.bondOf(child), game.credit(who));
        if (nodes.length % 4 == 3) return 0;
        return credit < bond ? bond - credit : 0;
    }

    function noteStep(uint256 index) internal {
        if (stepped[ids[index]]) broken = "a claim fell twice";
        stepped[ids[index]] = true;
        burned += game.bondOf(nodes[index].header) / 5;
        remember(index);
    }

    /// @dev Every claim that contradicts the truth from a true start is answered, or stepped.
    function defend() internal {
        for (uint256 i; i < nodes.length; ++i) {
            if (!startsTrue[i] || isTrue[i] || !contradictsTruth(i)) continue;
            if (game.claims(ids[i]).status != ClaimStatus.OPEN) continue;
            if (block.timestamp >= game.deadlineOf(nodes[i].header)) continue;
            Node memory node = nodes[i];
            uint256 index = falseAt[i];
            if (isLeaf(node.header)) {
                stepAt(honest, node, index);
                noteStep(i);
                continue;
            }
            (Node memory child, bytes memory machineEnd) = dissect(honestView(), node, index);
            if (known[game.idOf(child.header)]) continue;
            send(honest, node, child, machineEnd);
            note(child, true);
        }
    }

    function contradictsTruth(uint256 index) internal view returns (bool) {
        return index == 0 || isTrue[parents[index]];
    }

    function tryDecide(uint256 index) internal {
        Header memory h = nodes[index].header;
        Claim memory before = game.claims(ids[index]);
        uint256 deadline = game.deadlineOf(h);
        try game.decide(h) {
            if (before.status != ClaimStatus.OPEN) broken = "a decided claim was decided again";
            bool early = block.timestamp < deadline;
            if (early && before.bestOrdinal == 0) broken = "decided early without a standing counter";
            remember(index);
        } catch {}
    }

    function remember(uint256 index) internal {
        decided[ids[index]] = game.claims(ids[index]).status;
    }

    // ---- laws ----

    /// @notice One campaign for all laws: solvency, deadlines, finality, truth.
    function invariant_laws() public view {
        checkSolvency();
        checkDeadlines();
        checkDecisionsAreFinal();
        checkTruthStands();
    }

    /// @dev The game holds the bonds of all claims that are not settled, and the credits; nothing else.
    function checkSolvency() internal view {
        uint256 owed = game.credit(honest) + game.credit(liar) + game.credit(stranger);
        for (uint256 i; i < nodes.length; ++i) {
            if (!game.claims(ids[i]).isSettled) owed += game.bondOf(nodes[i].header);
        }
        assertEq(address(game).balance, owed, "bonds and credits are the balance");
        assertEq(address(0).balance, burned, "a fifth of what was lost is burned");
    }

    /// @dev Whoever moves how often, no claim can be answered longer than two clocks and the extensions of one path.
    function checkDeadlines() internal view {
        uint256 moves = Dissection.movesBelow(Level.ROOT, nodes[0].header.hi - nodes[0].header.lo);
        uint256 latest = game.createdAt() + 2 * uint256(W) + (moves - 1) * EXT;
        for (uint256 i; i < nodes.length; ++i) {
            uint256 deadline = game.deadlineOf(nodes[i].header);
            assertLe(deadline, latest, "within the delay formula");
            uint256 least = game.createdAt() + game.claims(ids[i]).madeAt + EXT;
            assertLe(least, deadline, "every claim leaves the time for an answer");
        }
    }

    /// @dev What is decided stays as it is, and nothing is decided before its deadline but by a step or a
    /// standing counter.
    function checkDecisionsAreFinal() internal view {
        assertEq(bytes(broken).length, 0, broken);
        for (uint256 i; i < nodes.length; ++i) {
            ClaimId id = ids[i];
            Claim memory c = game.claims(id);
            if (decided[id] != ClaimStatus.OPEN) assertTrue(c.status == decided[id], "decided for good");
            if (c.status == ClaimStatus.OPEN || block.timestamp >= game.deadlineOf(nodes[i].header)) continue;
            assertTrue(stepped[id] || c.bestOrdinal != 0, "an early decision has its reason");
        }
    }

    /// @dev A true claim with a defender never falls, and the root ends as the truth has it.
    function checkTruthStands() internal view {
        for (uint256 i; i < nodes.length; ++i) {
            if (!isTrue[i]) continue;
            assertTrue(game.claims(ids[i]).status != ClaimStatus.FALLS, "a defended true claim fell");
        }
        GameStatus wrong = rootIsTrue ? GameStatus.CHALLENGER_WINS : GameStatus.DEFENDER_WINS;
        assertTrue(game.status() != wrong, "the truth lost");
    }
}

/// @notice The same laws where the root is false, over one batch.
contract FalseRootInvariantTest is GameInvariantTest {
    function begin(uint64, bool) internal override {
        rootIsTrue = false;
        note(propose(1, false), true);
        defend();
    }
}

/// @notice The same laws from the end of a path on, where the leaf is the defender's.
contract TrueLeafInvariantTest is GameInvariantTest {
    function begin(uint64, bool) internal virtual override {
        rootIsTrue = true;
        note(propose(1, true), true);
        descend(false);
    }

    /// @dev Both sides answer each other down to single steps; the lie begins at step 5.
    function descend(bool isHonest) internal {
        View memory lie = View(false, 1, 5, keccak256("salt"));
        while (!isLeaf(nodes[nodes.length - 1].header)) {
            Node memory parent = nodes[nodes.length - 1];
            note(answer(isHonest ? honest : liar, isHonest ? honestView() : lie, parent), true);
            isHonest = !isHonest;
        }
    }
}

/// @notice The same laws from the end of a path on, where the leaf is the liar's.
contract FalseLeafInvariantTest is TrueLeafInvariantTest {
    function begin(uint64, bool) internal override {
        rootIsTrue = false;
        note(propose(1, false), true);
        descend(true);
    }
}
