// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title One proof system of the dissection game
/// @notice Computes the first state of a machine trace, re-executes one step of it, and reads the end of it.
/// @dev The game trusts nothing else about the machine. Layouts: `protocol/SPEC.md`, chapter "Machine". Every
/// function is free of storage, so an implementation may be shared by all games and never needs an upgrade.
interface IStepVerifier {
    /// @notice Hash of the state in which the machine stands before its first step.
    /// @param imageRoot      Root of the guest image: code, memory, entry and stack pointer.
    /// @param configHash     Hash of the chain's static configuration.
    /// @param outputBefore   Output root before the batch.
    /// @param batchAccBefore Batch accumulator before the batch.
    /// @param batchAccAfter  Batch accumulator after the batch.
    /// @return stateHash     Hash of the boot state, the point 0 of a machine trace.
    function initialState(
        bytes32 imageRoot,
        bytes32 configHash,
        bytes32 outputBefore,
        bytes32 batchAccBefore,
        bytes32 batchAccAfter
    ) external view returns (bytes32 stateHash);

    /// @notice Re-execute one step.
    /// @dev Reverts on every witness that does not prove the step: wrong length, wrong state, wrong Merkle path,
    /// wrong preimage, or a native call that failed. It never answers "false" for want of gas.
    /// @param pre     Hash of the state before the step.
    /// @param witness State, code leaf, memory leaves and preimage that the step touches.
    /// @return post   Hash of the state after the step; equal to `pre` when the machine has halted.
    function step(bytes32 pre, bytes calldata witness) external view returns (bytes32 post);

    /// @notice Read the state in which a claimed trace ends.
    /// @dev Reverts when the bytes are not the canonical layout of a state.
    /// @param state       Layout of the state, as hashed.
    /// @return stateHash  Hash of `state`.
    /// @return halted     True when the machine has halted.
    /// @return exitCode   0 for success; at and above 2^32 a trap. 0 while the machine runs.
    /// @return outputHash Output that the program halted with. 0 while the machine runs and after a trap.
    function endState(bytes calldata state)
        external
        view
        returns (bytes32 stateHash, bool halted, uint64 exitCode, bytes32 outputHash);
}
