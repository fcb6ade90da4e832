// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ProxyAdmin} from "@openzeppelin/contracts/proxy/transparent/ProxyAdmin.sol";
import {
    ITransparentUpgradeableProxy
} from "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {IAnchorRegistry} from "../../src/dispute/game/IAnchorRegistry.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {AnchorRegistry} from "../../src/dispute/game/AnchorRegistry.sol";
import {DisputeGame} from "../../src/dispute/game/DisputeGame.sol";
import {DisputeGameFactory} from "../../src/dispute/game/DisputeGameFactory.sol";
import {GameType} from "../../src/dispute/game/Types.sol";
import {Fixture} from "./Fixture.sol";
import {Deployment} from "../../src/l1/Deployment.sol";
import {L1StandardBridge} from "../../src/l1/L1StandardBridge.sol";
import {Inbox} from "../../src/l1/Inbox.sol";
import {IInbox} from "../../src/l1/IInbox.sol";
import {Portal} from "../../src/l1/Portal.sol";
import {SystemConfig} from "../../src/l1/SystemConfig.sol";

contract DeploymentTest is Fixture {
    bytes32 private constant ADMIN_SLOT =
        0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103;

    function test_deployment_linksProxies_succeeds() public view {
        assertEq(inbox.portal(), address(portal), "inbox to portal");
        assertEq(inbox.systemConfig(), address(systemConfig), "inbox to config");
        assertEq(portal.inbox(), address(inbox), "portal to inbox");
        assertEq(systemConfig.inbox(), address(inbox), "config to inbox");
        assertEq(inbox.batcher(), BATCHER, "batcher");
        assertEq(systemConfig.owner(), address(timelock), "owner");
        assertEq(systemConfig.operator(), OPERATOR, "operator");
        assertEq(deployment.startBlock(), 1000, "start");
    }

    function test_deployment_startsDisputesFromTheGenesis_succeeds() public view {
        bytes32 blockHash =
            keccak256(bytes.concat(hex"f90102a084", bytes4(uint32(1_700_000_000)), hex"a1b2c3"));
        bytes32 root = keccak256(
            bytes.concat(bytes32(0), keccak256("state"), keccak256("passer"), blockHash)
        );
        assertEq(deployment.genesisOutputRoot(), root, "output root");
        (uint64 batch, bytes32 anchor) = deployment.anchorRegistry().anchor();
        assertEq(batch, 0, "anchor's batch");
        assertEq(anchor, root, "anchor");
        bytes32 hash =
            keccak256(bytes.concat(hex"0102", bytes20(address(inbox)), blockHash, hex"03"));
        assertEq(deployment.configHash(), hash, "config");
        assertEq(deployment.disputeGame().configHash(), hash, "game's config");
    }

    function test_deployment_linksDisputesAndHandsThemToTheTimelock_succeeds() public view {
        DisputeGameFactory factory = deployment.disputeGameFactory();
        AnchorRegistry registry = deployment.anchorRegistry();
        DisputeGame game = deployment.disputeGame();
        assertEq(factory.gameImpls(GAME_TYPE), address(game), "implementation");
        assertEq(factory.owner(), address(timelock), "factory's owner");
        assertEq(registry.owner(), address(timelock), "registry's owner");
        assertEq(address(registry.factory()), address(factory), "registry to factory");
        assertEq(registry.airGap(), AIR_GAP, "air gap");
        assertEq(GameType.unwrap(registry.respectedGameType()), GameType.unwrap(GAME_TYPE), "type");
        assertEq(game.factory(), address(factory), "game to factory");
        assertEq(address(game.registry()), address(registry), "game to registry");
        assertEq(address(game.inbox()), address(inbox), "game to inbox");
        assertEq(address(portal.anchorStateRegistry()), address(registry), "portal to registry");
    }

    function test_deployment_keepsNoRightOverDisputes_reverts() public {
        DisputeGameFactory factory = deployment.disputeGameFactory();
        vm.prank(address(deployment));
        vm.expectRevert(
            abi.encodeWithSelector(
                Ownable.OwnableUnauthorizedAccount.selector, address(deployment)
            )
        );
        factory.setImplementation(GAME_TYPE, ALICE);
    }

    function test_deployment_outsideFourByteTime_reverts() public {
        Deployment.Parts memory parts = _parts();
        vm.warp(2 ** 32);
        vm.expectRevert(
            abi.encodeWithSelector(Deployment.TimestampOutOfRange.selector, 2 ** 32)
        );
        new Deployment(parts);
    }

    function test_deployment_makesTheBridge_whereItsSaltSays_succeeds() public view {
        address messenger = address(deployment.l1CrossDomainMessenger());
        address bridge = address(deployment.l1StandardBridge());
        assertEq(messenger, create3.addressOf(SALT), "messenger");
        assertEq(bridge, create3.addressOf(keccak256(abi.encode(SALT))), "bridge");
        assertEq(
            address(deployment.l1CrossDomainMessenger().portal()), address(portal), "to portal"
        );
        assertEq(deployment.l1StandardBridge().messenger(), messenger, "to messenger");
        assertEq(portal.guardian(), GUARDIAN, "guardian");
        assertEq(portal.timelock(), address(timelock), "timelock");
        assertEq(
            address(portal.anchorStateRegistry()), address(deployment.anchorRegistry()), "registry"
        );
    }

    function test_deployment_withTakenSalt_reverts() public {
        create3.deploy(keccak256("taken"), type(L1StandardBridge).creationCode);
        Deployment.Parts memory parts = _parts();
        parts.bridge.salt = keccak256("taken");
        vm.expectRevert();
        new Deployment(parts);
    }

    function test_deployment_withTimelockWithoutCode_reverts() public {
        Deployment.Parts memory parts = _parts();
        parts.timelock = ALICE;
        vm.expectRevert(abi.encodeWithSelector(Deployment.NoCode.selector, ALICE));
        new Deployment(parts);
        parts = _parts();
        parts.game.verifier = ALICE;
        vm.expectRevert(abi.encodeWithSelector(Deployment.NoCode.selector, ALICE));
        new Deployment(parts);
    }

    function test_pitfall_b49_initialize_onProxyAgain_reverts() public {
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        inbox.initialize(ALICE, ALICE, ALICE);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        portal.initialize(ALICE, IAnchorRegistry(ALICE), ALICE, ALICE);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        systemConfig.initialize(ALICE, ALICE, ALICE, _params());
    }

    function test_pitfall_b49_initialize_onImplementation_reverts() public {
        Inbox bareInbox = new Inbox(_inboxConfig());
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        bareInbox.initialize(ALICE, ALICE, ALICE);
        Portal barePortal = new Portal(_portalConfig());
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        barePortal.initialize(ALICE, IAnchorRegistry(ALICE), ALICE, ALICE);
        SystemConfig bareConfig = new SystemConfig(BLOCK_GAS);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        bareConfig.initialize(ALICE, ALICE, ALICE, _params());
    }

    function test_upgrade_onlyThroughTheTimelock_keepsAccumulators_succeeds() public {
        _deposit(100_000);
        _append(1, "x");
        bytes32 acc = inbox.batchAcc(1);
        ProxyAdmin admin = ProxyAdmin(_admin(address(inbox)));
        Inbox.Config memory config = _inboxConfig();
        config.forcedInclusionDelay = 1;
        address next = address(new Inbox(config));
        bytes memory call = abi.encodeCall(
            ProxyAdmin.upgradeAndCall, (ITransparentUpgradeableProxy(address(inbox)), next, "")
        );
        vm.expectRevert();
        vm.prank(GOVERNOR);
        (bool direct,) = address(admin).call(call);
        assertTrue(direct, "expectRevert turns it into true");
        vm.prank(GOVERNOR);
        timelock.schedule(address(admin), 0, call, bytes32(0), bytes32(0), 30 days);
        vm.warp(block.timestamp + 30 days - 1);
        vm.prank(GOVERNOR);
        vm.expectRevert();
        timelock.execute(address(admin), 0, call, bytes32(0), bytes32(0));
        vm.warp(block.timestamp + 1);
        vm.prank(GOVERNOR);
        timelock.execute(address(admin), 0, call, bytes32(0), bytes32(0));
        assertEq(inbox.forcedInclusionDelay(), 1, "upgraded");
        assertEq(inbox.batchAcc(1), acc, "kept");
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        inbox.initialize(ALICE, ALICE, ALICE);
    }

    function test_inbox_configThatCouldStopTheQueue_reverts() public {
        Inbox.Config memory config = _inboxConfig();
        config.batchDepositGas = BLOCK_GAS - 1_000_001;
        vm.expectRevert(IInbox.ConfigOutOfRange.selector);
        new Inbox(config);
    }

    function test_inbox_configWithBlobsThatL1WouldRefuse_reverts() public {
        Inbox.Config memory config = _inboxConfig();
        for (uint8 blobs = 0; blobs <= 7; blobs += 7) {
            config.maxBlobs = blobs;
            vm.expectRevert(IInbox.ConfigOutOfRange.selector);
            new Inbox(config);
        }
    }

    function _admin(address proxy) private view returns (address) {
        return address(uint160(uint256(vm.load(proxy, ADMIN_SLOT))));
    }
}
