// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {IInbox} from "./IInbox.sol";
import {ISystemConfig} from "./ISystemConfig.sol";
import {OperatorParams} from "./InboxCodec.sol";

/// @title SystemConfig
/// @notice See `ISystemConfig`.
/// @dev Behind a proxy. The owner is the timelock; it is set once, and ownership moves only by upgrade.
contract SystemConfig is ISystemConfig, Initializable {
    /// @inheritdoc ISystemConfig
    uint64 public immutable blockGasLimit;

    /// @notice The timelock: hands over the operator role and may rotate like the operator.
    address public owner;
    /// @dev L1 block of the newest rotation.
    uint64 private _rotatedAt;
    /// @inheritdoc ISystemConfig
    address public operator;
    /// @inheritdoc ISystemConfig
    address public inbox;
    OperatorParams private _params;

    /// @dev The owner may do all that the operator may: a lost operator key must not freeze parameters.
    modifier onlyOperator() {
        require(msg.sender == operator || msg.sender == owner, NotOperator(msg.sender));
        _;
    }

    /// @notice The implementation, unusable but behind a proxy.
    /// @param blockGasLimit_ Gas limit of an L2 block.
    constructor(uint64 blockGasLimit_) {
        blockGasLimit = blockGasLimit_;
        _disableInitializers();
    }

    /// @notice Set roles and first parameters; once.
    /// @dev Nothing is enqueued: the genesis of L2 holds the first parameters.
    /// @param owner_    The timelock.
    /// @param operator_ The account that rotates parameters.
    /// @param inbox_    The Inbox that carries rotations to L2.
    /// @param params    First parameters.
    function initialize(
        address owner_,
        address operator_,
        address inbox_,
        OperatorParams calldata params
    ) external initializer {
        require(owner_ != address(0) && operator_ != address(0), ZeroAddress());
        _check(params);
        owner = owner_;
        operator = operator_;
        inbox = inbox_;
        _params = params;
        emit OperatorChanged(address(0), operator_);
    }

    /// @inheritdoc ISystemConfig
    function setBatcher(address batcher) external onlyOperator {
        OperatorParams memory params = _params;
        params.batcher = batcher;
        _rotate(params);
    }

    /// @inheritdoc ISystemConfig
    function setUserGasLimit(uint64 userGasLimit) external onlyOperator {
        OperatorParams memory params = _params;
        params.userGasLimit = userGasLimit;
        _rotate(params);
    }

    /// @inheritdoc ISystemConfig
    function setFeeParameters(uint32 dataScalar, uint8 dataKinds, uint128 minFloor)
        external
        onlyOperator
    {
        OperatorParams memory params = _params;
        params.dataScalar = dataScalar;
        params.dataKinds = dataKinds;
        params.minFloor = minFloor;
        _rotate(params);
    }

    /// @inheritdoc ISystemConfig
    function setOperator(address operator_) external {
        require(msg.sender == owner, NotOperator(msg.sender));
        require(operator_ != address(0), ZeroAddress());
        emit OperatorChanged(operator, operator_);
        operator = operator_;
    }

    /// @inheritdoc ISystemConfig
    function operatorParams() external view returns (OperatorParams memory) {
        return _params;
    }

    function _rotate(OperatorParams memory params) private {
        _check(params);
        require(_rotatedAt != block.number, AlreadyRotated(block.number));
        _rotatedAt = uint64(block.number);
        _params = params;
        uint64 index = IInbox(inbox).enqueueOperatorParams(params);
        emit OperatorParamsRotated(index, params);
    }

    function _check(OperatorParams memory params) private view {
        require(params.batcher != address(0), ZeroAddress());
        require(
            params.userGasLimit <= blockGasLimit,
            UserGasLimitTooHigh(params.userGasLimit, blockGasLimit)
        );
        require(params.dataKinds <= 3, DataKindsInvalid(params.dataKinds));
    }
}
