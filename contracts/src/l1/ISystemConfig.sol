// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OperatorParams} from "./InboxCodec.sol";

/// @title SystemConfig: the parameters an operator may rotate at once
/// @notice Each rotation is written here and enqueued in the Inbox in one transaction, so L2 learns of it
/// in order with everything else. Nothing else is adjustable: the static configuration is bound into
/// every proof and changes only through the timelock that owns this contract and its proxy.
interface ISystemConfig {
    /// @notice The caller is neither the operator nor the owner.
    error NotOperator(address caller);
    /// @notice The gas limit for user transactions is above that of a block, both in L2 gas.
    error UserGasLimitTooHigh(uint64 userGasLimit, uint64 max);
    /// @notice The set of L1 data prices has unknown bits.
    error DataKindsInvalid(uint8 dataKinds);
    /// @notice A role was given to the zero address.
    error ZeroAddress();
    /// @notice This L1 block has enqueued a rotation already.
    /// @dev Queue entries cost L2 gas that no market prices; one per block bounds it.
    error AlreadyRotated(uint256 l1Number);

    /// @notice The operator's parameters changed.
    /// @param index  Number of the queue entry that carries them to L2.
    /// @param params All parameters from now on.
    event OperatorParamsRotated(uint64 indexed index, OperatorParams params);

    /// @notice The operator role was handed over.
    /// @param previous The operator until now.
    /// @param operator The operator from now on.
    event OperatorChanged(address indexed previous, address indexed operator);

    /// @notice Rotate the account whose batches the Inbox accepts.
    /// @param batcher Account; it must hold no code when it appends.
    function setBatcher(address batcher) external;

    /// @notice Set the gas that the user transactions of one L2 block may use.
    /// @param userGasLimit L2 gas, at most the gas limit of a block.
    function setUserGasLimit(uint64 userGasLimit) external;

    /// @notice Set what the floor of the base fee follows.
    /// @param dataScalar Compressed share of a posted byte, in millionths.
    /// @param dataKinds  Bit set of the L1 data prices that count: 1 calldata, 2 blobs.
    /// @param minFloor   Lowest floor, in wei per gas.
    function setFeeParameters(uint32 dataScalar, uint8 dataKinds, uint128 minFloor) external;

    /// @notice Hand the operator role over; for the owner.
    /// @param operator The operator from now on.
    function setOperator(address operator) external;

    /// @notice The account that rotates parameters.
    /// @return Address.
    function operator() external view returns (address);

    /// @notice All parameters in force, as enqueued last.
    /// @return Parameters.
    function operatorParams() external view returns (OperatorParams memory);

    /// @notice The Inbox that carries rotations to L2.
    /// @return Address.
    function inbox() external view returns (address);

    /// @notice Gas limit of an L2 block.
    /// @return L2 gas.
    function blockGasLimit() external view returns (uint64);
}
