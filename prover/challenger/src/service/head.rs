//! Blocks of L1 as far as they can be checked: a header must hash to its hash, and blocks must be linked by parent.
//!
//! Which block is the newest is the endpoint's word, here as everywhere; all else about blocks is not.

use alloy::{eips::BlockNumberOrTag, rpc::types::Block};
use alloy_primitives::{Address, B256, Bloom, BloomInput};
use trestle_sequencer::l1::L1Client;

use super::ServiceError;

/// Blocks walked back, at most, to see that what was known is an ancestor of the newest.
const WALK: u64 = 64;

/// A block of L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct L1Head {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Timestamp in seconds since 1970.
    pub time: u64,
}

/// A header whose hash was computed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checked {
    pub(super) at: L1Head,
    parent: B256,
    bloom: Bloom,
}

/// What became of L1 since a block that was known.
#[derive(Debug)]
pub(super) enum Since {
    /// Blocks came on top of it; their blooms.
    Grown(Vec<Bloom>),
    /// Blocks came on top of it, too many to look at each.
    Far,
    /// It is no part of L1 any more.
    Reorged,
}

impl Since {
    /// Whether `address` surely logged nothing in the new blocks.
    pub(super) fn is_silent(&self, address: Address) -> bool {
        let input = BloomInput::Raw(address.as_slice());
        match self {
            Self::Grown(blooms) => !blooms.iter().any(|bloom| bloom.contains_input(input)),
            Self::Far | Self::Reorged => false,
        }
    }
}

/// Reads blocks of one L1.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    client: L1Client,
    chain_id: u64,
}

impl Blocks {
    pub(super) const fn new(client: L1Client, chain_id: u64) -> Self {
        Self { client, chain_id }
    }

    /// The newest block of the chain that the endpoint must serve.
    pub(super) async fn newest(&self) -> Result<Checked, ServiceError> {
        let (expected, got) = (self.chain_id, self.client.served_chain().await?);
        if expected != got {
            return Err(ServiceError::OtherL1 { expected, got });
        }
        self.at(BlockNumberOrTag::Latest).await
    }

    /// The block of a number.
    pub(super) async fn numbered(&self, number: u64) -> Result<Checked, ServiceError> {
        let block = self.at(number.into()).await?;
        if block.at.number == number {
            Ok(block)
        } else {
            Err(ServiceError::Missing { what: "block" })
        }
    }

    async fn at(&self, at: BlockNumberOrTag) -> Result<Checked, ServiceError> {
        let block: Option<Block> = self
            .client
            .call("eth_getBlockByNumber", (at, false))
            .await?;
        checked(block)
    }

    /// The block of a hash.
    pub(super) async fn hashed(&self, hash: B256) -> Result<Checked, ServiceError> {
        let block: Option<Block> = self
            .client
            .call("eth_getBlockByHash", (hash, false))
            .await?;
        let block = checked(block)?;
        if block.at.hash == hash {
            return Ok(block);
        }
        Err(ServiceError::BlockHash {
            number: block.at.number,
            claimed: hash,
        })
    }

    /// What became of L1 between `known` and `newest`.
    pub(super) async fn since(
        &self,
        known: L1Head,
        newest: &Checked,
    ) -> Result<Since, ServiceError> {
        let gap = newest.at.number.saturating_sub(known.number);
        if (1..=WALK).contains(&gap) {
            return self.walk(known, *newest).await;
        }
        let is_there = gap > 0 && self.numbered(known.number).await?.at == known;
        Ok(if is_there { Since::Far } else { Since::Reorged })
    }

    async fn walk(&self, known: L1Head, newest: Checked) -> Result<Since, ServiceError> {
        let (mut block, mut blooms) = (newest, vec![newest.bloom]);
        while block.at.number > known.number.saturating_add(1) {
            let parent = self.hashed(block.parent).await?;
            if parent.at.number.saturating_add(1) != block.at.number {
                return Err(ServiceError::Unlinked {
                    old: parent.at.number,
                    new: block.at.number,
                });
            }
            block = parent;
            blooms.push(block.bloom);
        }
        if block.parent == known.hash {
            return Ok(Since::Grown(blooms));
        }
        if self.numbered(known.number).await?.at == known {
            return Err(ServiceError::Unlinked {
                old: known.number,
                new: newest.at.number,
            });
        }
        Ok(Since::Reorged)
    }
}

fn checked(block: Option<Block>) -> Result<Checked, ServiceError> {
    let header = block.ok_or(ServiceError::Missing { what: "block" })?.header;
    let (number, claimed) = (header.number, header.hash);
    if header.inner.hash_slow() != claimed {
        return Err(ServiceError::BlockHash { number, claimed });
    }
    Ok(Checked {
        at: L1Head {
            number,
            hash: claimed,
            time: header.timestamp,
        },
        parent: header.parent_hash,
        bloom: header.logs_bloom,
    })
}
