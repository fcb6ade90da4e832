// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Bridge for ETH and ERC-20 tokens
/// @notice One contract on each layer, alike. A token of this layer is locked here and represented on the other one by
/// a token that the other bridge makes when the first deposit arrives, at an address that both know beforehand. So there
/// is no list of tokens, nobody's permission, and no wrong pair.
/// @dev Entry points and events of the OP Stack's StandardBridge. Normative text: `protocol/SPEC.md`, chapter
/// "The bridge". Only `amount`s that arrive exactly are accepted: tokens that take a fee are refused.
interface IStandardBridge {
    /// @notice What a token says of itself.
    struct Metadata {
        /// At most 64 bytes.
        string name;
        /// At most 64 bytes.
        string symbol;
        /// 0 where the token does not say.
        uint8 decimals;
    }

    /// @notice A message of the other bridge that failed here.
    struct FailedMessage {
        /// Its number, with the version.
        uint256 nonce;
        /// Wei that it carries.
        uint256 value;
        /// Gas that it asked for.
        uint256 minGasLimit;
        /// The call to this bridge.
        bytes data;
    }

    /// @notice Only the other bridge, by way of the messenger.
    error NotOtherBridge(address caller);
    /// @notice ETH for one's own address: the caller has no key, so that address may be somebody else's there.
    error NoKey(address caller);
    /// @notice The token has another counterpart on the other layer. Zero stands for the right one.
    error WrongPair(address expected, address got);
    /// @notice The address holds no code, so it is no token.
    error NotAToken(address token);
    /// @notice The recipient is zero, or one of the bridges.
    error BadRecipient(address to);
    /// @notice Another amount was moved than asked for: the token takes a fee, or does something else of its own.
    error AmountMismatch(uint256 expected, uint256 got);
    /// @notice The ETH sent along is not the amount. Wei.
    error ValueMismatch(uint256 expected, uint256 got);
    /// @notice The recipient refused its ETH.
    error TransferFailed(address to);
    /// @notice Only sender or recipient of a failed transfer sends it back.
    error NotParty(address caller, address from, address to);
    /// @notice The call is none that the other bridge makes.
    error UnknownCall(bytes4 selector);

    /// @notice ETH left for the other layer. Wei.
    event ETHBridgeInitiated(
        address indexed from, address indexed to, uint256 amount, bytes extraData
    );
    /// @notice ETH arrived from the other layer. Wei.
    event ETHBridgeFinalized(
        address indexed from, address indexed to, uint256 amount, bytes extraData
    );
    /// @notice Tokens left for the other layer.
    event ERC20BridgeInitiated(
        address indexed localToken,
        address indexed remoteToken,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );
    /// @notice Tokens arrived from the other layer.
    event ERC20BridgeFinalized(
        address indexed localToken,
        address indexed remoteToken,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );
    /// @notice The representation of a token of the other layer was made.
    event RepresentationCreated(
        address indexed localToken, address indexed remoteToken, string name, string symbol, uint8 decimals
    );
    /// @notice A transfer that failed here was sent back.
    /// @param messageHash Hash of the message that failed.
    /// @param from        Who gets it back, on the other layer.
    event Refunded(bytes32 indexed messageHash, address indexed from);

    /// @notice Send ETH to one's own address on the other layer. For accounts with a key.
    /// @param minGasLimit Gas of the arrival beyond the bridge's own; 200,000 serves.
    /// @param extraData   Ends up in the events of both layers.
    function bridgeETH(uint32 minGasLimit, bytes calldata extraData) external payable;

    /// @notice Send ETH to `to` on the other layer.
    /// @param to          Recipient.
    /// @param minGasLimit Gas of the arrival.
    /// @param extraData   Ends up in the events of both layers.
    function bridgeETHTo(address to, uint32 minGasLimit, bytes calldata extraData)
        external
        payable;

    /// @notice Send tokens to one's own address on the other layer. For accounts with a key.
    /// @param localToken  Token on this layer.
    /// @param remoteToken Its counterpart, or zero for the right one: `remoteTokenOf(localToken)`.
    /// @param amount      How many, in the token's smallest unit. The bridge needs the allowance.
    /// @param minGasLimit Gas of the arrival.
    /// @param extraData   Ends up in the events of both layers.
    function bridgeERC20(
        address localToken,
        address remoteToken,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external;

    /// @notice Send tokens to `to` on the other layer.
    /// @param localToken  Token on this layer.
    /// @param remoteToken Its counterpart, or zero for the right one.
    /// @param to          Recipient.
    /// @param amount      How many, in the token's smallest unit. The bridge needs the allowance.
    /// @param minGasLimit Gas of the arrival.
    /// @param extraData   Ends up in the events of both layers.
    function bridgeERC20To(
        address localToken,
        address remoteToken,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external;

    /// @notice `bridgeERC20To` with the caller's own permit (ERC-2612) instead of an allowance made before.
    /// @dev A permit that somebody else has used already does no harm: only the allowance counts. It is used for the
    /// caller's tokens alone.
    /// @param localToken  Token on this layer.
    /// @param remoteToken Its counterpart, or zero for the right one.
    /// @param to          Recipient.
    /// @param amount      How many, and the amount that the permit is for.
    /// @param minGasLimit Gas of the arrival.
    /// @param extraData   Ends up in the events of both layers.
    /// @param permit      Deadline, in seconds since 1970, and signature: `abi.encode(deadline, v, r, s)`.
    function bridgeERC20WithPermit(
        address localToken,
        address remoteToken,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData,
        bytes calldata permit
    ) external;

    /// @notice Pay ETH out; for the other bridge.
    function finalizeBridgeETH(address from, address to, uint256 amount, bytes calldata extraData)
        external
        payable;

    /// @notice Pay tokens of this layer out of what is locked here; for the other bridge.
    function finalizeBridgeERC20(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes calldata extraData
    ) external;

    /// @notice Mint the representation of tokens that were locked there, made here if need be; for the other bridge.
    function finalizeBridgeRepresentation(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes calldata extraData,
        Metadata calldata metadata
    ) external;

    /// @notice Send back what could not be paid here: it returns to its sender on the other layer.
    /// @dev For the transfer's recipient, and for its sender: under its own address, or, for a contract, by a message
    /// through the messengers. Until then anyone can relay the message again instead.
    /// @param failed      The message that failed.
    /// @param minGasLimit Gas of the arrival on the other layer.
    function refund(FailedMessage calldata failed, uint32 minGasLimit) external;

    /// @notice Counterpart of a token on the other layer, whether it exists yet or not.
    /// @param localToken Token on this layer.
    function remoteTokenOf(address localToken) external view returns (address);

    /// @notice Representation on this layer of a token of the other layer, whether it exists yet or not.
    /// @param remoteToken Token on the other layer.
    function representationOf(address remoteToken) external view returns (address);

    /// @notice Whether a token was made by this bridge.
    function isRepresentation(address token) external view returns (bool);

    /// @notice Tokens of this layer that are locked here, in their smallest unit.
    function escrow(address localToken) external view returns (uint256);

    /// @notice Tokens of a pair that are locked here, under its name in the OP Stack.
    function deposits(address localToken, address remoteToken) external view returns (uint256);

    /// @notice The messenger on this layer.
    function messenger() external view returns (address);

    /// @notice The bridge on the other layer.
    function otherBridge() external view returns (address);

    /// @notice Code of the representations on this layer.
    function tokenImplementation() external view returns (address);

    /// @notice Code of the representations on the other layer.
    function otherTokenImplementation() external view returns (address);
}
