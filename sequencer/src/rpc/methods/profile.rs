//! What the chain and this node can do: `eth_config` (EIP-7910) and `eth_capabilities`.

use alloy_primitives::{Address, B256, Bytes, U64};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use trestle_protocol::predeploys::HISTORY_STORAGE;

use crate::rpc::{RpcError, args::Args, chain::sealed_header, context::Context};

/// Names of Osaka's precompiles in EIP-7910, with the last two bytes of their addresses.
const PRECOMPILES: [(&str, u16); 18] = [
    ("BLAKE2F", 0x09),
    ("BLS12_G1ADD", 0x0b),
    ("BLS12_G1MSM", 0x0c),
    ("BLS12_G2ADD", 0x0d),
    ("BLS12_G2MSM", 0x0e),
    ("BLS12_MAP_FP2_TO_G2", 0x11),
    ("BLS12_MAP_FP_TO_G1", 0x10),
    ("BLS12_PAIRING_CHECK", 0x0f),
    ("BN254_ADD", 0x06),
    ("BN254_MUL", 0x07),
    ("BN254_PAIRING", 0x08),
    ("ECREC", 0x01),
    ("ID", 0x04),
    ("KZG_POINT_EVALUATION", 0x0a),
    ("MODEXP", 0x05),
    ("P256VERIFY", 0x0100),
    ("RIPEMD160", 0x03),
    ("SHA256", 0x02),
];

/// One fork for ever: the EVM is Osaka's from genesis on. Blobs are refused, so their schedule is
/// zero; the fork id is taken over the genesis hash alone.
pub(super) fn config(context: &Context, args: Args) -> Result<Value, RpcError> {
    args.end()?;
    let snapshot = context.snapshot()?;
    let genesis = sealed_header(&snapshot, 0)?;
    let precompiles: BTreeMap<&str, Address> = PRECOMPILES
        .into_iter()
        .map(|(name, number)| (name, Address::left_padding_from(&number.to_be_bytes())))
        .collect();
    let fork_id: Bytes = fork_hash(&genesis.hash).to_vec().into();
    Ok(json!({
        "current": {
            "activationTime": genesis.header.timestamp,
            "blobSchedule": { "baseFeeUpdateFraction": 5_007_716, "max": 0, "target": 0 },
            "chainId": U64::from(context.config.l2_chain_id),
            "forkId": fork_id,
            "precompiles": precompiles,
            "systemContracts": { "HISTORY_STORAGE_ADDRESS": HISTORY_STORAGE },
        },
        "next": null,
        "last": null,
    }))
}

/// CRC-32 (IEEE) of the genesis hash, as EIP-2124 has it for a chain without forks.
fn fork_hash(genesis: &B256) -> [u8; 4] {
    crc32fast::hash(genesis.as_slice()).to_be_bytes()
}

/// Which part of history one kind of query reaches.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reach {
    disabled: bool,
    oldest_block: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_strategy: Option<Value>,
}

impl Reach {
    const fn everything() -> Self {
        Self {
            disabled: false,
            oldest_block: U64::ZERO,
            delete_strategy: None,
        }
    }
}

/// Nothing is pruned; proofs reach as far back as their limit.
pub(super) fn capabilities(context: &Context, args: Args) -> Result<Value, RpcError> {
    args.end()?;
    let head = context.snapshot()?.head();
    let window = context.limits.proof_blocks;
    let proofs = Reach {
        oldest_block: U64::from(head.number.saturating_sub(window)),
        delete_strategy: Some(json!({ "type": "window", "retentionBlocks": U64::from(window) })),
        ..Reach::everything()
    };
    Ok(json!({
        "head": { "number": U64::from(head.number), "hash": head.hash },
        "state": Reach::everything(),
        "tx": Reach::everything(),
        "logs": Reach::everything(),
        "receipts": Reach::everything(),
        "blocks": Reach::everything(),
        "stateproofs": proofs,
    }))
}
