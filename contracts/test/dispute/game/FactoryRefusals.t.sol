// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {AnchorRegistry} from "../../../src/dispute/game/AnchorRegistry.sol";
import {DisputeGame} from "../../../src/dispute/game/DisputeGame.sol";
import {DisputeGameFactory} from "../../../src/dispute/game/DisputeGameFactory.sol";
import {IAnchorRegistry} from "../../../src/dispute/game/IAnchorRegistry.sol";
import {IDisputeGame} from "../../../src/dispute/game/IDisputeGame.sol";
import {IDisputeGameFactory} from "../../../src/dispute/game/IDisputeGameFactory.sol";
import {GameConfig, GameStatus, GameType, Header, Level, Proposal} from "../../../src/dispute/game/Types.sol";
import {Refusals} from "./Refusals.sol";

/// @notice Proposals, the factory's reads, and what counts as settled.
contract FactoryRefusalsTest is Refusals {
    bytes32 internal constant STATE = keccak256("state");

    function createCall(Proposal memory p, bytes memory header) internal pure returns (bytes memory) {
        return abi.encodeCall(IDisputeGameFactory.create, (TYPE, p, PASSER, header));
    }

    function create(uint64 batch, bytes32 stateRoot) internal returns (IDisputeGame) {
        (Proposal memory p, bytes memory header) = proposalFor(batch, stateRoot);
        return factory.create{value: bondAt(Level.ROOT, batch - p.anchorBatch)}(TYPE, p, PASSER, header);
    }

    function settled(uint64 batch, bytes32 stateRoot) internal returns (IDisputeGame g) {
        g = create(batch, stateRoot);
        vm.warp(block.timestamp + W);
        g.resolve();
    }

    function setUp() public override {
        super.setUp();
        vm.deal(address(this), 100 ether);
    }

    function test_create_badProposals_revert() public {
        (Proposal memory good, bytes memory header) = proposalFor(10, STATE);
        Proposal memory p = copy(good);
        p.anchorRoot = keccak256("x");
        no(p, header, abi.encodeWithSelector(IDisputeGame.AnchorMismatch.selector, 0, GENESIS));
        p = copy(good);
        p.anchorBatch = 1;
        no(p, header, abi.encodeWithSelector(IDisputeGame.AnchorMismatch.selector, 0, GENESIS));
        p = copy(good);
        p.batch = 0;
        no(p, header, abi.encodeWithSelector(IDisputeGame.BatchNotAboveAnchor.selector, 0, 0));
        p = copy(good);
        p.batch = 11;
        no(p, header, abi.encodeWithSelector(IDisputeGame.BatchBeyondInbox.selector, 11, 10));
        p = copy(good);
        p.batchAcc = keccak256("x");
        no(p, header, abi.encodeWithSelector(IDisputeGame.BatchAccMismatch.selector, good.batchAcc, p.batchAcc));
        p = copy(good);
        p.outputRoot = 0;
        no(p, header, abi.encodeWithSelector(IDisputeGame.ZeroOutputRoot.selector));
        p = copy(good);
        p.outputRoot = keccak256("x");
        no(p, header, abi.encodeWithSelector(IDisputeGame.OutputRootMismatch.selector, p.outputRoot, good.outputRoot));
        p = copy(good);
        p.l2BlockNumber = type(uint64).max;
        no(
            p,
            header,
            abi.encodeWithSelector(IDisputeGame.BlockNumberMismatch.selector, good.l2BlockNumber, p.l2BlockNumber)
        );
        no(good, hex"1234", abi.encodeWithSelector(RLP.RLPInvalidEncoding.selector));
        no(good, bytes.concat(header, hex"00"), abi.encodeWithSelector(RLP.RLPInvalidEncoding.selector));
        BlockHeader.HeaderField stateRoot = BlockHeader.HeaderField.StateRoot;
        no(good, hex"c0", abi.encodeWithSelector(BlockHeader.FieldNotPresentInBlockHeader.selector, stateRoot));
        uint64 far = 2 ** 21 + 1;
        inbox.setCount(far);
        (p, header) = proposalFor(far, STATE);
        no(p, header, abi.encodeWithSelector(IDisputeGame.TooManyBatches.selector, far, 2 ** 21));
    }

    function no(Proposal memory p, bytes memory header, bytes memory err) internal {
        refused(address(factory), 0.3 ether, createCall(p, header), err);
    }

    function copy(Proposal memory p) internal pure returns (Proposal memory) {
        return abi.decode(abi.encode(p), (Proposal));
    }

    function test_create_wrongBond_reverts() public {
        (Proposal memory p, bytes memory header) = proposalFor(10, STATE);
        uint256 bond = bondAt(Level.ROOT, 10);
        for (uint256 value = bond - 1; value <= bond + 1; value += 2) {
            bytes memory err = abi.encodeWithSelector(IDisputeGame.BondMismatch.selector, bond, value);
            refused(address(factory), value, createCall(p, header), err);
        }
    }

    function test_rule_04_createTwice_reverts() public {
        IDisputeGame g = create(10, STATE);
        (Proposal memory p, bytes memory header) = proposalFor(10, STATE);
        (address place, bool exists) = factory.gameOf(TYPE, p);
        assertTrue(exists && place == address(g), "a game's address is its content");
        bytes memory err = abi.encodeWithSelector(IDisputeGameFactory.GameAlreadyExists.selector, place);
        refused(address(factory), bondAt(Level.ROOT, 10), createCall(p, header), err);
    }

    function test_create_unknownType_reverts() public {
        (Proposal memory p, bytes memory header) = proposalFor(10, STATE);
        GameType other = GameType.wrap(6);
        bytes memory data = abi.encodeCall(IDisputeGameFactory.create, (other, p, PASSER, header));
        refused(address(factory), 0, data, abi.encodeWithSelector(IDisputeGameFactory.NoImplementation.selector, other));
    }

    function test_rule_45_emptyBatch_makesTwoGames() public {
        (Proposal memory p, bytes memory header) = proposalFor(10, STATE);
        create(10, STATE);
        (p.batch, p.batchAcc) = (9, inbox.batchAcc(9));
        factory.create{value: bondAt(Level.ROOT, 9)}(TYPE, p, PASSER, header);
        assertEq(factory.gameCount(), 2, "same root and block, another batch");
    }

    function test_rule_44_newImplementation_makesAnotherGame() public {
        IDisputeGame old = create(10, STATE);
        GameConfig memory c = config();
        c.extension += 1;
        factory.setImplementation(TYPE, address(new DisputeGame(c)));
        IDisputeGame young = create(10, STATE);
        assertTrue(address(old) != address(young), "no squatting across an upgrade");
        assertEq(DisputeGame(address(old)).extension(), EXT, "a running game keeps its parameters");
        assertEq(DisputeGame(address(young)).extension(), EXT + 1, "a new game takes the new ones");
    }

    function test_reads_asOpStackClientsMakeThem() public {
        IDisputeGame first = create(4, STATE);
        vm.warp(block.timestamp + 12);
        IDisputeGame second = create(10, STATE);
        assertEq(factory.gameCount(), 2, "gameCount");
        IDisputeGameFactory.GameSearchResult[] memory found = factory.findLatestGames(TYPE, 1, 100);
        assertEq(found.length, 2, "both, newest first");
        assertEq(found[0].index, 1, "newest index");
        assertEq(address(uint160(uint256(found[0].metadata))), address(second), "address in the metadata");
        assertEq(uint256(found[0].metadata) >> 224, GameType.unwrap(TYPE), "type in the metadata");
        assertEq(found[0].timestamp, block.timestamp, "timestamp");
        assertEq(found[0].rootClaim, second.rootClaim(), "root claim");
        assertEq(keccak256(found[0].extraData), keccak256(second.extraData()), "extra data");
        assertEq(uint256(bytes32(found[0].extraData)), second.l2SequenceNumber(), "block number is the first word");
        assertEq(factory.findLatestGames(TYPE, 0, 5).length, 1, "from the first");
        assertEq(factory.findLatestGames(TYPE, 2, 5).length, 0, "beyond the last");
        assertEq(factory.findLatestGames(GameType.wrap(1), 1, 5).length, 0, "another type");
        (GameType kind, uint64 time, address proxy) = factory.gameAtIndex(0);
        assertTrue(kind == TYPE && proxy == address(first) && time == block.timestamp - 12, "gameAtIndex");
        assertTrue(first.gameType() == TYPE && first.gameCreator() == address(this), "game reads");
        assertTrue(first.status() == GameStatus.IN_PROGRESS, "status");
        assertEq(first.l2BlockNumber(), 4 | 1 << 63, "l2BlockNumber");
        for (uint256 i = 4; i < 10; ++i) {
            assertTrue(GameType.unwrap(TYPE) != i, "not one of viem's super-root types");
        }
    }

    function test_implementation_asGame_isInert() public {
        Header memory none = impl.rootHeader();
        bytes memory unknown = abi.encodeWithSelector(IDisputeGame.UnknownClaim.selector, impl.idOf(none));
        refused(address(impl), 0, abi.encodeCall(IDisputeGame.resolve, ()), unknown);
        bytes memory data = abi.encodeCall(IDisputeGame.initialize, (account, PASSER, ""));
        refusedBy(
            address(impl),
            data,
            abi.encodeWithSelector(IDisputeGame.NotFactory.selector, account),
            abi.encodeWithSelector(IDisputeGame.NotFactory.selector, address(wallet))
        );
    }

    function test_owner_only() public {
        onlyOwner(address(factory), abi.encodeCall(IDisputeGameFactory.setImplementation, (TYPE, account)));
        onlyOwner(address(registry), abi.encodeCall(IAnchorRegistry.acceptGameType, (TYPE)));
        onlyOwner(address(registry), abi.encodeCall(IAnchorRegistry.retireGameType, (TYPE)));
        onlyOwner(address(registry), abi.encodeCall(IAnchorRegistry.clearContradiction, ()));
    }

    function onlyOwner(address target, bytes memory data) internal {
        bytes4 err = Ownable.OwnableUnauthorizedAccount.selector;
        refusedBy(target, data, abi.encodeWithSelector(err, account), abi.encodeWithSelector(err, address(wallet)));
    }

    function updateCall(address g) internal pure returns (bytes memory) {
        return abi.encodeCall(IAnchorRegistry.updateAnchor, (g));
    }

    function test_updateAnchor_unfitGame_reverts() public {
        address reg = address(registry);
        refused(reg, 0, updateCall(account), abi.encodeWithSelector(IAnchorRegistry.NotAGame.selector, account));
        IDisputeGame g = create(10, STATE);
        refused(reg, 0, updateCall(address(g)), abi.encodeWithSelector(IAnchorRegistry.RootDoesNotStand.selector, g));
        vm.warp(block.timestamp + W);
        g.resolve();
        uint256 until = block.timestamp + AIR_GAP;
        refused(reg, 0, updateCall(address(g)), abi.encodeWithSelector(IAnchorRegistry.AirGapRuns.selector, until));
        assertEq(registry.finalAt(address(g)), until, "finalAt");
        vm.warp(until - 1);
        assertTrue(!registry.isGameFinal(address(g)), "not final before");
        vm.warp(until);
        assertTrue(registry.isGameFinal(address(g)), "final at the end of the air gap");
        registry.updateAnchor(address(g));
        (uint64 batch, bytes32 root) = registry.anchor();
        assertTrue(batch == 10 && root == g.rootClaim() && registry.anchorGame() == address(g), "anchor moved");
        refused(reg, 0, updateCall(address(g)), abi.encodeWithSelector(IAnchorRegistry.AnchorNotForward.selector, 10, 10));
    }

    function test_lazyResolver_delaysNothing() public {
        IDisputeGame g = create(10, STATE);
        uint256 deadline = block.timestamp + W;
        vm.warp(deadline + 30 days);
        g.resolve();
        assertEq(g.resolvedAt(), deadline, "rule 43: the deadline counts where nobody countered");
        assertTrue(registry.isGameFinal(address(g)), "the air gap has passed meanwhile");
    }

    function test_rule_44_retiredType_settlesOlderGamesOnly() public {
        IDisputeGame old = create(10, STATE);
        vm.warp(block.timestamp + 1);
        registry.retireGameType(TYPE);
        IDisputeGame young = create(10, keccak256("young"));
        vm.warp(block.timestamp + W + AIR_GAP);
        old.resolve();
        young.resolve();
        assertTrue(registry.isGameFinal(address(old)), "created before the retirement");
        assertTrue(!registry.isGameProper(address(young)), "created after it");
        bytes memory err = abi.encodeWithSelector(
            IAnchorRegistry.GameTypeNotAccepted.selector, TYPE, young.createdAt()
        );
        refused(address(registry), 0, updateCall(address(young)), err);
        registry.updateAnchor(address(old));
    }

    function test_rule_15_contradiction_stopsFinalisationUntilTimelock() public {
        address reg = address(registry);
        IDisputeGame a = create(10, STATE);
        IDisputeGame b = create(10, keccak256("other"));
        IDisputeGame c = create(9, keccak256("other"));
        bytes memory data = abi.encodeCall(IAnchorRegistry.contradiction, (address(a), address(b)));
        refused(reg, 0, data, abi.encodeWithSelector(IAnchorRegistry.RootDoesNotStand.selector, a));
        vm.warp(block.timestamp + W);
        a.resolve();
        refused(reg, 0, data, abi.encodeWithSelector(IAnchorRegistry.RootDoesNotStand.selector, b));
        b.resolve();
        c.resolve();
        bytes memory none = abi.encodeCall(IAnchorRegistry.contradiction, (address(a), address(c)));
        refused(reg, 0, none, abi.encodeWithSelector(IAnchorRegistry.NoContradiction.selector, a, c));
        none = abi.encodeCall(IAnchorRegistry.contradiction, (address(a), address(a)));
        refused(reg, 0, none, abi.encodeWithSelector(IAnchorRegistry.NoContradiction.selector, a, a));
        vm.prank(stranger);
        registry.contradiction(address(a), address(b));
        vm.warp(block.timestamp + AIR_GAP);
        assertTrue(registry.isStopped() && !registry.isGameFinal(address(a)), "nothing is final");
        refused(reg, 0, updateCall(address(a)), abi.encodeWithSelector(IAnchorRegistry.FinalisationStopped.selector));
        registry.clearContradiction();
        assertTrue(!registry.isStopped(), "lifted");
        IDisputeGame next = settledAfterStop(a, b, data);
        vm.warp(block.timestamp + AIR_GAP);
        assertTrue(registry.isGameFinal(address(next)), "games made after the lift count");
        registry.updateAnchor(address(next));
    }

    /// @dev Two roots that contradict each other stand for good, so lifting the stop voids both: neither may
    /// become final, and the same evidence may not stop finalisation again.
    function settledAfterStop(IDisputeGame a, IDisputeGame b, bytes memory evidence) internal returns (IDisputeGame) {
        uint64 clearedAt = uint64(block.timestamp);
        IDisputeGame sameSecond = create(8, STATE);
        bytes4 err = IAnchorRegistry.GameVoid.selector;
        assertTrue(!registry.isGameFinal(address(a)) && !registry.isGameProper(address(b)), "both are void");
        refused(address(registry), 0, evidence, abi.encodeWithSelector(err, a, clearedAt));
        refused(address(registry), 0, updateCall(address(a)), abi.encodeWithSelector(err, a, clearedAt));
        assertTrue(!registry.isGameProper(address(sameSecond)), "as is what was made in the same second");
        vm.warp(block.timestamp + 1);
        return settled(7, STATE);
    }

    function test_registry_ownersMistakes_revert() public {
        AnchorRegistry ofAccount = new AnchorRegistry(account, factory, 0, 0, GENESIS);
        AnchorRegistry ofWallet = new AnchorRegistry(address(wallet), factory, 0, 0, GENESIS);
        bytes memory retire = abi.encodeCall(IAnchorRegistry.retireGameType, (TYPE));
        bytes memory accept = abi.encodeCall(IAnchorRegistry.acceptGameType, (TYPE));
        bytes memory clear = abi.encodeCall(IAnchorRegistry.clearContradiction, ());
        bytes memory used = abi.encodeWithSelector(IAnchorRegistry.GameTypeUsed.selector, TYPE);
        bytes memory running = abi.encodeWithSelector(IAnchorRegistry.NotStopped.selector);
        refusedOwner(ofAccount, ofWallet, clear, running);
        refusedOwner(ofAccount, ofWallet, retire, used);
        both(ofAccount, ofWallet, accept);
        refusedOwner(ofAccount, ofWallet, accept, used);
        both(ofAccount, ofWallet, retire);
        refusedOwner(ofAccount, ofWallet, retire, used);
        refusedOwner(ofAccount, ofWallet, accept, used);
    }

    function both(AnchorRegistry ofAccount, AnchorRegistry ofWallet, bytes memory data) internal {
        vm.prank(account);
        (bool ok,) = address(ofAccount).call(data);
        assertTrue(ok, "the account does it");
        (ok,) = wallet.execute(address(ofWallet), 0, data);
        assertTrue(ok, "the wallet does it");
    }

    function test_constructors_badArguments_revert() public {
        bytes memory code = type(AnchorRegistry).creationCode;
        bytes memory args = abi.encode(account, factory, 0, 0, bytes32(0));
        refusedCreation(bytes.concat(code, args), abi.encodeWithSelector(IAnchorRegistry.ZeroAnchor.selector));
        bytes memory noOwner = abi.encodeWithSelector(Ownable.OwnableInvalidOwner.selector, address(0));
        args = abi.encode(address(0), factory, 0, 0, GENESIS);
        refusedCreation(bytes.concat(code, args), noOwner);
        refusedCreation(bytes.concat(type(DisputeGameFactory).creationCode, abi.encode(address(0))), noOwner);
    }
}
