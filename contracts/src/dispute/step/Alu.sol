// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Arithmetic of RV64IM
/// @notice Results of the register instructions, by the fields of their encoding.
/// @dev Operands are below 2^64; results carry garbage above bit 63 unless noted, which the register file cuts off.
/// All arithmetic is modulo 2^256, of which modulo 2^64 is a quotient, hence `unchecked` throughout.
library Alu {
    /// @notice The operations of OP and OP-IMM.
    /// @param f3  funct3.
    /// @param alt True for SUB and SRA.
    function compute(uint256 f3, bool alt, uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            if (f3 == 0) return alt ? a - b : a + b;
            if (f3 == 1) return a << (b & 63);
            if (f3 == 2) return signed(a) < signed(b) ? 1 : 0;
            if (f3 == 3) return a < b ? 1 : 0;
            if (f3 == 4) return a ^ b;
            if (f3 == 5) return alt ? uint256(signed(a) >> (b & 63)) : a >> (b & 63);
            if (f3 == 6) return a | b;
            return a & b;
        }
    }

    /// @notice The operations of OP-32 and OP-IMM-32, sign-extended from 32 bits.
    /// @return ok False when there is no such operation.
    /// @return v  The result.
    function compute32(uint256 f3, bool alt, uint256 a, uint256 b) internal pure returns (bool ok, uint256 v) {
        unchecked {
            if (f3 == 0) return (true, extend32(alt ? a - b : a + b));
            if (f3 == 1) return (true, extend32(a << (b & 31)));
            if (f3 == 5) {
                uint256 low = alt ? extend32(a) : uint32(a);
                return (true, extend32(uint256(int256(low) >> (b & 31))));
            }
            return (false, 0);
        }
    }

    /// @notice The operations of the M extension on 64 bits.
    function multiply(uint256 f3, uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            if (f3 == 0) return a * b;
            if (f3 == 1) return uint256((signed(a) * signed(b)) >> 64);
            if (f3 == 2) return uint256((signed(a) * int256(b)) >> 64);
            if (f3 == 3) return (a * b) >> 64;
            return divide(f3, a, b);
        }
    }

    /// @notice The operations of the M extension on 32 bits, sign-extended.
    /// @return ok False when there is no such operation.
    /// @return v  The result.
    function multiply32(uint256 f3, uint256 a, uint256 b) internal pure returns (bool ok, uint256 v) {
        unchecked {
            if (f3 == 0) return (true, extend32(a * b));
            if (f3 < 4) return (false, 0);
            bool isSigned = f3 & 1 == 0;
            uint256 x = isSigned ? extend32(a) & type(uint64).max : uint32(a);
            uint256 y = isSigned ? extend32(b) & type(uint64).max : uint32(b);
            return (true, extend32(divide(f3, x, y)));
        }
    }

    /// @notice DIV (4), DIVU (5), REM (6), REMU (7).
    /// @dev The smallest number divided by -1 does not overflow 256 bits.
    function divide(uint256 f3, uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            if (b == 0) return f3 < 6 ? type(uint256).max : a;
            if (f3 == 4) return uint256(signed(a) / signed(b));
            if (f3 == 5) return a / b;
            if (f3 == 6) return uint256(signed(a) % signed(b));
            return a % b;
        }
    }

    /// @notice The low 64 bits as a signed number.
    function signed(uint256 x) internal pure returns (int256) {
        return int256(int64(uint64(x)));
    }

    /// @notice Sign-extends the low 32 bits to 256.
    function extend32(uint256 x) internal pure returns (uint256) {
        return uint256(int256(int32(uint32(x))));
    }
}
