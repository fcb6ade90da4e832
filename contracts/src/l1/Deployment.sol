// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    TransparentUpgradeableProxy
} from "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol";
import {IAnchorRegistry} from "../dispute/game/IAnchorRegistry.sol";
import {Inbox} from "./Inbox.sol";
import {OperatorParams} from "./InboxCodec.sol";
import {Portal} from "./Portal.sol";
import {SystemConfig} from "./SystemConfig.sol";

/// @title One chain's settlement contracts on L1, made in one transaction
/// @notice Creates the three proxies and initialises them against each other, so there is no moment
/// at which an uninitialised proxy could be taken over. Afterwards it is a record: addresses and start
/// block.
/// @dev Each proxy makes its own ProxyAdmin, owned by the timelock. This contract keeps no right.
contract Deployment {
    /// @notice What a deployment is made of.
    /// @param timelock         Owner of the proxies' admins and of the SystemConfig.
    /// @param operator         Account that rotates operator parameters.
    /// @param inboxImpl        Implementation of the Inbox.
    /// @param portalImpl       Implementation of the Portal.
    /// @param systemConfigImpl Implementation of the SystemConfig.
    /// @param params           First operator parameters.
    struct Parts {
        address timelock;
        address operator;
        address inboxImpl;
        address portalImpl;
        address systemConfigImpl;
        OperatorParams params;
    }

    /// @notice An address that must hold code does not.
    error NoCode(address account);

    /// @notice Proxy of the Inbox.
    Inbox public immutable inbox;
    /// @notice Proxy of the Portal.
    Portal public immutable portal;
    /// @notice Proxy of the SystemConfig.
    SystemConfig public immutable systemConfig;
    /// @notice L1 block of the deployment: nothing of this chain is before it.
    uint256 public immutable startBlock;

    /// @param parts What the deployment is made of.
    constructor(Parts memory parts) {
        require(parts.timelock.code.length > 0, NoCode(parts.timelock));
        startBlock = block.number;
        // Each proxy initialises itself as it is made, against addresses that are not there yet.
        address inbox_ = _created(1);
        address portal_ = _created(2);
        address systemConfig_ = _created(3);
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
                        (inbox_, IAnchorRegistry(address(0)), parts.timelock, parts.operator)
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
