// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Portal: where ETH and calls leave L1 for L2
/// @notice ETH sent here is locked and minted on L2.
/// NOTHING CAN BE WITHDRAWN YET: this version has no way from L2 back to L1. The withdrawal functions
/// revert with `WithdrawalsUnavailable`; the ETH stays locked until the timelock upgrades this contract
/// to a version that pays withdrawals out against settled output roots.
/// @dev ABI and event of the OP Stack's portal, so that wallets and viem work unchanged.
interface IPortal {
    /// @notice A withdrawal from L2, as the OP Stack lays it out.
    struct WithdrawalTransaction {
        uint256 nonce;
        address sender;
        address target;
        uint256 value;
        uint256 gasLimit;
        bytes data;
    }

    /// @notice This version of the Portal cannot pay withdrawals.
    error WithdrawalsUnavailable();

    /// @notice A deposit was enqueued.
    /// @param from       Sender on L2, after aliasing.
    /// @param to         Recipient on L2; zero for a creation.
    /// @param version    Of `opaqueData`; 0.
    /// @param opaqueData `mint u256 ‖ value u256 ‖ gasLimit u64 ‖ isCreation u8 ‖ data`.
    event TransactionDeposited(
        address indexed from, address indexed to, uint256 indexed version, bytes opaqueData
    );

    /// @notice Call `to` on L2 with `value`, having minted the wei sent along.
    /// @dev The mint is unconditional, also where the call fails on L2. L1 gas is burned for `gasLimit`:
    /// see `DepositMarket`. The sender on L2 is the caller; that of a contract is aliased, that of an account
    /// delegated under EIP-7702 is not.
    /// @param to         Recipient on L2; zero for a creation.
    /// @param value      Wei that the L2 call carries, out of the sender's balance on L2.
    /// @param gasLimit   L2 gas of the call; at least `minimumGasLimit(data.length)`.
    /// @param isCreation Whether the call creates a contract.
    /// @param data       Data of the L2 call, or init code.
    function depositTransaction(
        address to,
        uint256 value,
        uint64 gasLimit,
        bool isCreation,
        bytes calldata data
    ) external payable;

    /// @notice Not available: reverts with `WithdrawalsUnavailable`.
    /// @param withdrawal The withdrawal.
    function finalizeWithdrawalTransaction(WithdrawalTransaction calldata withdrawal) external;

    /// @notice Least gas limit of a call with `byteCount` bytes of data.
    /// @param byteCount Bytes of data.
    /// @return L2 gas.
    function minimumGasLimit(uint64 byteCount) external pure returns (uint64);

    /// @notice The Inbox that carries deposits to L2.
    /// @return Address.
    function inbox() external view returns (address);

    /// @notice Version of the interface.
    /// @return Semantic version.
    function version() external pure returns (string memory);
}
