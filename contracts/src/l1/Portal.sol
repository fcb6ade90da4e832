// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {IAnchorRegistry} from "../dispute/game/IAnchorRegistry.sol";
import {Aliasing} from "./Aliasing.sol";
import {DepositMarket} from "./DepositMarket.sol";
import {FinalisationPause} from "./FinalisationPause.sol";
import {IInbox} from "./IInbox.sol";
import {DepositRequest} from "./InboxCodec.sol";
import {IPortal} from "./IPortal.sol";
import {Withdrawals} from "./Withdrawals.sol";

/// @title Portal
/// @notice See `IPortal`.
/// @dev Behind a proxy. What the Inbox accepts is checked there; here the gas is paid for.
contract Portal is DepositMarket, Withdrawals, Initializable {
    /// @notice What an implementation is deployed with.
    /// @param maxDepositGasPerBlock L2 gas that one L1 block may sell.
    /// @param proofMaturityDelay    Least age of a proof, in seconds.
    /// @param maxPause              Length of the guardian's pause, in seconds.
    /// @param pauseInterval         Least time from one pause to the next, in seconds.
    struct Config {
        uint64 maxDepositGasPerBlock;
        uint64 proofMaturityDelay;
        uint64 maxPause;
        uint64 pauseInterval;
    }

    /// @dev L2 gas of a plain transfer of ETH to this contract.
    uint64 private constant RECEIVE_GAS_LIMIT = 100_000;

    /// @inheritdoc IPortal
    address public inbox;

    /// @notice The implementation, unusable but behind a proxy.
    /// @param config What it is deployed with.
    constructor(Config memory config)
        DepositMarket(config.maxDepositGasPerBlock)
        FinalisationPause(config.maxPause, config.pauseInterval)
        Withdrawals(config.proofMaturityDelay)
    {
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

    /// @notice Set the other contracts and the roles; once.
    /// @param inbox_    The Inbox that carries deposits to L2.
    /// @param registry  What counts as settled.
    /// @param timelock_ Who may hand the guardian's role over.
    /// @param guardian_ Who may pause finalisation; zero for nobody.
    function initialize(
        address inbox_,
        IAnchorRegistry registry,
        address timelock_,
        address guardian_
    ) external initializer {
        inbox = inbox_;
        _registry = registry;
        _setRoles(timelock_, guardian_);
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
    function donateETH() external payable {}

    /// @inheritdoc IPortal
    function minimumGasLimit(uint64 byteCount) external pure returns (uint64) {
        return 21_000 + 40 * byteCount;
    }

    /// @inheritdoc IPortal
    function version() external pure returns (string memory) {
        return "4.0.0";
    }

    /// @dev The Inbox takes deposits from this contract alone: a call to it could forge one.
    function _checkTarget(address target) internal view override {
        require(target != address(this) && target != inbox, OptimismPortal_BadTarget());
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
