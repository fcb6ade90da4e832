// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    TransparentUpgradeableProxy
} from "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol";
import {IDisputeGame} from "../../src/dispute/game/IDisputeGame.sol";
import {Dissection} from "../../src/dispute/game/Dissection.sol";
import {GameStatus, Header, Level, Proposal, Segment} from "../../src/dispute/game/Types.sol";
import {Inbox} from "../../src/l1/Inbox.sol";
import {IPortal} from "../../src/l1/IPortal.sol";
import {Portal} from "../../src/l1/Portal.sol";
import {Vm} from "../Base.t.sol";
import {GameFixture} from "../dispute/game/GameFixture.sol";
import {Trie} from "./Trie.sol";

/// @notice A Portal with a real Inbox and real dispute games, whose output roots hold what the test wants.
abstract contract WithdrawalFixture is GameFixture {
    uint64 internal constant MATURITY = 1 days;
    uint64 internal constant MAX_PAUSE = 37 days;
    uint64 internal constant PAUSE_INTERVAL = 90 days;
    address internal constant TIMELOCK = address(0x71e10c);
    address internal constant GUARDIAN = address(0x60a4d);
    address internal constant ALICE = address(0xa11ce);
    address internal constant BOB = address(0xb0b);

    Inbox internal log;
    Portal internal portal;
    /// @dev State roots of the proposals, all different.
    uint256 private _roots;

    function setUp() public virtual override {
        super.setUp();
        vm.fee(1 gwei);
        address inboxImpl = address(
            new Inbox(
                Inbox.Config(47_900_000, 200_000_000, 250_000, 43_200, 100_000, 100_000, 6)
            )
        );
        address portalImpl =
            _make("Portal", type(Portal).creationCode, abi.encode(_portalConfig()));
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        bytes memory init = abi.encodeCall(Inbox.initialize, (next, address(this), address(this)));
        log = Inbox(address(new TransparentUpgradeableProxy(inboxImpl, TIMELOCK, init)));
        init = abi.encodeCall(Portal.initialize, (address(log), registry, TIMELOCK, GUARDIAN));
        portal = Portal(payable(address(new TransparentUpgradeableProxy(portalImpl, TIMELOCK, init))));
        assertEq(address(portal), next, "predicted");
        vm.deal(address(portal), 100 ether);
    }

    /// @dev Creates a contract, or the mutant of it in the environment: `tests/bridge/mutants.mjs`.
    function _make(string memory name, bytes memory code, bytes memory arguments)
        internal
        returns (address made)
    {
        bytes memory mutant = vm.envOr(string.concat("MUTANT_", name), bytes(""));
        code = bytes.concat(mutant.length == 0 ? code : mutant, arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        assertTrue(made != address(0), name);
    }

    function _portalConfig() internal pure returns (Portal.Config memory) {
        return Portal.Config(60_000_000, MATURITY, MAX_PAUSE, PAUSE_INTERVAL);
    }

    // ---- withdrawals ----

    function _withdrawal(uint256 index)
        internal
        pure
        returns (IPortal.WithdrawalTransaction memory)
    {
        return IPortal.WithdrawalTransaction({
            nonce: 1 << 240 | index, sender: ALICE, target: BOB, value: 1 ether, gasLimit: 100_000, data: ""
        });
    }

    function _hashOf(IPortal.WithdrawalTransaction memory w) internal pure returns (bytes32) {
        return keccak256(abi.encode(w.nonce, w.sender, w.target, w.value, w.gasLimit, w.data));
    }

    /// @notice What a proof of one withdrawal in one game consists of.
    struct Proof {
        uint256 gameIndex;
        IPortal.OutputRootProof root;
        bytes[] nodes;
    }

    /// @dev Proposes an output root under which `w` was sent, over `batch`.
    function _proposeWith(IPortal.WithdrawalTransaction memory w, uint64 batch)
        internal
        returns (Proof memory proof)
    {
        bytes32 passer;
        (passer, proof.nodes) = Trie.single(_hashOf(w));
        (proof.gameIndex, proof.root) = _proposeRoot(passer, batch);
    }

    function _proposeRoot(bytes32 passer, uint64 batch)
        internal
        returns (uint256 gameIndex, IPortal.OutputRootProof memory root)
    {
        if (inbox.batchCount() < batch) inbox.setCount(batch);
        root.stateRoot = keccak256(abi.encode("state", ++_roots));
        root.messagePasserStorageRoot = passer;
        bytes memory header = headerRlp(root.stateRoot, batch);
        root.latestBlockhash = keccak256(header);
        Proposal memory p;
        p.batch = batch;
        p.l2BlockNumber = batch | 1 << 63;
        p.outputRoot = keccak256(abi.encode(root));
        p.batchAcc = inbox.batchAcc(batch);
        (p.anchorBatch, p.anchorRoot) = registry.anchor();
        uint256 bond = bondAt(Level.ROOT, batch - p.anchorBatch);
        vm.deal(honest, honest.balance + bond);
        gameIndex = factory.gameCount();
        vm.prank(honest);
        factory.create{value: bond}(TYPE, p, passer, header);
    }

    function _prove(IPortal.WithdrawalTransaction memory w, Proof memory proof, address submitter)
        internal
    {
        vm.prank(submitter);
        portal.proveWithdrawalTransaction(w, proof.gameIndex, proof.root, proof.nodes);
    }

    /// @dev Lets a game's root fall: a counter that nobody answers.
    function _fell(IDisputeGame target) internal {
        uint256 time = block.timestamp;
        Header memory claim = _counterRoot(target);
        vm.warp(time + W + EXT);
        target.decide(claim);
        target.resolve();
        vm.warp(time + 1);
        assertEq(uint256(target.status()), uint256(GameStatus.CHALLENGER_WINS), "fell");
    }

    /// @dev Counters a root: with machine states that end otherwise over one batch, with points over more.
    function _counterRoot(IDisputeGame target) internal returns (Header memory claim) {
        Proposal memory p = target.proposal();
        Segment memory segment;
        segment.start = p.anchorRoot;
        segment.end = p.outputRoot;
        uint256 length = p.batch - p.anchorBatch;
        bytes memory end;
        bytes32[] memory points = new bytes32[](length == 1 ? 128 : length);
        for (uint256 i = 0; i < points.length; ++i) {
            points[i] = keccak256(abi.encode("point", i));
        }
        Level level = Level.BATCH;
        if (length == 1) {
            level = Level.MACHINE;
            end = abi.encode(keccak256("seed"), uint64(1), uint64(1), 0, keccak256("other output"));
            points[127] = keccak256(end);
        }
        uint256 bond = bondAt(level, length == 1 ? Dissection.MACHINE_STEPS : length);
        vm.deal(liar, liar.balance + bond);
        vm.recordLogs();
        vm.prank(liar);
        target.counter{value: bond}(target.rootHeader(), segment, points, end);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        (claim,) = abi.decode(logs[0].data, (Header, bytes32[]));
    }

    function _gameAt(uint256 index) internal view returns (IDisputeGame) {
        (,, address proxy) = factory.gameAtIndex(index);
        return IDisputeGame(proxy);
    }

    /// @dev Past window and air gap of a game that nobody countered.
    function _passAll() internal {
        vm.warp(block.timestamp + W + AIR_GAP + MATURITY);
    }
}
