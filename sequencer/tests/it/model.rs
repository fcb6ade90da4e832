//! A chain that only counts: blocks of random bytes, unwound and extended as L1 says, for tests of the
//! batcher alone. What it makes of L1 is written down here a second time and without the engine.

use alloy::primitives::{B256, Bytes, keccak256};
use parking_lot::Mutex;
use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc;
use trestle_protocol::{
    QueuedEntry,
    payload::{PayloadBlock, PayloadTx},
};
use trestle_sequencer::{
    batcher::{BatchBlock, BatchSource, SourceError},
    engine::{BatchTip, L1Input, L1Update, SeenBatch},
    store::BlockRef,
};

#[derive(Debug, Clone)]
struct ModelBlock {
    block: BatchBlock,
    /// Queue entries consumed with it.
    consumed: u64,
}

#[derive(Debug, Default)]
struct State {
    blocks: Vec<ModelBlock>,
    entries: Vec<QueuedEntry>,
    /// Tips by the L1 block of their batch.
    tips: Vec<(u64, BatchTip)>,
    seen: Vec<SeenBatch>,
    cursor: Option<Bytes>,
}

/// The chain, shared between the test, the batcher and the task that follows L1.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model(Arc<Mutex<State>>);

impl Model {
    /// Takes in what the reader says until the reader ends.
    pub(crate) async fn follow(self, mut inputs: mpsc::Receiver<L1Input>) {
        while let Some(input) = inputs.recv().await {
            self.0.lock().take(input);
        }
    }

    /// Seals a block with `bytes` bytes of incompressible transaction and the next `deposits` entries.
    pub(crate) fn seal(&self, bytes: usize, deposits: usize) {
        let mut state = self.0.lock();
        let from = usize::try_from(state.consumed()).unwrap();
        let to = state.entries.len().min(from + deposits);
        state.push(bytes, from, to);
    }

    /// Where the reader stood last.
    pub(crate) fn cursor(&self) -> Option<Bytes> {
        self.0.lock().cursor.clone()
    }

    /// Numbers: blocks, blocks that L1 has, batches that L1 has.
    pub(crate) fn progress(&self) -> (u64, u64, u64) {
        let state = self.0.lock();
        let tip = state.tip();
        (state.head(), tip.end.number, tip.index)
    }

    /// Queue entries seen.
    pub(crate) fn deposit_count(&self) -> u64 {
        self.0.lock().entries.len() as u64
    }

    /// Whether everything is posted, entries included.
    pub(crate) fn is_all_posted(&self) -> bool {
        let state = self.0.lock();
        state.head() == state.tip().end.number
    }

    /// Payloads of the batches as L1 has them, and the blocks that they should give.
    pub(crate) fn posted(&self) -> (Vec<SeenBatch>, Vec<PayloadBlock>) {
        let state = self.0.lock();
        let blocks = state
            .blocks
            .iter()
            .map(|block| block.block.declared.clone())
            .collect();
        (state.seen.clone(), blocks)
    }
}

impl State {
    fn head(&self) -> u64 {
        self.blocks.len() as u64
    }

    fn hash(&self, number: u64) -> Option<B256> {
        match number.checked_sub(1) {
            None => Some(B256::repeat_byte(0x9e)),
            Some(place) => Some(self.blocks.get(usize::try_from(place).ok()?)?.block.hash),
        }
    }

    fn consumed(&self) -> u64 {
        self.blocks.last().map_or(0, |block| block.consumed)
    }

    fn tip(&self) -> BatchTip {
        let genesis = BlockRef {
            number: 0,
            hash: self.hash(0).unwrap(),
        };
        let first = BatchTip {
            end: genesis,
            ..BatchTip::default()
        };
        self.tips.last().map_or(first, |(_, tip)| *tip)
    }

