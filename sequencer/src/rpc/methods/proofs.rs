//! Merkle proofs of accounts and storage at recent blocks.

use alloy::rpc::types::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy::serde::JsonStorageKey;
use alloy_eips::BlockId;
use alloy_primitives::{Address, KECCAK256_EMPTY, U256};
use trestle_protocol::trie::{EMPTY_ROOT_HASH, StateTrie, TrieError};

use crate::{
    rpc::{RpcError, args::Args, chain::sealed_header, context::Context, heavy::Deadline},
    store::{PastNodes, Snapshot, StoreError},
};

/// The state trie of a past block with what its missing nodes are read from.
struct PastTrie {
    trie: StateTrie,
    nodes: PastNodes,
}

impl PastTrie {
    /// Opens the trie after block `number`.
    fn open(context: &Context, snapshot: &Snapshot, number: u64) -> Result<Self, RpcError> {
        let head = snapshot.head().number;
        let most = context.limits.proof_blocks;
        if head.saturating_sub(number) > most {
            return Err(RpcError::input(format!(
                "proofs reach {most} blocks back, block {number} is older"
            )));
        }
        let header = sealed_header(snapshot, number)?;
        Ok(Self {
            trie: StateTrie::untracked(header.header.state_root),
            nodes: snapshot.nodes_at(number)?,
        })
    }

    fn account(
        &mut self,
        address: Address,
        keys: &[JsonStorageKey],
    ) -> Result<EIP1186AccountProofResponse, RpcError> {
        let account = self
            .trie
            .account(address, &mut self.nodes)
            .map_err(broken)?;
        let account_proof = self
            .trie
            .account_proof(address, &mut self.nodes)
            .map_err(broken)?;
        let mut storage_proof = Vec::with_capacity(keys.len());
        for key in keys {
            storage_proof.push(self.slot(address, key)?);
        }
        let absent = (0, U256::ZERO, EMPTY_ROOT_HASH, KECCAK256_EMPTY);
        let (nonce, balance, storage_hash, code_hash) = account.map_or(absent, |a| {
            (a.nonce, a.balance, a.storage_root, a.code_hash)
        });
        Ok(EIP1186AccountProofResponse {
            address,
            balance,
            code_hash,
            nonce,
            storage_hash,
            account_proof,
            storage_proof,
        })
    }

    fn slot(
        &mut self,
        address: Address,
        key: &JsonStorageKey,
    ) -> Result<EIP1186StorageProof, RpcError> {
        let slot = U256::from_be_bytes(key.as_b256().0);
        let value = self
            .trie
            .storage(address, slot, &mut self.nodes)
            .map_err(broken)?;
        let proof = self
            .trie
            .storage_proof(address, slot, &mut self.nodes)
            .map_err(broken)?;
        Ok(EIP1186StorageProof {
            key: *key,
            value,
            proof,
        })
    }
}

fn broken(error: TrieError<StoreError>) -> RpcError {
    match error {
        TrieError::Source(error) => error.into(),
        other => RpcError::internal(other.to_string()),
    }
}

pub(super) fn proof(
    context: &Context,
    mut args: Args,
    _: Deadline,
) -> Result<EIP1186AccountProofResponse, RpcError> {
    let address: Address = args.required()?;
    let keys: Vec<JsonStorageKey> = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    args.end()?;
    let most = context.limits.proof_keys;
    if keys.len() > most {
        return Err(RpcError::params(format!("more than {most} storage keys")));
    }
    let snapshot = context.snapshot()?;
    let number = context.require(&snapshot, id.unwrap_or_default())?;
    PastTrie::open(context, &snapshot, number)?.account(address, &keys)
}
