// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.t.sol";
import {GameConfig, GameType} from "../../src/dispute/game/Types.sol";
import {RiscvStepVerifier} from "../../src/dispute/step/RiscvStepVerifier.sol";
import {Deployment} from "../../src/l1/Deployment.sol";
import {BridgedERC20} from "../../src/bridge/BridgedERC20.sol";
import {Create3Factory} from "../../src/l1/Create3Factory.sol";
import {L1CrossDomainMessenger} from "../../src/l1/L1CrossDomainMessenger.sol";
import {L1StandardBridge} from "../../src/l1/L1StandardBridge.sol";
import {Inbox} from "../../src/l1/Inbox.sol";
import {DepositRequest, OperatorParams} from "../../src/l1/InboxCodec.sol";
import {Portal} from "../../src/l1/Portal.sol";
import {SystemConfig} from "../../src/l1/SystemConfig.sol";
import {Timelock} from "../../src/l1/Timelock.sol";

/// @notice The settlement contracts as `trestle deploy` makes them, with the default parameters.
abstract contract Fixture is Base {
    uint64 internal constant BLOCK_GAS = 47_900_000;
    uint64 internal constant BATCH_GAS = 200_000_000;
    uint64 internal constant SYSTEM_GAS = 250_000;
    uint64 internal constant DELAY = 43_200;
    uint64 internal constant MARKET_GAS = 60_000_000;
    uint32 internal constant MAX_BYTES = 100_000;
    uint8 internal constant MAX_BLOBS = 6;
    uint64 internal constant MATURITY = 3.5 days;
    uint64 internal constant MAX_PAUSE = 37 days;
    uint64 internal constant PAUSE_INTERVAL = 90 days;
    uint256 internal constant AIR_GAP = 302_400;
    GameType internal constant GAME_TYPE = GameType.wrap(0x54525354);
    bytes32 internal constant END = bytes32(uint256(0xe0d));

    address internal constant GOVERNOR = address(0x60);
    address internal constant OPERATOR = address(0x0b);
    address internal constant GUARDIAN = address(0x60a4d);
    address internal constant BATCHER = address(0xba7c4e5);
    address internal constant ALICE = address(0xa11ce);

    bytes32 internal constant SALT = keccak256("salt");

    Create3Factory internal create3 = new Create3Factory();
    Timelock internal timelock;
    Deployment internal deployment;
    Inbox internal inbox;
    Portal internal portal;
    SystemConfig internal systemConfig;

    function setUp() public virtual {
        vm.roll(1000);
        vm.warp(1_700_000_000);
        vm.fee(1 gwei);
        address[] memory governors = new address[](1);
        governors[0] = GOVERNOR;
        timelock = new Timelock(30 days, governors, governors);
        deployment = new Deployment(_parts());
        inbox = deployment.inbox();
        portal = deployment.portal();
        systemConfig = deployment.systemConfig();
        vm.deal(ALICE, 100 ether);
    }

    function _inboxConfig() internal pure returns (Inbox.Config memory) {
        return Inbox.Config(
            BLOCK_GAS, BATCH_GAS, SYSTEM_GAS, DELAY, MAX_BYTES, MAX_BYTES, MAX_BLOBS
        );
    }

    function _portalConfig() internal pure returns (Portal.Config memory) {
        return Portal.Config(MARKET_GAS, MATURITY, MAX_PAUSE, PAUSE_INTERVAL);
    }

    function _params() internal pure returns (OperatorParams memory) {
        return OperatorParams(BLOCK_GAS, 400_000, 3, 1_000_000, BATCHER);
    }

    function _parts() internal returns (Deployment.Parts memory) {
        return Deployment.Parts({
            timelock: address(timelock),
            operator: OPERATOR,
            guardian: GUARDIAN,
            inboxImpl: address(new Inbox(_inboxConfig())),
            portalImpl: address(new Portal(_portalConfig())),
            systemConfigImpl: address(new SystemConfig(BLOCK_GAS)),
            params: _params(),
            genesis: _genesis(),
            game: _game(),
            airGap: AIR_GAP,
            bridge: Deployment.Bridge({
                factory: create3,
                salt: SALT,
                messengerImpl: address(new L1CrossDomainMessenger()),
                bridgeImpl: address(new L1StandardBridge()),
                tokenImpl: address(new BridgedERC20())
            })
        });
    }

    /// @dev Parts of a header and of a configuration whose meaning is not the matter.
    function _genesis() internal pure returns (Deployment.Genesis memory) {
        return Deployment.Genesis({
            headerHead: hex"f90102a084",
            headerTail: hex"a1b2c3",
            stateRoot: keccak256("state"),
            messagePasserRoot: keccak256("passer"),
            configHead: hex"0102",
            configTail: hex"03"
        });
    }

    function _game() internal returns (GameConfig memory c) {
        c.gameType = GAME_TYPE;
        c.verifier = address(new RiscvStepVerifier());
        c.imageRoot = keccak256("image");
        c.maxClock = 302_400;
        c.extension = 14_400;
        c.stepCap = 2 ** 39;
        c.inclusionTime = 3_600;
        c.bondMin = 40_000_000_002_097_152;
        c.stepRefund = 0.005 ether;
    }

    /// @dev Input of an append that is right but for what the caller changes.
    function _appendInput(uint64 depositTo, bytes memory payload)
        internal
        view
        returns (bytes memory)
    {
        uint64 count = inbox.batchCount();
        return abi.encodeCall(
            inbox.appendBatch,
            (count + 1, inbox.batchAcc(count), depositTo, inbox.depositAcc(depositTo), END, payload)
        );
    }

    /// @dev Appends the next batch as the batcher's own transaction would.
    function _append(uint64 depositTo, bytes memory payload) internal {
        bytes memory input = _appendInput(depositTo, payload);
        vm.prank(BATCHER, BATCHER);
        _call(address(inbox), input);
    }

    /// @dev Input of a blob append that is right but for what the caller changes.
    function _blobInput(uint64 depositTo) internal view returns (bytes memory) {
        uint64 count = inbox.batchCount();
        return abi.encodeCall(
            inbox.appendBlobBatch,
            (count + 1, inbox.batchAcc(count), depositTo, inbox.depositAcc(depositTo), END)
        );
    }

    /// @dev Gives the transaction so many blobs, with versioned hashes that differ.
    function _carryBlobs(uint256 count) internal returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            hashes[i] = bytes32(uint256(0x01) << 248 | uint256(keccak256(abi.encode(i))) >> 8);
        }
        vm.blobhashes(hashes);
    }

    /// @dev Calls and hands a revert on.
    function _call(address target, bytes memory input) internal {
        (bool ok, bytes memory reason) = target.call(input);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
    }

    /// @dev Deposits as an account with a key.
    function _deposit(uint64 gasLimit) internal {
        vm.prank(ALICE, ALICE);
        portal.depositTransaction(ALICE, 0, gasLimit, false, "");
    }

    /// @dev `count` deposits of 40,000,000 gas, one to an L1 block: five fill a batch.
    function _bigDeposits(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            _enqueue(40_000_000);
            _nextL1Block();
        }
    }

    /// @dev Enqueues beside the market, whose gas is not the matter.
    function _enqueue(uint64 gasLimit) internal {
        vm.prank(address(portal));
        inbox.enqueueDeposit(_request(gasLimit), "");
    }

    function _request(uint64 gasLimit) internal pure returns (DepositRequest memory) {
        return DepositRequest(ALICE, ALICE, false, 0, 0, gasLimit);
    }

    function _nextL1Block() internal {
        vm.roll(block.number + 1);
        vm.warp(block.timestamp + 12);
    }
}
