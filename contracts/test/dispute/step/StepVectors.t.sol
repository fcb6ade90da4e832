// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../../Base.t.sol";
import {IStepVerifier} from "../../../src/dispute/IStepVerifier.sol";
import {RiscvStepVerifier} from "../../../src/dispute/step/RiscvStepVerifier.sol";
import {NotCanonical, WitnessLength} from "../../../src/dispute/step/StepErrors.sol";

/// @notice The cheatcodes that read the shared vectors.
interface VmFiles {
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonStringArray(string calldata json, string calldata key)
        external
        pure
        returns (string[] memory);
    function parseJsonBytes32Array(string calldata json, string calldata key)
        external
        pure
        returns (bytes32[] memory);
    function parseJsonBytesArray(string calldata json, string calldata key)
        external
        pure
        returns (bytes[] memory);
}

/// @notice The shared vectors of `tests/vectors/vm`, which Rust reads as well, against the verifier.
contract StepVectorsTest is Base {
    VmFiles private constant files = VmFiles(address(vm));

    IStepVerifier private verifier;

    error Differs(string name, bytes32 expected, bytes32 got);
    error NotRefused(string name);
    error RefusedFor(string name, bytes4 expected, bytes4 got);

    function setUp() public {
        verifier = new RiscvStepVerifier();
    }

    function test_step_onEveryVector_leadsToItsState() public view {
        string memory json = files.readFile("../tests/vectors/vm/steps.json");
        string[] memory names = files.parseJsonStringArray(json, ".name");
        bytes32[] memory pre = files.parseJsonBytes32Array(json, ".pre");
        bytes[] memory witness = files.parseJsonBytesArray(json, ".witness");
        bytes32[] memory post = files.parseJsonBytes32Array(json, ".post");
        for (uint256 i = 0; i < names.length; ++i) {
            bytes32 got = verifier.step(pre[i], witness[i]);
            if (got != post[i]) revert Differs(names[i], post[i], got);
        }
    }

    function test_step_onEveryRefusal_revertsWithItsError() public view {
        string memory json = files.readFile("../tests/vectors/vm/refusals.json");
        string[] memory names = files.parseJsonStringArray(json, ".name");
        bytes32[] memory pre = files.parseJsonBytes32Array(json, ".pre");
        bytes[] memory witness = files.parseJsonBytesArray(json, ".witness");
        bytes[] memory selectors = files.parseJsonBytesArray(json, ".selector");
        for (uint256 i = 0; i < names.length; ++i) {
            // A refused opening burns all the gas that it is given.
            try verifier.step{gas: 4_000_000}(pre[i], witness[i]) {
                revert NotRefused(names[i]);
            } catch (bytes memory data) {
                bytes4 got = bytes4(data);
                bytes4 expected = bytes4(selectors[i]);
                if (got != expected) revert RefusedFor(names[i], expected, got);
            }
        }
    }

    /// @dev The hash of the boot state, computed here from the specification's words.
    function testFuzz_initialState_isTheBootHash(bytes32[5] calldata w) public view {
        bytes32 inputHash = keccak256(abi.encode(w[1], w[2], w[3], w[4]));
        bytes32 expected = keccak256(abi.encode(bytes32("trestle machine boot"), w[0], inputHash));
        bytes32 got = verifier.initialState(w[0], w[1], w[2], w[3], w[4]);
        if (got != expected) revert Differs("boot", expected, got);
    }

    /// @dev An end state is read field by field, and its hash is that of its bytes.
    function testFuzz_endState_halted_readsTheFields(bytes32[13] memory w, uint64 exitCode) public view {
        bytes memory state = _canonical(w, exitCode, 1);
        (bytes32 hash, bool halted, uint64 code, bytes32 output) = verifier.endState(state);
        if (hash != keccak256(state)) revert Differs("hash", keccak256(state), hash);
        if (output != w[2]) revert Differs("output", w[2], output);
        if (!halted || code != exitCode) revert Differs("exit", bytes32(uint256(exitCode)), bytes32(uint256(code)));
    }

    function testFuzz_endState_running_hasNeitherCodeNorOutput(bytes32[13] memory w) public {
        w[2] = 0;
        (, bool halted, uint64 code, bytes32 output) = verifier.endState(_canonical(w, 0, 0));
        if (halted || code != 0 || output != 0) revert Differs("running", 0, output);
        vm.expectRevert(NotCanonical.selector);
        verifier.endState(_canonical(w, 1, 0));
        w[2] = bytes32(uint256(1));
        vm.expectRevert(NotCanonical.selector);
        verifier.endState(_canonical(w, 0, 0));
    }

    /// @dev No flag but 0 and 1, no reserved byte, no x0.
    function testFuzz_endState_notCanonical_reverts(bytes32[13] memory w, uint64 flag, uint8 bit) public {
        vm.assume(flag > 1);
        bytes memory state = _canonical(w, 0, flag);
        vm.expectRevert(NotCanonical.selector);
        verifier.endState(state);
        state = _canonical(w, 0, 1);
        // Bytes 144..168: reserved, then x0.
        uint256 at = 144 + uint256(bit) % 24;
        state[at] = bytes1(uint8(1 << (bit % 8)));
        vm.expectRevert(NotCanonical.selector);
        verifier.endState(state);
    }

    function testFuzz_endState_wrongLength_reverts(uint16 length) public {
        vm.assume(length != 416);
        vm.expectRevert(abi.encodeWithSelector(WitnessLength.selector, 416, length));
        verifier.endState(new bytes(length));
    }

    /// @dev Garbage of any length is refused, whatever the state it claims.
    function testFuzz_step_garbage_reverts(bytes32 pre, bytes calldata witness) public {
        vm.expectRevert();
        verifier.step(pre, witness);
    }

    /// @dev Thirteen random words made canonical, with exit code and flag set.
    function _canonical(bytes32[13] memory w, uint64 exitCode, uint64 flag)
        private
        pure
        returns (bytes memory)
    {
        w[3] = bytes32((uint256(w[3]) >> 128) << 128 | uint256(exitCode) << 64 | flag);
        w[4] = bytes32((uint256(w[4]) >> 128) << 128);
        w[5] = bytes32((uint256(w[5]) << 64) >> 64);
        return abi.encodePacked(w);
    }
}
