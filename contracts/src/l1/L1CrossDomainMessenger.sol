// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {CrossDomainMessenger} from "../messaging/CrossDomainMessenger.sol";
import {IPortal} from "./IPortal.sol";

/// @title L1CrossDomainMessenger
/// @notice See `ICrossDomainMessenger`. Messages to L2 are deposits, messages from L2 withdrawals.
/// @dev Behind a proxy.
contract L1CrossDomainMessenger is CrossDomainMessenger, Initializable {
    /// @notice The Portal of this chain.
    IPortal public portal;

    /// @notice The implementation, unusable but behind a proxy.
    constructor() {
        _disableInitializers();
    }

    /// @notice Set the Portal; once.
    /// @param portal_ The Portal of this chain.
    function initialize(IPortal portal_) external initializer {
        portal = portal_;
        otherMessenger = Predeploys.L2_CROSS_DOMAIN_MESSENGER;
    }

    /// @notice The Portal, under its old name in the OP Stack.
    /// @return Address.
    function PORTAL() external view returns (IPortal) {
        return portal;
    }

    function _send(uint64 gasLimit, uint256 value, bytes memory data) internal override {
        portal.depositTransaction{value: value}(otherMessenger, value, gasLimit, false, data);
    }

    function _isOtherMessenger() internal view override returns (bool) {
        return msg.sender == address(portal) && portal.l2Sender() == otherMessenger;
    }

    /// @dev The Portal believes its caller's address: called from here, it would take this messenger for the sender.
    function _isBlocked(address target) internal view override returns (bool) {
        return target == address(this) || target == address(portal);
    }

    function _isBlockedThere(address target) internal view override returns (bool) {
        return target == otherMessenger || target == Predeploys.L2_TO_L1_MESSAGE_PASSER;
    }
}
