// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";

contract AppendTest is Fixture {
    function test_appendBatch_consumesQueueAndEnqueuesAttributes_succeeds() public {
        _deposit(100_000);
        _append(1, "payload");
        assertEq(inbox.batchCount(), 1, "batches");
        assertEq(inbox.nextDeposit(), 1, "next");
        assertEq(inbox.depositCount(), 2, "attributes behind the range");
        assertEq(inbox.cumGas(2), 100_000 + SYSTEM_GAS, "charge");
    }
}
