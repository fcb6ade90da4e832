//! Addresses with a meaning in the protocol. Spec: `SPEC.md`, sections 5 and 6.

use alloy_primitives::{Address, address};

/// Sender of system deposits. No key is known for it.
pub const SYSTEM_DEPOSITOR: Address = address!("0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001");
/// Mirror of L1's block attributes.
pub const L1_BLOCK: Address = address!("0x4200000000000000000000000000000000000015");
/// Records messages from L2 to L1; its storage root is part of the output root.
pub const MESSAGE_PASSER: Address = address!("0x4200000000000000000000000000000000000016");
/// Beneficiary of every block: receives the tips.
pub const SEQUENCER_FEE_VAULT: Address = address!("0x4200000000000000000000000000000000000011");
/// Receives base fees, which Ethereum would burn.
pub const BASE_FEE_VAULT: Address = address!("0x4200000000000000000000000000000000000019");
/// Queue position and operator parameters.
pub const ROLLUP_STATE: Address = address!("0x4200000000000000000000000000000000000800");
/// Hashes of recent blocks (EIP-2935).
pub const HISTORY_STORAGE: Address = address!("0x0000F90827F1C53a10cb7A02335B175320002935");
