// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Level} from "./Types.sol";

/// @title Geometry of dissections
/// @notice Segments, point trees and bond levels; all that a claim's shape is checked by.
library Dissection {
    /// @dev Points of a full dissection, and leaves of its tree.
    uint256 internal constant ARITY = 128;
    /// @dev Steps of every machine interval: 128^6.
    uint64 internal constant MACHINE_STEPS = 2 ** 42;
    /// @dev Most batches between the anchor and a proposal: 128^3.
    uint64 internal constant MAX_BATCHES = 2 ** 21;

    /// @notice Segments into which an interval is cut.
    /// @param length Length of the interval, at least 1.
    /// @return Number of segments, and of points, 1 to 128.
    function segments(uint256 length) internal pure returns (uint256) {
        return length < ARITY ? length : ARITY;
    }

    /// @notice Start of segment `index`, which is the end of the one before.
    /// @param lo    Start of the interval.
    /// @param hi    End of the interval, above `lo`, at most `lo + 2^42`.
    /// @param index 0 to `segments(hi - lo)`.
    /// @return Position in the trace.
    function boundary(uint64 lo, uint64 hi, uint256 index) internal pure returns (uint64) {
        uint256 length = hi - lo;
        // At most `hi`, so the cast keeps every bit.
        return uint64(lo + length * index / segments(length));
    }

    /// @notice Further moves that are possible below a claim: the exponent of its bond.
    /// @param level  Level of the claim.
    /// @param length Length of its interval.
    /// @return count 0 to 9.
    function movesBelow(Level level, uint256 length) internal pure returns (uint256 count) {
        uint256 digits = ceilLog128(length);
        if (level == Level.MACHINE) return digits - 1;
        return level == Level.BATCH ? 5 + digits : 6 + digits;
    }

    /// @notice Least m with 128^m >= length.
    function ceilLog128(uint256 length) internal pure returns (uint256 m) {
        for (uint256 reach = 1; reach < length; reach *= ARITY) ++m;
    }

    /// @notice Merkle root of the points, zero-filled to 128 leaves. The points are the leaves themselves: all
    /// trees have depth 7, so no inner node passes for a leaf.
    /// @param points 1 to 128 points.
    /// @return root  Root of the tree.
    function rootOf(bytes32[] calldata points) internal pure returns (bytes32 root) {
        assembly ("memory-safe") {
            // Works in the free memory above the pointer without claiming it: 4096 bytes, overwritten level by
            // level. Bytes beyond the points are cleared first, because free memory may be dirty.
            let base := mload(0x40)
            let size := shl(5, points.length)
            calldatacopy(base, points.offset, size)
            calldatacopy(add(base, size), calldatasize(), sub(4096, size))
            for { let width := 2048 } gt(width, 16) { width := shr(1, width) } {
                for { let at := 0 } lt(at, width) { at := add(at, 0x20) } {
                    mstore(add(base, at), keccak256(add(base, shl(1, at)), 0x40))
                }
            }
            root := mload(base)
        }
    }

    /// @notice Whether `leaf` stands at `index` under `root`.
    /// @param root  Root of a tree of depth 7.
    /// @param index Leaf, 0 to 127.
    /// @param leaf  Point.
    /// @param proof Siblings from the leaf up.
    /// @return True when the path leads to the root.
    function isUnder(bytes32 root, uint256 index, bytes32 leaf, bytes32[7] calldata proof)
        internal
        pure
        returns (bool)
    {
        bytes32 node = leaf;
        assembly ("memory-safe") {
            // Scratch space holds the pair; bit i of the index says on which side the node is.
            for { let i := 0 } lt(i, 7) { i := add(i, 1) } {
                let side := shl(5, and(shr(i, index), 1))
                mstore(side, node)
                mstore(xor(side, 0x20), calldataload(add(proof, shl(5, i))))
                node := keccak256(0, 0x40)
            }
        }
        return node == root;
    }
}
