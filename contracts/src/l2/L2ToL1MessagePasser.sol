// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title L2ToL1MessagePasser: where ETH and calls leave L2 for L1
/// @notice A message is recorded in storage, under the output root, where the Portal on L1 finds it. ABI and layout
/// of the OP Stack's.
/// @dev Slot 0 is the mapping that withdrawal proofs read. At its address from genesis, without a proxy.
contract L2ToL1MessagePasser {
    /// @notice Version of the layout of messages, in the two high bytes of a nonce.
    uint16 public constant MESSAGE_VERSION = 1;
    /// @notice Most L1 gas that a message may ask for: more does not fit into a transaction of L1 (EIP-7825).
    uint256 public constant MAX_GAS_LIMIT = 14_000_000;
    /// @notice Most bytes of data: more does not fit into a transaction of L1's mempool.
    uint256 public constant MAX_DATA = 100_000;
    /// @dev L1 gas of a plain transfer of ETH to this contract.
    uint256 private constant RECEIVE_GAS_LIMIT = 100_000;

    /// @notice The message asks for more L1 gas than a transaction has, so it could never be paid.
    error GasLimitTooHigh(uint256 gasLimit, uint256 max);
    /// @notice The message has more data than a transaction on L1, in bytes, so it could never be paid.
    error DataTooLong(uint256 length, uint256 max);

    /// @notice Whether a message of this hash was sent.
    mapping(bytes32 withdrawalHash => bool sent) public sentMessages;
    /// @dev Number of messages sent.
    uint240 private _count;

    /// @notice A message was sent.
    /// @param nonce          Its number, with the version.
    /// @param sender         Who sent it.
    /// @param target         Whom L1 shall call.
    /// @param value          Wei that the call carries.
    /// @param gasLimit       L1 gas that the call shall have.
    /// @param data           Data of the call.
    /// @param withdrawalHash Hash of all of these.
    event MessagePassed(
        uint256 indexed nonce,
        address indexed sender,
        address indexed target,
        uint256 value,
        uint256 gasLimit,
        bytes data,
        bytes32 withdrawalHash
    );

    /// @notice The ETH of sent messages was taken out of L2's supply.
    /// @param amount Wei.
    event WithdrawerBalanceBurnt(uint256 indexed amount);

    /// @notice Send the ETH to the sender's own address on L1.
    receive() external payable {
        initiateWithdrawal(msg.sender, RECEIVE_GAS_LIMIT, "");
    }

    /// @notice Take the ETH of sent messages, which L1 pays, out of L2's supply. Open to anyone.
    function burn() external {
        uint256 balance = address(this).balance;
        new Burner{value: balance}();
        emit WithdrawerBalanceBurnt(balance);
    }

    /// @notice Send a call, with the ETH of this one, to L1.
    /// @param target   Whom L1 shall call.
    /// @param gasLimit L1 gas that the call shall have.
    /// @param data     Data of the call.
    function initiateWithdrawal(address target, uint256 gasLimit, bytes memory data)
        public
        payable
    {
        require(gasLimit <= MAX_GAS_LIMIT, GasLimitTooHigh(gasLimit, MAX_GAS_LIMIT));
        require(data.length <= MAX_DATA, DataTooLong(data.length, MAX_DATA));
        uint256 nonce = messageNonce();
        bytes32 withdrawalHash =
            keccak256(abi.encode(nonce, msg.sender, target, msg.value, gasLimit, data));
        sentMessages[withdrawalHash] = true;
        ++_count;
        emit MessagePassed(nonce, msg.sender, target, msg.value, gasLimit, data, withdrawalHash);
    }

    /// @notice Nonce of the next message.
    /// @return Count of messages, with the version in the two high bytes.
    function messageNonce() public view returns (uint256) {
        return uint256(_count) | uint256(MESSAGE_VERSION) << 240;
    }

    /// @notice Version of the interface.
    /// @return Semantic version.
    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}

/// @title Burner
/// @notice Destroys the ETH it is created with: EIP-6780 still lets a contract vanish, with its
/// balance, in the transaction that made it.
contract Burner {
    constructor() payable {
        selfdestruct(payable(address(this)));
    }
}
