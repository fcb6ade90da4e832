// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Aliasing} from "../l1/Aliasing.sol";
import {CrossDomainMessenger} from "../messaging/CrossDomainMessenger.sol";
import {L2ToL1MessagePasser} from "./L2ToL1MessagePasser.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title L2CrossDomainMessenger
/// @notice See `ICrossDomainMessenger`. Messages to L1 are withdrawals, messages from L1 deposits.
/// @dev At its address from genesis, without a proxy; the genesis sets `otherMessenger`.
contract L2CrossDomainMessenger is CrossDomainMessenger {
    function _send(uint64 gasLimit, uint256 value, bytes memory data) internal override {
        L2ToL1MessagePasser(payable(Predeploys.L2_TO_L1_MESSAGE_PASSER))
            .initiateWithdrawal{value: value}(otherMessenger, gasLimit, data);
    }

    function _isOtherMessenger() internal view override returns (bool) {
        return msg.sender == Aliasing.applyAlias(otherMessenger);
    }

    /// @dev The message passer believes its caller's address, as L1's Portal does.
    function _isBlocked(address target) internal view override returns (bool) {
        return target == address(this) || target == Predeploys.L2_TO_L1_MESSAGE_PASSER;
    }

    function _isBlockedThere(address target) internal view override returns (bool) {
        return target == otherMessenger;
    }
}
