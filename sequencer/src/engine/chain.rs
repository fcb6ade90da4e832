//! The canonical chain: its head, its hot trie, and the only ways to extend or shorten it.

use super::EngineError;
use crate::store::{FoundNodes, Snapshot, StateView, Store, Ticket};
use alloy_primitives::{B256, U256};
use revm::database_interface::WrapDatabaseRef;
use std::sync::Arc;
use trestle_keccak::keccak256_many;
use trestle_protocol::{
    ChainConfig, PendingBlock, SealedBlock, SealedHeader, predeploys,
    trie::{StateTrie, Turn},
};

/// Trie nodes kept in memory; about 150 bytes each.
const HOT_NODES: usize = 4_000_000;

/// The chain as the engine sees it.
#[derive(Debug)]
pub struct Chain {
    config: Arc<ChainConfig>,
    store: Arc<Store>,
    trie: StateTrie,
    /// Where forgetting trie nodes goes on.
    turn: Turn,
    /// What execution on the head has come across.
    found: Arc<FoundNodes>,
    head: SealedHeader,
}

impl Chain {
    /// The chain in `store`, at its newest block.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(config: Arc<ChainConfig>, store: Arc<Store>) -> Result<Self, EngineError> {
        let head = head_of(&store.sequenced()?)?;
        let trie = hot_trie(&head);
        Ok(Self {
            config,
            store,
            trie,
            turn: Turn::default(),
            found: Arc::new(FoundNodes::after(head.header.number)),
            head,
        })
    }

    /// The newest block.
    pub const fn head(&self) -> &SealedHeader {
        &self.head
    }

    /// The chain's configuration.
    pub const fn config(&self) -> &Arc<ChainConfig> {
        &self.config
    }

    /// The store below.
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The state after the head, for execution.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn state(&self) -> Result<WrapDatabaseRef<StateView>, EngineError> {
        Ok(WrapDatabaseRef(self.view()?))
    }

    fn view(&self) -> Result<StateView, EngineError> {
        let state = self.store.sequenced()?.state_at(self.head.header.number)?;
        Ok(state.keeping(Arc::clone(&self.found)))
    }

    fn set_head(&mut self, head: SealedHeader) {
        self.found = Arc::new(FoundNodes::after(head.header.number));
        self.head = head;
    }

    /// Seals a block on the head and hands it to the store.
    ///
    /// # Errors
    /// When the trie cannot be read or the store refuses: then nothing has changed.
    pub fn append(
        &mut self,
        pending: PendingBlock,
    ) -> Result<(Arc<SealedBlock>, Ticket), EngineError> {
        let appended = self.try_append(pending, None);
        if !matches!(appended, Ok(Some(_))) {
            self.trie = hot_trie(&self.head);
        }
        appended?.ok_or(EngineError::Internal("block was refused for no reason"))
    }

    /// The same for a block that must get the hash `expected`; gives whether it did. If not, nothing
    /// has changed.
    ///
    /// # Errors
    /// As [`Chain::append`].
    pub fn append_expected(
        &mut self,
        pending: PendingBlock,
        expected: B256,
    ) -> Result<bool, EngineError> {
        let appended = self.try_append(pending, Some(expected));
        if !matches!(appended, Ok(Some(_))) {
            self.trie = hot_trie(&self.head);
        }
        Ok(appended?.is_some())
    }

    fn try_append(
        &mut self,
        pending: PendingBlock,
        expected: Option<B256>,
    ) -> Result<Option<(Arc<SealedBlock>, Ticket)>, EngineError> {
        self.store.wait_for_room()?;
        let view = self.view()?;
        let mut trie_nodes = view.nodes_in_order()?;
        self.trie
            .apply_with(pending.diff(), &mut trie_nodes, &keccak256_many)?;
        let roots = self.trie.roots_with(&mut trie_nodes, &keccak256_many)?;
        let nodes = self.trie.take_changes();
        let block = Arc::new(pending.seal(roots));
        if expected.is_some_and(|expected| expected != block.header.hash) {
            return Ok(None);
        }
        let ticket = self.store.append(Arc::clone(&block), nodes)?;
        self.set_head(block.header.clone());
        self.trie.prune_in_turn(HOT_NODES, &mut self.turn);
        Ok(Some((block, ticket)))
    }

    /// Makes block `number` the head again.
    ///
    /// # Errors
    /// When there is no such block, or the store refuses.
    pub fn unwind(&mut self, number: u64) -> Result<(), EngineError> {
        self.store.unwind(number)?;
        self.set_head(head_of(&self.store.sequenced()?)?);
        self.trie = hot_trie(&self.head);
        Ok(())
    }

    /// Header of block `number`, if the chain has it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn header(&self, number: u64) -> Result<Option<SealedHeader>, EngineError> {
        Ok(self.store.sequenced()?.header(number)?)
    }

    /// Whether block `number` of the chain has this hash.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn has(&self, number: u64, hash: B256) -> Result<bool, EngineError> {
        Ok(self
            .header(number)?
            .is_some_and(|header| header.hash == hash))
    }
}

/// First queue entry that is not consumed in a state.
///
/// # Errors
/// When the store cannot be read.
pub fn next_deposit(view: &StateView) -> Result<u64, EngineError> {
    let word = view.slot(&predeploys::ROLLUP_STATE, &U256::ZERO)?;
    Ok(word.wrapping_to::<u64>())
}

/// The trie after `head`, nothing of which is read yet.
fn hot_trie(head: &SealedHeader) -> StateTrie {
    let mut trie = StateTrie::new(head.header.state_root);
    trie.reserve(HOT_NODES);
    trie
}

fn head_of(snapshot: &Snapshot) -> Result<SealedHeader, EngineError> {
    snapshot
        .header(snapshot.head().number)?
        .ok_or(EngineError::Internal("store has no block at its head"))
}
