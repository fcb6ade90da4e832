// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.t.sol";
import {Deployment} from "../../src/l1/Deployment.sol";
import {Inbox} from "../../src/l1/Inbox.sol";
import {OperatorParams} from "../../src/l1/InboxCodec.sol";
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

    address internal constant GOVERNOR = address(0x60);
    address internal constant OPERATOR = address(0x0b);
    address internal constant BATCHER = address(0xba7c4e5);
    address internal constant ALICE = address(0xa11ce);

    Timelock internal timelock;
    Deployment internal deployment;
    Inbox internal inbox;
    Portal internal portal;
    SystemConfig internal systemConfig;

    function setUp() public virtual {
        vm.roll(1000);
        vm.warp(1_700_000_000);
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
        return Inbox.Config(BLOCK_GAS, BATCH_GAS, SYSTEM_GAS, DELAY, MAX_BYTES, MAX_BYTES);
    }

    function _params() internal pure returns (OperatorParams memory) {
        return OperatorParams(BLOCK_GAS, 400_000, 3, 1_000_000, BATCHER);
    }

    function _parts() internal returns (Deployment.Parts memory) {
        return Deployment.Parts({
            timelock: address(timelock),
            operator: OPERATOR,
            inboxImpl: address(new Inbox(_inboxConfig())),
            portalImpl: address(new Portal(MARKET_GAS)),
            systemConfigImpl: address(new SystemConfig(BLOCK_GAS)),
            params: _params()
        });
    }

    /// @dev Appends the next batch as the batcher's own transaction would.
    function _append(uint64 depositTo, bytes memory payload) internal {
        (uint64 n, uint64 d) = (inbox.batchCount(), depositTo);
        bytes32 prev = inbox.batchAcc(n);
        bytes32 acc = inbox.depositAcc(d);
        vm.prank(BATCHER, BATCHER);
        inbox.appendBatch(n + 1, prev, d, acc, bytes32(uint256(0xe0d)), payload);
    }

    /// @dev Deposits as an account with a key.
    function _deposit(uint64 gasLimit) internal {
        vm.prank(ALICE, ALICE);
        portal.depositTransaction(ALICE, 0, gasLimit, false, "");
    }

    function _nextL1Block() internal {
        vm.roll(block.number + 1);
        vm.warp(block.timestamp + 12);
    }
}
