// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    TransparentUpgradeableProxy
} from "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol";
import {AnchorRegistry} from "../dispute/game/AnchorRegistry.sol";
import {DisputeGame} from "../dispute/game/DisputeGame.sol";
import {DisputeGameFactory} from "../dispute/game/DisputeGameFactory.sol";
import {IAnchorRegistry} from "../dispute/game/IAnchorRegistry.sol";
import {GameConfig} from "../dispute/game/Types.sol";
import {Create3Factory} from "./Create3Factory.sol";
import {Inbox} from "./Inbox.sol";
import {OperatorParams} from "./InboxCodec.sol";
import {IPortal} from "./IPortal.sol";
import {L1CrossDomainMessenger} from "./L1CrossDomainMessenger.sol";
import {L1StandardBridge} from "./L1StandardBridge.sol";
import {Portal} from "./Portal.sol";
import {SystemConfig} from "./SystemConfig.sol";

/// @title One chain's settlement contracts on L1, made in one transaction
/// @notice Creates the three proxies and initialises them against each other, and the dispute contracts from
/// the genesis that the time of this transaction completes. So there is no moment at which an uninitialised
/// proxy could be taken over, or at which somebody could choose where disputes start. Afterwards it is a
/// record: addresses, start block, genesis.
/// @dev Each proxy makes its own ProxyAdmin, owned by the timelock, which also owns factory and registry. This
/// contract keeps no right.
contract Deployment {
    /// @notice The genesis of L2 and the static configuration but for what the deployment itself decides: the
    /// timestamp of block 0, the address of the Inbox, and the hash of block 0.
    /// @param headerHead        RLP of block 0's header up to its timestamp's four bytes.
    /// @param headerTail        RLP of block 0's header after them.
    /// @param stateRoot         State root of block 0.
    /// @param messagePasserRoot Storage root of the message passer in block 0.
    /// @param configHead        Encoded configuration up to the Inbox's address.
    /// @param configTail        Encoded configuration after the genesis hash, which follows that address.
    struct Genesis {
        bytes headerHead;
        bytes headerTail;
        bytes32 stateRoot;
        bytes32 messagePasserRoot;
        bytes configHead;
        bytes configTail;
    }

    /// @notice What the bridge is made of. Its addresses follow from the salt alone, for the genesis of L2 names them.
    /// @param factory       Creates proxies at addresses that do not depend on this contract's.
    /// @param salt          Of the messenger's proxy; that of the bridge's is its hash.
    /// @param messengerImpl Implementation of the L1CrossDomainMessenger.
    /// @param bridgeImpl    Implementation of the L1StandardBridge.
    /// @param tokenImpl     Code of representations on L1.
    struct Bridge {
        Create3Factory factory;
        bytes32 salt;
        address messengerImpl;
        address bridgeImpl;
        address tokenImpl;
    }

    /// @notice What a deployment is made of.
    /// @param timelock         Owner of the proxies' admins, of the SystemConfig, of factory and registry.
    /// @param operator         Account that rotates operator parameters.
    /// @param guardian         Account that may pause the finalisation of withdrawals; zero for none.
    /// @param inboxImpl        Implementation of the Inbox.
    /// @param portalImpl       Implementation of the Portal.
    /// @param systemConfigImpl Implementation of the SystemConfig.
    /// @param params           First operator parameters.
    /// @param genesis          Genesis and configuration of L2.
    /// @param game             Parameters of dispute games; factory, registry, Inbox and configuration hash are
    /// filled in here.
    /// @param airGap           Seconds between a game's outcome and reliance on it.
    struct Parts {
        address timelock;
        address operator;
        address guardian;
        address inboxImpl;
        address portalImpl;
        address systemConfigImpl;
        OperatorParams params;
        Genesis genesis;
        GameConfig game;
        uint256 airGap;
        Bridge bridge;
    }

    /// @notice An address that must hold code does not.
    error NoCode(address account);
    /// @notice A timestamp of a header has four bytes from 1970-07-14 to 2106-02-07. Seconds since 1970.
    error TimestampOutOfRange(uint256 timestamp);

    /// @notice Proxy of the Inbox.
    Inbox public immutable inbox;
    /// @notice Proxy of the Portal.
    Portal public immutable portal;
    /// @notice Proxy of the SystemConfig.
    SystemConfig public immutable systemConfig;
    /// @notice Creates dispute games.
    DisputeGameFactory public immutable disputeGameFactory;
    /// @notice What counts as settled.
    AnchorRegistry public immutable anchorRegistry;
    /// @notice Proxy of the messenger.
    L1CrossDomainMessenger public immutable l1CrossDomainMessenger;
    /// @notice Proxy of the bridge.
    L1StandardBridge public immutable l1StandardBridge;
    /// @notice First implementation of dispute games.
    DisputeGame public immutable disputeGame;
    /// @notice L1 block of the deployment: nothing of this chain is before it.
    uint256 public immutable startBlock;
    /// @notice Output root of L2 block 0: the first anchor.
    bytes32 public immutable genesisOutputRoot;
    /// @notice Hash of the chain's static configuration.
    bytes32 public immutable configHash;

    /// @param parts What the deployment is made of.
    constructor(Parts memory parts) {
        require(parts.timelock.code.length > 0, NoCode(parts.timelock));
        require(parts.game.verifier.code.length > 0, NoCode(parts.game.verifier));
        startBlock = block.number;
        // Each proxy initialises itself as it is made, against addresses that are not there yet.
        address inbox_ = _created(1);
        address portal_ = _created(2);
        address systemConfig_ = _created(3);
        address registry_ = _created(5);
        inbox = Inbox(
            _proxy(
                parts.inboxImpl,
                parts.timelock,
                abi.encodeCall(Inbox.initialize, (portal_, systemConfig_, parts.params.batcher))
            )
        );
        portal = Portal(
            payable(_proxy(
                    parts.portalImpl,
                    parts.timelock,
                    abi.encodeCall(
                        Portal.initialize,
                        (inbox_, IAnchorRegistry(registry_), parts.timelock, parts.guardian)
                    )
                ))
        );
        systemConfig = SystemConfig(
            _proxy(
                parts.systemConfigImpl,
                parts.timelock,
                abi.encodeCall(
                    SystemConfig.initialize, (parts.timelock, parts.operator, inbox_, parts.params)
                )
            )
        );
        assert(
            address(inbox) == inbox_ && address(portal) == portal_
                && address(systemConfig) == systemConfig_
        );
        (bytes32 outputRoot, bytes32 hash) = _genesis(parts.genesis, inbox_);
        genesisOutputRoot = outputRoot;
        configHash = hash;
        parts.game.inbox = inbox_;
        parts.game.configHash = hash;
        (disputeGameFactory, anchorRegistry, disputeGame) = _disputes(parts, outputRoot);
        (l1CrossDomainMessenger, l1StandardBridge) = _bridge(parts.bridge, parts.timelock, portal_);
        assert(address(anchorRegistry) == registry_);
    }

    /// @dev Factory, registry and implementation have nonces 4 to 6. Both owners change in this transaction.
    function _disputes(Parts memory parts, bytes32 outputRoot)
        private
        returns (DisputeGameFactory factory, AnchorRegistry registry, DisputeGame game)
    {
        factory = new DisputeGameFactory(address(this));
        registry = new AnchorRegistry(address(this), factory, parts.airGap, 0, outputRoot);
        parts.game.factory = address(factory);
        parts.game.registry = address(registry);
        game = new DisputeGame(parts.game);
        registry.acceptGameType(parts.game.gameType);
        factory.setImplementation(parts.game.gameType, address(game));
        factory.transferOwnership(parts.timelock);
        registry.transferOwnership(parts.timelock);
    }

    /// @dev Output root of block 0, and the hash of the configuration that names it.
    function _genesis(Genesis memory g, address inbox_) private view returns (bytes32, bytes32) {
        bool isFourBytes = block.timestamp >= 2 ** 24 && block.timestamp < 2 ** 32;
        require(isFourBytes, TimestampOutOfRange(block.timestamp));
        bytes32 blockHash =
            keccak256(bytes.concat(g.headerHead, bytes4(uint32(block.timestamp)), g.headerTail));
        bytes32 outputRoot =
            keccak256(abi.encode(bytes32(0), g.stateRoot, g.messagePasserRoot, blockHash));
        bytes32 hash =
            keccak256(bytes.concat(g.configHead, bytes20(inbox_), blockHash, g.configTail));
        return (outputRoot, hash);
    }

    /// @dev Messenger and bridge, initialised as they are made.
    function _bridge(Bridge memory bridge, address timelock, address portal_)
        private
        returns (L1CrossDomainMessenger, L1StandardBridge)
    {
        require(bridge.tokenImpl.code.length > 0, NoCode(bridge.tokenImpl));
        address messenger = bridge.factory
            .deploy(
                bridge.salt,
                _proxyCode(
                    bridge.messengerImpl,
                    timelock,
                    abi.encodeCall(L1CrossDomainMessenger.initialize, (IPortal(portal_)))
                )
            );
        address made = bridge.factory
            .deploy(
                keccak256(abi.encode(bridge.salt)),
                _proxyCode(
                    bridge.bridgeImpl,
                    timelock,
                    abi.encodeCall(L1StandardBridge.initialize, (messenger, bridge.tokenImpl))
                )
            );
        return (L1CrossDomainMessenger(messenger), L1StandardBridge(payable(made)));
    }

    function _proxyCode(address implementation, address timelock, bytes memory init)
        private
        pure
        returns (bytes memory)
    {
        return bytes.concat(
            type(TransparentUpgradeableProxy).creationCode,
            abi.encode(implementation, timelock, init)
        );
    }

    function _proxy(address implementation, address timelock, bytes memory init)
        private
        returns (address)
    {
        return address(new TransparentUpgradeableProxy(implementation, timelock, init));
    }

    /// @dev Address of the contract that this one creates at `nonce`, from 1 to 127.
    function _created(uint8 nonce) private view returns (address) {
        // RLP of [address(this), nonce].
        return
            address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", address(this), nonce)))));
    }
}
