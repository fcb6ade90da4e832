// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

// The zoo of `docs/bridge.md`, one contract for each row of its table.

/// @notice Nothing is odd about it.
contract PlainToken is ERC20 {
    constructor() ERC20("Plain", "PLN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice One that has permits (ERC-2612).
contract PermitToken is ERC20Permit {
    constructor() ERC20("Permit", "PMT") ERC20Permit("Permit") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice Takes a hundredth of what is moved; its owner may turn that on later (an upgradeable token).
contract FeeToken is PlainToken {
    bool public hasFee = true;

    function setFee(bool on) external {
        hasFee = on;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (hasFee && from != address(0) && to != address(0)) super._update(to, address(0xfee), amount / 100);
    }
}

/// @notice Takes its fee from the sender, on top of what is moved.
contract SurchargeToken is PlainToken {
    bool public hasFee;

    function setFee(bool on) external {
        hasFee = on;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (hasFee && from != address(0) && to != address(0)) super._update(from, address(0xfee), amount / 100);
    }
}

/// @notice Balances are shares of a pool that grows and shrinks.
contract RebasingToken is PlainToken {
    uint256 public permille = 1000;

    function rebase(uint256 permille_) external {
        permille = permille_;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) * permille / 1000;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount * 1000 / permille);
    }
}

/// @notice Returns false instead of reverting.
contract FalseToken is PlainToken {
    bool public isBroken;

    function setBroken(bool broken) external {
        isBroken = broken;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !isBroken && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !isBroken && super.transferFrom(from, to, amount);
    }
}

/// @notice Returns nothing, as USDT does.
contract NoReturnToken {
    string public name = "No return";
    string public symbol = "NRT";
    uint8 public decimals = 6;
    mapping(address => uint256) public balanceOf;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address, uint256) external {}

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Calls a sender or recipient that asked for it, before or after it moves, as ERC-777 does.
contract ReentrantToken is PlainToken {
    mapping(address => bytes) private _calls;
    mapping(address => address) private _targets;
    bool public innerOk;

    function onMove(address target, bytes calldata call) external {
        _targets[msg.sender] = target;
        _calls[msg.sender] = call;
    }

    function _update(address from, address to, uint256 amount) internal override {
        _notify(from);
        super._update(from, to, amount);
        _notify(to);
    }

    function _notify(address account) private {
        address target = _targets[account];
        if (target == address(0)) return;
        _targets[account] = address(0);
        (innerOk,) = target.call(_calls[account]);
    }
}

/// @notice Can be paused, and has a list of accounts that it does not serve.
contract BlockingToken is PlainToken {
    bool public isPaused;
    mapping(address => bool) public isBlocked;

    function setPaused(bool paused) external {
        isPaused = paused;
    }

    function setBlocked(address account, bool blocked) external {
        isBlocked[account] = blocked;
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(!isPaused && !isBlocked[from] && !isBlocked[to], "not served");
        super._update(from, to, amount);
    }
}

/// @notice Answers questions about itself with a megabyte.
contract HugeMetadataToken is PlainToken {
    function name() public pure override returns (string memory) {
        return string(new bytes(2 ** 15));
    }

    function symbol() public pure override returns (string memory) {
        // 63 letters, then characters of three bytes: the cut falls into the first of them.
        return unicode"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa€€€€€€€€€€€€€€€€";
    }
}

/// @notice Reverts when asked about itself, or burns all the gas, and has too many decimals.
contract RevertingMetadataToken is PlainToken {
    function name() public pure override returns (string memory) {
        revert("no name");
    }

    function symbol() public pure override returns (string memory) {
        assembly {
            invalid()
        }
    }

    function decimals() public pure override returns (uint8) {
        assembly {
            mstore(0, 256)
            return(0, 32)
        }
    }
}

/// @notice Names of 32 bytes, as MKR has them, and no decimals at all.
contract Bytes32Token {
    bytes32 public constant name = "Maker";
    bytes32 public constant symbol = "MKR";
    mapping(address => uint256) public balanceOf;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        return true;
    }
}

/// @notice 0 decimals, or 77.
contract DecimalsToken is PlainToken {
    uint8 private immutable _decimals;

    constructor(uint8 decimals_) {
        _decimals = decimals_;
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}

/// @notice Answers any call with success and does nothing, as a wrapper with a fallback function does.
contract FallbackToken is PlainToken {
    fallback() external {}
}
