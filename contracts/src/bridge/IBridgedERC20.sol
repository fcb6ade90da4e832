// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IStandardBridge} from "./IStandardBridge.sol";

/// @title What the bridge asks of a representation
/// @dev `mint`, `burn`, `remoteToken` and `bridge` as in the OP Stack's mintable tokens.
interface IBridgedERC20 is IERC165 {
    /// @notice Only the bridge.
    error NotBridge(address caller);
    /// @notice The bridge initialises a representation once.
    error AlreadyInitialized();
    /// @notice The permit's time is over. Seconds since 1970.
    error PermitExpired(uint256 deadline);
    /// @notice Somebody else signed the permit, or something else was signed.
    error PermitSignerMismatch(address signer, address owner);

    /// @notice Tokens arrived from the other layer.
    event Mint(address indexed account, uint256 amount);
    /// @notice Tokens left for the other layer.
    event Burn(address indexed account, uint256 amount);

    /// @notice Make the caller the bridge, and set what the token says of itself; once.
    /// @param remoteToken The token on the other layer.
    /// @param metadata    What it says of itself there.
    function initialize(address remoteToken, IStandardBridge.Metadata calldata metadata) external;

    /// @notice Make tokens; for the bridge.
    /// @param to     Who gets them.
    /// @param amount How many, in the smallest unit.
    function mint(address to, uint256 amount) external;

    /// @notice Destroy tokens; for the bridge, which needs no allowance.
    /// @param from   Whose.
    /// @param amount How many, in the smallest unit.
    function burn(address from, uint256 amount) external;

    /// @notice The bridge.
    function bridge() external view returns (address);

    /// @notice The token on the other layer.
    function remoteToken() external view returns (address);
}
