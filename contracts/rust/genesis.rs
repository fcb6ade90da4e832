//! Accounts of L2's genesis: predeploys, preinstalls, and the storage that the protocol starts from.
//!
//! Called by `trestle deploy` and by tests. Plain data, so that each caller builds its own state from it.
//! Spec: section 5.2. Predeploys are plain accounts, without proxies: the protocol depends on their
//! behaviour, so they change only with the proven program, behind the same timelock.

use std::collections::BTreeMap;

use alloy::{
    eips::eip2935::HISTORY_STORAGE_CODE,
    primitives::{Address, Bytes, U256, address},
};

use crate::{
    bindings::{
        BridgedERC20, FeeVault, L1Block, L2CrossDomainMessenger, L2StandardBridge,
        L2ToL1MessagePasser, RollupState,
    },
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
    /// Counterparts of messenger and bridge.
    pub l1_bridge: L1Bridge,
}

/// Contracts on L1 that those of L2 believe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct L1Bridge {
    /// The messenger.
    pub messenger: Address,
    /// The bridge.
    pub bridge: Address,
    /// Code of the representations of L2's tokens.
    pub token_implementation: Address,
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
    alloc.extend(bridge_accounts(&params.l1_bridge));
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

/// Messenger, bridge and the code of representations, with what a constructor would have set.
///
/// Slots as in `snapshots/storage`.
fn bridge_accounts(l1: &L1Bridge) -> [(Address, GenesisAccount); 3] {
    /// Bridge of the code of representations: nobody, so that it is never initialised.
    const NOBODY: Address = address!("000000000000000000000000000000000000dead");
    let with = |code: &Bytes, slots: &[(u64, Address)]| {
        let mut account = contract(code.clone());
        account.storage = slots
            .iter()
            .filter(|(_, value)| !value.is_zero())
            .map(|(slot, value)| (U256::from(*slot), U256::from_be_bytes(value.into_word().0)))
            .collect();
        account
    };
    let bridge = [
        (0, predeploys::L2_CROSS_DOMAIN_MESSENGER),
        (1, l1.bridge),
        (2, predeploys::BRIDGED_ERC20),
        (3, l1.token_implementation),
    ];
    [
        (
            predeploys::L2_CROSS_DOMAIN_MESSENGER,
            with(
                &L2CrossDomainMessenger::DEPLOYED_BYTECODE,
                &[(2, l1.messenger)],
            ),
        ),
        (
            predeploys::L2_STANDARD_BRIDGE,
            with(&L2StandardBridge::DEPLOYED_BYTECODE, &bridge),
        ),
        (
            predeploys::BRIDGED_ERC20,
            with(&BridgedERC20::DEPLOYED_BYTECODE, &[(6, NOBODY)]),
        ),
    ]
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
        l1_bridge: L1Bridge {
            messenger: address!("00000000000000000000000000000000000000a1"),
            bridge: address!("00000000000000000000000000000000000000a2"),
            token_implementation: address!("00000000000000000000000000000000000000a3"),
        },
    };

    /// Slots by the committed layouts, so that a change of a layout cannot pass unseen.
    #[test]
    fn bridge_slots_are_those_of_the_storage_layouts() {
        let slot = |layout: &str, label: &str| {
            let start = layout.find(&format!("\"label\": \"{label}\"")).unwrap();
            let rest = &layout[start..];
            let at = rest.find("\"slot\": \"").unwrap() + 9;
            U256::from(
                rest[at..]
                    .split('"')
                    .next()
                    .unwrap()
                    .parse::<u64>()
                    .unwrap(),
            )
        };
        let word = |address: Address| U256::from_be_bytes(address.into_word().0);
        let alloc = genesis_alloc(&PARAMS);
        let bridge = include_str!("../snapshots/storage/L2StandardBridge.json");
        let expected = [
            (
                slot(bridge, "messenger"),
                word(predeploys::L2_CROSS_DOMAIN_MESSENGER),
            ),
            (slot(bridge, "otherBridge"), word(PARAMS.l1_bridge.bridge)),
            (
                slot(bridge, "tokenImplementation"),
                word(predeploys::BRIDGED_ERC20),
            ),
            (
                slot(bridge, "otherTokenImplementation"),
                word(PARAMS.l1_bridge.token_implementation),
            ),
        ];
        let got = &alloc[&predeploys::L2_STANDARD_BRIDGE].storage;
        assert_eq!(got, &expected.into_iter().collect());
        let messenger = include_str!("../snapshots/storage/L2CrossDomainMessenger.json");
        let got = &alloc[&predeploys::L2_CROSS_DOMAIN_MESSENGER].storage;
        assert_eq!(
            got[&slot(messenger, "otherMessenger")],
            word(PARAMS.l1_bridge.messenger)
        );
        let token = include_str!("../snapshots/storage/BridgedERC20.json");
        let got = &alloc[&predeploys::BRIDGED_ERC20].storage;
        assert_eq!(got[&slot(token, "bridge")], U256::from(0xdead));
    }

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
