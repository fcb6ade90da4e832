// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Probe} from "./Probe.sol";

/// @title A log as forge gives it
struct EthGetLogs {
    address emitter;
    bytes32[] topics;
    bytes data;
    bytes32 blockHash;
    uint64 blockNumber;
    bytes32 transactionHash;
    uint64 transactionIndex;
    uint256 logIndex;
    bool removed;
}

/// @title What the script needs of forge's cheatcodes
interface Vm {
    /// @notice Record calls as transactions of the account of `key` from here on.
    /// @param key Its private key.
    function startBroadcast(uint256 key) external;
    /// @notice Record no more calls.
    function stopBroadcast() external;
    /// @notice An environment variable as a number.
    /// @param name Its name.
    /// @return value Its value.
    function envUint(string calldata name) external view returns (uint256 value);
    /// @notice Sign an EIP-7702 authorisation and attach it to the next transaction.
    /// @param implementation Contract whose code the account shall have.
    /// @param key            Private key of the account.
    function signAndAttachDelegation(address implementation, uint256 key) external;
    /// @notice Logs of a range of blocks, asked of the node.
    /// @param fromBlock First block.
    /// @param toBlock   Last block.
    /// @param target    Contract.
    /// @param topics    What the topics have to be.
    /// @return logs The logs.
    function eth_getLogs(uint256 fromBlock, uint256 toBlock, address target, bytes32[] calldata topics)
        external
        returns (EthGetLogs[] memory logs);
    /// @notice The account of a private key.
    /// @param key The key.
    /// @return account Its address.
    function addr(uint256 key) external pure returns (address account);
}

/// @title A developer's deployment: contracts by CREATE and CREATE2, calls of every overload, a hundred transfers
contract Story {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice Runs the story; the keys come from the environment.
    function run() external {
        uint256 key = VM.envUint("STORY_KEY");
        uint256 other = VM.envUint("STORY_OTHER_KEY");
        VM.startBroadcast(key);
        Probe probe = new Probe();
        Probe fixedPlace = new Probe{salt: keccak256(abi.encode(key))}();
        probe.note();
        probe.note("one");
        probe.note{value: 1 gwei}("several", 3);
        fixedPlace.work(300_000);
        for (uint160 i = 0; i < 100; ++i) {
            payable(address(uint160(0xfeed000000) + i)).transfer(1);
        }
        VM.signAndAttachDelegation(address(probe), other);
        Probe(VM.addr(other)).note("delegated");
        VM.stopBroadcast();
        require(probe.total() == 5, "the simulation lost a note");
    }

    /// @notice Reads what `run` left on the chain: the logs of `probe`, and its custom error.
    /// @param probe Contract that `run` deployed.
    function reads(Probe probe) external {
        bytes32[] memory topics = new bytes32[](1);
        topics[0] = Probe.Noted.selector;
        EthGetLogs[] memory logs = VM.eth_getLogs(0, block.number, address(probe), topics);
        require(logs.length == 5, "logs are missing");
        for (uint256 i = 0; i < logs.length; ++i) {
            require(uint256(logs[i].topics[2]) == i + 1 && !logs[i].removed, "logs are out of order");
        }
        try probe.bounded(101) returns (uint256) {
            revert("the limit does not hold");
        } catch (bytes memory reason) {
            bytes memory expected = abi.encodeWithSelector(Probe.TooLarge.selector, 101, 100);
            require(keccak256(reason) == keccak256(expected), "another error");
        }
        probe.bounded(102);
    }

    /// @notice Ten transfers, for races between two scripts of one account.
    function pays() external {
        VM.startBroadcast(VM.envUint("STORY_KEY"));
        for (uint160 i = 0; i < 10; ++i) {
            payable(address(uint160(0xfeee000000) + i)).transfer(1);
        }
        VM.stopBroadcast();
    }

    /// @notice A script whose transaction reverts, in simulation already.
    function fails() external {
        VM.startBroadcast(VM.envUint("STORY_KEY"));
        Probe probe = new Probe();
        probe.refuse();
        VM.stopBroadcast();
    }
}
