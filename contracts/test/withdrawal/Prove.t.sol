// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IDisputeGame} from "../../src/dispute/game/IDisputeGame.sol";
import {GameType} from "../../src/dispute/game/Types.sol";
import {IPortal} from "../../src/l1/IPortal.sol";
import {Trie} from "./Trie.sol";
import {WithdrawalFixture} from "./WithdrawalFixture.sol";

contract ProveTest is WithdrawalFixture {
    event WithdrawalProven(
        bytes32 indexed withdrawalHash, address indexed from, address indexed to
    );
    event WithdrawalProvenExtension1(
        bytes32 indexed withdrawalHash, address indexed proofSubmitter
    );

    function test_prove_againstGameInProgress_emitsAndRecords_succeeds() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory proof = _proposeWith(w, 1);
        vm.expectEmit(true, true, true, true, address(portal));
        emit WithdrawalProven(_hashOf(w), ALICE, BOB);
        vm.expectEmit(true, true, true, true, address(portal));
        emit WithdrawalProvenExtension1(_hashOf(w), honest);
        _prove(w, proof, honest);
        (address game, uint64 timestamp) = portal.provenWithdrawals(_hashOf(w), honest);
        assertEq(game, address(_gameAt(proof.gameIndex)), "game");
        assertEq(timestamp, block.timestamp, "time");
        assertEq(portal.numProofSubmitters(_hashOf(w)), 1, "one");
    }

    /// @notice Whatever the number of withdrawals under a root, each is proven, and no other is.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_prove_amongMany_succeeds(uint256 seed, uint8 count, uint8 which) public {
        count = uint8(bound(count, 1, 24));
        which = uint8(bound(which, 0, count - 1));
        bytes32[] memory hashes = new bytes32[](count);
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        for (uint256 i = 0; i < count; ++i) {
            w.data = abi.encode(seed, i);
            hashes[i] = _hashOf(w);
        }
        w.data = abi.encode(seed, which);
        Proof memory proof;
        bytes32 passer;
        (passer, proof.nodes) = Trie.build(hashes, which);
        (proof.gameIndex, proof.root) = _proposeRoot(passer, 1);
        _prove(w, proof, ALICE);
        w.data = abi.encode(seed, uint256(count));
        vm.expectRevert();
        _prove(w, proof, ALICE);
    }

    function test_prove_mutatedWithdrawal_reverts() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory proof = _proposeWith(w, 1);
        for (uint256 i = 0; i < 6; ++i) {
            IPortal.WithdrawalTransaction memory m = _withdrawal(0);
            if (i == 0) m.nonce += 1;
            if (i == 1) m.sender = BOB;
            if (i == 2) m.target = ALICE;
            if (i == 3) m.value += 1;
            if (i == 4) m.gasLimit += 1;
            if (i == 5) m.data = hex"00";
            vm.expectRevert(IPortal.OptimismPortal_InvalidMerkleProof.selector);
            _prove(m, proof, ALICE);
        }
    }

    function test_prove_mutatedOutputRootProof_reverts() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory proof = _proposeWith(w, 1);
        IPortal.OutputRootProof memory right = proof.root;
        for (uint256 i = 0; i < 4; ++i) {
            proof.root = IPortal.OutputRootProof(
                i == 0 ? bytes32(uint256(1)) : right.version,
                i == 1 ? bytes32(0) : right.stateRoot,
                i == 2 ? bytes32(0) : right.messagePasserStorageRoot,
                i == 3 ? bytes32(0) : right.latestBlockhash
            );
            vm.expectRevert(IPortal.OptimismPortal_InvalidOutputRootProof.selector);
            _prove(w, proof, ALICE);
        }
    }

    /// @notice No single byte of a proof's nodes may differ.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_prove_mutatedNode_reverts(uint256 node, uint256 place, uint8 change) public {
        bytes32[] memory hashes = new bytes32[](20);
        for (uint256 i = 0; i < 20; ++i) {
            hashes[i] = _hashOf(_withdrawal(i));
        }
        Proof memory proof;
        bytes32 passer;
        (passer, proof.nodes) = Trie.build(hashes, 7);
        (proof.gameIndex, proof.root) = _proposeRoot(passer, 1);
        node = bound(node, 0, proof.nodes.length - 1);
        place = bound(place, 0, proof.nodes[node].length - 1);
        change = uint8(bound(change, 1, 255));
        proof.nodes[node][place] = bytes1(uint8(proof.nodes[node][place]) ^ change);
        vm.expectRevert();
        _prove(_withdrawal(7), proof, ALICE);
    }

    function test_prove_shortenedOrLengthenedProof_reverts() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory proof = _proposeWith(w, 1);
        bytes[] memory right = proof.nodes;
        proof.nodes = new bytes[](0);
        vm.expectRevert(IPortal.OptimismPortal_InvalidMerkleProof.selector);
        _prove(w, proof, ALICE);
        proof.nodes = new bytes[](2);
        (proof.nodes[0], proof.nodes[1]) = (right[0], right[0]);
        vm.expectRevert(IPortal.OptimismPortal_InvalidMerkleProof.selector);
        _prove(w, proof, ALICE);
    }

    function test_pitfall_b50_prove_zeroOrEmptyPasserRoot_reverts() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        (, bytes[] memory nodes) = Trie.single(_hashOf(w));
        bytes32[2] memory roots = [bytes32(0), keccak256(hex"80")];
        for (uint64 i = 0; i < 2; ++i) {
            Proof memory proof;
            proof.nodes = nodes;
            (proof.gameIndex, proof.root) = _proposeRoot(roots[i], 1 + i);
            vm.expectRevert(IPortal.OptimismPortal_InvalidMerkleProof.selector);
            _prove(w, proof, ALICE);
            proof.nodes = new bytes[](0);
            vm.expectRevert(IPortal.OptimismPortal_InvalidMerkleProof.selector);
            _prove(w, proof, ALICE);
        }
        // The empty trie's own node.
        Proof memory empty;
        empty.nodes = new bytes[](1);
        empty.nodes[0] = hex"80";
        (empty.gameIndex, empty.root) = _proposeRoot(roots[1], 3);
        vm.expectRevert();
        _prove(w, empty, ALICE);
    }

    function test_prove_gameThatIsNotThere_reverts() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory proof = _proposeWith(w, 1);
        proof.gameIndex = 1;
        vm.expectRevert(IPortal.OptimismPortal_InvalidDisputeGame.selector);
        _prove(w, proof, ALICE);
    }

    function test_prove_anotherGame_reverts() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory proof = _proposeWith(w, 1);
        _proposeWith(_withdrawal(1), 2);
        proof.gameIndex = 1;
        vm.expectRevert(IPortal.OptimismPortal_InvalidOutputRootProof.selector);
        _prove(w, proof, ALICE);
    }

    function test_prove_ofAnotherChain_reverts() public {
        // The same message, sent on a chain with another state: its proof is right there and worth nothing here.
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory there = _proposeWith(_withdrawal(1), 1);
        (there.root.messagePasserStorageRoot, there.nodes) = Trie.single(_hashOf(w));
        vm.expectRevert(IPortal.OptimismPortal_InvalidOutputRootProof.selector);
        _prove(w, there, ALICE);
        // Nor does a game count that this chain's factory did not make.
        vm.prank(ALICE);
        vm.expectRevert(IPortal.OptimismPortal_Unproven.selector);
        portal.finalizeWithdrawalTransactionExternalProof(w, address(0xfa15e));
    }

    function test_prove_fallenGame_reverts() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory proof = _proposeWith(w, 1);
        _fell(_gameAt(proof.gameIndex));
        vm.expectRevert(IPortal.OptimismPortal_InvalidDisputeGame.selector);
        _prove(w, proof, ALICE);
    }

    function test_rule_44_prove_gameMadeAfterItsTypeRetired_reverts() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory before = _proposeWith(w, 1);
        vm.warp(block.timestamp + 1);
        registry.retireGameType(TYPE);
        Proof memory late = _proposeWith(w, 2);
        vm.expectRevert(IPortal.OptimismPortal_ImproperDisputeGame.selector);
        _prove(w, late, ALICE);
        _prove(w, before, ALICE);
        _passAll();
        vm.prank(ALICE);
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_prove_targetWithRights_reverts() public {
        address[2] memory targets = [address(portal), address(log)];
        for (uint256 i = 0; i < 2; ++i) {
            IPortal.WithdrawalTransaction memory w = _withdrawal(i);
            w.target = targets[i];
            Proof memory proof = _proposeWith(w, uint64(1 + i));
            vm.expectRevert(IPortal.OptimismPortal_BadTarget.selector);
            _prove(w, proof, ALICE);
            vm.expectRevert(IPortal.OptimismPortal_BadTarget.selector);
            portal.finalizeWithdrawalTransaction(w);
        }
    }

    function test_prove_again_keepsTheTime_succeeds() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory proof = _proposeWith(w, 1);
        _prove(w, proof, ALICE);
        (, uint64 first) = portal.provenWithdrawals(_hashOf(w), ALICE);
        vm.warp(block.timestamp + 1 hours);
        _prove(w, proof, ALICE);
        _prove(w, proof, BOB);
        (, uint64 second) = portal.provenWithdrawals(_hashOf(w), ALICE);
        (, uint64 others) = portal.provenWithdrawals(_hashOf(w), BOB);
        assertEq(second, first, "no reset");
        assertEq(others, first, "a fact about the game, whoever shows it");
        assertEq(portal.numProofSubmitters(_hashOf(w)), 1, "still one");
    }

    function test_prove_finalized_reverts() public {
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        Proof memory proof = _proposeWith(w, 1);
        _prove(w, proof, ALICE);
        _passAll();
        vm.prank(ALICE);
        portal.finalizeWithdrawalTransaction(w);
        vm.expectRevert(IPortal.OptimismPortal_AlreadyFinalized.selector);
        _prove(w, proof, ALICE);
    }

    function test_prove_whilePaused_succeeds() public {
        vm.prank(GUARDIAN);
        portal.pause();
        IPortal.WithdrawalTransaction memory w = _withdrawal(0);
        _prove(w, _proposeWith(w, 1), ALICE);
    }

    function test_respectedGameType_isNoneOfViemsSuperTypes() public view {
        assertEq(
            uint256(GameType.unwrap(portal.respectedGameType())), uint256(GameType.unwrap(TYPE)), ""
        );
        assertEq(address(portal.disputeGameFactory()), address(factory), "factory");
        assertEq(address(portal.anchorStateRegistry()), address(registry), "registry");
        assertEq(portal.disputeGameFinalityDelaySeconds(), AIR_GAP, "air gap");
        assertEq(portal.proofMaturityDelaySeconds(), MATURITY, "maturity");
    }
}
