//! The node's durable store: blocks, state, trie nodes, pool and L1 bookkeeping in one directory.
//!
//! ```text
//!                 ┌────────── memory: layers of unfolded blocks, marks, pool ◄─── snapshots, views
//! engine ─append─►│                                                                   ▲
//!                 └─► journal thread ──fdatasync──► durable head, tickets             │
//!                          │ segments                                                 │
//!                          └─► fold thread ──one transaction a round──► MDBX ─────────┘
//! ```
//!
//! **Writing.** Every change is a numbered record in the journal (`store/journal`): a block, an unwind,
//! a transaction admitted to or dropped from the pool, marks. It is visible in memory at once and
//! *durable* when the journal's thread has synced it; what has queued up meanwhile shares one sync.
//! In the background whole runs of durable records are folded into MDBX in one durable transaction,
//! which also notes the last record it holds; then the segments below it are removed. MDBX never
//! runs ahead of the journal.
//!
//! **Reading.** A [`Snapshot`] is one read transaction of MDBX and the layers above it, taken
//! together, and stays as it was. [`Store::durable`] ends at the durable head: what it shows may be
//! served to users. [`Store::sequenced`] includes what is not on disk yet, for the engine. A
//! [`StateView`] is the state after any block: layers, then history, then the latest value.
//! History holds, for each key and block, the value that the block replaced; so the value at block
//! `n` is that of the first entry above `n`, and the latest one where there is none. Trie nodes are
//! kept for unfolded blocks and the folded head; for older ones [`Snapshot::nodes_at`] takes back what changed since.
//!
//! **Unwinding** is journaled first, then carried out in memory and, below the folded head, in one
//! MDBX transaction. A crash anywhere leaves the old chain or the new one. Pool transactions of
//! the blocks dropped return to the pool.
//!
//! **Failure.** When the disk refuses, nothing accepted is dropped: calls answer
//! [`StoreError::Stalled`], the journal is tried again in a new segment, and work resumes when it
//! succeeds. Acknowledge a block or a transaction to a user only when its [`Ticket`] says durable.
//!
//! **Invariants.** (1) durable head ≤ head; folded head ≤ durable head. (2) Records have no gaps.
//! (3) Layers are consecutive and follow a folded block. (4) The tables are always exactly the state
//! after their last record. (5) State roots recomputed on recovery and unwinding equal the headers'.
//!
//! Absent on purpose: pruning of history, execution, any rule of the protocol.

mod block;
mod changed;
mod codec;
mod core;
mod error;
mod files;
mod fold;
mod found;
mod history;
mod journal;
mod lag;
mod layers;
mod marks;
mod nodes;
mod open;
mod packed;
mod past;
mod places;
mod pool;
mod portable;
mod progress;
mod recent;
mod runs;
mod sent;
mod snapshot;
mod state;
mod tables;
#[cfg(test)]
pub(crate) mod tests;

pub use block::{BlockRef, BlockTransactions, Identity};
pub use error::StoreError;
pub use files::{Appender, Disk, Files, Point};
pub use found::FoundNodes;
pub use lag::{Lag, UNFOLDED_MIB};
pub use marks::{Mark, MarkBatch};
pub use past::{HashedNodes, PastNodes};
pub use portable::{SnapshotError, restore_snapshot};
pub use progress::Ticket;
pub use sent::SentTransactions;
pub use snapshot::Snapshot;
pub use state::StateView;

use alloy_primitives::{B256, Bytes};
use core::Core;
use journal::{Journal, JournalConfig, Op};
use layers::{Layer, layer_at};
use open::{Directory, Opening};
use parking_lot::Mutex;
use progress::Report;
use std::{path::PathBuf, sync::Arc, thread::JoinHandle, time::Duration};
use tokio::sync::watch;
use trestle_protocol::{SealedBlock, trie::StateTrieChanges};

