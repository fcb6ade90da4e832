// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {StandardBridge} from "../bridge/StandardBridge.sol";
import {Predeploys} from "../l2/Predeploys.sol";

/// @title L1StandardBridge
/// @notice See `IStandardBridge`. Adds the old names of deposits, and their events, for tools of the OP Stack.
/// @dev Behind a proxy.
contract L1StandardBridge is StandardBridge, Initializable {
    /// @notice ETH left for L2. Wei.
    event ETHDepositInitiated(
        address indexed from, address indexed to, uint256 amount, bytes extraData
    );
    /// @notice ETH arrived from L2. Wei.
    event ETHWithdrawalFinalized(
        address indexed from, address indexed to, uint256 amount, bytes extraData
    );
    /// @notice Tokens left for L2.
    event ERC20DepositInitiated(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );
    /// @notice Tokens arrived from L2.
    event ERC20WithdrawalFinalized(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    /// @notice The implementation, unusable but behind a proxy.
    constructor() {
        _disableInitializers();
    }

    /// @notice Set the messenger and the code of representations; once.
    /// @param messenger_           The messenger on L1.
    /// @param tokenImplementation_ Code of representations on L1; must never change, for L2 computes with it.
    function initialize(address messenger_, address tokenImplementation_) external initializer {
        _connect(
            messenger_,
            Predeploys.L2_STANDARD_BRIDGE,
            tokenImplementation_,
            Predeploys.BRIDGED_ERC20
        );
    }

    /// @notice `bridgeETH` under its old name.
    function depositETH(uint32 minGasLimit, bytes calldata extraData)
        external
        payable
        onlyWithKey
    {
        _bridgeETH(msg.sender, minGasLimit, extraData);
    }

    /// @notice `bridgeETHTo` under its old name.
    function depositETHTo(address to, uint32 minGasLimit, bytes calldata extraData)
        external
        payable
    {
        _bridgeETH(to, minGasLimit, extraData);
    }

    /// @notice `bridgeERC20` under its old name.
    function depositERC20(
        address l1Token,
        address l2Token,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external onlyWithKey {
        _bridgeERC20(
            Transfer(l1Token, l2Token, msg.sender, msg.sender, amount), minGasLimit, extraData
        );
    }

    /// @notice `bridgeERC20To` under its old name.
    function depositERC20To(
        address l1Token,
        address l2Token,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external {
        _bridgeERC20(Transfer(l1Token, l2Token, msg.sender, to, amount), minGasLimit, extraData);
    }

    /// @notice The bridge on L2, under its old name.
    /// @return Address.
    function l2TokenBridge() external view returns (address) {
        return otherBridge;
    }

    function _leftETH(address from, address to, uint256 amount, bytes memory extraData)
        internal
        override
    {
        emit ETHDepositInitiated(from, to, amount, extraData);
    }

    function _arrivedETH(address from, address to, uint256 amount, bytes memory extraData)
        internal
        override
    {
        emit ETHWithdrawalFinalized(from, to, amount, extraData);
    }

    function _leftERC20(Transfer memory t, bytes memory extraData) internal override {
        emit ERC20DepositInitiated(
            t.localToken, t.remoteToken, t.from, t.to, t.amount, extraData
        );
    }

    function _arrivedERC20(Transfer memory t, bytes memory extraData) internal override {
        emit ERC20WithdrawalFinalized(
            t.localToken, t.remoteToken, t.from, t.to, t.amount, extraData
        );
    }
}
