// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Aliasing} from "./Aliasing.sol";
import {DepositMarket} from "./DepositMarket.sol";
import {IInbox} from "./IInbox.sol";
import {DepositRequest} from "./InboxCodec.sol";
import {IPortal} from "./IPortal.sol";

/// @title Portal
/// @notice See `IPortal`: nothing can be withdrawn yet.
/// @dev Behind a proxy. What the Inbox accepts is checked there; here the gas is paid for.
contract Portal is IPortal, DepositMarket, Initializable {
    /// @dev L2 gas of a plain transfer of ETH to this contract.
    uint64 private constant RECEIVE_GAS_LIMIT = 100_000;

    /// @inheritdoc IPortal
    address public inbox;

    /// @notice The implementation, unusable but behind a proxy.
    /// @param maxDepositGasPerBlock_ L2 gas that one L1 block may sell.
    constructor(uint64 maxDepositGasPerBlock_) DepositMarket(maxDepositGasPerBlock_) {
        _disableInitializers();
    }

    /// @notice Deposit the ETH sent to the sender's own address on L2.
    receive() external payable {
        bytes calldata none;
        assembly ("memory-safe") {
            none.offset := 0
            none.length := 0
        }
        _deposit(msg.sender, msg.value, RECEIVE_GAS_LIMIT, false, none);
    }

    /// @notice Set the Inbox; once.
    /// @param inbox_ The Inbox that carries deposits to L2.
    function initialize(address inbox_) external initializer {
        inbox = inbox_;
    }

    /// @inheritdoc IPortal
    function depositTransaction(
        address to,
        uint256 value,
        uint64 gasLimit,
        bool isCreation,
        bytes calldata data
    ) external payable {
        _deposit(to, value, gasLimit, isCreation, data);
    }

    /// @inheritdoc IPortal
    function finalizeWithdrawalTransaction(WithdrawalTransaction calldata) external pure {
        revert WithdrawalsUnavailable();
    }

    /// @inheritdoc IPortal
    function minimumGasLimit(uint64 byteCount) external pure returns (uint64) {
        return 21_000 + 40 * byteCount;
    }

    /// @inheritdoc IPortal
    function version() external pure returns (string memory) {
        return "3.0.0";
    }

    function _deposit(
        address to,
        uint256 value,
        uint64 gasLimit,
        bool isCreation,
        bytes calldata data
    ) private {
        uint256 startGas = gasleft();
        address from = Aliasing.l2Sender();
        IInbox(inbox)
            .enqueueDeposit(DepositRequest(from, to, isCreation, msg.value, value, gasLimit), data);
        emit TransactionDeposited(
            from, to, 0, abi.encodePacked(msg.value, value, gasLimit, isCreation, data)
        );
        _sell(gasLimit, startGas);
    }
}