/// What memory knows of a transaction.
#[derive(Debug, Clone)]
pub enum LookUp {
    /// It is in this durable block, at this place.
    Included(Arc<SealedBlock>, u32),
    /// It is in the pool, or in a block that is not on disk yet.
    Waits,
    /// It may be in a block that is in the tables, or nowhere.
    Unknown,
}

/// Pause between folds of a node: the longer, the more changes of one page of the database are written as one;
/// a start after a crash replays as much, and memory holds it.
const FOLD_EVERY: Duration = Duration::from_secs(2);

/// How to open a [`Store`].
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The data directory; created if missing.
    pub path: PathBuf,
    /// The chain it must belong to.
    pub identity: Identity,
    /// Block 0 with the genesis state as its diff; written into a new directory.
    pub genesis: Arc<SealedBlock>,
    /// The file system under the journal.
    pub files: Arc<dyn Files>,
    /// Size at which a journal segment is closed, in bytes.
    pub segment_bytes: usize,
    /// Pause between folds, and before a failed write is tried again. `None`: fold only when asked.
    pub fold_every: Option<Duration>,
    /// Pause before a failed journal write is tried again.
    pub retry_every: Duration,
    /// Bytes of memory, estimated, that what is not folded may take: see [`Lag`].
    pub unfolded_bound: usize,
}

impl StoreConfig {
    /// The settings of a node.
    pub fn new(path: PathBuf, identity: Identity, genesis: Arc<SealedBlock>) -> Self {
        Self {
            path,
            identity,
            genesis,
            files: Arc::new(Disk),
            segment_bytes: 64 << 20,
            fold_every: Some(FOLD_EVERY),
            retry_every: Duration::from_millis(500),
            unfolded_bound: (UNFOLDED_MIB as usize) << 20,
        }
    }
}

/// The node's durable store. Share it in an `Arc`; dropping it writes out the journal's queue.
#[derive(Debug)]
pub struct Store {
    core: Arc<Core>,
    queue: Mutex<Queue>,
    folder: Option<Folder>,
    _directory: Directory,
}

/// The way into the journal; whoever holds it decides the order of records.
#[derive(Debug)]
struct Queue {
    journal: Journal,
    next_record: u64,
    /// Why nothing may be written until the directory is opened anew.
    halted: Option<Arc<str>>,
}

impl Store {
    /// Opens a data directory and recovers what a crash left.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process uses it, [`StoreError::ForeignChain`] and
    /// [`StoreError::Format`] when it is not ours, [`StoreError::Corrupt`] and
    /// [`StoreError::MissingRecords`] when durable bytes are gone, and whatever the disk says.
    pub fn open(config: StoreConfig) -> Result<Self, StoreError> {
        let directory = Directory::lock(&config.path)?;
        let opening = Opening {
            directory: &directory,
            files: Arc::clone(&config.files),
            identity: config.identity,
            genesis: &config.genesis,
            unfolded_bound: config.unfolded_bound,
        };
        let (core, next_record, next_segment) = opening.recover()?;
        let core = Arc::new(core);
        let journal = JournalConfig {
            files: config.files,
            dir: directory.journal.clone(),
            identity: config.identity,
            segment_bytes: config.segment_bytes,
            retry: config.retry_every,
        };
        let report = Box::new(Report(Arc::clone(&core.shared)));
        let journal = Journal::start(journal, next_record, next_segment, report)?;
        let folder = config
            .fold_every
            .map(|pause| Folder::start(&core, pause))
            .transpose()?;
        let queue = Mutex::new(Queue {
            journal,
            next_record,
            halted: None,
        });
        Ok(Self {
            core,
            queue,
            folder,
            _directory: directory,
        })
    }

