// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StandardBridge} from "../bridge/StandardBridge.sol";

/// @title L2StandardBridge
/// @notice See `IStandardBridge`. Adds the old names of withdrawals, and their events, for tools of the OP Stack.
/// @dev At its address from genesis, without a proxy; the genesis sets the counterparts.
contract L2StandardBridge is StandardBridge {
    /// @dev What stands for ETH where a token is named.
    address private constant ETH = 0xDeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000;

    /// @notice Tokens, or ETH, left for L1.
    event WithdrawalInitiated(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );
    /// @notice Tokens, or ETH, arrived from L1.
    event DepositFinalized(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    /// @notice `bridgeERC20`, or `bridgeETH` for `0xDeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000`, under its old name.
    function withdraw(
        address l2Token,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external payable onlyWithKey {
        _withdraw(l2Token, msg.sender, amount, minGasLimit, extraData);
    }

    /// @notice `bridgeERC20To`, or `bridgeETHTo`, under its old name.
    function withdrawTo(
        address l2Token,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external payable {
        _withdraw(l2Token, to, amount, minGasLimit, extraData);
    }

    /// @notice The bridge on L1, under its old name.
    /// @return Address.
    function l1TokenBridge() external view returns (address) {
        return otherBridge;
    }

    function _withdraw(
        address l2Token,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) private {
        uint256 value = l2Token == ETH ? amount : 0;
        require(msg.value == value, ValueMismatch(value, msg.value));
        if (l2Token == ETH) {
            _bridgeETH(to, minGasLimit, extraData);
        } else {
            _bridgeERC20(
                Transfer(l2Token, address(0), msg.sender, to, amount), minGasLimit, extraData
            );
        }
    }

    function _leftETH(address from, address to, uint256 amount, bytes memory extraData)
        internal
        override
    {
        emit WithdrawalInitiated(address(0), ETH, from, to, amount, extraData);
    }

    function _arrivedETH(address from, address to, uint256 amount, bytes memory extraData)
        internal
        override
    {
        emit DepositFinalized(address(0), ETH, from, to, amount, extraData);
    }

    function _leftERC20(Transfer memory t, bytes memory extraData) internal override {
        emit WithdrawalInitiated(
            t.remoteToken, t.localToken, t.from, t.to, t.amount, extraData
        );
    }

    function _arrivedERC20(Transfer memory t, bytes memory extraData) internal override {
        emit DepositFinalized(t.remoteToken, t.localToken, t.from, t.to, t.amount, extraData);
    }
}
