//! Every trie node, code and other preimage that ever was, by its hash; and the state on top of them.

use std::collections::HashMap;

use alloy::primitives::{B256, Bytes, keccak256};
use revm::{
    Database,
    bytecode::Bytecode,
    primitives::{Address, StorageKey, StorageValue},
    state::AccountInfo,
};
use trestle_protocol::{
    CHUNK_BYTES, Preimages, StateDiff, StateRoots, chunk_hashes,
    trie::{EMPTY_ROOT_HASH, MissingNode, Nibbles, NodeSource, StateTrie},
};

/// An archive with the state after the newest block that was applied.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    known: HashMap<B256, Bytes>,
    root: B256,
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            root: EMPTY_ROOT_HASH,
        }
    }
}

impl Archive {
    pub(crate) fn put(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        self.known.insert(keccak256(&bytes), bytes);
    }

    /// Puts what a chunked hash stands for.
    pub(crate) fn put_chunks(&mut self, data: &[u8]) {
        self.put(chunk_hashes(data));
        data.chunks(CHUNK_BYTES)
            .for_each(|chunk| self.put(chunk.to_vec()));
    }

    /// Changes the state as a block did.
    pub(crate) fn apply(&mut self, diff: &StateDiff) -> StateRoots {
        let mut trie = StateTrie::new(self.root);
        trie.apply(diff, &mut &*self).unwrap();
        let roots = trie.roots(&mut &*self).unwrap();
        let changes = trie.take_changes();
        let all = changes.storages.into_values().chain([changes.accounts]);
        let nodes: Vec<_> = all
            .flat_map(|changes| changes.nodes.into_values())
            .flatten()
            .collect();
        nodes.into_iter().for_each(|node| self.put(node));
        diff.codes.values().for_each(|code| self.put(code.clone()));
        self.root = roots.state;
        roots
    }

    fn get(&self, hash: B256) -> Result<Bytes, MissingNode> {
        self.known.get(&hash).cloned().ok_or(MissingNode(hash))
    }
}

impl NodeSource for &Archive {
    type Error = MissingNode;

    fn node(&mut self, _: Option<B256>, _: &Nibbles, hash: B256) -> Result<Bytes, MissingNode> {
        self.get(hash)
    }
}

impl Preimages for &Archive {
    type Error = MissingNode;

    fn keccak(&mut self, hash: B256) -> Result<Bytes, MissingNode> {
        self.get(hash)
    }

    fn blob_element(&mut self, versioned_hash: B256, _: u32) -> Result<B256, MissingNode> {
        Err(MissingNode(versioned_hash))
    }
}

impl Database for Archive {
    type Error = std::convert::Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        let account = StateTrie::new(self.root)
            .account(address, &mut &*self)
            .unwrap();
        Ok(account.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Self::Error> {
        Ok(Bytecode::new_raw(self.get(hash).unwrap()))
    }

    fn storage(&mut self, address: Address, key: StorageKey) -> Result<StorageValue, Self::Error> {
        Ok(StateTrie::new(self.root)
            .storage(address, key, &mut &*self)
            .unwrap())
    }

    fn block_hash(&mut self, _: u64) -> Result<B256, Self::Error> {
        unreachable!("execution answers from the history contract")
    }
}
