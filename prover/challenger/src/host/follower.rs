//! Derivation of all batches from L1's log: the output root after each, and what a proof of it reads.

use super::{
    Additions, BatchRecord, BatchView, HostError, L1Batch, LogPosition, Payload, Recorded, Store,
    StoreError, recorded::Recorder, state::State,
};
use alloy::consensus::TxReceipt;
use alloy_primitives::{B256, Bytes, Log};
use alloy_rlp::Decodable;
use std::sync::Arc;
use trestle_guest::{BatchInput, prove};
use trestle_protocol::{
    BatchContent, ChainConfig, Derivation, Genesis, OutputPreimage, SealedHeader,
    trie::EMPTY_ROOT_HASH,
};

/// A replica without a node: output roots and preimages of every batch. A clone stands where it was made.
#[derive(Debug, Clone)]
pub struct Follower {
    chain: ChainConfig,
    store: Arc<dyn Store>,
    newest: BatchRecord,
}

impl Follower {
    /// Goes on where `store` stands, or begins with the genesis; the log then begins at L1 block 0, or
    /// where [`Self::begin_at`] says.
    ///
    /// # Errors
    /// [`HostError::Chain`] when the store belongs to another chain, [`HostError::Store`].
    pub fn open(
        chain: ChainConfig,
        genesis: &Genesis,
        store: Arc<dyn Store>,
    ) -> Result<Self, HostError> {
        let newest = match store.newest()? {
            Some(newest) => newest,
            None => write_genesis(&chain, genesis, store.as_ref())?,
        };
        let first = store.record(0)?.ok_or(StoreError::Damaged("no genesis"))?;
        if first.block_hash != chain.genesis_hash {
            return Err(HostError::Chain {
                expected: chain.genesis_hash,
                got: first.block_hash,
            });
        }
        Ok(Self {
            chain,
            store,
            newest,
        })
    }

    /// Skips L1 blocks before `block`, that of the Inbox's deployment, when nothing is derived yet.
    pub const fn begin_at(&mut self, block: u64) {
        if self.newest.position.block < block && self.newest.position.batches == 0 {
            self.newest.position.block = block;
        }
    }

    /// Where the log goes on.
    #[must_use]
    pub const fn position(&self) -> LogPosition {
        self.newest.position
    }

    /// The newest batch that is derived; number 0 is the genesis.
    #[must_use]
    pub const fn newest(&self) -> &BatchRecord {
        &self.newest
    }

    /// The chain's configuration.
    #[must_use]
    pub const fn chain(&self) -> &ChainConfig {
        &self.chain
    }

    /// A batch that is derived.
    ///
    /// # Errors
    /// [`HostError::Unknown`] when it is not, [`HostError::Store`].
    pub fn record(&self, batch: u64) -> Result<BatchRecord, HostError> {
        let newest = self.newest.batch();
        let unknown = HostError::Unknown {
            asked: batch,
            newest,
        };
        if batch > newest {
            return Err(unknown);
        }
        self.store.record(batch)?.ok_or(unknown)
    }

    /// Takes the next batch in; executes all of it.
    ///
    /// # Errors
    /// [`HostError::Order`] and [`HostError::Log`] when it does not follow the newest batch,
    /// [`HostError::Store`], [`HostError::Derivation`]. Nothing is changed then.
    pub fn derive(&mut self, batch: &L1Batch) -> Result<BatchRecord, HostError> {
        self.derive_with(batch, &mut |_, _| ())
    }

    /// As [`Self::derive`]; `on_log` hears of every log of the batch with the number of its L2 block, before anything
    /// is written.
    ///
    /// # Errors
    /// As [`Self::derive`].
    pub fn derive_with(
        &mut self,
        batch: &L1Batch,
        on_log: &mut dyn FnMut(u64, &Log),
    ) -> Result<BatchRecord, HostError> {
        self.check(batch)?;
        let number = batch.header.index;
        let (mut head, root) = self.head()?;
        let payload = batch.payload_bytes();
        let mut derivation = Derivation::new(
            &self.chain,
            &batch.header,
            batch.entries.clone(),
            payload.as_ref().map(AsRef::as_ref),
        );
        let mut state = State::new(self.store.as_ref(), root);
        let failed = |reason: String| HostError::Derivation {
            batch: number,
            reason,
        };
        while let Some(block) = derivation
            .next_block(&head, &mut state)
            .map_err(|error| failed(error.to_string()))?
        {
            let roots = state
                .apply(block.diff())
                .map_err(|error| failed(error.to_string()))?;
            let sealed = block.seal(roots);
            let logs = sealed.body.receipts.iter().flat_map(TxReceipt::logs);
            logs.for_each(|log| on_log(sealed.header.header.number, log));
            head = sealed.header;
        }
        let mut additions = Additions {
            preimages: state.into_preimages(),
            blobs: blobs_of(batch),
        };
        additions.preimages.extend(batch.preimages());
        additions.preimages.extend(head_preimages(&head));
        let record = record_of(&head, batch.position);
        self.store.append(&record, additions)?;
        self.newest = record;
        Ok(record)
    }