    /// Puts a block on top of the head, with the trie nodes it changes. It is visible to
    /// [`Store::sequenced`] at once.
    ///
    /// # Errors
    /// [`StoreError::NotNext`] unless it follows the head; [`StoreError::Stalled`] while the disk
    /// refuses: then it was not taken.
    pub fn append(
        &self,
        block: impl Into<Arc<SealedBlock>>,
        nodes: StateTrieChanges,
    ) -> Result<Ticket, StoreError> {
        let block = block.into();
        let layer = Arc::new(Layer::new(Arc::clone(&block), nodes));
        let mut queue = self.queue.lock();
        // Held until the layer is in: a fold that finds the block on disk must find it in memory too.
        let mut memory = self.core.memory.write();
        memory.check_next(&block)?;
        let ticket = self.push(&mut queue, vec![Op::Block(block)])?;
        memory.push(layer);
        Ok(ticket)
    }

    /// Makes block `number` the head, and returns when that is on disk.
    ///
    /// # Errors
    /// [`StoreError::UnknownBlock`] above the head. [`StoreError::Halted`] when the disk refused
    /// halfway: opening the directory anew finds the old chain or the new one.
    pub fn unwind(&self, number: u64) -> Result<(), StoreError> {
        let mut queue = self.queue.lock();
        let snapshot = self.core.sequenced()?;
        let hash = match snapshot.header(number)? {
            Some(header) => header.hash,
            None => return Err(StoreError::UnknownBlock { number }),
        };
        drop(snapshot);
        let to = BlockRef { number, hash };
        let ticket = self.push(&mut queue, vec![Op::Unwind(to)])?;
        self.finish_unwind(&ticket, to).map_err(|source| {
            let cause: Arc<str> = source.to_string().into();
            queue.halted = Some(Arc::clone(&cause));
            StoreError::Halted { cause }
        })
    }

    fn finish_unwind(&self, ticket: &Ticket, to: BlockRef) -> Result<(), StoreError> {
        ticket.wait()?;
        let reached = self.core.files.reached(Point::UnwindJournaled);
        reached.map_err(StoreError::io("unwind", "the journal"))?;
        self.core.unwind_memory(to)
    }

    /// Puts transactions, EIP-2718 encoded and by hash, into the pool. Their hashes may be returned
    /// to users once the ticket is durable.
    ///
    /// # Errors
    /// [`StoreError::Stalled`] while the disk refuses.
    pub fn admit(
        &self,
        transactions: impl IntoIterator<Item = (B256, Bytes)>,
    ) -> Result<Ticket, StoreError> {
        self.push_small(
            transactions
                .into_iter()
                .map(|(hash, raw)| Op::Admit(hash, raw))
                .collect(),
        )
    }

    /// Takes transactions that will never be included out of the pool.
    ///
    /// # Errors
    /// [`StoreError::Stalled`] while the disk refuses.
    pub fn forget(&self, hashes: impl IntoIterator<Item = B256>) -> Result<Ticket, StoreError> {
        self.push_small(hashes.into_iter().map(Op::Forget).collect())
    }

    /// Transactions admitted and in no block, in no particular order: for the mempool after a
    /// start, and after an unwind.
    pub fn pool(&self) -> Vec<Bytes> {
        self.core.memory.read().pool.values().cloned().collect()
    }

