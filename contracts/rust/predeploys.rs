//! Addresses that L2 holds from its genesis, as in `src/l2/Predeploys.sol`. Spec: sections 5 and 6.

use alloy::primitives::{Address, address};

/// Sender of system transactions; nobody has its key.
pub const DEPOSITOR: Address = address!("DeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001");
/// State of the rollup that its protocol reads.
pub const ROLLUP_STATE: Address = address!("4200000000000000000000000000000000000800");
/// Newest L1 attributes.
pub const L1_BLOCK: Address = address!("4200000000000000000000000000000000000015");
/// Code of the representations of L1's tokens.
pub const BRIDGED_ERC20: Address = address!("4200000000000000000000000000000000000801");
/// Messages between the layers that can be retried.
pub const L2_CROSS_DOMAIN_MESSENGER: Address = address!("4200000000000000000000000000000000000007");
/// Bridge for ETH and ERC-20 tokens.
pub const L2_STANDARD_BRIDGE: Address = address!("4200000000000000000000000000000000000010");
/// Messages to L1.
pub const L2_TO_L1_MESSAGE_PASSER: Address = address!("4200000000000000000000000000000000000016");
/// Tips; the beneficiary of every block.
pub const SEQUENCER_FEE_VAULT: Address = address!("4200000000000000000000000000000000000011");
/// Base fees.
pub const BASE_FEE_VAULT: Address = address!("4200000000000000000000000000000000000019");
/// Hashes of the last 8,191 blocks (EIP-2935).
pub const HISTORY_STORAGE: Address = address!("0000F90827F1C53a10cb7A02335B175320002935");
