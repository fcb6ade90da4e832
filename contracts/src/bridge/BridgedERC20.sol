// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IBridgedERC20} from "./IBridgedERC20.sol";
import {IStandardBridge} from "./IStandardBridge.sol";

/// @title Representation of a token of the other layer
/// @notice Minted by the bridge when the token is locked there, burned when it goes back.
/// @dev Code of minimal proxies that the bridge makes and initialises in one call, for good: there is no upgrade. The
/// domain of its permits carries the name of each proxy, which OpenZeppelin's ERC20Permit could not, holding it in the
/// code.
contract BridgedERC20 is IBridgedERC20, ERC20, Nonces, IERC20Permit {
    bytes32 private constant PERMIT_TYPE =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// @inheritdoc IBridgedERC20
    address public bridge;
    uint8 private _decimals;
    /// @inheritdoc IBridgedERC20
    address public remoteToken;
    string private _givenName;
    string private _givenSymbol;

    modifier onlyBridge() {
        require(msg.sender == bridge, NotBridge(msg.sender));
        _;
    }

    /// @notice The implementation, unusable but behind a proxy.
    constructor() ERC20("", "") {
        bridge = address(0xdead);
    }

    /// @inheritdoc IBridgedERC20
    function initialize(address remoteToken_, IStandardBridge.Metadata calldata metadata) external {
        require(bridge == address(0), AlreadyInitialized());
        bridge = msg.sender;
        remoteToken = remoteToken_;
        _givenName = metadata.name;
        _givenSymbol = metadata.symbol;
        _decimals = metadata.decimals;
    }

    /// @inheritdoc IBridgedERC20
    function mint(address to, uint256 amount) external onlyBridge {
        _mint(to, amount);
        emit Mint(to, amount);
    }

    /// @inheritdoc IBridgedERC20
    function burn(address from, uint256 amount) external onlyBridge {
        _burn(from, amount);
        emit Burn(from, amount);
    }

    /// @inheritdoc IERC20Permit
    function permit(
        address owner,
        address spender,
        uint256 value,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        require(block.timestamp <= deadline, PermitExpired(deadline));
        bytes32 content =
            keccak256(abi.encode(PERMIT_TYPE, owner, spender, value, _useNonce(owner), deadline));
        address signer =
            ECDSA.recover(MessageHashUtils.toTypedDataHash(DOMAIN_SEPARATOR(), content), v, r, s);
        require(signer == owner, PermitSignerMismatch(signer, owner));
        _approve(owner, spender, value);
    }

    /// @notice Domain of the permits (EIP-5267).
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name_,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (0x0f, name(), "1", block.chainid, address(this), bytes32(0), new uint256[](0));
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 id) external pure returns (bool) {
        // The second one is what the OP Stack's tools ask for.
        bytes4 mintable = this.mint.selector ^ this.burn.selector ^ this.remoteToken.selector
            ^ this.bridge.selector;
        return id == type(IERC165).interfaceId || id == mintable;
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(Nonces, IERC20Permit) returns (uint256) {
        return super.nonces(owner);
    }

    /// @inheritdoc IERC20Permit
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return keccak256(
            abi.encode(
                DOMAIN_TYPE, keccak256(bytes(name())), keccak256("1"), block.chainid, address(this)
            )
        );
    }

    /// @inheritdoc ERC20
    function name() public view override returns (string memory) {
        return _givenName;
    }

    /// @inheritdoc ERC20
    function symbol() public view override returns (string memory) {
        return _givenSymbol;
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
