// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Predeploys} from "./Predeploys.sol";

/// @title L1Block: the newest L1 attributes that L2 knows of
/// @notice Written by the protocol, out of the Inbox's queue; behind L1 by its depth of confirmation.
/// @dev At its address from genesis, without a proxy: derivation depends on its behaviour, so it
/// changes only with the proven program, behind the same timelock.
contract L1Block {
    /// @notice Only the protocol may write.
    error NotDepositor(address caller);

    /// @notice The attributes of L1 block `number` arrived.
    /// @param number L1 block number.
    /// @param time   Its timestamp, in seconds.
    event L1AttributesSet(uint64 indexed number, uint64 time);

    /// @notice Number of the L1 block.
    uint64 public number;
    /// @notice Timestamp of the L1 block, in seconds.
    uint64 public timestamp;
    /// @notice Base fee of the L1 block, in wei per gas.
    uint256 public basefee;
    /// @notice Hash of the *parent* of the L1 block, `number - 1`.
    /// @dev A block cannot know its own hash, and it was the block itself that enqueued this.
    bytes32 public hash;
    /// @notice Base fee of blobs in the L1 block, in wei per blob gas.
    uint256 public blobBaseFee;
    /// @notice RANDAO mix of the L1 block.
    bytes32 public prevrandao;

    /// @notice Write the attributes of an L1 block; for the protocol.
    /// @param number_      Number of the L1 block.
    /// @param time         Its timestamp, in seconds.
    /// @param baseFee      Its base fee, in wei per gas.
    /// @param blobBaseFee_ Its base fee of blobs, in wei per blob gas.
    /// @param parentHash   Hash of its parent.
    /// @param prevrandao_  Its RANDAO mix.
    function setL1Attributes(
        uint64 number_,
        uint64 time,
        uint256 baseFee,
        uint256 blobBaseFee_,
        bytes32 parentHash,
        bytes32 prevrandao_
    ) external {
        require(msg.sender == Predeploys.DEPOSITOR, NotDepositor(msg.sender));
        number = number_;
        timestamp = time;
        basefee = baseFee;
        blobBaseFee = blobBaseFee_;
        hash = parentHash;
        prevrandao = prevrandao_;
        emit L1AttributesSet(number_, time);
    }

    /// @notice The account that may write, under its name in the OP Stack.
    /// @return Address.
    function DEPOSITOR_ACCOUNT() external pure returns (address) {
        return Predeploys.DEPOSITOR;
    }

    /// @notice Version of the interface.
    /// @return Semantic version.
    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}
