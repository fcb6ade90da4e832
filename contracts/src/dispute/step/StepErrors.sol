// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The witness is shorter or longer than its step needs, in bytes.
error WitnessLength(uint256 expected, uint256 got);
/// @notice The state in the witness does not hash to the state before the step.
error WrongState(bytes32 expected, bytes32 got);
/// @notice The state breaks the canonical form.
error NotCanonical();
/// @notice Base or length of the image's code is out of range.
error BadImage();
/// @notice The code leaf is not in the code.
error CodePath(bytes32 expected, bytes32 got);
/// @notice A memory leaf or page is not in the memory.
error MemoryPath(bytes32 expected, bytes32 got);
/// @notice The preimage does not hash to its key.
error WrongPreimage(bytes32 expected, bytes32 got);
/// @notice The point evaluation refused the blob element at `index`.
error WrongOpening(bytes32 versionedHash, uint256 index);
/// @notice A native call failed. It proves nothing: most likely it was starved of gas.
error NativeCallFailed();
/// @notice Less gas is left than a native call may cost.
error GasTooLow(uint256 expected, uint256 got);
