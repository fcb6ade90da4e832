// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IPortal} from "./IPortal.sol";

/// @title The guardian's pause
/// @notice Stops the finalisation of withdrawals, and nothing else, for a time that outlasts an upgrade and ends by
/// itself. Between two pauses there is more time without than with one.
/// @dev Part of the Portal. No variable may be added here: a later one goes to the end of the Portal's.
abstract contract FinalisationPause is IPortal {
    /// @inheritdoc IPortal
    uint256 public immutable maxPause;
    /// @inheritdoc IPortal
    uint256 public immutable pauseInterval;

    /// @inheritdoc IPortal
    address public guardian;
    /// @dev Start of the newest pause, seconds since 1970; 0 before the first.
    uint64 private _pausedAt;
    /// @inheritdoc IPortal
    address public timelock;
    /// @dev When the newest pause ends or ended, seconds since 1970.
    uint64 private _pausedUntil;

    /// @param maxPause_      Length of a pause, in seconds.
    /// @param pauseInterval_ Least time from one pause to the next, in seconds; more than twice the length.
    constructor(uint256 maxPause_, uint256 pauseInterval_) {
        require(
            maxPause_ > 0 && maxPause_ <= type(uint32).max && pauseInterval_ > 2 * maxPause_
                && pauseInterval_ <= type(uint32).max,
            ConfigOutOfRange()
        );
        maxPause = maxPause_;
        pauseInterval = pauseInterval_;
    }

    /// @inheritdoc IPortal
    function pause() external {
        require(msg.sender == guardian, Unauthorized(msg.sender, guardian));
        if (_pausedAt != 0) {
            uint256 next = _pausedAt + pauseInterval;
            require(block.timestamp >= next, PauseTooSoon(next));
        }
        _pausedAt = uint64(block.timestamp);
        // No overflow: `maxPause` is below 2^32.
        _pausedUntil = uint64(block.timestamp + maxPause);
        emit Paused(_pausedUntil);
    }

    /// @inheritdoc IPortal
    function unpause() external {
        require(msg.sender == guardian, Unauthorized(msg.sender, guardian));
        require(paused(), NotPaused());
        _pausedUntil = uint64(block.timestamp);
        emit Unpaused();
    }

    /// @inheritdoc IPortal
    function setGuardian(address guardian_) external {
        require(msg.sender == timelock, Unauthorized(msg.sender, timelock));
        _setGuardian(guardian_);
    }

    /// @inheritdoc IPortal
    function pausedUntil() public view returns (uint256) {
        return _pausedUntil;
    }

    /// @inheritdoc IPortal
    function paused() public view returns (bool) {
        return block.timestamp < _pausedUntil;
    }

    /// @dev Sets both roles; for the initialiser.
    function _setRoles(address timelock_, address guardian_) internal {
        timelock = timelock_;
        _setGuardian(guardian_);
    }

    function _setGuardian(address guardian_) private {
        emit GuardianChanged(guardian, guardian_);
        guardian = guardian_;
    }
}
