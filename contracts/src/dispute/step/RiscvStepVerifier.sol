// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IStepVerifier} from "../IStepVerifier.sol";
import {Alu} from "./Alu.sol";
import {MachineState, MachineStateLib} from "./MachineState.sol";
import {BadImage, CodePath, WitnessLength, WrongState} from "./StepErrors.sol";
import {SystemCalls} from "./SystemCalls.sol";
import {Reader, WitnessReader} from "./WitnessReader.sol";

/// @title Step verifier of the RV64IM machine
/// @notice Re-executes one step from a witness. Holds no storage, no owner and no ether.
/// @dev Spec: `protocol/SPEC.md`, chapter "Machine". Its twin in Rust is `verify_step` of the crate trestle-vm.
contract RiscvStepVerifier is IStepVerifier {
    /// @dev "trestle machine boot" in ASCII, zero-filled.
    bytes32 private constant BOOT_DOMAIN = "trestle machine boot";
    /// @dev Image header (96) and input hash (32), in bytes.
    uint256 private constant BOOT_LENGTH = 128;
    uint256 private constant CODE_DEPTH = 17;
    uint256 private constant MAX_CODE_LENGTH = 1 << 24;
    uint256 private constant ADDRESS_SPACE = 1 << 32;

    uint256 private constant TRAP = 1 << 32;
    uint256 private constant PC_MISALIGNED = TRAP + 0;
    uint256 private constant PC_OUTSIDE = TRAP + 1;
    uint256 private constant ILLEGAL_INSTRUCTION = TRAP + 2;
    uint256 private constant BREAKPOINT = TRAP + 3;
    uint256 private constant LOAD_OUTSIDE = TRAP + 5;
    uint256 private constant STORE_OUTSIDE = TRAP + 7;

    /// @inheritdoc IStepVerifier
    function initialState(
        bytes32 imageRoot,
        bytes32 configHash,
        bytes32 outputBefore,
        bytes32 batchAccBefore,
        bytes32 batchAccAfter
    ) external pure returns (bytes32) {
        bytes32 inputHash =
            keccak256(abi.encodePacked(configHash, outputBefore, batchAccBefore, batchAccAfter));
        return keccak256(abi.encodePacked(BOOT_DOMAIN, imageRoot, inputHash));
    }

    /// @inheritdoc IStepVerifier
    function step(bytes32 pre, bytes calldata witness) external view returns (bytes32) {
        uint256 start;
        assembly {
            start := witness.offset
        }
        Reader memory r = Reader({start: start, at: start, end: start + witness.length});
        if (witness.length == BOOT_LENGTH) return _boot(pre, witness);
        MachineState s = MachineStateLib.load(r.take(MachineStateLib.LENGTH));
        if (s.hash() != pre) revert WrongState(pre, s.hash());
        s.requireCanonical();
        if (!s.halted()) {
            _step(s, r);
            s.countStep();
        }
        r.requireEnd();
        return s.hash();
    }

    /// @inheritdoc IStepVerifier
    function endState(bytes calldata state)
        external
        pure
        returns (bytes32 stateHash, bool halted, uint64 exitCode, bytes32 outputHash)
    {
        if (state.length != MachineStateLib.LENGTH) {
            revert WitnessLength(MachineStateLib.LENGTH, state.length);
        }
        uint256 offset;
        assembly {
            offset := state.offset
        }
        MachineState s = MachineStateLib.load(offset);
        s.requireCanonical();
        return (s.hash(), s.halted(), s.exitCode(), s.outputHash());
    }

    /// @dev The first step: from image root and input hash to the full state.
    function _boot(bytes32 pre, bytes calldata witness) private pure returns (bytes32) {
        bytes32 imageRoot = keccak256(witness[:96]);
        bytes32 inputHash = bytes32(witness[96:]);
        bytes32 got = keccak256(abi.encodePacked(BOOT_DOMAIN, imageRoot, inputHash));
        if (got != pre) revert WrongState(pre, got);
        uint256 codeBase = uint64(bytes8(witness[64:72]));
        uint256 codeLength = uint64(bytes8(witness[72:80]));
        if (codeBase & 127 != 0 || codeLength & 3 != 0 || codeLength > MAX_CODE_LENGTH) revert BadImage();
        MachineState s = MachineStateLib.zero();
        s.setMemoryRoot(bytes32(witness[32:64]));
        s.setWord(32, bytes32(witness[:32]));
        s.setWord(128, bytes32(bytes16(witness[64:80])));
        s.setPc(uint64(bytes8(witness[80:88])));
        s.setRegister(2, uint64(bytes8(witness[88:96])));
        s.setRegisters4(10, inputHash);
        s.countStep();
        return s.hash();
    }

    /// @dev Fetches and executes one instruction of a running machine.
    function _step(MachineState s, Reader memory r) private view {
        uint256 pc = s.pc();
        if (pc & 3 != 0) return s.halt(PC_MISALIGNED, 0);
        uint256 offset;
        unchecked {
            // Modulo 2^64: an address below the base is far beyond every length.
            offset = (pc - s.codeBase()) & type(uint64).max;
        }
        if (offset >= s.codeLength()) return s.halt(PC_OUTSIDE, 0);
        uint256 word = _fetch(s, r, offset);
        if (!_execute(s, r, pc, word)) s.halt(ILLEGAL_INSTRUCTION, 0);
    }

    /// @dev The instruction word at `offset` bytes into the code.
    function _fetch(MachineState s, Reader memory r, uint256 offset) private pure returns (uint256 word) {
        uint256 leaf = r.take(WitnessReader.LEAF);
        bytes32 node;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            calldatacopy(buffer, leaf, 128)
            node := keccak256(buffer, 128)
            word := shr(192, mload(add(buffer, and(offset, 127))))
        }
        // The first four of the eight bytes, little-endian.
        word = uint32(MachineStateLib.swap64(word));
        (bytes32 root,) = r.takePath(node, offset >> 7, CODE_DEPTH);
        if (root != s.codeRoot()) revert CodePath(s.codeRoot(), root);
    }

    /// @dev Executes one instruction. False when the word is not RV64IM; then nothing has changed.
    function _execute(MachineState s, Reader memory r, uint256 pc, uint256 word) private view returns (bool) {
        uint256 opcode = word & 0x7f;
        uint256 f3 = (word >> 12) & 7;
        if (opcode == 0x63) return _branch(s, pc, word, f3);
        if (opcode == 0x03) return _load(s, r, word, f3);
        if (opcode == 0x23) return _store(s, r, word, f3);
        if (opcode == 0x73) return _system(s, r, word);
        if (opcode == 0x6f) return _jump(s, word, pc, _immJ(word), false);
        if (opcode == 0x67) {
            return f3 == 0 && _jump(s, word, s.register((word >> 15) & 31), _immI(word), true);
        }
        bool ok = true;
        uint256 value;
        unchecked {
            if (opcode == 0x37) value = _immU(word);
            else if (opcode == 0x17) value = pc + _immU(word);
            else if (opcode == 0x0f) ok = f3 == 0;
            else (ok, value) = _arithmetic(s, word, opcode, f3);
            if (!ok) return false;
            // FENCE has a field where the destination would be; it writes nothing.
            if (opcode != 0x0f) s.setRegister((word >> 7) & 31, value);
            s.setPc(pc + 4);
        }
        return true;
    }

    function _arithmetic(MachineState s, uint256 word, uint256 opcode, uint256 f3)
        private
        pure
        returns (bool ok, uint256 value)
    {
        uint256 a = s.register((word >> 15) & 31);
        uint256 f7 = word >> 25;
        if (opcode == 0x13) {
            uint256 imm = uint64(_immI(word));
            if (f3 == 1 && word >> 26 != 0) return (false, 0);
            if (f3 == 5 && (word >> 26) & 47 != 0) return (false, 0);
            return (true, Alu.compute(f3, f3 == 5 && f7 & 32 != 0, a, imm));
        }
        if (opcode == 0x1b) {
            bool alt = f3 == 5 && f7 == 32;
            if (f3 != 0 && f7 != 0 && !alt) return (false, 0);
            return Alu.compute32(f3, alt, a, _immI(word));
        }
        uint256 b = s.register((word >> 20) & 31);
        bool isWide = opcode == 0x33;
        if (!isWide && opcode != 0x3b) return (false, 0);
        if (f7 == 1) return isWide ? (true, Alu.multiply(f3, a, b)) : Alu.multiply32(f3, a, b);
        bool hasAlt = f7 == 32 && (f3 == 0 || f3 == 5);
        if (f7 != 0 && !hasAlt) return (false, 0);
        return isWide ? (true, Alu.compute(f3, hasAlt, a, b)) : Alu.compute32(f3, hasAlt, a, b);
    }

    function _branch(MachineState s, uint256 pc, uint256 word, uint256 f3) private pure returns (bool) {
        if (f3 == 2 || f3 == 3) return false;
        uint256 a = s.register((word >> 15) & 31);
        uint256 b = s.register((word >> 20) & 31);
        bool isTaken;
        if (f3 < 2) isTaken = a == b;
        else if (f3 < 6) isTaken = Alu.signed(a) < Alu.signed(b);
        else isTaken = a < b;
        // The odd ones are the negations of the even ones.
        if (f3 & 1 == 1) isTaken = !isTaken;
        unchecked {
            uint256 target = isTaken ? pc + _immB(word) : pc + 4;
            if (target & 3 != 0) s.halt(PC_MISALIGNED, 0);
            else s.setPc(target);
        }
        return true;
    }

    /// @dev JAL (from pc) and JALR (from a register, the lowest bit of the target cleared).
    function _jump(MachineState s, uint256 word, uint256 from, uint256 distance, bool clearsLowBit)
        private
        pure
        returns (bool)
    {
        unchecked {
            uint256 target = from + distance;
            if (clearsLowBit) target &= ~uint256(1);
            if (target & 3 != 0) {
                s.halt(PC_MISALIGNED, 0);
                return true;
            }
            s.setRegister((word >> 7) & 31, s.pc() + 4);
            s.setPc(target);
        }
        return true;
    }

    function _system(MachineState s, Reader memory r, uint256 word) private view returns (bool) {
        if (word == 0x0000_0073) SystemCalls.execute(s, r);
        else if (word == 0x0010_0073) s.halt(BREAKPOINT, 0);
        else return false;
        return true;
    }

    function _load(MachineState s, Reader memory r, uint256 word, uint256 f3) private pure returns (bool) {
        if (f3 == 7) return false;
        uint256 width = 1 << (f3 & 3);
        uint256 at = _address(s, word, _immI(word));
        if (at > ADDRESS_SPACE - width) {
            s.halt(LOAD_OUTSIDE, 0);
            return true;
        }
        uint256 buffer = _buffer();
        r.takeLeaf(at >> 7, s.memoryRoot(), buffer);
        if ((at & 127) + width > 128) r.takeLeaf((at >> 7) + 1, s.memoryRoot(), buffer + 128);
        uint256 value;
        assembly ("memory-safe") {
            value := shr(192, mload(add(buffer, and(at, 127))))
        }
        value = MachineStateLib.swap64(value) & ((1 << (8 * width)) - 1);
        if (f3 < 4) {
            assembly ("memory-safe") {
                value := signextend(sub(width, 1), value)
            }
        }
        s.setRegister((word >> 7) & 31, value);
        unchecked {
            s.setPc(s.pc() + 4);
        }
        return true;
    }

    function _store(MachineState s, Reader memory r, uint256 word, uint256 f3) private pure returns (bool) {
        if (f3 > 3) return false;
        uint256 width = 1 << f3;
        uint256 at = _address(s, word, _immS(word));
        if (at > ADDRESS_SPACE - width) {
            s.halt(STORE_OUTSIDE, 0);
            return true;
        }
        uint256 value = s.register((word >> 20) & 31);
        uint256 room = 128 - (at & 127);
        if (room >= width) {
            _storeIn(s, r, at, value, width);
        } else {
            // The second leaf is proven against the memory in which the first has changed.
            _storeIn(s, r, at, value, room);
            _storeIn(s, r, at + room, value >> (8 * room), width - room);
        }
        unchecked {
            s.setPc(s.pc() + 4);
        }
        return true;
    }

    /// @dev Stores the low `width` bytes of `value` within one leaf.
    function _storeIn(MachineState s, Reader memory r, uint256 at, uint256 value, uint256 width) private pure {
        uint256 buffer = _buffer();
        uint256 path = r.takeLeaf(at >> 7, s.memoryRoot(), buffer);
        bytes32 node;
        assembly ("memory-safe") {
            let to := add(buffer, and(at, 127))
            for { let end := add(to, width) } lt(to, end) { to := add(to, 1) } {
                mstore8(to, value)
                value := shr(8, value)
            }
            node := keccak256(buffer, 128)
        }
        s.setMemoryRoot(WitnessReader.climb(node, at >> 7, WitnessReader.MEMORY_DEPTH, path));
    }

    function _address(MachineState s, uint256 word, uint256 imm) private pure returns (uint256) {
        unchecked {
            return (s.register((word >> 15) & 31) + imm) & type(uint64).max;
        }
    }

    /// @dev Free memory; used before anything else is allocated, so the pointer does not move.
    function _buffer() private pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := mload(0x40)
        }
    }

    // Immediates, sign-extended to 256 bits.

    function _immI(uint256 word) private pure returns (uint256 imm) {
        assembly ("memory-safe") {
            imm := sar(20, signextend(3, word))
        }
    }

    function _immS(uint256 word) private pure returns (uint256 imm) {
        assembly ("memory-safe") {
            imm := or(shl(5, sar(25, signextend(3, word))), and(shr(7, word), 31))
        }
    }

    function _immU(uint256 word) private pure returns (uint256 imm) {
        assembly ("memory-safe") {
            imm := and(signextend(3, word), not(0xfff))
        }
    }

    function _immB(uint256 word) private pure returns (uint256 imm) {
        assembly ("memory-safe") {
            imm := shl(12, sar(31, signextend(3, word)))
            imm := or(imm, and(shl(4, word), 0x800))
            imm := or(imm, and(shr(20, word), 0x7e0))
            imm := or(imm, and(shr(7, word), 0x1e))
        }
    }

    function _immJ(uint256 word) private pure returns (uint256 imm) {
        assembly ("memory-safe") {
            imm := shl(20, sar(31, signextend(3, word)))
            imm := or(imm, and(word, 0xff000))
            imm := or(imm, and(shr(9, word), 0x800))
            imm := or(imm, and(shr(20, word), 0x7fe))
        }
    }
}
