// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IPortal} from "../../src/l1/IPortal.sol";
import {L1CrossDomainMessenger} from "../../src/l1/L1CrossDomainMessenger.sol";
import {Trie} from "./Trie.sol";
import {WithdrawalFixture} from "./WithdrawalFixture.sol";

/// @notice The layouts against `tests/vectors/withdrawals`, which other libraries wrote.
contract WithdrawalVectorsTest is WithdrawalFixture {
    string private json;

    function setUp() public override {
        super.setUp();
        json = vm.readFile("../tests/vectors/withdrawals/cases.json");
    }

    function test_withdrawals_matchVectors_succeeds() public {
        L1CrossDomainMessenger messenger = new L1CrossDomainMessenger();
        bytes32 passer = vm.parseJsonBytes32(json, ".root");
        (uint256 index, IPortal.OutputRootProof memory root) = _proposeRoot(passer, 1);
        uint256 count = vm.parseJsonUint(json, ".count");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = string.concat(".cases[", vm.toString(i), "]");
            IPortal.WithdrawalTransaction memory w = IPortal.WithdrawalTransaction(
                _uint(at, ".nonce"),
                vm.parseJsonAddress(json, string.concat(at, ".sender")),
                vm.parseJsonAddress(json, string.concat(at, ".target")),
                _uint(at, ".value"),
                _uint(at, ".gasLimit"),
                vm.parseJsonBytes(json, string.concat(at, ".data"))
            );
            bytes32 hash = _hashOf(w);
            assertEq(hash, _word(at, ".hash"), "hash");
            assertEq(Trie.slotOf(hash), _word(at, ".slot"), "slot");
            bytes memory call = abi.encodeCall(
                messenger.relayMessage, (w.nonce, w.sender, w.target, w.value, w.gasLimit, w.data)
            );
            assertEq(keccak256(call), _word(at, ".messageHash"), "message");
            assertEq(
                messenger.baseGas(w.data, uint32(w.gasLimit)), _uint(at, ".baseGas"), "base gas"
            );
            bytes[] memory nodes = vm.parseJsonBytesArray(json, string.concat(at, ".proof"));
            _prove(w, Proof(index, root, nodes), ALICE);
            assertEq(portal.numProofSubmitters(hash), 1, "proven");
        }
        assertEq(count, 8, "all of them");
    }

    function test_representations_matchVectors_succeeds() public view {
        for (uint256 i = 0; i < 3; ++i) {
            string memory at = string.concat(".representations[", vm.toString(i), "]");
            address token = vm.parseJsonAddress(json, string.concat(at, ".token"));
            address made = Clones.predictDeterministicAddress(
                vm.parseJsonAddress(json, string.concat(at, ".implementation")),
                bytes32(uint256(uint160(token))),
                vm.parseJsonAddress(json, string.concat(at, ".bridge"))
            );
            assertEq(
                made, vm.parseJsonAddress(json, string.concat(at, ".representation")), "address"
            );
        }
    }

    function _uint(string memory at, string memory field) private view returns (uint256) {
        return uint256(_word(at, field));
    }

    function _word(string memory at, string memory field) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(at, field));
    }
}
