//! Proofs in the form of `eth_getProof`: the stored nodes from the root down to a key, or down to
//! where its path ends, which proves that it is absent.

use super::{
    MissingNode, NodeSource, NodesByHash, Trie, TrieAccount, TrieError,
    encode::encode,
    node::{Id, Reference},
    state::{decode_account, decode_storage, hash_address, hash_slot},
    walk::Found,
};
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, U256};

/// Why a proof does not show what it claims.
pub type ProofError = TrieError<MissingNode>;

impl Trie {
    /// The nodes that prove what `key` holds, or that it holds nothing, under [`Self::root`].
    /// Nodes of less than 32 bytes are part of their parent. Empty for an empty trie.
    ///
    /// # Errors
    /// [`TrieError::Source`] and [`TrieError::Malformed`] when a node on the way cannot be had.
    pub fn proof<S: NodeSource + ?Sized>(
        &mut self,
        key: B256,
        src: &mut S,
    ) -> Result<Vec<Bytes>, TrieError<S::Error>> {
        self.root();
        let end = self.descend(&key, src)?;
        let last = (end.found != Found::Vacant).then_some((end.id, end.depth));
        Ok(self
            .trail
            .iter()
            .copied()
            .chain(last)
            .filter_map(|node| self.stored_rlp(node))
            .collect())
    }

    /// The RLP of a node, unless it is part of its parent.
    fn stored_rlp(&self, (id, depth): (Id, usize)) -> Option<Bytes> {
        let Reference::Hash(_) = self.arena.get(id).reference else {
            return None;
        };
        let mut rlp = Vec::new();
        encode(&self.arena, id, depth, &mut rlp);
        Some(rlp.into())
    }
}

/// What `key` holds in the trie under `root`, as `proof` shows it. Order and further nodes in the
/// proof do not matter.
///
/// # Errors
/// [`TrieError::Source`] when a node is missing, also because it hashes to something else;
/// [`TrieError::Malformed`] when a node is no trie node.
pub fn verify_proof(root: B256, key: B256, proof: &[Bytes]) -> Result<Option<Vec<u8>>, ProofError> {
    let mut nodes = NodesByHash::new(proof.iter().cloned());
    Ok(Trie::untracked(None, root)
        .get(key, &mut nodes)?
        .map(<[u8]>::to_vec))
}

/// The account at `address` under a state root, as `proof` shows it; `None` if there is none.
///
/// # Errors
/// As [`verify_proof`], and [`TrieError::Value`] when the leaf holds no account.
pub fn verify_account_proof(
    state_root: B256,
    address: Address,
    proof: &[Bytes],
) -> Result<Option<TrieAccount>, ProofError> {
    let key = hash_address(address);
    let value = verify_proof(state_root, key, proof)?;
    value
        .map(|rlp| decode_account(&rlp).ok_or(TrieError::Value { owner: None, key }))
        .transpose()
}

/// The value of a storage slot under an account's storage root, as `proof` shows it.
///
/// # Errors
/// As [`verify_proof`], and [`TrieError::Value`] when the leaf holds no storage value.
pub fn verify_storage_proof(
    storage_root: B256,
    slot: U256,
    proof: &[Bytes],
) -> Result<U256, ProofError> {
    let key = hash_slot(slot);
    let value = verify_proof(storage_root, key, proof)?;
    value.map_or(Ok(U256::ZERO), |rlp| {
        decode_storage(&rlp).ok_or(TrieError::Value { owner: None, key })
    })
}
