//! One consistent state of the whole store: recent blocks from memory, the rest from the tables.
//!
//! A snapshot never changes and blocks nobody, but it keeps the database from reusing pages: hold
//! it for a request, not for minutes.

use super::{
    BlockRef, BlockTransactions, StateView, StoreError,
    codec::{decode, decode_body, decode_cumulative_gas, decode_receipts},
    layers::{Layer, layer_at},
    places::place,
    recent::Recent,
    tables::{ReadTx, Tables, get},
};
use alloy_consensus::TxReceipt;
use alloy_primitives::B256;
use op_alloy_consensus::OpReceiptEnvelope;
use std::{collections::BTreeMap, collections::BTreeSet, sync::Arc};
use trestle_protocol::{AccountChange, Body, SealedBlock, SealedHeader, StateDiff};

/// One consistent state of the store.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) layers: Arc<Vec<Arc<Layer>>>,
    pub(super) recent: Recent,
    pub(super) head: BlockRef,
    pub(super) tx: ReadTx,
    /// The newest block in the tables.
    pub(super) folded: u64,
    pub(super) tables: Arc<Tables>,
}

impl Snapshot {
    /// The newest block.
    pub const fn head(&self) -> BlockRef {
        self.head
    }

    /// Number of the newest block in the tables; trie nodes are kept from it on.
    pub const fn folded_head(&self) -> u64 {
        self.folded
    }

    /// The state after block `number`.
    ///
    /// # Errors
    /// [`StoreError::UnknownBlock`] above the head.
    pub fn state_at(&self, number: u64) -> Result<StateView, StoreError> {
        if number > self.head.number {
            return Err(StoreError::UnknownBlock { number });
        }
        Ok(StateView::new(self.clone(), number))
    }

    /// Header of block `number`; `None` above the head.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn header(&self, number: u64) -> Result<Option<SealedHeader>, StoreError> {
        if let Some(block) = self.recent(number) {
            return Ok(Some(block.header.clone()));
        }
        let Some(bytes) = self.folded_value(self.tables.headers, number)? else {
            return Ok(None);
        };
        let bad = StoreError::Decode { what: "header" };
        let (hash, mut rlp) = bytes.split_first_chunk().ok_or(bad)?;
        let header = decode("header", &mut rlp)?;
        Ok(Some(SealedHeader {
            header,
            hash: B256::from(*hash),
        }))
    }

    /// Number of the block with this hash; `None` if it is not in the chain.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn number(&self, hash: &B256) -> Result<Option<u64>, StoreError> {
        if let Some(number) = self.recent.number(hash) {
            return Ok(Some(number).filter(|number| *number <= self.head.number));
        }
        let bytes = get(&self.tx, self.tables.numbers, hash.as_slice())?;
        let number = bytes.and_then(|b| b.as_ref().try_into().ok().map(u64::from_be_bytes));
        Ok(number.filter(|number| *number <= self.head.number))
    }

    /// Transactions of block `number`; `None` above the head.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn transactions(&self, number: u64) -> Result<Option<BlockTransactions>, StoreError> {
        if let Some(block) = self.recent(number) {
            return Ok(Some(BlockTransactions {
                transactions: block.body.transactions.clone(),
                senders: block.body.senders.clone(),
                deposits: block.body.deposits.clone(),
            }));
        }
        let bytes = self.folded_value(self.tables.bodies, number)?;
        bytes.map(|b| decode_body(&b)).transpose()
    }

    /// Transactions and receipts of block `number`; `None` above the head.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn body(&self, number: u64) -> Result<Option<Body>, StoreError> {
        let (Some(block), Some(receipts)) = (self.transactions(number)?, self.receipts(number)?)
        else {
            return Ok(None);
        };
        let BlockTransactions {
            transactions,
            senders,
            deposits,
        } = block;
        Ok(Some(Body {
            transactions,
            senders,
            receipts,
            deposits,
        }))
    }

    /// Receipts of block `number`; `None` above the head.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn receipts(&self, number: u64) -> Result<Option<Vec<OpReceiptEnvelope>>, StoreError> {
        if let Some(block) = self.recent(number) {
            return Ok(Some(block.body.receipts.clone()));
        }
        let bytes = self.folded_value(self.tables.receipts, number)?;
        bytes.map(|b| decode_receipts(&b)).transpose()
    }

    /// Gas that each transaction of block `number` used; `None` above the head. Spares what receipts cost besides: the
    /// bloom of each.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gas_used(&self, number: u64) -> Result<Option<Vec<u64>>, StoreError> {
        let cumulative = match self.recent(number) {
            Some(block) => {
                let receipts = block.body.receipts.iter();
                receipts.map(TxReceipt::cumulative_gas_used).collect()
            }
            None => match self.folded_value(self.tables.receipts, number)? {
                Some(bytes) => decode_cumulative_gas(&bytes)?,
                None => return Ok(None),
            },
        };
        let before = std::iter::once(0).chain(cumulative.iter().copied());
        let used = |(after, before): (&u64, u64)| after.saturating_sub(before);
        Ok(Some(cumulative.iter().zip(before).map(used).collect()))
    }

    /// Block number and index in the block of a transaction; `None` if it is in no block.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn transaction(&self, hash: &B256) -> Result<Option<(u64, u32)>, StoreError> {
        if let Some(place) = self.recent.transaction(hash) {
            return Ok(Some(place).filter(|(number, _)| *number <= self.head.number));
        }
        let place = place(&self.tx, &self.tables.transactions, hash)?;
        Ok(place.filter(|(number, _)| *number <= self.head.number))
    }

    /// A block that is not folded yet, with all that executing it gave. For the feed and the
    /// batcher, who read near the head; older blocks come in parts.
    pub fn recent(&self, number: u64) -> Option<&Arc<SealedBlock>> {
        if number > self.head.number {
            return None;
        }
        layer_at(&self.layers, number).map(|layer| &layer.block)
    }

    /// What turns the state after the head into the state after block `to`: every account and slot
    /// that a block above `to` changed, with its value at `to`. Holds no codes.
    ///
    /// # Errors
    /// [`StoreError::UnknownBlock`] above the head; when the database cannot be read.
    pub fn reverse_diff(&self, to: u64) -> Result<StateDiff, StoreError> {
        let state = self.state_at(to)?;
        let mut touched: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for number in to + 1..=self.head.number {
            if let Some(block) = self.recent(number) {
                for (address, change) in &block.diff.accounts {
                    touched
                        .entry(*address)
                        .or_default()
                        .extend(change.storage.keys().copied());
                }
                continue;
            }
            let bytes = self.folded_value(self.tables.touched, number)?;
            let bytes = bytes.ok_or(StoreError::UnknownBlock { number })?;
            for (address, slots) in super::codec::decode_touched(&bytes)? {
                touched.entry(address).or_default().extend(slots);
            }
        }
        let mut diff = StateDiff::default();
        for (address, slots) in touched {
            let value = |slot| Ok((slot, state.slot(&address, &slot)?));
            let storage = slots
                .into_iter()
                .map(value)
                .collect::<Result<_, StoreError>>()?;
            let info = state.account(&address)?;
            diff.accounts
                .insert(address, AccountChange { info, storage });
        }
        Ok(diff)
    }

    fn folded_value(
        &self,
        table: signet_libmdbx::Database,
        number: u64,
    ) -> Result<Option<std::borrow::Cow<'_, [u8]>>, StoreError> {
        if number > self.head.number {
            return Ok(None);
        }
        get(&self.tx, table, &number.to_be_bytes())
    }
}
