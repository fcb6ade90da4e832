// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GasBoundCall} from "./GasBoundCall.sol";
import {ICrossDomainMessenger} from "./ICrossDomainMessenger.sol";

/// @title What the messengers of both layers do alike
/// @dev The layers differ in how a message travels and in how the other messenger is recognised. No variable may be
/// added here: a later one goes to the end of the contracts that inherit this.
abstract contract CrossDomainMessenger is ICrossDomainMessenger {
    /// @notice Version of messages, in the two high bytes of their nonces.
    uint16 public constant MESSAGE_VERSION = 1;

    /// @dev Gas of a relay beside its target's: three slots, events, the call itself, and `RESERVED_GAS`.
    uint256 private constant RELAY_GAS = 200_000;
    /// @dev Gas kept for what follows the target's call: a failure is written then.
    uint256 private constant RESERVED_GAS = 40_000;
    /// @dev Bytes of a call to `relayMessage` beside the message, padding included.
    uint256 private constant CALL_BYTES = 260;
    /// @dev Gas of a byte, its copying and hashing included.
    uint256 private constant BYTE_GAS = 20;
    /// @dev Gas that a byte costs at least, whatever is executed (EIP-7623).
    uint256 private constant BYTE_FLOOR_GAS = 40;

    /// @inheritdoc ICrossDomainMessenger
    mapping(bytes32 messageHash => bool) public successfulMessages;
    /// @inheritdoc ICrossDomainMessenger
    mapping(bytes32 messageHash => bool) public failedMessages;
    /// @inheritdoc ICrossDomainMessenger
    address public otherMessenger;
    /// @dev Number of messages sent.
    uint240 private _count;

    /// @dev Who sent the message that is being delivered; zero while none is.
    address private transient _sender;

    /// @inheritdoc ICrossDomainMessenger
    function sendMessage(address target, bytes calldata message, uint32 minGasLimit)
        external
        payable
    {
        require(!_isBlockedThere(target), BlockedTarget(target));
        uint256 nonce = messageNonce();
        ++_count;
        bytes memory data = abi.encodeCall(
            this.relayMessage, (nonce, msg.sender, target, msg.value, minGasLimit, message)
        );
        _send(baseGas(message, minGasLimit), msg.value, data);
        emit SentMessage(target, msg.sender, message, nonce, minGasLimit);
        emit SentMessageExtension1(msg.sender, msg.value);
    }

    /// @inheritdoc ICrossDomainMessenger
    function relayMessage(
        uint256 nonce,
        address sender,
        address target,
        uint256 value,
        uint256 minGasLimit,
        bytes calldata message
    ) external payable {
        bytes32 hash = _hash(nonce, sender, target, value, minGasLimit, message);
        if (_isOtherMessenger()) {
            require(msg.value == value, ValueMismatch(value, msg.value));
        } else {
            require(failedMessages[hash], NotReplayable(hash));
            require(msg.value == 0, ValueMismatch(0, msg.value));
        }
        require(!successfulMessages[hash], AlreadyRelayed(hash));
        // The target may relay other messages, but not this one: it counts as delivered from here on.
        successfulMessages[hash] = true;
        if (!_isBlocked(target) && _deliver(sender, target, value, minGasLimit, message)) {
            emit RelayedMessage(hash);
            return;
        }
        successfulMessages[hash] = false;
        failedMessages[hash] = true;
        emit FailedRelayedMessage(hash);
    }

    /// @inheritdoc ICrossDomainMessenger
    function recallMessage(
        uint256 nonce,
        address sender,
        uint256 value,
        uint256 minGasLimit,
        bytes calldata message
    ) external returns (bytes32 messageHash) {
        messageHash = _hash(nonce, sender, msg.sender, value, minGasLimit, message);
        require(failedMessages[messageHash], NotFailed(messageHash));
        require(!successfulMessages[messageHash], AlreadyRelayed(messageHash));
        successfulMessages[messageHash] = true;
        emit RecalledMessage(messageHash);
        if (value == 0) return messageHash;
        (bool taken,) = msg.sender.call{value: value}("");
        require(taken, ValueRefused(msg.sender));
    }

    /// @inheritdoc ICrossDomainMessenger
    function xDomainMessageSender() external view returns (address) {
        require(_sender != address(0), NoMessage());
        return _sender;
    }

    /// @notice The messenger on the other layer, under its old name in the OP Stack.
    /// @return Address.
    function OTHER_MESSENGER() external view returns (address) {
        return otherMessenger;
    }

    /// @notice Never: messages are not paused.
    /// @return False.
    function paused() external pure returns (bool) {
        return false;
    }

    /// @notice Version of the interface.
    /// @return Semantic version.
    function version() external pure returns (string memory) {
        return "2.0.0";
    }

    /// @inheritdoc ICrossDomainMessenger
    function messageNonce() public view returns (uint256) {
        return uint256(_count) | uint256(MESSAGE_VERSION) << 240;
    }

    /// @inheritdoc ICrossDomainMessenger
    function baseGas(bytes calldata message, uint32 minGasLimit) public pure returns (uint64) {
        uint256 length = message.length + CALL_BYTES;
        // A call passes on 63/64 of the gas at most.
        uint256 executed = RELAY_GAS + length * BYTE_GAS + (uint256(minGasLimit) * 64 + 62) / 63;
        uint256 floor = length * BYTE_FLOOR_GAS;
        // Bound: 2^32 of gas and a calldata's length, far below 2^64.
        return uint64(21_000 + (executed > floor ? executed : floor));
    }

    /// @dev Sends `data` to the other messenger.
    function _send(uint64 gasLimit, uint256 value, bytes memory data) internal virtual;

    /// @dev Whether the other messenger makes this call.
    function _isOtherMessenger() internal view virtual returns (bool);

    /// @dev Whether this messenger must not call `target`: itself, and what obeys messages from this layer.
    function _isBlocked(address target) internal view virtual returns (bool);

    /// @dev What the other messenger must not call, as far as it is known here.
    function _isBlockedThere(address target) internal view virtual returns (bool);

    /// @dev Calls the target, unless there is too little gas.
    function _deliver(
        address sender,
        address target,
        uint256 value,
        uint256 minGasLimit,
        bytes memory message
    ) private returns (bool delivered) {
        if (!GasBoundCall.hasGas(minGasLimit, RESERVED_GAS)) return false;
        // A message may relay another one: the sender of this one is put back then.
        address outer = _sender;
        _sender = sender;
        delivered = GasBoundCall.call(target, value, message, RESERVED_GAS);
        _sender = outer;
    }

    function _hash(
        uint256 nonce,
        address sender,
        address target,
        uint256 value,
        uint256 minGasLimit,
        bytes calldata message
    ) private view returns (bytes32) {
        // No narrowing: the version is all that is left.
        uint16 messageVersion = uint16(nonce >> 240);
        require(messageVersion == MESSAGE_VERSION, UnknownVersion(messageVersion));
        return keccak256(
            abi.encodeCall(this.relayMessage, (nonce, sender, target, value, minGasLimit, message))
        );
    }
}
