// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {DepositMarket} from "../../src/l1/DepositMarket.sol";

/// @notice The market alone, without burning.
contract Market is DepositMarket {
    constructor(uint64 max) DepositMarket(max) {}

    function sell(uint64 gas) external {
        _sell(gas, gasleft());
    }
}

contract MarketTest is Fixture {
    Market internal market;

    function setUp() public override {
        super.setUp();
        market = new Market(MARKET_GAS);
        // So high that nothing has to be burned: these tests are about the price.
        vm.fee(type(uint64).max);
    }

    function test_sell_moreThanABlockSells_reverts() public {
        market.sell(MARKET_GAS - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                DepositMarket.DepositGasSoldOut.selector, 2, MARKET_GAS - 1, MARKET_GAS
            )
        );
        market.sell(2);
        market.sell(1);
        assertEq(market.depositGasLeft(), 0, "sold out");
        _nextL1Block();
        assertEq(market.depositGasLeft(), MARKET_GAS, "again");
    }

    function test_depositGasPrice_afterFullBlock_risesByNineEighths_succeeds() public {
        market.sell(MARKET_GAS);
        assertEq(market.depositGasPrice(), 1 gwei, "constant within a block");
        _nextL1Block();
        assertEq(market.depositGasPrice(), 2.125 gwei, "1 + 10/8 - 1/8");
        vm.roll(block.number + 1);
        assertEq(market.depositGasPrice(), 2.125 gwei - 2.125 gwei / 8, "an eighth less");
        vm.roll(block.number + 1_000_000);
        assertEq(market.depositGasPrice(), 1 gwei, "back, at bounded cost");
    }

    function test_depositGasPrice_atTarget_staysAndNeverLeavesItsRange_succeeds() public {
        market.sell(MARKET_GAS);
        _nextL1Block();
        market.sell(MARKET_GAS / 10);
        _nextL1Block();
        assertEq(market.depositGasPrice(), 2.125 gwei, "target keeps the price");
        for (uint256 i = 0; i < 40; ++i) {
            market.sell(MARKET_GAS);
            _nextL1Block();
        }
        assertEq(market.depositGasPrice(), 2 ** 20 * 1 gwei, "highest");
    }

    /// @notice The price follows the rule of EIP-1559 block by block, however blocks are skipped.
    function testFuzz_depositGasPrice_matchesNaiveModel(uint64[8] memory sold, uint8[8] memory skip)
        public
    {
        uint256 price = 1 gwei;
        for (uint256 i = 0; i < 8; ++i) {
            uint64 gas = uint64(bound(sold[i], 0, MARKET_GAS));
            market.sell(gas);
            uint256 blocks = uint256(skip[i]) % 20 + 1;
            for (uint256 b = 0; b < blocks; ++b) {
                uint256 used = b == 0 ? gas : 0;
                price = price + price * used / (MARKET_GAS / 10) / 8 - price / 8;
                if (price < 1 gwei) price = 1 gwei;
            }
            vm.roll(block.number + blocks);
            assertEq(market.depositGasPrice(), price, "price");
        }
    }

    function test_pitfall_a02_depositTransaction_burnsGasWorthThePrice_succeeds() public {
        vm.fee(2 gwei);
        uint256 before = gasleft();
        _deposit(1_000_000);
        uint256 used = before - gasleft();
        // 1,000,000 gas at 1 gwei, paid in gas at 2 gwei.
        assertTrue(used >= 500_000 && used < 520_000, "burned");
    }

    /// @notice Whoever buys all gas block after block pays more than doubling prices.
    function test_pitfall_b07_fillingTheMarket_costsGrowGeometrically_succeeds() public {
        uint256 cost;
        for (uint256 i = 0; i < 10; ++i) {
            cost += market.depositGasPrice() * MARKET_GAS;
            market.sell(MARKET_GAS);
            _nextL1Block();
        }
        // 0.06 ETH for the first block; 2.125^10 = 1,877 of it in ten.
        assertTrue(cost > 100 ether, "ten blocks cost above 100 ETH");
        // An honest depositor waits for at most 60 blocks until the price is at its lowest again.
        vm.roll(block.number + 60);
        assertEq(market.depositGasPrice(), 1 gwei, "recovered");
    }
}
