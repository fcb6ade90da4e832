// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Leaf} from "./Leaf.sol";

/// @title Tour: a walk through what an EVM can do
/// @notice For comparing EVMs: everything seen is kept in storage, so that it is in the state root.
contract Tour {
    /// @notice A stop of the tour.
    /// @param stop What was looked at.
    /// @param seen What was seen.
    event Seen(bytes32 indexed stop, bytes32 seen);

    /// @notice What was seen last at each stop.
    mapping(bytes32 stop => bytes32 seen) public notes;

    receive() external payable {}

    /// @notice Notes what the block and the transaction look like from inside.
    function environment() external payable {
        _note("parent", blockhash(block.number - 1));
        _note("older", blockhash(block.number > 5 ? block.number - 5 : 0));
        _note("future", blockhash(block.number));
        _note("prevrandao", bytes32(block.prevrandao));
        _note("basefee", bytes32(block.basefee));
        _note("blobbasefee", bytes32(block.blobbasefee));
        _note("gasprice", bytes32(tx.gasprice));
        _note("coinbase", bytes32(block.coinbase.balance));
        _note("time", bytes32(block.timestamp));
        _note("chain", bytes32(block.chainid));
        _note("limit", bytes32(block.gaslimit));
        _note("origin", bytes32(tx.origin.balance));
        _note("self", bytes32(address(this).balance));
        _note("code", msg.sender.codehash);
        _note("gas", bytes32(gasleft()));
    }

    /// @notice Notes what newer opcodes give.
    /// @param word Their operand.
    function opcodes(uint256 word) external {
        uint256 transient_;
        uint256 zeros;
        uint256 copied;
        assembly ("memory-safe") {
            tstore(word, add(word, 1))
            transient_ := tload(word)
            zeros := clz(word)
            let at := mload(0x40)
            mstore(at, word)
            mcopy(add(at, 7), at, 32)
            copied := mload(at)
        }
        _note("transient", bytes32(transient_));
        _note("zeros", bytes32(zeros));
        _note("copied", bytes32(copied));
    }

    /// @notice Calls `to`, a precompile for example, and notes the outcome.
    /// @param to   Whom to call.
    /// @param data With what.
    function call(address to, bytes calldata data) external {
        (bool success, bytes memory output) = to.staticcall{gas: 400_000}(data);
        _note(keccak256(abi.encode(to, data)), keccak256(abi.encode(success, output, gasleft())));
    }

    /// @notice Creates, calls and destroys contracts, some of which fail.
    /// @param salt Of the CREATE2.
    function creations(bytes32 salt) external payable {
        Leaf one = new Leaf{value: msg.value / 2}();
        Leaf two = new Leaf{salt: salt}();
        try new Leaf{salt: salt}() {
            _note("again", "created");
        } catch {
            _note("again", "refused");
        }
        one.end(payable(address(two)));
        _note("two", bytes32(address(two).balance));
        _note("one", address(one).codehash);
    }

    /// @notice Fills and clears storage, for its refunds.
    /// @param count Slots.
    function refunds(uint256 count) external {
        for (uint256 i = 0; i < count; ++i) {
            notes[bytes32(i)] = bytes32(gasleft());
        }
        for (uint256 i = 0; i < count; ++i) {
            delete notes[bytes32(i)];
        }
    }

    /// @notice Calls itself until the gas is nearly gone, then fails at the bottom.
    /// @param depth Calls still to make.
    function descend(uint256 depth) external returns (uint256 reached) {
        if (depth == 0) revert("the bottom");
        try this.descend(depth - 1) returns (uint256 below) {
            reached = below + 1;
        } catch {
            reached = 1;
        }
        _note("reached", bytes32(reached));
    }

    function _note(bytes32 stop, bytes32 seen) private {
        notes[stop] = seen;
        emit Seen(stop, seen);
    }
}
