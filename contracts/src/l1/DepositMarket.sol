// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Market for the L2 gas of deposits
/// @notice Deposits pay no fee on L2. Their gas is bought here: at a price per gas that rises while
/// more than a tenth of what a block may sell is sold, and falls otherwise, paid by burning L1 gas.
/// The cap bounds what L2 must execute beside its own limits; the price bounds for how long somebody
/// who buys it all can keep others out.
/// @dev The rule of EIP-1559 per L1 block, as in the OP Stack: denominator 8, elasticity 10. The price
/// is in wei per L2 gas, at least 1 gwei; the L1 gas burned is worth it at the block's base fee (counted as
/// 1 gwei at least, or a price could not be paid in gas where the base fee is near zero).
abstract contract DepositMarket {
    /// @notice This L1 block has sold its gas for deposits, all in L2 gas.
    error DepositGasSoldOut(uint64 wanted, uint64 sold, uint64 max);

    /// @notice L2 gas that one L1 block may sell.
    uint64 public immutable maxDepositGasPerBlock;

    /// @notice Lowest price, in wei per L2 gas.
    uint128 public constant MIN_PRICE = 1 gwei;
    /// @notice Highest price, in wei per L2 gas.
    uint128 public constant MAX_PRICE = 2 ** 20 * MIN_PRICE;
    /// @dev What a block may sell, over what it sells at a steady price.
    uint64 private constant ELASTICITY = 10;
    /// @dev An empty block lowers the price by one part in this.
    uint128 private constant DENOMINATOR = 8;

    /// @dev Price at the newest block that sold anything; 0 before the first.
    uint128 private _price;
    /// @dev L2 gas that this block sold.
    uint64 private _sold;
    /// @dev Number of this block.
    uint64 private _number;

    /// @param maxDepositGasPerBlock_ L2 gas that one L1 block may sell.
    constructor(uint64 maxDepositGasPerBlock_) {
        maxDepositGasPerBlock = maxDepositGasPerBlock_;
    }

    /// @notice Price of a deposit's gas in this L1 block.
    /// @return Wei per L2 gas.
    function depositGasPrice() public view returns (uint256) {
        uint256 price = _price;
        if (price < MIN_PRICE) return MIN_PRICE;
        uint256 blocks = block.number - _number;
        if (blocks == 0) return price;
        uint256 target = maxDepositGasPerBlock / ELASTICITY;
        // The newest selling block moves the price by what it sold, every later one by having sold nothing.
        // No underflow: a block that sold nothing lowers the price by an eighth.
        price = price + price * _sold / target / DENOMINATOR - price / DENOMINATOR;
        // Bound: from the highest price to the lowest are 104 eighths.
        for (uint256 i = 1; i < blocks && price > MIN_PRICE; ++i) {
            price -= price / DENOMINATOR;
        }
        if (price > MAX_PRICE) return MAX_PRICE;
        return price < MIN_PRICE ? MIN_PRICE : price;
    }

    /// @notice L2 gas that this L1 block can still sell.
    /// @return L2 gas.
    function depositGasLeft() public view returns (uint64) {
        return _number == block.number ? maxDepositGasPerBlock - _sold : maxDepositGasPerBlock;
    }

    /// @dev Sell `gasLimit` and burn what it costs, less the L1 gas that the caller used already.
    /// @param gasLimit L2 gas to sell.
    /// @param startGas `gasleft()` when the caller began.
    function _sell(uint64 gasLimit, uint256 startGas) internal {
        uint64 left = depositGasLeft();
        require(
            gasLimit <= left,
            DepositGasSoldOut(gasLimit, maxDepositGasPerBlock - left, maxDepositGasPerBlock)
        );
        uint256 price = depositGasPrice();
        _price = uint128(price);
        _number = uint64(block.number);
        _sold = maxDepositGasPerBlock - left + gasLimit;
        uint256 baseFee = block.basefee < 1 gwei ? 1 gwei : block.basefee;
        uint256 cost = gasLimit * price / baseFee;
        while (startGas - gasleft() < cost) {}
    }
}
