// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Storage tries of the message passer, as a node would build them: keys are hashes, every value is 1.
library Trie {
    /// @dev Storage slot of a withdrawal in the message passer.
    function slotOf(bytes32 withdrawalHash) internal pure returns (bytes32) {
        return keccak256(abi.encode(withdrawalHash, uint256(0)));
    }

    /// @notice Root of the trie that holds these withdrawals, and the proof of one of them.
    /// @param hashes Withdrawals, all different.
    /// @param which  Position of the one that is proven.
    function build(bytes32[] memory hashes, uint256 which)
        internal
        pure
        returns (bytes32 root, bytes[] memory proof)
    {
        bytes32[] memory keys = new bytes32[](hashes.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            keys[i] = keccak256(abi.encode(slotOf(hashes[i])));
        }
        bytes[] memory nodes = new bytes[](64);
        uint256 count = _path(keys, keys[which], 0, nodes);
        proof = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            proof[i] = nodes[i];
        }
        root = keccak256(proof[0]);
    }

    /// @notice Trie of a single withdrawal.
    function single(bytes32 withdrawalHash)
        internal
        pure
        returns (bytes32 root, bytes[] memory proof)
    {
        bytes32[] memory hashes = new bytes32[](1);
        hashes[0] = withdrawalHash;
        return build(hashes, 0);
    }

    /// @dev Collects the nodes on the way to `key` among `keys`, which share `depth` nibbles.
    function _path(bytes32[] memory keys, bytes32 key, uint256 depth, bytes[] memory nodes)
        private
        pure
        returns (uint256 count)
    {
        while (true) {
            nodes[count++] = _node(keys, depth);
            if (keys.length == 1) return count;
            uint256 shared = _shared(keys, depth);
            if (shared > depth) {
                nodes[count++] = _node(keys, shared);
                depth = shared;
            }
            keys = _below(keys, depth, _nibble(key, depth));
            ++depth;
        }
    }

    /// @dev RLP of the node above `keys`, which share `depth` nibbles.
    function _node(bytes32[] memory keys, uint256 depth) private pure returns (bytes memory) {
        if (keys.length == 1) {
            return _list(bytes.concat(_string(_hexPrefix(keys[0], depth, 64, true)), hex"01"));
        }
        uint256 shared = _shared(keys, depth);
        if (shared > depth) {
            bytes memory path = _string(_hexPrefix(keys[0], depth, shared, false));
            return _list(bytes.concat(path, _reference(_node(keys, shared))));
        }
        bytes memory children;
        for (uint256 i = 0; i < 16; ++i) {
            bytes32[] memory below = _below(keys, depth, i);
            children = bytes.concat(
                children, below.length == 0 ? bytes(hex"80") : _reference(_node(below, depth + 1))
            );
        }
        return _list(bytes.concat(children, hex"80"));
    }

    function _reference(bytes memory node) private pure returns (bytes memory) {
        return node.length < 32 ? node : bytes.concat(hex"a0", keccak256(node));
    }

    function _below(bytes32[] memory keys, uint256 depth, uint256 nibble)
        private
        pure
        returns (bytes32[] memory below)
    {
        below = new bytes32[](keys.length);
        uint256 count;
        for (uint256 i = 0; i < keys.length; ++i) {
            if (_nibble(keys[i], depth) == nibble) below[count++] = keys[i];
        }
        assembly ("memory-safe") {
            // Shrinks the list to what was found.
            mstore(below, count)
        }
    }

    /// @dev Nibbles that all keys share, at least `depth`.
    function _shared(bytes32[] memory keys, uint256 depth) private pure returns (uint256 shared) {
        shared = depth;
        while (true) {
            for (uint256 i = 1; i < keys.length; ++i) {
                if (_nibble(keys[i], shared) != _nibble(keys[0], shared)) return shared;
            }
            ++shared;
        }
    }

    function _nibble(bytes32 key, uint256 index) private pure returns (uint256) {
        return uint256(key) >> (252 - 4 * index) & 15;
    }

    function _hexPrefix(bytes32 key, uint256 from, uint256 to, bool leaf)
        private
        pure
        returns (bytes memory path)
    {
        uint256 flag = leaf ? 2 : 0;
        if ((to - from) % 2 == 1) {
            path = abi.encodePacked(uint8((flag + 1) << 4 | _nibble(key, from)));
            ++from;
        } else {
            path = abi.encodePacked(uint8(flag << 4));
        }
        for (; from < to; from += 2) {
            path = abi.encodePacked(path, uint8(_nibble(key, from) << 4 | _nibble(key, from + 1)));
        }
    }

    function _string(bytes memory data) private pure returns (bytes memory) {
        if (data.length == 1 && uint8(data[0]) < 0x80) return data;
        return abi.encodePacked(uint8(0x80 + data.length), data);
    }

    function _list(bytes memory items) private pure returns (bytes memory) {
        if (items.length < 56) return abi.encodePacked(uint8(0xc0 + items.length), items);
        if (items.length < 256) return abi.encodePacked(uint8(0xf8), uint8(items.length), items);
        return abi.encodePacked(uint8(0xf9), uint16(items.length), items);
    }
}
