// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IStandardBridge} from "./IStandardBridge.sol";

/// @title What a token says of itself, whatever it does when asked
/// @notice A token that reverts, burns its gas, or returns megabytes or nothing must not stop a transfer.
library TokenMetadata {
    /// @dev Longest name and symbol that is carried, in bytes.
    uint256 private constant MAX_LENGTH = 64;
    /// @dev Bytes that are looked at: offset, length, the string, and what tells where a character ends.
    uint256 private constant MAX_RETURN = 160;
    /// @dev Gas that an answer may take.
    uint256 private constant CALL_GAS = 100_000;

    /// @notice Name, symbol and decimals of a token; empty and 0 where it does not say.
    /// @param token The token.
    /// @return metadata What it says, names cut to 64 bytes at the end of a character.
    function read(address token) internal view returns (IStandardBridge.Metadata memory metadata) {
        metadata.name = _text(_ask(token, IERC20Metadata.name.selector));
        metadata.symbol = _text(_ask(token, IERC20Metadata.symbol.selector));
        bytes memory answer = _ask(token, IERC20Metadata.decimals.selector);
        if (answer.length < 32) return metadata;
        uint256 decimals = uint256(bytes32(answer));
        if (decimals <= type(uint8).max) metadata.decimals = uint8(decimals);
    }

    /// @dev First bytes of the answer; empty when the call fails.
    function _ask(address token, bytes4 selector) private view returns (bytes memory answer) {
        answer = new bytes(MAX_RETURN);
        assembly ("memory-safe") {
            mstore(0, selector)
            let ok := staticcall(CALL_GAS, token, 0, 4, add(answer, 32), MAX_RETURN)
            let length := returndatasize()
            if gt(length, MAX_RETURN) { length := MAX_RETURN }
            // Only shrinks what was allocated.
            mstore(answer, mul(ok, length))
        }
    }

    /// @dev The string in an answer: of ABI type `string`, or 32 bytes as some old tokens have it.
    function _text(bytes memory answer) private pure returns (string memory) {
        if (answer.length == 32) return string(_cut(answer, 0, _lengthOfWord(bytes32(answer))));
        if (answer.length < 64 || _word(answer, 0) != 32) return "";
        uint256 length = _word(answer, 32);
        uint256 given = answer.length - 64;
        return string(_cut(answer, 64, length < given ? length : given));
    }

    /// @dev `length` bytes from `start`, or as many as make whole characters of UTF-8 within the limit.
    function _cut(bytes memory answer, uint256 start, uint256 length)
        private
        pure
        returns (bytes memory text)
    {
        if (length > MAX_LENGTH) {
            length = MAX_LENGTH;
            // 0b10…… continues a character.
            while (length > 0 && answer[start + length] & 0xc0 == 0x80) --length;
        }
        text = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            text[i] = answer[start + i];
        }
    }

    function _lengthOfWord(bytes32 word) private pure returns (uint256 length) {
        while (length < 32 && word[length] != 0) ++length;
    }

    function _word(bytes memory data, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            // The caller has checked that `data` holds these 32 bytes.
            word := mload(add(add(data, 32), offset))
        }
    }
}
