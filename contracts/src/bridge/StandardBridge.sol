// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Aliasing} from "../l1/Aliasing.sol";
import {ICrossDomainMessenger} from "../messaging/ICrossDomainMessenger.sol";
import {IBridgedERC20} from "./IBridgedERC20.sol";
import {IStandardBridge} from "./IStandardBridge.sol";
import {TokenMetadata} from "./TokenMetadata.sol";

/// @title What the bridges of both layers do alike
/// @dev No variable may be added here: a later one goes to the end of the contracts that inherit this.
abstract contract StandardBridge is IStandardBridge, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice One transfer of tokens, as this layer sees it.
    struct Transfer {
        address localToken;
        address remoteToken;
        address from;
        address to;
        uint256 amount;
    }

    /// @dev Least gas of an arrival: a transfer of most tokens takes less.
    uint32 private constant MIN_GAS = 200_000;
    /// @dev More gas for the arrival that makes the representation.
    uint32 private constant CREATION_GAS = 600_000;

    /// @inheritdoc IStandardBridge
    address public messenger;
    /// @inheritdoc IStandardBridge
    address public otherBridge;
    /// @inheritdoc IStandardBridge
    address public tokenImplementation;
    /// @inheritdoc IStandardBridge
    address public otherTokenImplementation;
    /// @inheritdoc IStandardBridge
    mapping(address localToken => uint256) public escrow;
    /// @dev Token on the other layer that a representation of this bridge stands for.
    mapping(address localToken => address) private _originOf;
    /// @dev Tokens whose representation the other bridge was given the gas to make.
    mapping(address localToken => bool) private _isAnnounced;

    modifier onlyOtherBridge() {
        require(
            msg.sender == messenger
                && ICrossDomainMessenger(messenger).xDomainMessageSender() == otherBridge,
            NotOtherBridge(msg.sender)
        );
        _;
    }

    modifier onlyWithKey() {
        require(Aliasing.callerHasKey(), NoKey(msg.sender));
        _;
    }

    /// @notice Send the ETH to one's own address on the other layer. For accounts with a key.
    receive() external payable {
        // The messenger hands over the ETH of a message that `refund` took back.
        if (msg.sender == messenger) return;
        require(Aliasing.callerHasKey(), NoKey(msg.sender));
        _bridgeETH(msg.sender, MIN_GAS, "");
    }

    /// @inheritdoc IStandardBridge
    function bridgeETH(uint32 minGasLimit, bytes calldata extraData)
        external
        payable
        onlyWithKey
    {
        _bridgeETH(msg.sender, minGasLimit, extraData);
    }

    /// @inheritdoc IStandardBridge
    function bridgeETHTo(address to, uint32 minGasLimit, bytes calldata extraData)
        external
        payable
    {
        _bridgeETH(to, minGasLimit, extraData);
    }

    /// @inheritdoc IStandardBridge
    function bridgeERC20(
        address localToken,
        address remoteToken,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external onlyWithKey {
        _bridgeERC20(
            Transfer(localToken, remoteToken, msg.sender, msg.sender, amount),
            minGasLimit,
            extraData
        );
    }

    /// @inheritdoc IStandardBridge
    function bridgeERC20To(
        address localToken,
        address remoteToken,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external {
        _bridgeERC20(
            Transfer(localToken, remoteToken, msg.sender, to, amount), minGasLimit, extraData
        );
    }

    /// @inheritdoc IStandardBridge
    function bridgeERC20WithPermit(
        address localToken,
        address remoteToken,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData,
        bytes calldata permit
    ) external {
        (uint256 deadline, uint8 v, bytes32 r, bytes32 s) =
            abi.decode(permit, (uint256, uint8, bytes32, bytes32));
        // Whoever saw the permit may have used it first: then the allowance is there already.
        try IERC20Permit(localToken)
            .permit(msg.sender, address(this), amount, deadline, v, r, s) {}
            catch {}
        _bridgeERC20(
            Transfer(localToken, remoteToken, msg.sender, to, amount), minGasLimit, extraData
        );
    }

    /// @inheritdoc IStandardBridge
    function finalizeBridgeETH(address from, address to, uint256 amount, bytes calldata extraData)
        external
        payable
        onlyOtherBridge
    {
        require(msg.value == amount, ValueMismatch(amount, msg.value));
        require(to != address(this) && to != messenger, BadRecipient(to));
        emit ETHBridgeFinalized(from, to, amount, extraData);
        _arrivedETH(from, to, amount, extraData);
        (bool taken,) = to.call{value: amount}("");
        require(taken, TransferFailed(to));
    }

    /// @inheritdoc IStandardBridge
    function finalizeBridgeERC20(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes calldata extraData
    ) external onlyOtherBridge {
        address expected = remoteTokenOf(localToken);
        require(
            _originOf[localToken] == address(0) && remoteToken == expected,
            WrongPair(expected, remoteToken)
        );
        // Reverts when more is asked for than was locked.
        escrow[localToken] -= amount;
        emit ERC20BridgeFinalized(localToken, remoteToken, from, to, amount, extraData);
        _arrivedERC20(Transfer(localToken, remoteToken, from, to, amount), extraData);
        uint256 before = IERC20(localToken).balanceOf(address(this));
        IERC20(localToken).safeTransfer(to, amount);
        uint256 left = IERC20(localToken).balanceOf(address(this));
        // A token that takes more than it was asked to move takes what others have locked.
        require(left <= before && before - left == amount, AmountMismatch(amount, before - left));
    }

    /// @inheritdoc IStandardBridge
    function finalizeBridgeRepresentation(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes calldata extraData,
        Metadata calldata metadata
    ) external onlyOtherBridge {
        address expected = representationOf(remoteToken);
        require(localToken == expected, WrongPair(expected, localToken));
        if (_originOf[localToken] == address(0)) _create(remoteToken, metadata);
        emit ERC20BridgeFinalized(localToken, remoteToken, from, to, amount, extraData);
        _arrivedERC20(Transfer(localToken, remoteToken, from, to, amount), extraData);
        IBridgedERC20(localToken).mint(to, amount);
    }

    /// @inheritdoc IStandardBridge
    function refund(FailedMessage calldata failed, uint32 minGasLimit) external {
        bytes32 hash = ICrossDomainMessenger(messenger)
            .recallMessage(
                failed.nonce, otherBridge, failed.value, failed.minGasLimit, failed.data
            );
        bytes4 selector = bytes4(failed.data);
        address from;
        if (selector == this.finalizeBridgeETH.selector) {
            from = _refundETH(failed.data[4:], minGasLimit);
        } else if (selector == this.finalizeBridgeERC20.selector) {
            from = _refundERC20(failed.data[4:], true, minGasLimit);
        } else {
            require(
                selector == this.finalizeBridgeRepresentation.selector, UnknownCall(selector)
            );
            from = _refundERC20(failed.data[4:], false, minGasLimit);
        }
        emit Refunded(hash, from);
    }

    /// @inheritdoc IStandardBridge
    function isRepresentation(address token) external view returns (bool) {
        return _originOf[token] != address(0);
    }

    /// @inheritdoc IStandardBridge
    function deposits(address localToken, address remoteToken) external view returns (uint256) {
        return remoteToken == remoteTokenOf(localToken) ? escrow[localToken] : 0;
    }

    /// @notice The messenger, under its old name in the OP Stack.
    /// @return Address.
    function MESSENGER() external view returns (address) {
        return messenger;
    }

    /// @notice The bridge on the other layer, under its old name in the OP Stack.
    /// @return Address.
    function OTHER_BRIDGE() external view returns (address) {
        return otherBridge;
    }

    /// @notice Never: the bridge is not paused.
    /// @return False.
    function paused() external pure returns (bool) {
        return false;
    }

    /// @notice Version of the interface.
    /// @return Semantic version.
    function version() external pure returns (string memory) {
        return "2.0.0";
    }

    /// @inheritdoc IStandardBridge
    function remoteTokenOf(address localToken) public view returns (address) {
        address origin = _originOf[localToken];
        if (origin != address(0)) return origin;
        return Clones.predictDeterministicAddress(
            otherTokenImplementation, _salt(localToken), otherBridge
        );
    }

    /// @inheritdoc IStandardBridge
    function representationOf(address remoteToken) public view returns (address) {
        return Clones.predictDeterministicAddress(tokenImplementation, _salt(remoteToken));
    }

    /// @dev Sets the counterparts; for the initialiser.
    function _connect(
        address messenger_,
        address otherBridge_,
        address tokenImplementation_,
        address otherTokenImplementation_
    ) internal {
        messenger = messenger_;
        otherBridge = otherBridge_;
        tokenImplementation = tokenImplementation_;
        otherTokenImplementation = otherTokenImplementation_;
    }

    function _bridgeETH(address to, uint32 minGasLimit, bytes memory extraData) internal {
        _checkRecipient(to);
        emit ETHBridgeInitiated(msg.sender, to, msg.value, extraData);
        _leftETH(msg.sender, to, msg.value, extraData);
        _send(
            msg.value,
            minGasLimit,
            abi.encodeCall(this.finalizeBridgeETH, (msg.sender, to, msg.value, extraData))
        );
    }

    /// @dev Takes the tokens and sends the message. Never inside itself: a token that calls its sender could have two
    /// transfers seen as one movement of its balance.
    function _bridgeERC20(Transfer memory t, uint32 minGasLimit, bytes memory extraData)
        internal
        nonReentrant
    {
        _checkRecipient(t.to);
        address expected = remoteTokenOf(t.localToken);
        require(
            t.remoteToken == address(0) || t.remoteToken == expected,
            WrongPair(expected, t.remoteToken)
        );
        t.remoteToken = expected;
        bool isNative = _originOf[t.localToken] == address(0);
        if (isNative) {
            _lock(t);
        } else {
            IBridgedERC20(t.localToken).burn(t.from, t.amount);
        }
        emit ERC20BridgeInitiated(
            t.localToken, t.remoteToken, t.from, t.to, t.amount, extraData
        );
        _leftERC20(t, extraData);
        _sendERC20(t, isNative, minGasLimit, extraData);
    }

    /// @dev For the layer's own old events.
    function _leftETH(address from, address to, uint256 amount, bytes memory extraData)
        internal
        virtual;

    /// @dev For the layer's own old events.
    function _arrivedETH(address from, address to, uint256 amount, bytes memory extraData)
        internal
        virtual;

    /// @dev For the layer's own old events.
    function _leftERC20(Transfer memory t, bytes memory extraData) internal virtual;

    /// @dev For the layer's own old events.
    function _arrivedERC20(Transfer memory t, bytes memory extraData) internal virtual;

    function _lock(Transfer memory t) private {
        require(t.localToken.code.length > 0, NotAToken(t.localToken));
        uint256 before = IERC20(t.localToken).balanceOf(address(this));
        IERC20(t.localToken).safeTransferFrom(t.from, address(this), t.amount);
        uint256 got = IERC20(t.localToken).balanceOf(address(this)) - before;
        require(got == t.amount, AmountMismatch(t.amount, got));
        escrow[t.localToken] += t.amount;
    }

    /// @dev Tells the other bridge to pay out, or to mint, where the tokens are locked here.
    function _sendERC20(
        Transfer memory t,
        bool isNative,
        uint32 minGasLimit,
        bytes memory extraData
    ) private {
        if (minGasLimit < MIN_GAS) minGasLimit = MIN_GAS;
        bytes memory message;
        if (isNative) {
            if (!_isAnnounced[t.localToken]) {
                _isAnnounced[t.localToken] = true;
                minGasLimit += CREATION_GAS;
            }
            message = abi.encodeCall(
                this.finalizeBridgeRepresentation,
                (
                    t.remoteToken,
                    t.localToken,
                    t.from,
                    t.to,
                    t.amount,
                    extraData,
                    TokenMetadata.read(t.localToken)
                )
            );
        } else {
            message = abi.encodeCall(
                this.finalizeBridgeERC20,
                (t.remoteToken, t.localToken, t.from, t.to, t.amount, extraData)
            );
        }
        _send(0, minGasLimit, message);
    }

    function _send(uint256 value, uint32 minGasLimit, bytes memory message) private {
        ICrossDomainMessenger(messenger).sendMessage{value: value}(
            otherBridge, message, minGasLimit < MIN_GAS ? MIN_GAS : minGasLimit
        );
    }

    function _create(address remoteToken, Metadata calldata metadata) private {
        address token = Clones.cloneDeterministic(tokenImplementation, _salt(remoteToken));
        _originOf[token] = remoteToken;
        IBridgedERC20(token).initialize(remoteToken, metadata);
        emit RepresentationCreated(
            token, remoteToken, metadata.name, metadata.symbol, metadata.decimals
        );
    }

    /// @dev The ETH came from the messenger just now.
    function _refundETH(bytes calldata arguments, uint32 minGasLimit)
        private
        returns (address from)
    {
        address to;
        uint256 amount;
        bytes memory extraData;
        (from, to, amount, extraData) = abi.decode(arguments, (address, address, uint256, bytes));
        _checkParty(from, to);
        emit ETHBridgeInitiated(to, from, amount, extraData);
        _leftETH(to, from, amount, extraData);
        _send(
            amount,
            minGasLimit,
            abi.encodeCall(this.finalizeBridgeETH, (to, from, amount, extraData))
        );
    }

    /// @dev What failed changed nothing here: the tokens are locked still, or were never minted.
    function _refundERC20(bytes calldata arguments, bool isNative, uint32 minGasLimit)
        private
        returns (address from)
    {
        Transfer memory t;
        bytes memory extraData;
        (t.localToken, t.remoteToken, t.to, t.from, t.amount, extraData) =
            abi.decode(arguments, (address, address, address, address, uint256, bytes));
        from = t.to;
        _checkParty(from, t.from);
        emit ERC20BridgeInitiated(
            t.localToken, t.remoteToken, t.from, t.to, t.amount, extraData
        );
        _leftERC20(t, extraData);
        _sendERC20(t, isNative, minGasLimit, extraData);
    }

    function _checkParty(address from, address to) private view {
        address caller = msg.sender;
        if (caller == messenger) {
            require(
                ICrossDomainMessenger(messenger).xDomainMessageSender() == from,
                NotParty(caller, from, to)
            );
            return;
        }
        require(caller == from || caller == to, NotParty(caller, from, to));
    }

    function _checkRecipient(address to) private view {
        require(to != address(0) && to != otherBridge && to != address(this), BadRecipient(to));
    }

    function _salt(address token) private pure returns (bytes32) {
        return bytes32(uint256(uint160(token)));
    }
}
