// The fee rule, written a second time. protocol/SPEC.md, section 6.
import { hexToBigInt, slice } from 'viem';

const min = (a, b) => (a < b ? a : b);
const max = (...values) => values.reduce((a, b) => (a > b ? a : b));
const ceilDiv = (a, b) => (a + b - 1n) / b;
const U64 = 2n ** 64n - 1n;

/** `excess` and `floor` out of a header's extraData. */
export const feeState = (extraData) => ({
  excess: hexToBigInt(slice(extraData, 1, 9)),
  floor: hexToBigInt(slice(extraData, 9, 25)),
});

function fakeExponential(factor, numerator, denominator) {
  let sum = 0n;
  let term = factor * denominator;
  for (let i = 1n; term > 0n; i += 1n) {
    sum += term;
    term = (term * numerator) / (denominator * i);
  }
  return min(sum / denominator, U64);
}

/** Excess that is left and base fee of a child that is `seconds` younger than a parent with `state`. */
export function childFee(chain, state, seconds) {
  const drained = state.excess - min(state.excess, BigInt(chain.targetGasPerSecond) * seconds);
  return { drained, baseFee: fakeExponential(state.floor, drained, BigInt(chain.feeDenominator)) };
}

/** Excess after a block. */
export const nextExcess = (chain, drained, gasUsed) => min(BigInt(chain.excessCap), drained + gasUsed);

/** Floor after an L1-attributes entry; `word` is slot 1 of RollupState before the block. */
export function nextFloor(floor, word, { baseFee, blobBaseFee }) {
  const field = (shift, bits) => (word >> shift) & ((1n << bits) - 1n);
  const scalar = field(64n, 32n);
  const kinds = field(96n, 8n);
  const minFloor = field(104n, 128n);
  const calldata = 40n * baseFee;
  const blob = ceilDiv(blobBaseFee * 131_072n, 126_976n);
  const prices = [kinds & 1n ? calldata : null, kinds & 2n ? blob : null].filter((price) => price !== null);
  const price = prices.length ? prices.reduce(min) : calldata;
  const goal = max(minFloor, 1n, ceilDiv(price * scalar, 16_000_000n));
  const step = ceilDiv(floor, 8n);
  const low = max(floor - step, 1n);
  const high = min(floor + step, U64);
  return min(max(goal, low), high);
}
