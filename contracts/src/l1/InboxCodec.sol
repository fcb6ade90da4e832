// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A deposit as its sender ordered it: everything of its queue entry but the L1 block.
/// @param from       Sender on L2, after aliasing.
/// @param to         Recipient on L2; zero for a creation.
/// @param isCreation Whether the call creates a contract.
/// @param mint       Wei locked on L1 and minted to `from` on L2.
/// @param value      Wei that the L2 call carries.
/// @param gasLimit   L2 gas of the call.
struct DepositRequest {
    address from;
    address to;
    bool isCreation;
    uint256 mint;
    uint256 value;
    uint64 gasLimit;
}

/// @notice The operator's parameters, as they travel to L2.
/// @param userGasLimit L2 gas that the user transactions of one block may use.
/// @param dataScalar   Compressed share of a posted byte, in millionths.
/// @param dataKinds    Bit set of the L1 data prices that count: 1 calldata, 2 blobs.
/// @param minFloor     Lowest floor of the base fee, in wei per gas.
/// @param batcher      The account whose batches the Inbox accepts.
struct OperatorParams {
    uint64 userGasLimit;
    uint32 dataScalar;
    uint8 dataKinds;
    uint128 minFloor;
    address batcher;
}

/// @notice What a batch header says of its queue range and its end, beside its index and its content.
/// @param index               Number of the batch, from 1.
/// @param depositFrom         First queue entry that the batch consumes.
/// @param depositTo           Queue entry after the last one that it consumes.
/// @param depositAcc          Queue accumulator after `depositTo` entries.
/// @param claimedEndBlockHash The batcher's word on the hash of the last block; not consensus.
struct BatchRange {
    uint64 index;
    uint64 depositFrom;
    uint64 depositTo;
    bytes32 depositAcc;
    bytes32 claimedEndBlockHash;
}

