// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStepVerifier} from "../../../src/dispute/IStepVerifier.sol";

/// @notice A machine whose state at any of 2^42 steps costs one hash: a counter that halts where its program
/// says. State: seed, index, haltAt, exitCode, output; five words; halted when index equals haltAt.
contract ToyVerifier is IStepVerifier {
    struct Program {
        uint64 haltAt;
        uint64 exitCode;
        bytes32 output;
    }

    error BadWitness();
    error BadState();

    mapping(bytes32 => Program) internal _programs;

    /// @notice Give the batch that ends at this accumulator a program of its own.
    function setProgram(bytes32 batchAcc, Program calldata program) external {
        _programs[batchAcc] = program;
    }

    /// @notice What the batch that ends at this accumulator runs.
    function programOf(bytes32 batchAcc) public view returns (Program memory program) {
        program = _programs[batchAcc];
        if (program.haltAt == 0) {
            program.haltAt = uint64(uint256(batchAcc) % 2 ** 39) + 1;
            program.output = keccak256(abi.encode("output", batchAcc));
        }
    }

    function initialState(bytes32 image, bytes32 config, bytes32 outputBefore, bytes32 accBefore, bytes32 accAfter)
        external
        view
        returns (bytes32)
    {
        Program memory p = programOf(accAfter);
        bytes32 seed = keccak256(abi.encode(image, config, outputBefore, accBefore, accAfter));
        return keccak256(abi.encode(seed, uint64(0), p.haltAt, p.exitCode, p.output));
    }

    function step(bytes32 pre, bytes calldata witness) external pure returns (bytes32) {
        if (witness.length != 160 || keccak256(witness) != pre) revert BadWitness();
        (bytes32 seed, uint64 index, uint64 haltAt, uint64 exitCode, bytes32 output) =
            abi.decode(witness, (bytes32, uint64, uint64, uint64, bytes32));
        if (index == haltAt) return pre;
        return keccak256(abi.encode(seed, index + 1, haltAt, exitCode, output));
    }

    function endState(bytes calldata state) external pure returns (bytes32, bool, uint64, bytes32) {
        if (state.length != 160) revert BadState();
        (, uint64 index, uint64 haltAt, uint64 exitCode, bytes32 output) =
            abi.decode(state, (bytes32, uint64, uint64, uint64, bytes32));
        if (index > haltAt) revert BadState();
        bool halted = index == haltAt;
        return (keccak256(state), halted, halted ? exitCode : 0, halted && exitCode == 0 ? output : bytes32(0));
    }
}
