// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IDisputeGame} from "./IDisputeGame.sol";
import {IDisputeGameFactory} from "./IDisputeGameFactory.sol";
import {GameType, Proposal} from "./Types.sol";

/// @title Creates dispute games and lists them
contract DisputeGameFactory is IDisputeGameFactory, Ownable {
    /// @dev Game type (32 bits), creation time (64 bits), game (160 bits).
    bytes32[] internal _games;
    /// @inheritdoc IDisputeGameFactory
    mapping(GameType => address) public gameImpls;
    /// @inheritdoc IDisputeGameFactory
    mapping(address => bool) public isGame;

    constructor(address owner_) Ownable(owner_) {}

    /// @inheritdoc IDisputeGameFactory
    function create(
        GameType gameType,
        Proposal calldata proposal,
        bytes32 messagePasserRoot,
        bytes calldata headerRlp
    ) external payable returns (IDisputeGame game) {
        address impl = gameImpls[gameType];
        if (impl == address(0)) revert NoImplementation(gameType);
        bytes memory args = _args(proposal);
        address place = _addressOf(gameType, impl, args);
        if (isGame[place]) revert GameAlreadyExists(place);
        game = IDisputeGame(Clones.cloneDeterministicWithImmutableArgs(impl, args, _salt(gameType)));
        isGame[place] = true;
        _games.push(_pack(gameType, uint64(block.timestamp), place));
        emit DisputeGameCreated(place, gameType, proposal.outputRoot);
        game.initialize{value: msg.value}(msg.sender, messagePasserRoot, headerRlp);
    }

    /// @inheritdoc IDisputeGameFactory
    function setImplementation(GameType gameType, address impl) external onlyOwner {
        gameImpls[gameType] = impl;
        emit ImplementationSet(impl, gameType);
    }

    /// @inheritdoc IDisputeGameFactory
    function gameOf(GameType gameType, Proposal calldata proposal) external view returns (address game, bool exists) {
        game = _addressOf(gameType, gameImpls[gameType], _args(proposal));
        exists = isGame[game];
    }

    /// @inheritdoc IDisputeGameFactory
    function gameCount() external view returns (uint256) {
        return _games.length;
    }

    /// @inheritdoc IDisputeGameFactory
    function gameAtIndex(uint256 index) external view returns (GameType gameType, uint64 timestamp, address proxy) {
        return _unpack(_games[index]);
    }

    /// @inheritdoc IDisputeGameFactory
    function findLatestGames(GameType gameType, uint256 start, uint256 n)
        external
        view
        returns (GameSearchResult[] memory games)
    {
        if (start >= _games.length || n == 0) return games;
        games = new GameSearchResult[](n > start + 1 ? start + 1 : n);
        uint256 found;
        for (uint256 i = start + 1; i > 0 && found < n; --i) {
            bytes32 metadata = _games[i - 1];
            (GameType kind, uint64 timestamp, address proxy) = _unpack(metadata);
            if (!(kind == gameType)) continue;
            IDisputeGame game = IDisputeGame(proxy);
            games[found++] = GameSearchResult(i - 1, metadata, timestamp, game.rootClaim(), game.extraData());
        }
        assembly ("memory-safe") {
            // Shrinks the list to what was found: never more than was allocated.
            mstore(games, found)
        }
    }

    /// @dev Layout that `DisputeGame.proposal` reads: three words, then three 8-byte numbers.
    function _args(Proposal calldata p) internal pure returns (bytes memory) {
        return abi.encodePacked(p.outputRoot, p.batchAcc, p.anchorRoot, p.batch, p.anchorBatch, p.l2BlockNumber);
    }

    function _addressOf(GameType gameType, address impl, bytes memory args) internal view returns (address) {
        return Clones.predictDeterministicAddressWithImmutableArgs(impl, args, _salt(gameType));
    }

    function _salt(GameType gameType) internal pure returns (bytes32) {
        return bytes32(uint256(GameType.unwrap(gameType)));
    }

    function _pack(GameType gameType, uint64 timestamp, address proxy) internal pure returns (bytes32) {
        return bytes32(
            uint256(GameType.unwrap(gameType)) << 224 | uint256(timestamp) << 160 | uint256(uint160(proxy))
        );
    }

    function _unpack(bytes32 metadata) internal pure returns (GameType, uint64, address) {
        uint256 bits = uint256(metadata);
        // Each shift leaves the field in the low bits; the casts cut off the fields above.
        return (GameType.wrap(uint32(bits >> 224)), uint64(bits >> 160), address(uint160(bits)));
    }
}
