// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MemoryPath, WitnessLength} from "./StepErrors.sol";

/// @notice Position in a witness: calldata offsets of its start, of the next unread byte and of its end.
struct Reader {
    uint256 start;
    uint256 at;
    uint256 end;
}

using WitnessReader for Reader global;

/// @title Reading of witnesses
/// @notice Takes fields from front to back and climbs Merkle paths. Nothing is read beyond the witness.
library WitnessReader {
    /// @notice Length of a leaf, in bytes.
    uint256 internal constant LEAF = 128;
    /// @notice Depth of the memory tree above a leaf.
    uint256 internal constant MEMORY_DEPTH = 25;
    /// @notice Depth of the memory tree above a page of 4,096 bytes.
    uint256 internal constant PAGES_DEPTH = 20;

    /// @notice Takes `count` bytes.
    /// @return offset Where they start in calldata.
    function take(Reader memory r, uint256 count) internal pure returns (uint256 offset) {
        offset = r.at;
        if (count > r.end - offset) revert WitnessLength(offset - r.start + count, r.end - r.start);
        unchecked {
            // At most `end`.
            r.at = offset + count;
        }
    }

    /// @notice Reverts unless everything is read.
    function requireEnd(Reader memory r) internal pure {
        if (r.at != r.end) revert WitnessLength(r.at - r.start, r.end - r.start);
    }

    /// @notice Takes a word.
    function takeWord(Reader memory r) internal pure returns (bytes32 w) {
        uint256 offset = r.take(32);
        assembly ("memory-safe") {
            w := calldataload(offset)
        }
    }

    /// @notice Takes a Merkle path and returns the root that `node` leads to.
    /// @param node  Hash at the bottom.
    /// @param index Position of the node in its row, from 0.
    /// @param depth Number of siblings.
    /// @return root Where the path leads.
    /// @return path Calldata offset of the siblings, to climb again with a changed node.
    function takePath(Reader memory r, bytes32 node, uint256 index, uint256 depth)
        internal
        pure
        returns (bytes32 root, uint256 path)
    {
        path = r.take(depth * 32);
        root = climb(node, index, depth, path);
    }

    /// @notice Root that a node and its siblings, from the bottom up, lead to.
    /// @dev The siblings must lie within the witness. Uses the two scratch words.
    function climb(bytes32 node, uint256 index, uint256 depth, uint256 path)
        internal
        pure
        returns (bytes32 root)
    {
        assembly ("memory-safe") {
            root := node
            for { let end := add(path, shl(5, depth)) } lt(path, end) { path := add(path, 32) } {
                // The node goes left (slot 0) when its index is even.
                let slot := shl(5, and(index, 1))
                mstore(slot, root)
                mstore(xor(slot, 32), calldataload(path))
                root := keccak256(0, 64)
                index := shr(1, index)
            }
        }
    }

    /// @notice Takes a memory leaf and its path, checks both against `expected` and copies the leaf.
    /// @param index    Number of the leaf: address / 128.
    /// @param expected Memory root.
    /// @param to       Memory address that the 128 bytes are copied to.
    /// @return path    Calldata offset of the siblings.
    function takeLeaf(Reader memory r, uint256 index, bytes32 expected, uint256 to)
        internal
        pure
        returns (uint256 path)
    {
        uint256 offset = r.take(LEAF);
        bytes32 node;
        assembly ("memory-safe") {
            calldatacopy(to, offset, 128)
            node := keccak256(to, 128)
        }
        bytes32 root;
        (root, path) = r.takePath(node, index, MEMORY_DEPTH);
        if (root != expected) revert MemoryPath(expected, root);
    }

    /// @notice Root of the tree over the 4,096 bytes in memory at `from`: 32 leaves of 128 bytes.
    /// @dev Folds in place: the page is overwritten by its hashes.
    function foldPage(uint256 from) internal pure returns (bytes32 root) {
        assembly ("memory-safe") {
            for { let i := 0 } lt(i, 32) { i := add(i, 1) } {
                mstore(add(from, shl(5, i)), keccak256(add(from, shl(7, i)), 128))
            }
            for { let width := 16 } width { width := shr(1, width) } {
                for { let i := 0 } lt(i, width) { i := add(i, 1) } {
                    mstore(add(from, shl(5, i)), keccak256(add(from, shl(6, i)), 64))
                }
            }
            root := mload(from)
        }
    }
}