    fn push(&mut self, bytes: usize, from: usize, to: usize) {
        let number = self.head() + 1;
        let parent = self.hash(number - 1).unwrap();
        let seed = [parent.0, B256::from(alloy::primitives::U256::from(bytes)).0].concat();
        let noise: Vec<u8> = (0u64..)
            .flat_map(|i| keccak256([&seed[..], &i.to_be_bytes()].concat()).0)
            .take(bytes)
            .collect();
        let taken = &self.entries[from..to];
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let deposits = taken.last().map(|entry| (entry.index + 1, entry.acc));
        let transactions = if bytes > 0 {
            vec![PayloadTx::Raw(noise.into())]
        } else {
            Vec::new()
        };
        let acc = deposits.map_or(B256::ZERO, |(_, acc)| acc);
        let block = BatchBlock {
            number,
            hash: keccak256([&seed[..], acc.as_slice()].concat()),
            parent,
            deposits,
            deposit_gas: 250_000 * taken.len() as u64,
            work: 71_000,
            least_bytes: 0,
            guessed_bytes: bytes,
            is_idle: false,
            seen: Instant::now(),
            declared: PayloadBlock {
                timestamp: now,
                deposit_count: taken.len() as u64,
                transactions,
            },
        };
        self.blocks.push(ModelBlock {
            block,
            consumed: to as u64,
        });
    }

    fn take(&mut self, input: L1Input) {
        self.cursor = Some(input.cursor);
        match input.update {
            L1Update::Block {
                block,
                entries,
                batches,
            } => {
                self.entries.extend(entries);
                for batch in batches {
                    self.take_batch(block.number, batch);
                }
            }
            L1Update::Rewind { to } => {
                self.entries
                    .retain(|entry| entry.entry.l1_number <= to.number);
                self.seen
                    .retain(|batch| batch.header.l1_number <= to.number);
                self.tips.retain(|(number, _)| *number <= to.number);
                let left = self.entries.len() as u64;
                while self.consumed() > left {
                    self.blocks.pop();
                }
            }
            L1Update::Finalized(_) => {}
        }
    }

    fn take_batch(&mut self, l1_number: u64, batch: SeenBatch) {
        let before = self.tip();
        let (from, to) = (batch.header.deposit_from, batch.header.deposit_to);
        let claimed = batch.header.claimed_end_block_hash;
        let known = (before.end.number..=self.head()).find(|n| self.hash(*n) == Some(claimed));
        let end = known.unwrap_or_else(|| {
            // Forced: what was not posted is gone, and its entries come in a block of their own.
            assert!(
                batch.payload.is_none(),
                "batch {} is not of this chain",
                batch.header.index
            );
            self.blocks
                .truncate(usize::try_from(before.end.number).unwrap());
            self.push(
                0,
                usize::try_from(from).unwrap(),
                usize::try_from(to).unwrap(),
            );
            self.head()
        });
        let tip = BatchTip {
            index: batch.header.index,
            acc: batch.acc,
            end: BlockRef {
                number: end,
                hash: self.hash(end).unwrap(),
            },
            deposit_to: to,
        };
        self.tips.push((l1_number, tip));
        self.seen.push(batch);
    }
}

impl BatchSource for Model {
    fn tip(&self) -> BatchTip {
        self.0.lock().tip()
    }

    fn deposit_acc(&self, count: u64) -> Result<B256, SourceError> {
        let place = count
            .checked_sub(1)
            .and_then(|last| usize::try_from(last).ok());
        Ok(place.map_or(B256::ZERO, |last| self.0.lock().entries[last].acc))
    }

    fn entry_time(&self, index: u64) -> Result<Option<u64>, SourceError> {
        let place = usize::try_from(index).ok();
        let state = self.0.lock();
        let entry = place.and_then(|place| state.entries.get(place));
        Ok(entry.map(|queued| queued.entry.l1_time))
    }

    fn durable_head(&self) -> u64 {
        self.0.lock().head()
    }

    fn hash(&self, number: u64) -> Result<Option<B256>, SourceError> {
        Ok(self.0.lock().hash(number))
    }

    fn block(&self, number: u64) -> Result<Option<BatchBlock>, SourceError> {
        let place = number
            .checked_sub(1)
            .and_then(|place| usize::try_from(place).ok());
        let state = self.0.lock();
        Ok(place
            .and_then(|place| state.blocks.get(place))
            .map(|block| block.block.clone()))
    }
}
