// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AnchorRegistry} from "../../../src/dispute/game/AnchorRegistry.sol";
import {DisputeGame} from "../../../src/dispute/game/DisputeGame.sol";
import {DisputeGameFactory} from "../../../src/dispute/game/DisputeGameFactory.sol";
import {Dissection} from "../../../src/dispute/game/Dissection.sol";
import {IDisputeGame} from "../../../src/dispute/game/IDisputeGame.sol";
import {
    ClaimId,
    GameConfig,
    GameType,
    Header,
    Level,
    Proposal,
    Segment
} from "../../../src/dispute/game/Types.sol";
import {Base} from "../../Base.t.sol";
import {ToyInbox} from "./ToyInbox.sol";
import {ToyVerifier} from "./ToyVerifier.sol";
import {Wallet} from "./Wallet.sol";

/// @notice A deployed settlement with a toy machine, and players that answer claims by a view of the trace.
abstract contract GameFixture is Base {
    /// @notice How a player sees the trace: the truth, or a lie from one batch and one step of it on.
    struct View {
        bool isTrue;
        uint64 fromBatch;
        uint64 fromStep;
        bytes32 salt;
    }

    /// @notice A claim with the points that its event carried. `batch` is the one that a machine claim runs.
    struct Node {
        Header header;
        bytes32[] points;
        uint64 batch;
        bytes32 outputBefore;
    }

    GameType internal constant TYPE = GameType.wrap(0x54525354);
    bytes32 internal constant IMAGE = keccak256("image");
    bytes32 internal constant OLD_IMAGE = keccak256("old image");
    bytes32 internal constant CONFIG = keccak256("config");
    bytes32 internal constant PASSER = keccak256("passer");
    uint32 internal constant W = 302_400;
    uint32 internal constant EXT = 14_400;
    uint256 internal constant BOND_MIN = 40_000_000_002_097_152;
    uint256 internal constant REFUND = 0.005 ether;
    uint256 internal constant AIR_GAP = 302_400;
    uint256 internal constant START = 1_800_000_000;
    bytes32 internal constant GENESIS = keccak256("genesis output");

    address internal honest = address(0x1001);
    address internal liar = address(0x1002);
    address internal stranger = address(0x1003);
    ToyInbox internal inbox;
    ToyVerifier internal toy;
    DisputeGameFactory internal factory;
    AnchorRegistry internal registry;
    DisputeGame internal impl;
    IDisputeGame internal game;
    /// @dev What `game` is about: every point of a trace needs it.
    Proposal internal current;

    function setUp() public virtual {
        vm.warp(START);
        inbox = new ToyInbox();
        toy = new ToyVerifier();
        factory = new DisputeGameFactory(address(this));
        registry = new AnchorRegistry(address(this), factory, AIR_GAP, 0, GENESIS);
        impl = newImplementation();
        factory.setImplementation(TYPE, address(impl));
        registry.acceptGameType(TYPE);
        inbox.setCount(10);
        vm.deal(honest, 1000 ether);
        vm.deal(liar, 1000 ether);
        vm.deal(stranger, 1000 ether);
    }

    function newImplementation() internal virtual returns (DisputeGame) {
        return new DisputeGame(config());
    }

    function config() internal view returns (GameConfig memory c) {
        c.gameType = TYPE;
        c.factory = address(factory);
        c.registry = address(registry);
        c.inbox = address(inbox);
        c.verifier = address(toy);
        c.configHash = CONFIG;
        c.imageRoot = IMAGE;
        c.previousImageRoot = OLD_IMAGE;
        c.imageFromBatch = 5;
        c.maxClock = W;
        c.extension = EXT;
        c.stepCap = 2 ** 39;
        c.inclusionTime = 1 hours;
        c.bondMin = BOND_MIN;
        c.stepRefund = REFUND;
    }

    // ---- proposals ----

    /// @dev RLP of a header with this state root and number; the other fields hold fixed bytes.
    function headerRlp(bytes32 stateRoot, uint64 number) internal pure returns (bytes memory) {
        bytes memory fields = bytes.concat(
            hex"a0",
            keccak256("parent"),
            hex"a0",
            keccak256("ommers"),
            hex"94",
            bytes20(address(0xfee)),
            hex"a0",
            stateRoot,
            hex"a0",
            keccak256("transactions"),
            hex"a0",
            keccak256("receipts")
        );
        fields = bytes.concat(fields, hex"b90100", new bytes(256), hex"80", hex"88", bytes8(number | 1 << 63));
        fields = bytes.concat(fields, hex"84", bytes4(0x82dada00), hex"80", hex"84", bytes4(0x6553f100), hex"80");
        fields = bytes.concat(fields, hex"a0", bytes32(0), hex"88", bytes8(0), hex"843b9aca00");
        return bytes.concat(hex"f9", bytes2(uint16(fields.length)), fields);
    }

    /// @dev A root with a preimage: the number has its top bit set, so that it always takes 8 bytes.
    function proposalFor(uint64 batch, bytes32 stateRoot)
        internal
        view
        returns (Proposal memory p, bytes memory header)
    {
        header = headerRlp(stateRoot, batch);
        p.batch = batch;
        p.l2BlockNumber = batch | 1 << 63;
        p.outputRoot = keccak256(abi.encode(bytes32(0), stateRoot, PASSER, keccak256(header)));
        p.batchAcc = inbox.batchAcc(batch);
        (p.anchorBatch, p.anchorRoot) = registry.anchor();
    }

    /// @dev Makes a game over `n` batches; its root is the machine's true output or not.
    function propose(uint64 n, bool isTrue) internal returns (Node memory root) {
        (uint64 anchorBatch,) = registry.anchor();
        uint64 batch = anchorBatch + n;
        if (inbox.batchCount() < batch) inbox.setCount(batch);
        (Proposal memory truth,) = proposalFor(batch, keccak256("true state"));
        toy.setProgram(inbox.batchAcc(batch), ToyVerifier.Program(2 ** 30 + batch, 0, truth.outputRoot));
        (Proposal memory p, bytes memory header) =
            proposalFor(batch, isTrue ? keccak256("true state") : keccak256("false state"));
        uint256 bond = bondAt(Level.ROOT, n);
        vm.prank(isTrue ? honest : liar);
        game = factory.create{value: bond}(TYPE, p, PASSER, header);
        current = p;
        root.header = game.rootHeader();
    }

    function bondAt(Level level, uint256 length) internal pure returns (uint256) {
        uint256 moves = Dissection.movesBelow(level, length);
        return BOND_MIN * 5 ** moves / 4 ** moves;
    }

    // ---- traces ----

    function honestView() internal pure returns (View memory v) {
        v.isTrue = true;
    }

    function outputAt(View memory v, uint64 batch) internal view returns (bytes32 output) {
        if (batch == current.anchorBatch) return current.anchorRoot;
        ToyVerifier.Program memory p = toy.programOf(inbox.batchAcc(batch));
        output = p.exitCode == 0 && p.haltAt <= Dissection.MACHINE_STEPS ? p.output : bytes32(0);
        if (v.isTrue || batch < v.fromBatch) return output;
        // A liar's root is what it proposed, where the root is false.
        if (batch == current.batch && current.outputRoot != output) return current.outputRoot;
        return keccak256(abi.encode("lie", output, v.salt));
    }

    function stateBytes(View memory v, uint64 batch, bytes32 outputBefore, uint64 index)
        internal
        view
        returns (bytes memory)
    {
        ToyVerifier.Program memory p = toy.programOf(inbox.batchAcc(batch));
        bytes32 seed = keccak256(
            abi.encode(
                batch < 5 ? OLD_IMAGE : IMAGE, CONFIG, outputBefore, inbox.batchAcc(batch - 1), inbox.batchAcc(batch)
            )
        );
        if (!v.isTrue && index == Dissection.MACHINE_STEPS) {
            return abi.encode(seed, p.haltAt, p.haltAt, 0, outputAt(v, batch));
        }
        return abi.encode(seed, index < p.haltAt ? index : p.haltAt, p.haltAt, p.exitCode, p.output);
    }

    function stateAt(View memory v, uint64 batch, bytes32 outputBefore, uint64 index) internal view returns (bytes32) {
        bytes32 hash = keccak256(stateBytes(v, batch, outputBefore, index));
        if (v.isTrue || index < v.fromStep || index == Dissection.MACHINE_STEPS) return hash;
        return keccak256(abi.encode("lie", hash, v.salt));
    }

    /// @dev The player's value at a position of a node's trace.
    function pointAt(View memory v, Node memory node, uint64 position) internal view returns (bytes32 point) {
        uint256 free = freeMemory();
        point = node.header.level == Level.MACHINE
            ? stateAt(v, node.batch, node.outputBefore, position)
            : outputAt(v, position);
        releaseMemory(free);
    }

    /// @dev A dispute hashes thousands of points; what a value was computed in is given back.
    function freeMemory() internal pure returns (uint256 free) {
        assembly ("memory-safe") {
            free := mload(0x40)
        }
    }

    function releaseMemory(uint256 free) internal pure {
        assembly {
            mstore(0x40, free)
        }
    }

    function pairHash(bytes32 left, bytes32 right) internal pure returns (bytes32 node) {
        assembly ("memory-safe") {
            mstore(0, left)
            mstore(0x20, right)
            node := keccak256(0, 0x40)
        }
    }

    // ---- moves ----

    function segmentCount(Header memory h) internal pure returns (uint256) {
        return h.level == Level.ROOT ? 1 : Dissection.segments(h.hi - h.lo);
    }

    function segmentAt(Node memory node, uint256 index) internal pure returns (Segment memory s) {
        s.index = uint8(index);
        if (node.header.level == Level.ROOT) {
            (s.start, s.end) = (node.header.start, node.header.points);
            return s;
        }
        s.start = index == 0 ? node.header.start : node.points[index - 1];
        s.end = node.points[index];
        if (index > 0) s.startProof = proofOf(node.points, index - 1);
        s.endProof = proofOf(node.points, index);
    }

    function proofOf(bytes32[] memory points, uint256 index) internal pure returns (bytes32[7] memory proof) {
        uint256 free = freeMemory();
        bytes32[] memory layer = new bytes32[](128);
        for (uint256 i; i < points.length; ++i) layer[i] = points[i];
        for (uint256 depth; depth < 7; ++depth) {
            proof[depth] = layer[index ^ 1];
            for (uint256 i; i < 64 >> depth; ++i) {
                layer[i] = pairHash(layer[2 * i], layer[2 * i + 1]);
            }
            index >>= 1;
        }
        releaseMemory(free);
    }

    /// @dev First segment whose end the player sees otherwise; reverts where there is none.
    function firstRejected(View memory v, Node memory node) internal view returns (uint256 index) {
        uint256 count = segmentCount(node.header);
        for (; index < count; ++index) {
            bytes32 end = node.header.level == Level.ROOT ? node.header.points : node.points[index];
            if (end != pointAt(v, node, boundaryOf(node.header, index + 1))) return index;
        }
        revert("nothing to reject");
    }

    function boundaryOf(Header memory h, uint256 index) internal pure returns (uint64) {
        if (h.level == Level.ROOT) return index == 0 ? h.lo : h.hi;
        return Dissection.boundary(h.lo, h.hi, index);
    }

    /// @dev The player's dissection of a segment, before it is sent.
    function dissect(View memory v, Node memory parent, uint256 index)
        internal
        view
        returns (Node memory child, bytes memory machineEnd)
    {
        Header memory h = child.header;
        h.parent = game.idOf(parent.header);
        h.segment = uint8(index);
        h.start = segmentAt(parent, index).start;
        (h.lo, h.hi) = (boundaryOf(parent.header, index), boundaryOf(parent.header, index + 1));
        h.level = parent.header.level == Level.MACHINE ? Level.MACHINE : Level.BATCH;
        (child.batch, child.outputBefore) = (parent.batch, parent.outputBefore);
        if (h.level == Level.BATCH && h.hi - h.lo == 1) {
            (child.batch, child.outputBefore) = (h.hi, h.start);
            (h.level, h.lo, h.hi) = (Level.MACHINE, 0, Dissection.MACHINE_STEPS);
            h.start = keccak256(stateBytes(v, child.batch, child.outputBefore, 0));
            machineEnd = stateBytes(v, child.batch, child.outputBefore, h.hi);
        }
        uint256 count = Dissection.segments(h.hi - h.lo);
        child.points = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            child.points[i] = pointAt(v, child, Dissection.boundary(h.lo, h.hi, i + 1));
        }
        h.points = rootOf(child.points);
    }

    function rootOf(bytes32[] memory points) internal pure returns (bytes32 node) {
        bytes32[7] memory proof = proofOf(points, 0);
        node = points[0];
        for (uint256 i; i < 7; ++i) node = pairHash(node, proof[i]);
    }

    function send(address who, Node memory parent, Node memory child, bytes memory machineEnd) internal {
        uint256 bond = game.bondOf(child.header);
        Segment memory s = segmentAt(parent, child.header.segment);
        vm.prank(who);
        ClaimId id = game.counter{value: bond}(parent.header, s, child.points, machineEnd);
        assertEq(ClaimId.unwrap(id), ClaimId.unwrap(game.idOf(child.header)), "id of the new claim");
    }

    /// @dev The player answers a node at the first segment that it rejects.
    function answer(address who, View memory v, Node memory parent) internal returns (Node memory child) {
        bytes memory machineEnd;
        (child, machineEnd) = dissect(v, parent, firstRejected(v, parent));
        send(who, parent, child, machineEnd);
    }

    function isLeaf(Header memory h) internal pure returns (bool) {
        return h.level == Level.MACHINE && h.hi - h.lo == 128;
    }

    function stepAt(address who, Node memory node, uint256 index) internal {
        bytes memory witness =
            stateBytes(honestView(), node.batch, node.outputBefore, boundaryOf(node.header, index));
        vm.prank(who);
        game.step(node.header, segmentAt(node, index), witness);
    }
}
