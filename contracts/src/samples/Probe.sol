// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Probe: what a client library has to cope with, in one small contract
/// @notice For tests of clients and deposits; holds nothing of worth.
/// @dev Has overloads, an event with indexed fields, a revert with a reason, one with a custom error, a
/// panic and a function that uses as much gas as it is told to.
contract Probe {
    /// @notice A value above the limit was given.
    /// @param given The value.
    /// @param limit The largest value allowed.
    error TooLarge(uint256 given, uint256 limit);

    /// @notice Someone left a note.
    /// @param author Who left it.
    /// @param number Its number, from 1.
    /// @param text   What it says.
    event Noted(address indexed author, uint256 indexed number, string text);

    /// @notice Largest value that `bounded` accepts.
    uint256 public constant LIMIT = 100;

    /// @notice Notes left so far.
    uint256 public total;

    /// @notice Notes left so far by each author.
    mapping(address author => uint256 count) public notesOf;

    /// @notice Leaves a note without text.
    function note() external payable {
        _note("");
    }

    /// @notice Leaves a note.
    /// @param text What it says.
    function note(string calldata text) external payable {
        _note(text);
    }

    /// @notice Leaves several notes of the same text.
    /// @param text  What they say.
    /// @param count How many.
    function note(string calldata text, uint256 count) external payable {
        for (uint256 i = 0; i < count; ++i) {
            _note(text);
        }
    }

    /// @notice Uses at least this much gas.
    /// @param gas Gas units.
    function work(uint256 gas) external {
        uint256 start = gasleft();
        uint256 sum = total;
        while (start - gasleft() < gas) {
            sum = uint256(keccak256(abi.encode(sum)));
        }
        emit Noted(msg.sender, sum, "work");
    }

    /// @notice Reverts with a reason.
    function refuse() external payable {
        revert("the probe refuses");
    }

    /// @notice Returns `value` if it is at most `LIMIT`, else reverts with `TooLarge`.
    /// @param value Any value.
    /// @return The same value.
    function bounded(uint256 value) external pure returns (uint256) {
        if (value > LIMIT) revert TooLarge(value, LIMIT);
        return value;
    }

    /// @notice Divides, with a panic for a divisor of zero.
    /// @param dividend Any value.
    /// @param divisor  Any value.
    /// @return The quotient, rounded down.
    function divide(uint256 dividend, uint256 divisor) external pure returns (uint256) {
        return dividend / divisor;
    }

    function _note(string memory text) private {
        uint256 number = ++total;
        ++notesOf[msg.sender];
        emit Noted(msg.sender, number, text);
    }
}