/// @title Byte layouts of the Inbox
/// @notice Queue entries, batch headers and their hashes, byte for byte as in SPEC.md, section 3.
/// @dev Pure but for the L1 block, whose number, time, fees and randomness go into the bytes.
library InboxCodec {
    /// @notice Kind byte of a deposit entry.
    uint8 internal constant ENTRY_DEPOSIT = 0;
    /// @notice Kind byte of an L1-attributes entry.
    uint8 internal constant ENTRY_ATTRIBUTES = 1;
    /// @notice Kind byte of an operator-parameters entry.
    uint8 internal constant ENTRY_OPERATOR = 2;

    /// @notice Version byte of a batch header.
    uint8 internal constant HEADER_VERSION = 1;
    /// @notice Kind byte of a batch whose payload is calldata.
    uint8 internal constant BATCH_CALLDATA = 0;
    /// @notice Kind byte of a batch whose payload is in blobs.
    uint8 internal constant BATCH_BLOBS = 1;
    /// @notice Kind byte of a forced batch.
    uint8 internal constant BATCH_FORCED = 2;

    /// @notice Longest piece of data that is hashed at once, in bytes.
    uint256 internal constant CHUNK = 4096;

    /// @notice Entry bytes of a deposit that this L1 block enqueues (166 bytes).
    /// @param deposit    What was ordered.
    /// @param dataLength Length of the call's data, in bytes.
    /// @param dataHash   Chunked hash of the call's data.
    /// @return Entry bytes, kind `0x00`.
    function depositEntry(DepositRequest memory deposit, uint32 dataLength, bytes32 dataHash)
        internal
        view
        returns (bytes memory)
    {
        // Two halves: one call with all fields exceeds the stack.
        bytes memory head = abi.encodePacked(
            ENTRY_DEPOSIT,
            uint64(block.number),
            uint64(block.timestamp),
            deposit.from,
            deposit.to,
            deposit.isCreation
        );
        return
            abi.encodePacked(
                head, deposit.mint, deposit.value, deposit.gasLimit, dataLength, dataHash
            );
    }

    /// @notice Entry bytes of this L1 block's attributes (145 bytes).
    /// @return Entry bytes, kind `0x01`.
    function attributesEntry() internal view returns (bytes memory) {
        return abi.encodePacked(
            ENTRY_ATTRIBUTES,
            uint64(block.number),
            uint64(block.timestamp),
            block.basefee,
            block.blobbasefee,
            blockhash(block.number - 1),
            block.prevrandao
        );
    }

    /// @notice Entry bytes of operator parameters (70 bytes).
    /// @param params The parameters from now on.
    /// @return Entry bytes, kind `0x02`.
    function operatorEntry(OperatorParams memory params) internal view returns (bytes memory) {
        return abi.encodePacked(
            ENTRY_OPERATOR,
            uint64(block.number),
            uint64(block.timestamp),
            params.userGasLimit,
            params.dataScalar,
            params.dataKinds,
            params.minFloor,
            params.batcher,
            bytes4(0)
        );
    }

    /// @notice Header of a calldata batch that this L1 block appends (170 bytes).
    /// @param range         Index, queue range and end of the batch.
    /// @param payloadHash   Chunked hash of the payload.
    /// @param payloadLength Length of the payload, in bytes.
    /// @return Header bytes, kind 0.
    function calldataHeader(BatchRange memory range, bytes32 payloadHash, uint32 payloadLength)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodePacked(_header(BATCH_CALLDATA, range), payloadHash, payloadLength);
    }

    /// @notice Header of a blob batch that this L1 block appends (135 bytes and 32 for each blob).
    /// @param range  Index, queue range and end of the batch.
    /// @param hashes Versioned hashes of its blobs, in order; at most 255.
    /// @return Header bytes, kind 1.
    function blobHeader(BatchRange memory range, bytes32[] memory hashes)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodePacked(_header(BATCH_BLOBS, range), uint8(hashes.length), hashes);
    }

    /// @notice Header of a forced batch that this L1 block appends (134 bytes).
    /// @param range Index and queue range of the batch.
    /// @return Header bytes, kind 2.
    function forcedHeader(BatchRange memory range) internal view returns (bytes memory) {
        return _header(BATCH_FORCED, range);
    }

    /// @notice Accumulator after one more item.
    /// @param acc  Accumulator before it.
    /// @param item Bytes of the item.
    /// @return `keccak(acc ‖ keccak(item))`.
    function accumulate(bytes32 acc, bytes memory item) internal pure returns (bytes32) {
        return keccak256(bytes.concat(acc, keccak256(item)));
    }

    /// @notice Hash of the concatenated hashes of the 4,096-byte chunks of `data`.
    /// @dev The hash of no bytes for empty data. So no preimage that a proof needs is long.
    /// @param data Bytes to hash.
    /// @return hash The chunked hash.
    function chunked(bytes calldata data) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            // Free memory holds one chunk, then the list of hashes; it is scratch, never allocated.
            let chunk := mload(0x40)
            let list := add(chunk, CHUNK)
            let next := list
            let from := data.offset
            let end := add(from, data.length)
            // Bound: one turn per chunk, `from` grows to `end`, which calldata bounds.
            for {} lt(from, end) {} {
                let size := sub(end, from)
                if gt(size, CHUNK) { size := CHUNK }
                calldatacopy(chunk, from, size)
                mstore(next, keccak256(chunk, size))
                next := add(next, 32)
                from := add(from, size)
            }
            hash := keccak256(list, sub(next, list))
        }
    }

    function _header(uint8 kind, BatchRange memory range) private view returns (bytes memory) {
        bytes memory head = abi.encodePacked(
            HEADER_VERSION,
            kind,
            address(this),
            uint64(block.chainid),
            range.index,
            uint64(block.number),
            uint64(block.timestamp)
        );
        return abi.encodePacked(
            head, range.depositFrom, range.depositTo, range.depositAcc, range.claimedEndBlockHash
        );
    }
}