    fn check(&self, batch: &L1Batch) -> Result<(), HostError> {
        let (at, number) = (&self.newest.position, batch.header.index);
        if at.batches.checked_add(1) != Some(number) {
            return Err(HostError::Order {
                newest: at.batches,
                got: number,
            });
        }
        let follows = at.batch_acc == batch.acc_before
            && at.entry_acc == batch.deposit_acc_before
            && at.entries == batch.header.deposit_from
            && batch.is_content_right();
        if follows {
            Ok(())
        } else {
            Err(HostError::Log {
                what: "batch",
                index: number,
            })
        }
    }

    /// Forgets every batch above `batch`, after an L1 reorg.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::Store`].
    pub fn unwind(&mut self, batch: u64) -> Result<(), HostError> {
        let record = self.record(batch)?;
        self.store.unwind(batch)?;
        self.newest = record;
        Ok(())
    }

    /// What the machine is started with for a batch.
    ///
    /// # Errors
    /// [`HostError::Unknown`], also for the genesis; [`HostError::Store`].
    pub fn input(&self, batch: u64) -> Result<BatchInput, HostError> {
        let unknown = HostError::Unknown {
            asked: batch,
            newest: self.newest.batch(),
        };
        let before = self.record(batch.checked_sub(1).ok_or(unknown)?)?;
        let after = self.record(batch)?;
        Ok(BatchInput {
            config_hash: self.chain.hash(),
            output_before: before.output_root,
            batch_acc_before: before.position.batch_acc,
            batch_acc_after: after.position.batch_acc,
        })
    }

    /// Every preimage that a proof of a batch reads, found by running the transition natively.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::Store`], [`HostError::Transition`];
    /// [`HostError::Disagreement`] when the transition and derivation differ, which is a bug.
    pub fn inputs(&self, batch: u64) -> Result<Recorded, HostError> {
        let input = self.input(batch)?;
        let mut recorder = Recorder::new(self.store.as_ref(), &self.chain, &input);
        let proven =
            prove(input.hash(), &mut recorder).map_err(|source| HostError::Transition {
                batch,
                source: Box::new(source),
            })?;
        let derived = self.record(batch)?.output_root;
        if proven != derived {
            return Err(HostError::Disagreement {
                batch,
                derived,
                proven,
            });
        }
        Ok(recorder.into_recorded())
    }

    /// Header of the last block of a batch.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::Store`].
    pub fn header(&self, batch: u64) -> Result<alloy::consensus::Header, HostError> {
        let hash = self.record(batch)?.block_hash;
        let bytes = self
            .store
            .preimage(&hash)?
            .ok_or(StoreError::Missing(hash))?;
        Ok(alloy::consensus::Header::decode(&mut bytes.as_ref())
            .map_err(|_| StoreError::Damaged("block header"))?)
    }

    /// The state after a batch.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::Store`].
    pub fn view(&self, batch: u64) -> Result<BatchView<'_>, HostError> {
        BatchView::open(self.store.as_ref(), self.record(batch)?.output_root)
    }

    /// The last block and the state root under it.
    fn head(&self) -> Result<(SealedHeader, B256), HostError> {
        let get = |hash: B256| -> Result<Bytes, StoreError> {
            self.store.preimage(&hash)?.ok_or(StoreError::Missing(hash))
        };
        let output = OutputPreimage::decode(&get(self.newest.output_root)?)
            .ok_or(StoreError::Damaged("output root"))?;
        let bytes = get(output.block_hash)?;
        let header = alloy::consensus::Header::decode(&mut bytes.as_ref())
            .map_err(|_| StoreError::Damaged("block header"))?;
        let hash = output.block_hash;
        Ok((SealedHeader { header, hash }, output.state_root))
    }
}

fn record_of(head: &SealedHeader, position: LogPosition) -> BatchRecord {
    BatchRecord {
        output_root: head.output().root(),
        block_hash: head.hash,
        block_number: head.header.number,
        position,
    }
}

fn head_preimages(head: &SealedHeader) -> [Bytes; 2] {
    [
        head.output().encode().into(),
        alloy_rlp::encode(&head.header).into(),
    ]
}

pub(super) fn blobs_of(batch: &L1Batch) -> Vec<(B256, Bytes)> {
    match (&batch.header.content, &batch.payload) {
        (BatchContent::Blobs(hashes), Payload::Blobs(blobs)) => {
            hashes.iter().copied().zip(blobs.iter().cloned()).collect()
        }
        _ => Vec::new(),
    }
}

fn write_genesis(
    chain: &ChainConfig,
    genesis: &Genesis,
    store: &dyn Store,
) -> Result<BatchRecord, HostError> {
    let block = genesis.block(chain);
    let mut state = State::new(store, EMPTY_ROOT_HASH);
    state
        .apply(&block.diff)
        .map_err(|error| HostError::Derivation {
            batch: 0,
            reason: error.to_string(),
        })?;
    let record = record_of(&block.header, LogPosition::default());
    let mut preimages = state.into_preimages();
    preimages.extend(head_preimages(&block.header));
    store.append(
        &record,
        Additions {
            preimages,
            ..Additions::default()
        },
    )?;
    Ok(record)
}
