//! The state after one block: what execution, `eth_call` and proofs read.

use super::{
    FoundNodes, Snapshot, StoreError,
    codec::{decode_account, decode_word},
    history::Subject,
    layers::layer_at,
    nodes::{find_node, stored_account, stored_node},
    tables::{get, slot_key},
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use revm::{
    bytecode::Bytecode,
    database_interface::DatabaseRef,
    primitives::{StorageKey, StorageValue},
    state::AccountInfo as EvmAccount,
};
use signet_libmdbx::tx::aliases::RoCursorSync;
use std::sync::Arc;
use trestle_protocol::{
    AccountInfo,
    trie::{Nibbles, NodeSource, hash_address},
};

/// The state after one block. Cheap to clone; may move and be shared between threads.
#[derive(Debug, Clone)]
pub struct StateView {
    snapshot: Snapshot,
    number: u64,
    found: Option<Arc<FoundNodes>>,
}

impl StateView {
    pub(super) const fn new(snapshot: Snapshot, number: u64) -> Self {
        Self {
            snapshot,
            number,
            found: None,
        }
    }

    /// The same, keeping the trie nodes beside the accounts that are read, and taking kept ones: `found` is of the same
    /// state.
    #[must_use]
    pub fn keeping(mut self, found: Arc<FoundNodes>) -> Self {
        self.found = Some(found).filter(|found| found.number() == self.number);
        self
    }

    /// The block after which this is the state.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The account; `None` if it does not exist.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn account(&self, address: &Address) -> Result<Option<AccountInfo>, StoreError> {
        if let Some(info) = self.snapshot.recent.account(address, self.number) {
            return Ok(info);
        }
        if let Some(old) = self.historic(Subject::Account(*address))? {
            return decode_account(&old);
        }
        let mut cursor = self.snapshot.tx.cursor(self.snapshot.tables.nodes)?;
        let Some(leaf) = stored_account(&mut cursor, &hash_address(*address))? else {
            return Ok(None);
        };
        let info = leaf.info;
        if let Some(found) = &self.found {
            found.keep(&mut cursor, leaf)?;
        }
        Ok(Some(info))
    }

    /// A storage slot; zero where nothing was written.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn slot(&self, address: &Address, slot: &U256) -> Result<U256, StoreError> {
        if let Some(value) = self.snapshot.recent.slot(address, slot, self.number) {
            return Ok(value);
        }
        if let Some(old) = self.historic(Subject::Slot(*address, *slot))? {
            return decode_word(&old);
        }
        let table = self.snapshot.tables.storage;
        get(&self.snapshot.tx, table, &slot_key(address, slot))?
            .map_or(Ok(U256::ZERO), |bytes| decode_word(&bytes))
    }

    /// Code by its hash, whatever block deployed it.
    ///
    /// # Errors
    /// [`StoreError::UnknownCode`]; when the database cannot be read.
    pub fn code(&self, hash: &B256) -> Result<Bytes, StoreError> {
        if *hash == alloy_primitives::KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        if let Some(code) = self.snapshot.recent.code(hash) {
            return Ok(code);
        }
        let code = get(
            &self.snapshot.tx,
            self.snapshot.tables.codes,
            hash.as_slice(),
        )?;
        let code = code.ok_or(StoreError::UnknownCode { hash: *hash })?;
        Ok(Bytes::from(code.into_owned()))
    }

    /// The value at this block, if a folded block after it changed it.
    fn historic(&self, subject: Subject) -> Result<Option<Vec<u8>>, StoreError> {
        if self.number >= self.snapshot.folded {
            return Ok(None);
        }
        let (tx, tables) = (&self.snapshot.tx, &self.snapshot.tables);
        subject.at(tx, &tables.history, self.number)
    }
}

impl StateView {
    /// What blocks in memory say of a trie node; `None` where the tables have it.
    fn recent_node(
        &self,
        owner: Option<B256>,
        path: &Nibbles,
        hash: B256,
    ) -> Result<Option<Bytes>, StoreError> {
        if self.number < self.snapshot.folded {
            let (number, oldest) = (self.number, self.snapshot.folded);
            return Err(StoreError::NoTrie { number, oldest });
        }
        let Some(block) = self.snapshot.recent.node(owner, path, self.number) else {
            return Ok(None);
        };
        let layer = layer_at(&self.snapshot.layers, block);
        let node = layer.and_then(|layer| find_node(&layer.nodes, owner.as_ref(), path));
        let node = node.flatten().map(Bytes::copy_from_slice);
        Ok(Some(node.ok_or(StoreError::MissingNode { hash })?))
    }

    /// The same nodes for who asks for many, in the order of their paths: a leaf is then found from where the branch
    /// above it was.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn nodes_in_order(&self) -> Result<NodesInOrder<'_>, StoreError> {
        let cursor = self.snapshot.tx.cursor(self.snapshot.tables.nodes)?;
        Ok(NodesInOrder { view: self, cursor })
    }
}

impl NodeSource for StateView {
    type Error = StoreError;

    /// # Errors
    /// [`StoreError::NoTrie`] for a block below the folded head: apply
    /// [`Snapshot::reverse_diff`] to a newer trie instead. [`StoreError::MissingNode`].
    fn node(
        &mut self,
        owner: Option<B256>,
        path: &Nibbles,
        hash: B256,
    ) -> Result<Bytes, StoreError> {
        self.nodes_in_order()?.node(owner, path, hash)
    }
}

/// The trie nodes of a [`StateView`].
#[derive(Debug)]
pub struct NodesInOrder<'a> {
    view: &'a StateView,
    cursor: RoCursorSync<'a>,
}

impl NodeSource for NodesInOrder<'_> {
    type Error = StoreError;

    /// # Errors
    /// Those of [`StateView`].
    fn node(
        &mut self,
        owner: Option<B256>,
        path: &Nibbles,
        hash: B256,
    ) -> Result<Bytes, StoreError> {
        if let Some(node) = self.view.recent_node(owner, path, hash)? {
            return Ok(node);
        }
        let kept = self.view.found.as_ref().filter(|_| owner.is_none());
        if let Some(node) = kept.and_then(|found| found.take(path)) {
            debug_assert_eq!(keccak256(&node), hash);
            return Ok(node);
        }
        let node = stored_node(&mut self.cursor, owner.as_ref(), path)?;
        node.ok_or(StoreError::MissingNode { hash })
    }
}

impl DatabaseRef for StateView {
    type Error = StoreError;

    fn basic_ref(&self, address: Address) -> Result<Option<EvmAccount>, StoreError> {
        let account = self.account(&address)?;
        Ok(account.map(|info| EvmAccount {
            balance: info.balance,
            nonce: info.nonce,
            code_hash: info.code_hash,
            code: None,
            ..EvmAccount::default()
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StoreError> {
        let code = self.code(&hash)?;
        Bytecode::new_raw_checked(code).map_err(|_| StoreError::Decode { what: "code" })
    }

    fn storage_ref(&self, address: Address, key: StorageKey) -> Result<StorageValue, StoreError> {
        self.slot(&address, &key)
    }

    /// Hash of a block of this chain at or below this one, zero otherwise. Execution does not come
    /// here: the protocol answers `BLOCKHASH` from the EIP-2935 storage.
    fn block_hash_ref(&self, number: u64) -> Result<B256, StoreError> {
        if number > self.number {
            return Ok(B256::ZERO);
        }
        Ok(self
            .snapshot
            .header(number)?
            .map_or(B256::ZERO, |header| header.hash))
    }
}
