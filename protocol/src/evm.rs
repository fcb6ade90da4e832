//! How a block and a transaction look to revm; the only place that chooses fork and EVM settings.
//!
//! Execution and the RPC's calls build their EVM here, so a call sees what a transaction sees.

use crate::{ChainConfig, recover::recover_authorizations};
use alloy_consensus::{Header, Transaction};
use alloy_primitives::{Address, U256};
use op_alloy_consensus::OpTxEnvelope;
use revm::{
    Context, Database, MainBuilder, MainContext,
    context::{BlockEnv, CfgEnv, TxEnv, either::Either},
    context_interface::block::BlobExcessGasAndPrice,
    handler::{MainnetContext, MainnetEvm},
    primitives::{eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE, hardfork::SpecId},
};

/// The fork whose EVM the chain runs.
pub const SPEC_ID: SpecId = SpecId::OSAKA;

/// EVM settings for user transactions.
#[must_use]
pub fn evm_config(config: &ChainConfig) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(SPEC_ID).with_chain_id(config.l2_chain_id);
    cfg.tx_gas_limit_cap = Some(config.tx_gas_limit);
    cfg
}

/// The block that `header` describes, as the EVM sees it.
#[must_use]
pub fn block_env(header: &Header) -> BlockEnv {
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: U256::ZERO,
        prevrandao: Some(header.mix_hash),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice::new(
            0,
            BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE,
        )),
        slot_num: 0,
    }
}

/// An EVM over `db`.
pub fn evm<DB: Database>(config: &ChainConfig, block: BlockEnv, db: DB) -> Evm<DB> {
    Context::mainnet()
        .with_db(db)
        .with_cfg(evm_config(config))
        .with_block(block)
        .build_mainnet()
}

/// The EVM of the chain.
pub type Evm<DB> = MainnetEvm<MainnetContext<DB>>;

/// A user transaction as the EVM takes it.
#[must_use]
pub fn tx_env(tx: &OpTxEnvelope, sender: Address) -> TxEnv {
    let authorizations = tx
        .authorization_list()
        .map(recover_authorizations)
        .unwrap_or_default();
    TxEnv {
        tx_type: u8::from(tx.tx_type()),
        caller: sender,
        gas_limit: tx.gas_limit(),
        gas_price: tx.max_fee_per_gas(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: tx.max_priority_fee_per_gas(),
        authorization_list: authorizations.into_iter().map(Either::Right).collect(),
        ..TxEnv::default()
    }
}
