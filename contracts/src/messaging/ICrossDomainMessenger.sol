// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Messenger: calls from one layer to the other that are not lost when they fail
/// @notice One contract on each layer. A message that fails on arrival is kept, with its ETH, and anyone can try it
/// again at any time; its target can take it out of the queue to send something back.
/// @dev ABI and events of the OP Stack's messengers. Normative text: `protocol/SPEC.md`, chapter "Withdrawals and
/// messages". A message is known by its hash: keccak256 of the call to `relayMessage` that delivers it. Its nonce
/// carries the version, 1, in the two high bytes; there is no other version, and no message of another chain
/// arrives, because the other messenger is known by its address.
interface ICrossDomainMessenger {
    /// @notice The message has another version than 1.
    error UnknownVersion(uint16 version);
    /// @notice A new message arrives from the other messenger only.
    error NotReplayable(bytes32 messageHash);
    /// @notice The message was delivered before, is being delivered, or was taken back by its target.
    error AlreadyRelayed(bytes32 messageHash);
    /// @notice The ETH sent along differs from what the message carries; a replay brings none. Wei.
    error ValueMismatch(uint256 expected, uint256 got);
    /// @notice The target did not take the ETH of the message that it took back.
    error ValueRefused(address target);
    /// @notice No message is being delivered.
    error NoMessage();
    /// @notice The target must not be called by a messenger.
    error BlockedTarget(address target);
    /// @notice Only its target takes a message back.
    error NotTarget(address caller, address target);
    /// @notice Only a message that failed can be taken back.
    error NotFailed(bytes32 messageHash);

    /// @notice A message was sent.
    /// @param target       Whom the other layer shall call.
    /// @param sender       Who sent it.
    /// @param message      Data of the call.
    /// @param messageNonce Number of the message, with the version.
    /// @param gasLimit     Gas that the target has at least.
    event SentMessage(
        address indexed target, address sender, bytes message, uint256 messageNonce, uint256 gasLimit
    );
    /// @notice What the event before this one does not say.
    /// @param sender Who sent the message.
    /// @param value  Wei that it carries.
    event SentMessageExtension1(address indexed sender, uint256 value);
    /// @notice A message was delivered.
    event RelayedMessage(bytes32 indexed msgHash);
    /// @notice A message failed; it can be relayed again.
    event FailedRelayedMessage(bytes32 indexed msgHash);
    /// @notice The target took back a message that had failed; it is never delivered.
    event RecalledMessage(bytes32 indexed msgHash);

    /// @notice Call `target` on the other layer, with the ETH of this call.
    /// @dev Limits of length and gas are those of the Inbox and of the message passer, with their errors.
    /// @param target      Whom to call.
    /// @param message     Data of the call.
    /// @param minGasLimit Gas that the target has at least.
    function sendMessage(address target, bytes calldata message, uint32 minGasLimit)
        external
        payable;

    /// @notice Deliver a message: for the other messenger, and for anyone once it has failed.
    /// @dev Never reverts because the target does: the message is kept as failed.
    /// @param nonce       Number of the message, with the version.
    /// @param sender      Who sent it on the other layer; `xDomainMessageSender()` while the call runs.
    /// @param target      Whom to call.
    /// @param value       Wei that the call carries.
    /// @param minGasLimit Gas that the target has at least.
    /// @param message     Data of the call.
    function relayMessage(
        uint256 nonce,
        address sender,
        address target,
        uint256 value,
        uint256 minGasLimit,
        bytes calldata message
    ) external payable;

    /// @notice Take back a message that failed, with its ETH; for its target, which can send something back then.
    /// @param nonce       Number of the message, with the version.
    /// @param sender      Who sent it on the other layer.
    /// @param value       Wei that it carries: they are sent to the caller.
    /// @param minGasLimit Gas that it asked for.
    /// @param message     Data of the call.
    /// @return messageHash Its hash.
    function recallMessage(
        uint256 nonce,
        address sender,
        uint256 value,
        uint256 minGasLimit,
        bytes calldata message
    ) external returns (bytes32 messageHash);

    /// @notice Who sent the message that is being delivered; reverts while none is.
    function xDomainMessageSender() external view returns (address);

    /// @notice Whether a message was delivered, is being delivered, or was taken back.
    function successfulMessages(bytes32 messageHash) external view returns (bool);

    /// @notice Whether a message failed at least once.
    function failedMessages(bytes32 messageHash) external view returns (bool);

    /// @notice Nonce of the next message.
    function messageNonce() external view returns (uint256);

    /// @notice The messenger on the other layer.
    function otherMessenger() external view returns (address);

    /// @notice Gas of the transaction that delivers a message, so that its target has `minGasLimit`.
    /// @param message     Data of the call.
    /// @param minGasLimit Gas that the target has at least.
    function baseGas(bytes calldata message, uint32 minGasLimit) external pure returns (uint64);
}