    /// Everything that is on disk: what users may be told.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn durable(&self) -> Result<Snapshot, StoreError> {
        self.core.durable()
    }

    /// Everything appended, on disk or not: what the engine builds on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sequenced(&self) -> Result<Snapshot, StoreError> {
        self.core.sequenced()
    }

    /// Looks for a transaction in memory alone, where nearly every question about a receipt ends: without a read
    /// transaction of the database.
    pub fn look_up(&self, hash: &B256) -> LookUp {
        let memory = self.core.memory.read();
        let Some((number, index)) = memory.recent.transaction(hash) else {
            return match memory.pool.contains_key(hash) {
                true => LookUp::Waits,
                false => LookUp::Unknown,
            };
        };
        let durable = self.core.shared.durable_now().number;
        match layer_at(&memory.layers, number) {
            Some(layer) if number <= durable => LookUp::Included(Arc::clone(&layer.block), index),
            Some(_) => LookUp::Waits,
            None => LookUp::Unknown,
        }
    }

    /// The newest block appended.
    pub fn head(&self) -> BlockRef {
        self.core.memory.read().head
    }

    /// The newest block on disk, to be watched. It goes back when blocks are unwound.
    pub fn durable_head(&self) -> watch::Receiver<BlockRef> {
        self.core.shared.durable_head()
    }

    /// Blocks in memory that are not in the tables yet: grows when folding cannot keep up.
    pub fn unfolded_blocks(&self) -> usize {
        self.core.memory.read().layers.len()
    }

    /// How far folds are behind. Whoever makes blocks keeps the pause that it asks for.
    pub fn lag(&self) -> Lag {
        self.core.shared.lag()
    }

    /// Waits while folds are so far behind that no block may come. Returns at once where no thread folds.
    ///
    /// # Errors
    /// [`StoreError::Stalled`] while the disk refuses.
    pub fn wait_for_room(&self) -> Result<(), StoreError> {
        match self.folder {
            Some(_) => self.core.shared.wait_for_room(),
            None => Ok(()),
        }
    }

    /// Fails while blocks cannot be written, with the reason.
    ///
    /// # Errors
    /// [`StoreError::Stalled`], [`StoreError::Halted`].
    pub fn check(&self) -> Result<(), StoreError> {
        self.queue.lock().check(&self.core)
    }

    /// Folds everything that is on disk, now.
    ///
    /// # Errors
    /// When the database refuses; nothing is lost, the next fold tries again.
    pub fn fold(&self) -> Result<(), StoreError> {
        self.core.fold_all()
    }

    /// Writes everything out and folds it, so that the next start has nothing to recover.
    ///
    /// # Errors
    /// When the disk refuses; what was durable stays so.
    pub fn close(self) -> Result<(), StoreError> {
        let record = self.queue.lock().next_record.saturating_sub(1);
        self.ticket(record).wait()?;
        self.core.fold_all()
    }

    fn push_small(&self, ops: Vec<Op>) -> Result<Ticket, StoreError> {
        let mut queue = self.queue.lock();
        let first = queue.next_record;
        // As in `append`: nothing is folded before memory knows it.
        let mut memory = self.core.memory.write();
        let ticket = self.push(&mut queue, ops.clone())?;
        for (record, op) in (first..).zip(&ops) {
            memory.apply_small(record, op);
        }
        Ok(ticket)
    }

    fn push(&self, queue: &mut Queue, ops: Vec<Op>) -> Result<Ticket, StoreError> {
        queue.check(&self.core)?;
        for op in ops {
            self.core.shared.count(&op);
            queue.journal.push(queue.next_record, op)?;
            queue.next_record += 1;
        }
        Ok(self.ticket(queue.next_record.saturating_sub(1)))
    }

    fn ticket(&self, record: u64) -> Ticket {
        Ticket {
            record,
            shared: Arc::clone(&self.core.shared),
        }
    }
}

impl Queue {
    fn check(&self, core: &Core) -> Result<(), StoreError> {
        match &self.halted {
            Some(cause) => Err(StoreError::Halted {
                cause: Arc::clone(cause),
            }),
            None => core.shared.check(),
        }
    }
}

/// The fold thread; dropping it ends the thread after the round it is in.
#[derive(Debug)]
struct Folder {
    core: Arc<Core>,
    thread: Option<JoinHandle<()>>,
}

impl Folder {
    fn start(core: &Arc<Core>, pause: Duration) -> Result<Self, StoreError> {
        let inner = Arc::clone(core);
        let thread = std::thread::Builder::new()
            .name("fold".into())
            .spawn(move || inner.fold_until_closed(pause))
            .map_err(StoreError::io("start", "the fold thread"))?;
        Ok(Self {
            core: Arc::clone(core),
            thread: Some(thread),
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.core.shared.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.folder.take());
    }
}
