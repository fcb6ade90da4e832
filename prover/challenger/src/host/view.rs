//! The state after a batch, read without changing anything: accounts, storage, and proofs of both.

use super::{HostError, Store, StoreError, state::Nodes};
use alloy::consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::Decodable;
use trestle_protocol::{
    OutputPreimage,
    trie::{StateTrie, TrieAccount, TrieError},
};

/// The state after a batch.
#[derive(Debug)]
pub struct BatchView<'a> {
    store: &'a dyn Store,
    output: OutputPreimage,
}

impl<'a> BatchView<'a> {
    /// The state under an output root.
    ///
    /// # Errors
    /// [`HostError::Store`].
    pub(super) fn open(store: &'a dyn Store, output_root: B256) -> Result<Self, HostError> {
        let bytes = store
            .preimage(&output_root)?
            .ok_or(StoreError::Missing(output_root))?;
        let output = OutputPreimage::decode(&bytes).ok_or(StoreError::Damaged("output root"))?;
        Ok(Self { store, output })
    }

    /// What the output root commits to.
    #[must_use]
    pub const fn output(&self) -> &OutputPreimage {
        &self.output
    }

    /// RLP of the last block's header.
    ///
    /// # Errors
    /// [`HostError::Store`].
    pub fn header_rlp(&self) -> Result<Bytes, HostError> {
        let hash = self.output.block_hash;
        Ok(self
            .store
            .preimage(&hash)?
            .ok_or(StoreError::Missing(hash))?)
    }

    /// The last block's header.
    ///
    /// # Errors
    /// [`HostError::Store`].
    pub fn header(&self) -> Result<Header, HostError> {
        Header::decode(&mut self.header_rlp()?.as_ref())
            .map_err(|_| StoreError::Damaged("block header").into())
    }

    /// The account at `address`; `None` if there is none.
    ///
    /// # Errors
    /// [`HostError::Store`].
    pub fn account(&self, address: Address) -> Result<Option<TrieAccount>, HostError> {
        self.trie()
            .account(address, &mut Nodes(self.store))
            .map_err(broken)
    }

    /// The value of a storage slot; zero if there is none.
    ///
    /// # Errors
    /// [`HostError::Store`].
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, HostError> {
        self.trie()
            .storage(address, slot, &mut Nodes(self.store))
            .map_err(broken)
    }

    /// Trie nodes from an account's storage root to a slot.
    ///
    /// # Errors
    /// [`HostError::Store`].
    pub fn storage_proof(&self, address: Address, slot: U256) -> Result<Vec<Bytes>, HostError> {
        self.trie()
            .storage_proof(address, slot, &mut Nodes(self.store))
            .map_err(broken)
    }

    fn trie(&self) -> StateTrie {
        StateTrie::untracked(self.output.state_root)
    }
}

fn broken(error: TrieError<StoreError>) -> HostError {
    match error {
        TrieError::Source(error) => error.into(),
        _ => StoreError::Damaged("state trie").into(),
    }
}
