// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MachineState, MachineStateLib} from "./MachineState.sol";
import {GasTooLow, MemoryPath, NativeCallFailed, WrongOpening, WrongPreimage} from "./StepErrors.sol";
import {Reader, WitnessReader} from "./WitnessReader.sol";

/// @title System calls of the machine
/// @notice ECALL: halt, read a preimage, and the two native calls that L1 computes itself.
/// @dev The number is in a7 (x17), arguments in a0.. (x10..). Spec: `protocol/SPEC.md`, "Machine", "System calls".
library SystemCalls {
    uint256 private constant HALT = 93;
    uint256 private constant READ_WORD = 2000;
    uint256 private constant READ_PAGE = 2001;
    uint256 private constant KECCAK = 2002;
    uint256 private constant ECRECOVER = 2003;

    uint256 private constant KEY_KECCAK = 1;
    uint256 private constant KEY_BLOB = 2;
    uint256 private constant BLOB_LENGTH = 131_072;
    uint256 private constant ELEMENTS = 4096;

    uint256 private constant TRAP_UNKNOWN_CALL = (1 << 32) + 8;
    uint256 private constant TRAP_CALL_ARGUMENT = (1 << 32) + 24;

    /// @dev Ten times what the precompile costs today, and what surrounds it.
    uint256 private constant ECRECOVER_GAS = 35_000;
    uint256 private constant POINT_EVALUATION_GAS = 520_000;

    uint256 private constant MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    /// @dev 7^((MODULUS - 1) / 4096): the root of unity of EIP-4844.
    uint256 private constant ROOT_OF_UNITY =
        39033254847818212395286706435128746857159659164139250548781411570340225835782;

    /// @notice Executes the call in the registers of `s`.
    function execute(MachineState s, Reader memory r) internal view {
        uint256 number = s.register(17);
        if (number == HALT) {
            s.halt(uint32(s.register(10)), s.registers4(11));
            return;
        }
        bool ok;
        if (number == READ_WORD) ok = _read(s, r, 32);
        else if (number == READ_PAGE) ok = _read(s, r, 4096);
        else if (number == KECCAK) ok = _keccak(s, r);
        else if (number == ECRECOVER) ok = _ecrecover(s, r);
        else return s.halt(TRAP_UNKNOWN_CALL, 0);
        if (!ok) return s.halt(TRAP_CALL_ARGUMENT, 0);
        unchecked {
            s.setPc(s.pc() + 4);
        }
    }

    /// @dev True when `a` is an address and a multiple of `unit`, a power of two.
    function _aligned(uint256 a, uint256 unit) private pure returns (bool) {
        return a >> 32 == 0 && a & (unit - 1) == 0;
    }

    function _read(MachineState s, Reader memory r, uint256 size) private view returns (bool) {
        uint256 kind = s.register(16);
        uint256 to = s.register(10);
        if (!_aligned(to, size)) return false;
        if (kind == KEY_KECCAK) {
            _readKeccak(s, r, to, size);
            return true;
        }
        uint256 offset = s.register(11);
        if (kind != KEY_BLOB || size != 32 || offset & 31 != 0) return false;
        if (offset < BLOB_LENGTH) _readBlob(s, r, to, offset >> 5);
        s.setRegister(10, BLOB_LENGTH);
        return true;
    }

    function _readKeccak(MachineState s, Reader memory r, uint256 to, uint256 size) private pure {
        uint256 offset = s.register(11);
        uint256 at = r.take(8);
        uint256 total;
        assembly ("memory-safe") {
            total := shr(192, calldataload(at))
        }
        at = r.take(total);
        bytes32 got;
        // The free memory beyond the pointer serves as a buffer; the pointer does not move.
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            calldatacopy(buffer, at, total)
            got := keccak256(buffer, total)
        }
        bytes32 key = s.registers4(12);
        if (got != key) revert WrongPreimage(key, got);
        s.setRegister(10, total);
        if (offset >= total) return;
        if (size == 32) {
            bytes32 value;
            assembly ("memory-safe") {
                value := calldataload(add(at, offset))
            }
            uint256 rest = total - offset;
            if (rest < 32) value &= bytes32(type(uint256).max << (8 * (32 - rest)));
            _writeWord(s, r, to, value);
        } else {
            _writePage(s, r, to, at + offset, total - offset);
        }
    }

    /// @dev Replaces the page at `to` by `length` bytes of calldata, cut or zero-filled to 4,096.
    function _writePage(MachineState s, Reader memory r, uint256 to, uint256 from, uint256 length)
        private
        pure
    {
        uint256 page = to >> 12;
        (bytes32 root, uint256 path) = r.takePath(r.takeWord(), page, WitnessReader.PAGES_DEPTH);
        if (root != s.memoryRoot()) revert MemoryPath(s.memoryRoot(), root);
        uint256 buffer;
        assembly ("memory-safe") {
            buffer := mload(0x40)
            if gt(length, 4096) { length := 4096 }
            // Calldata beyond its end reads as zero, which fills the page.
            calldatacopy(buffer, calldatasize(), 4096)
            calldatacopy(buffer, from, length)
        }
        bytes32 node = WitnessReader.foldPage(buffer);
        s.setMemoryRoot(WitnessReader.climb(node, page, WitnessReader.PAGES_DEPTH, path));
    }

    /// @dev Writes 32 bytes at `to`, a multiple of 32.
    function _writeWord(MachineState s, Reader memory r, uint256 to, bytes32 value) private pure {
        uint256 buffer;
        assembly ("memory-safe") {
            buffer := mload(0x40)
        }
        uint256 path = r.takeLeaf(to >> 7, s.memoryRoot(), buffer);
        bytes32 node;
        assembly ("memory-safe") {
            mstore(add(buffer, and(to, 127)), value)
            node := keccak256(buffer, 128)
        }
        s.setMemoryRoot(WitnessReader.climb(node, to >> 7, WitnessReader.MEMORY_DEPTH, path));
    }

    function _readBlob(MachineState s, Reader memory r, uint256 to, uint256 index) private view {
        bytes32 versionedHash = s.registers4(12);
        bytes32 element = r.takeWord();
        uint256 opening = r.take(96);
        uint256 z = _point(index);
        if (gasleft() < POINT_EVALUATION_GAS) revert GasTooLow(POINT_EVALUATION_GAS, gasleft());
        bool ok;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, versionedHash)
            mstore(add(buffer, 32), z)
            mstore(add(buffer, 64), element)
            calldatacopy(add(buffer, 96), opening, 96)
            ok := staticcall(gas(), 0x0a, buffer, 192, 0, 64)
            ok := and(ok, eq(returndatasize(), 64))
            ok := and(ok, and(eq(mload(0), ELEMENTS), eq(mload(32), MODULUS)))
        }
        if (!ok) revert WrongOpening(versionedHash, index);
        _writeWord(s, r, to, element);
    }

    /// @dev The point at which a blob's polynomial takes element `index`: ROOT_OF_UNITY to the power of the
    /// index with its 12 bits reversed.
    function _point(uint256 index) private pure returns (uint256 z) {
        z = 1;
        uint256 power = ROOT_OF_UNITY;
        for (uint256 bit = 1 << 11; bit != 0; bit >>= 1) {
            if (index & bit != 0) z = mulmod(z, power, MODULUS);
            power = mulmod(power, power, MODULUS);
        }
    }

    function _keccak(MachineState s, Reader memory r) private pure returns (bool) {
        uint256 at = s.register(10);
        uint256 length = s.register(11);
        if (!_aligned(at, 4096) || length > 4096) return false;
        uint256 offset = r.take(4096);
        uint256 buffer;
        bytes32 digest;
        assembly ("memory-safe") {
            buffer := mload(0x40)
            calldatacopy(buffer, offset, 4096)
            digest := keccak256(buffer, length)
        }
        (bytes32 root,) =
            r.takePath(WitnessReader.foldPage(buffer), at >> 12, WitnessReader.PAGES_DEPTH);
        if (root != s.memoryRoot()) revert MemoryPath(s.memoryRoot(), root);
        s.setRegisters4(10, digest);
        return true;
    }

    /// @dev Success with empty data means "no signer"; failure means want of gas and proves nothing.
    function _ecrecover(MachineState s, Reader memory r) private view returns (bool) {
        uint256 at = s.register(10);
        if (!_aligned(at, 128)) return false;
        uint256 buffer;
        assembly ("memory-safe") {
            buffer := mload(0x40)
        }
        r.takeLeaf(at >> 7, s.memoryRoot(), buffer);
        if (gasleft() < ECRECOVER_GAS) revert GasTooLow(ECRECOVER_GAS, gasleft());
        bool ok;
        bool found;
        bytes32 signer;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 1, buffer, 128, 0, 32)
            found := eq(returndatasize(), 32)
            if found { signer := mload(0) }
        }
        if (!ok) revert NativeCallFailed();
        s.setRegister(10, found ? 1 : 0);
        s.setRegisters4(11, signer);
        return true;
    }
}
