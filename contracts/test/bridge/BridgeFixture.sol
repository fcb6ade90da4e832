// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    TransparentUpgradeableProxy
} from "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol";
import {BridgedERC20} from "../../src/bridge/BridgedERC20.sol";
import {IStandardBridge} from "../../src/bridge/IStandardBridge.sol";
import {Aliasing} from "../../src/l1/Aliasing.sol";
import {IPortal} from "../../src/l1/IPortal.sol";
import {L1CrossDomainMessenger} from "../../src/l1/L1CrossDomainMessenger.sol";
import {L1StandardBridge} from "../../src/l1/L1StandardBridge.sol";
import {L2CrossDomainMessenger} from "../../src/l2/L2CrossDomainMessenger.sol";
import {L2StandardBridge} from "../../src/l2/L2StandardBridge.sol";
import {L2ToL1MessagePasser} from "../../src/l2/L2ToL1MessagePasser.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {Vm} from "../Base.t.sol";
import {WithdrawalFixture} from "../withdrawal/WithdrawalFixture.sol";

/// @notice Both layers in one EVM: deposits are executed as L2 would, withdrawals are proven and paid by the real
/// Portal against real games.
abstract contract BridgeFixture is WithdrawalFixture {
    /// @notice A deposit as L2 executes it.
    struct Deposit {
        address from;
        address to;
        uint256 mint;
        uint256 value;
        uint64 gasLimit;
        bytes data;
    }

    bytes32 private constant DEPOSITED =
        keccak256("TransactionDeposited(address,address,uint256,bytes)");
    bytes32 private constant PASSED =
        keccak256("MessagePassed(uint256,address,address,uint256,uint256,bytes,bytes32)");

    L1CrossDomainMessenger internal l1Messenger;
    L2CrossDomainMessenger internal l2Messenger;
    L1StandardBridge internal l1Bridge;
    L2StandardBridge internal l2Bridge;
    L2ToL1MessagePasser internal passer;
    uint64 internal _batch;

    function setUp() public virtual override {
        super.setUp();
        vm.deal(address(portal), 0);
        address l1Token = address(new BridgedERC20());
        bytes memory init = abi.encodeCall(L1CrossDomainMessenger.initialize, (portal));
        address impl =
            _make("L1CrossDomainMessenger", type(L1CrossDomainMessenger).creationCode, "");
        l1Messenger =
            L1CrossDomainMessenger(address(new TransparentUpgradeableProxy(impl, TIMELOCK, init)));
        init = abi.encodeCall(L1StandardBridge.initialize, (address(l1Messenger), l1Token));
        impl = _make("L1StandardBridge", type(L1StandardBridge).creationCode, "");
        l1Bridge =
            L1StandardBridge(payable(address(new TransparentUpgradeableProxy(impl, TIMELOCK, init))));
        _genesis(l1Token);
        vm.recordLogs();
    }

    /// @dev What the genesis of L2 holds: code without constructors, and these slots.
    function _genesis(address l1Token) private {
        passer = L2ToL1MessagePasser(payable(Predeploys.L2_TO_L1_MESSAGE_PASSER));
        vm.etch(address(passer), address(new L2ToL1MessagePasser()).code);
        l2Messenger = L2CrossDomainMessenger(Predeploys.L2_CROSS_DOMAIN_MESSENGER);
        address made =
            _make("L2CrossDomainMessenger", type(L2CrossDomainMessenger).creationCode, "");
        vm.etch(address(l2Messenger), made.code);
        vm.store(address(l2Messenger), bytes32(uint256(2)), _word(address(l1Messenger)));
        l2Bridge = L2StandardBridge(payable(Predeploys.L2_STANDARD_BRIDGE));
        made = _make("L2StandardBridge", type(L2StandardBridge).creationCode, "");
        vm.etch(address(l2Bridge), made.code);
        vm.store(address(l2Bridge), 0, _word(address(l2Messenger)));
        vm.store(address(l2Bridge), bytes32(uint256(1)), _word(address(l1Bridge)));
        vm.store(address(l2Bridge), bytes32(uint256(2)), _word(Predeploys.BRIDGED_ERC20));
        vm.store(address(l2Bridge), bytes32(uint256(3)), _word(l1Token));
        vm.etch(Predeploys.BRIDGED_ERC20, address(new BridgedERC20()).code);
        vm.store(Predeploys.BRIDGED_ERC20, bytes32(uint256(6)), _word(address(0xdead)));
        assertEq(l2Bridge.otherTokenImplementation(), l1Token, "slot 3");
        assertEq(BridgedERC20(Predeploys.BRIDGED_ERC20).bridge(), address(0xdead), "slot 6");
    }

    function _word(address account) private pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }

    // ---- L1 to L2 ----

    /// @dev Executes every deposit since the last call.
    function _executeDeposits() internal returns (uint256 count) {
        (Deposit[] memory deposits,) = _collect();
        for (uint256 i = 0; i < deposits.length; ++i) {
            _execute(deposits[i]);
        }
        return deposits.length;
    }

    /// @dev As derivation does: the mint stays whatever happens; 21,000 and 40 per byte are intrinsic.
    function _execute(Deposit memory d) internal returns (bool ok) {
        vm.deal(d.from, d.from.balance + d.mint);
        uint256 intrinsic = 21_000 + 16 * d.data.length;
        vm.prank(d.from, d.from);
        (ok,) = d.to.call{value: d.value, gas: d.gasLimit - intrinsic}(d.data);
    }

    // ---- L2 to L1 ----

    /// @dev Proves and pays every withdrawal since the last call; Bob sends the transactions.
    function _payWithdrawals() internal returns (IPortal.WithdrawalTransaction[] memory sent) {
        (, sent) = _collect();
        for (uint256 i = 0; i < sent.length; ++i) {
            _pay(sent[i]);
        }
    }

    function _pay(IPortal.WithdrawalTransaction memory w) internal {
        _prove(w, _proposeWith(w, ++_batch), BOB);
        _passAll();
        vm.prank(BOB, BOB);
        portal.finalizeWithdrawalTransaction(w);
        // Anyone who listens to logs waits for them from here.
        vm.deal(address(passer), address(passer).balance - w.value);
    }

    /// @dev What the logs since the last call say of messages in both directions.
    function _collect()
        internal
        returns (Deposit[] memory deposits, IPortal.WithdrawalTransaction[] memory withdrawals)
    {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        deposits = new Deposit[](logs.length);
        withdrawals = new IPortal.WithdrawalTransaction[](logs.length);
        uint256 down;
        uint256 up;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == DEPOSITED && logs[i].emitter == address(portal)) {
                deposits[down++] = _depositOf(logs[i]);
            } else if (logs[i].topics[0] == PASSED && logs[i].emitter == address(passer)) {
                withdrawals[up++] = _withdrawalOf(logs[i]);
            }
        }
        assembly ("memory-safe") {
            // Both shrink to what was found.
            mstore(deposits, down)
            mstore(withdrawals, up)
        }
    }

    function _depositOf(Vm.Log memory entry) private pure returns (Deposit memory d) {
        bytes memory opaque = abi.decode(entry.data, (bytes));
        d.from = address(uint160(uint256(entry.topics[1])));
        d.to = address(uint160(uint256(entry.topics[2])));
        bytes32 mint;
        bytes32 value;
        bytes32 rest;
        assembly ("memory-safe") {
            mint := mload(add(opaque, 32))
            value := mload(add(opaque, 64))
            rest := mload(add(opaque, 96))
        }
        (d.mint, d.value, d.gasLimit) = (uint256(mint), uint256(value), uint64(uint256(rest) >> 192));
        d.data = _from(opaque, 73);
    }

    /// @dev The bytes after the first `start`.
    function _from(bytes memory data, uint256 start) internal pure returns (bytes memory rest) {
        rest = new bytes(data.length - start);
        assembly ("memory-safe") {
            // `rest` was allocated with this length.
            mcopy(add(rest, 32), add(add(data, 32), start), mload(rest))
        }
    }

    function _withdrawalOf(Vm.Log memory entry)
        private
        pure
        returns (IPortal.WithdrawalTransaction memory w)
    {
        w.nonce = uint256(entry.topics[1]);
        w.sender = address(uint160(uint256(entry.topics[2])));
        w.target = address(uint160(uint256(entry.topics[3])));
        (w.value, w.gasLimit, w.data,) = abi.decode(entry.data, (uint256, uint256, bytes, bytes32));
    }

    // ---- messages ----

    /// @dev The arguments of a call to `relayMessage`.
    struct Message {
        uint256 nonce;
        address sender;
        address target;
        uint256 value;
        uint256 minGasLimit;
        bytes data;
    }

    function _messageOf(bytes memory call) internal pure returns (Message memory m) {
        bytes memory arguments = _from(call, 4);
        (m.nonce, m.sender, m.target, m.value, m.minGasLimit, m.data) =
            abi.decode(arguments, (uint256, address, address, uint256, uint256, bytes));
    }

    /// @dev Relays again a message that failed on L1, or on L2.
    function _relayAgain(bool onL1, bytes memory call) internal {
        _call(onL1 ? address(l1Messenger) : address(l2Messenger), call);
    }

    function _failed(bytes memory call) internal pure returns (IStandardBridge.FailedMessage memory) {
        Message memory m = _messageOf(call);
        return IStandardBridge.FailedMessage(m.nonce, m.value, m.minGasLimit, m.data);
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

    function _aliasOf(address account) internal pure returns (address) {
        return Aliasing.applyAlias(account);
    }
}
