// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Predeploys} from "./Predeploys.sol";

/// @title RollupState: what the protocol keeps in L2's own state
/// @notice The position in the Inbox's queue and the operator's parameters, where a stateless prover
/// finds them under the output root.
/// @dev The layout is consensus (SPEC.md, section 5.2): slot 0 is written by the protocol itself, slot 1
/// by `setOperatorParams`. At its address from genesis, without a proxy.
contract RollupState {
    /// @notice Only the protocol may write.
    error NotDepositor(address caller);

    /// @notice The operator's parameters arrived.
    /// @param userGasLimit L2 gas that the user transactions of one block may use.
    /// @param dataScalar   Compressed share of a posted byte, in millionths.
    /// @param dataKinds    Bit set of the L1 data prices that count: 1 calldata, 2 blobs.
    /// @param minFloor     Lowest floor of the base fee, in wei per gas.
    event OperatorParamsSet(
        uint64 userGasLimit, uint32 dataScalar, uint8 dataKinds, uint128 minFloor
    );

    /// @notice Number of the oldest queue entry that no block consumed.
    /// @dev Low bits of slot 0; the rest of the slot stays zero.
    uint256 public nextDepositIndex;
    /// @notice L2 gas that the user transactions of one block may use.
    uint64 public userGasLimit;
    /// @notice Compressed share of a posted byte, in millionths.
    uint32 public dataScalar;
    /// @notice Bit set of the L1 data prices that count: 1 calldata, 2 blobs.
    uint8 public dataKinds;
    /// @notice Lowest floor of the base fee, in wei per gas.
    uint128 public minFloor;

    /// @notice Write the operator's parameters; for the protocol.
    /// @param userGasLimit_ L2 gas that the user transactions of one block may use.
    /// @param dataScalar_   Compressed share of a posted byte, in millionths.
    /// @param dataKinds_    Bit set of the L1 data prices that count: 1 calldata, 2 blobs.
    /// @param minFloor_     Lowest floor of the base fee, in wei per gas.
    function setOperatorParams(
        uint64 userGasLimit_,
        uint32 dataScalar_,
        uint8 dataKinds_,
        uint128 minFloor_
    ) external {
        require(msg.sender == Predeploys.DEPOSITOR, NotDepositor(msg.sender));
        userGasLimit = userGasLimit_;
        dataScalar = dataScalar_;
        dataKinds = dataKinds_;
        minFloor = minFloor_;
        emit OperatorParamsSet(userGasLimit_, dataScalar_, dataKinds_, minFloor_);
    }
}
