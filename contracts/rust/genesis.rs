//! Accounts of L2's genesis: predeploys, preinstalls, and the storage that the protocol starts from.
//!
//! Called by `trestle deploy` and by tests. Plain data, so that each caller builds its own state from it.
//! Spec: section 5.2. Predeploys are plain accounts, without proxies: the protocol depends on their
//! behaviour, so they change only with the proven program, behind the same timelock.

use std::collections::BTreeMap;

use alloy::{
    eips::eip2935::HISTORY_STORAGE_CODE,
    primitives::{Address, Bytes, U256},
};

use crate::{
    bindings::{FeeVault, L1Block, L2ToL1MessagePasser, RollupState},
    predeploys, preinstalls,
};

/// Accounts of the genesis by address.
pub type GenesisAlloc = BTreeMap<Address, GenesisAccount>;

/// One account of the genesis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GenesisAccount {
    /// Transactions sent, or 1 for a contract (EIP-161).
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Runtime code; empty for an account with a key.
    pub code: Bytes,
    /// Storage by slot; no zero values.
    pub storage: BTreeMap<U256, U256>,
}

/// What the genesis depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenesisParams {
    /// Chain id of L2, below 2^53.
    pub l2_chain_id: u64,
    /// L2 gas that the user transactions of one block may use.
    pub user_gas_limit: u64,
    /// Compressed share of a posted byte, in millionths.
    pub data_scalar: u32,
    /// Bit set of the L1 data prices that count: 1 calldata, 2 blobs.
    pub data_kinds: u8,
    /// Lowest floor of the base fee, in wei per gas.
    pub min_floor: u128,
}

impl GenesisParams {
    /// Slot 1 of `RollupState`: `userGasLimit ‖ dataScalar ‖ dataKinds ‖ minFloor` from the low bits up.
    pub fn packed(&self) -> U256 {
        U256::from(self.user_gas_limit)
            | U256::from(self.data_scalar) << 64
            | U256::from(self.data_kinds) << 96
            | U256::from(self.min_floor) << 104
    }
}

/// Accounts of L2's genesis. Nobody holds ETH in it: all of it comes by deposits.
pub fn genesis_alloc(params: &GenesisParams) -> GenesisAlloc {
    let mut alloc: GenesisAlloc = [
        (predeploys::L1_BLOCK, L1Block::DEPLOYED_BYTECODE.clone()),
        (
            predeploys::L2_TO_L1_MESSAGE_PASSER,
            L2ToL1MessagePasser::DEPLOYED_BYTECODE.clone(),
        ),
        (
            predeploys::SEQUENCER_FEE_VAULT,
            FeeVault::DEPLOYED_BYTECODE.clone(),
        ),
        (
            predeploys::BASE_FEE_VAULT,
            FeeVault::DEPLOYED_BYTECODE.clone(),
        ),
        (predeploys::HISTORY_STORAGE, HISTORY_STORAGE_CODE.clone()),
    ]
    .into_iter()
    .map(|(address, code)| (address, contract(code)))
    .collect();
    let mut state = contract(RollupState::DEPLOYED_BYTECODE.clone());
    state.storage.insert(U256::from(1), params.packed());
    alloc.insert(predeploys::ROLLUP_STATE, state);
    for preinstall in preinstalls::ALL {
        let storage = preinstall
            .storage
            .iter()
            .map(|(slot, value)| (U256::from(*slot), U256::from(*value)));
        let mut account = contract(preinstall.code(params.l2_chain_id));
        account.nonce = preinstall.nonce;
        account.storage = storage.collect();
        alloc.insert(preinstall.address, account);
    }
    alloc
}

fn contract(code: Bytes) -> GenesisAccount {
    GenesisAccount {
        nonce: 1,
        code,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, address, keccak256};

    use super::*;

    const PARAMS: GenesisParams = GenesisParams {
        l2_chain_id: 42_069,
        user_gas_limit: 47_900_000,
        data_scalar: 400_000,
        data_kinds: 3,
        min_floor: 1_000_000,
    };

    #[test]
    fn operator_params_pack_as_the_contract_stores_them() {
        let packed = PARAMS.packed();
        assert_eq!(packed & U256::from(u64::MAX), U256::from(47_900_000));
        assert_eq!((packed >> 64) & U256::from(u32::MAX), U256::from(400_000));
        assert_eq!((packed >> 96) & U256::from(u8::MAX), U256::from(3));
        assert_eq!(packed >> 104, U256::from(1_000_000));
    }

    #[test]
    fn every_genesis_account_is_a_contract_without_balance() {
        for (address, account) in genesis_alloc(&PARAMS) {
            assert!(account.nonce > 0, "{address}");
            assert_eq!(account.balance, U256::ZERO, "{address}");
            assert!(!account.code.is_empty(), "{address}");
        }
    }

    #[test]
    fn history_storage_has_the_code_of_eip_2935() {
        let alloc = genesis_alloc(&PARAMS);
        let code = &alloc[&address!("0000F90827F1C53a10cb7A02335B175320002935")].code;
        assert_eq!(code.len(), 83);
        assert_eq!(
            keccak256(code),
            "0x6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d"
                .parse::<B256>()
                .unwrap()
        );
    }
}
