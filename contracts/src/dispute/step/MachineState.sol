// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {NotCanonical} from "./StepErrors.sol";

/// @notice A state of the machine, as the memory address of its 416-byte layout.
type MachineState is uint256;

using MachineStateLib for MachineState global;

/// @title Fields of the machine's state
/// @notice Reads, writes, checks and hashes the layout that both sides of a dispute sign up to.
/// @dev Offsets in bytes: memory root 0, code root 32, output 64, pc 96, step 104, exit code 112, halted 120, code
/// base 128, code length 136, zeros 144..160, registers 160 + 8 i. Numbers are big-endian. Every assembly block
/// stays within the layout and the 32 spare bytes that `load` allocates after it.
library MachineStateLib {
    /// @notice Length of the layout, in bytes.
    uint256 internal constant LENGTH = 416;

    uint256 private constant REGISTERS = 160;
    uint256 private constant LOW_192 = (1 << 192) - 1;

    /// @notice Copies a layout from calldata into fresh memory.
    /// @param offset Where the layout starts in calldata, in bytes.
    /// @return s The state.
    function load(uint256 offset) internal pure returns (MachineState s) {
        assembly ("memory-safe") {
            s := mload(0x40)
            mstore(0x40, add(s, 448))
            calldatacopy(s, offset, 416)
            mstore(add(s, 416), 0)
        }
    }

    /// @notice An all-zero layout in fresh memory.
    /// @return s The state.
    function zero() internal pure returns (MachineState s) {
        // Calldata reads as zero beyond its end.
        uint256 end;
        assembly {
            end := calldatasize()
        }
        return load(end);
    }

    /// @notice Reverts unless the layout is canonical: reserved bytes and x0 zero, the halted flag 0 or 1, and
    /// neither exit code nor output in a running machine.
    function requireCanonical(MachineState s) internal pure {
        uint256 flag = _number(s, 120);
        bool clean = flag == 1 || (flag == 0 && _number(s, 112) == 0 && s.word(64) == 0);
        bool zeros = (uint256(s.word(128)) & type(uint128).max) == 0 && s.register(0) == 0;
        if (!clean || !zeros) revert NotCanonical();
    }

    /// @notice keccak256 of the layout.
    function hash(MachineState s) internal pure returns (bytes32 h) {
        assembly ("memory-safe") {
            h := keccak256(s, 416)
        }
    }

    /// @notice The word at `offset` bytes.
    function word(MachineState s, uint256 offset) internal pure returns (bytes32 w) {
        assembly ("memory-safe") {
            w := mload(add(s, offset))
        }
    }

    /// @notice Sets the word at `offset` bytes.
    function setWord(MachineState s, uint256 offset, bytes32 w) internal pure {
        assembly ("memory-safe") {
            mstore(add(s, offset), w)
        }
    }

    function memoryRoot(MachineState s) internal pure returns (bytes32) {
        return s.word(0);
    }

    function setMemoryRoot(MachineState s, bytes32 root) internal pure {
        s.setWord(0, root);
    }

    function codeRoot(MachineState s) internal pure returns (bytes32) {
        return s.word(32);
    }

    function outputHash(MachineState s) internal pure returns (bytes32) {
        return s.word(64);
    }

    function pc(MachineState s) internal pure returns (uint256) {
        return _number(s, 96);
    }

    function setPc(MachineState s, uint256 value) internal pure {
        _setNumber(s, 96, value);
    }

    /// @notice Counts one step.
    function countStep(MachineState s) internal pure {
        unchecked {
            // Wraps like the 64-bit counter that it is.
            _setNumber(s, 104, _number(s, 104) + 1);
        }
    }

    function exitCode(MachineState s) internal pure returns (uint64) {
        return uint64(_number(s, 112));
    }

    function halted(MachineState s) internal pure returns (bool) {
        return _number(s, 120) == 1;
    }

    /// @notice Halts with an exit code and an output.
    function halt(MachineState s, uint256 code, bytes32 output) internal pure {
        _setNumber(s, 112, code);
        _setNumber(s, 120, 1);
        s.setWord(64, output);
    }

    function codeBase(MachineState s) internal pure returns (uint256) {
        return _number(s, 128);
    }

    function codeLength(MachineState s) internal pure returns (uint256) {
        return _number(s, 136);
    }

    /// @notice Register `i`, 0..31.
    function register(MachineState s, uint256 i) internal pure returns (uint256) {
        return _number(s, REGISTERS + 8 * i);
    }

    /// @notice Sets register `i` to the low 64 bits of `value`; x0 stays 0.
    function setRegister(MachineState s, uint256 i, uint256 value) internal pure {
        if (i != 0) _setNumber(s, REGISTERS + 8 * i, value);
    }

    /// @notice Four registers from `first` on, as the 32 bytes that they hold little-endian.
    function registers4(MachineState s, uint256 first) internal pure returns (bytes32) {
        uint256 all;
        for (uint256 i = 0; i < 4; ++i) {
            all = (all << 64) | swap64(s.register(first + i));
        }
        return bytes32(all);
    }

    /// @notice Sets four registers from `first` on to hold 32 bytes little-endian.
    function setRegisters4(MachineState s, uint256 first, bytes32 value) internal pure {
        for (uint256 i = 0; i < 4; ++i) {
            s.setRegister(first + i, swap64((uint256(value) >> (192 - 64 * i)) & type(uint64).max));
        }
    }

    /// @notice Reverses the 8 bytes of `x`, which must be below 2^64.
    function swap64(uint256 x) internal pure returns (uint256) {
        x = ((x & 0x00ff00ff00ff00ff) << 8) | ((x >> 8) & 0x00ff00ff00ff00ff);
        x = ((x & 0x0000ffff0000ffff) << 16) | ((x >> 16) & 0x0000ffff0000ffff);
        return ((x & 0xffffffff) << 32) | (x >> 32);
    }

    function _number(MachineState s, uint256 offset) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(192, mload(add(s, offset)))
        }
    }

    /// @dev Writes the low 64 bits; the 24 bytes behind them keep their value.
    function _setNumber(MachineState s, uint256 offset, uint256 value) private pure {
        assembly ("memory-safe") {
            let at := add(s, offset)
            mstore(at, or(shl(192, value), and(mload(at), LOW_192)))
        }
    }
}
