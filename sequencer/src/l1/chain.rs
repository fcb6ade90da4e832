//! The recent L1 chain as the reader saw it: enough of it to find where a reorg branched off.
//!
//! Pure. It begins with a base, below which nothing can change any more, and goes on with the newest
//! blocks; in between, numbers may be missing. With every block goes the Inbox after it, so that a
//! rewind restores both.

use super::inbox::InboxState;
use crate::engine::L1BlockRef;
use alloy::primitives::B256;
use std::collections::VecDeque;

/// Blocks kept between the base and the tip.
pub(super) const KEPT_BLOCKS: usize = 96;

const VERSION: u8 = 1;
const BLOCK_LEN: usize = 136;

/// An L1 block and the Inbox after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tracked {
    pub(super) at: L1BlockRef,
    pub(super) inbox: InboxState,
}

/// The recent chain; its encoding is the reader's cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecentChain {
    base: Tracked,
    is_base_final: bool,
    window: VecDeque<Tracked>,
}

impl RecentChain {
    pub(super) const fn new(base: L1BlockRef, inbox: InboxState) -> Self {
        let base = Tracked { at: base, inbox };
        Self {
            base,
            is_base_final: false,
            window: VecDeque::new(),
        }
    }

    pub(super) const fn base(&self) -> &Tracked {
        &self.base
    }

    /// Whether L1 called the base final; otherwise it is where reading began.
    pub(super) const fn is_base_final(&self) -> bool {
        self.is_base_final
    }

    pub(super) fn tip(&self) -> &Tracked {
        self.window.back().unwrap_or(&self.base)
    }

    /// The block of this number, if it is remembered.
    pub(super) fn at(&self, number: u64) -> Option<&Tracked> {
        if number == self.base.at.number {
            return Some(&self.base);
        }
        let place = self
            .window
            .binary_search_by_key(&number, |block| block.at.number)
            .ok()?;
        self.window.get(place)
    }

    /// Remembered blocks, newest first, the base last.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Tracked> {
        self.window.iter().rev().chain(std::iter::once(&self.base))
    }

    /// Appends a block with a higher number than the tip's.
    pub(super) fn push(&mut self, block: Tracked) {
        self.window.push_back(block);
        if self.window.len() > KEPT_BLOCKS {
            self.window.pop_front();
        }
    }

    /// Drops every block above `number`.
    pub(super) fn rewind(&mut self, number: u64) {
        while self
            .window
            .back()
            .is_some_and(|block| block.at.number > number)
        {
            self.window.pop_back();
        }
    }

    /// Makes the remembered block `number` the base; whether it is remembered.
    pub(super) fn finalize(&mut self, number: u64) -> bool {
        let Some(block) = self.at(number).copied() else {
            return false;
        };
        self.base = block;
        self.is_base_final = true;
        while self
            .window
            .front()
            .is_some_and(|block| block.at.number <= number)
        {
            self.window.pop_front();
        }
        true
    }

    /// `version u8 ‖ isBaseFinal u8`, then base and window, 136 bytes a block:
    /// `number u64 ‖ hash ‖ time u64 ‖ deposits u64 ‖ depositAcc ‖ batches u64 ‖ batchAcc ‖ consumed u64`.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION, u8::from(self.is_base_final)];
        for block in std::iter::once(&self.base).chain(&self.window) {
            out.extend_from_slice(&block.at.number.to_be_bytes());
            out.extend_from_slice(block.at.hash.as_slice());
            out.extend_from_slice(&block.at.time.to_be_bytes());
            out.extend_from_slice(&block.inbox.deposits.to_be_bytes());
            out.extend_from_slice(block.inbox.deposit_acc.as_slice());
            out.extend_from_slice(&block.inbox.batches.to_be_bytes());
            out.extend_from_slice(block.inbox.batch_acc.as_slice());
            out.extend_from_slice(&block.inbox.consumed.to_be_bytes());
        }
        out
    }

    /// Reads [`Self::encode`]; `None` for anything else.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&[version, is_base_final], blocks) = bytes.split_first_chunk()?;
        if version != VERSION || is_base_final > 1 || blocks.len() % BLOCK_LEN != 0 {
            return None;
        }
        let mut window: VecDeque<_> = blocks
            .chunks_exact(BLOCK_LEN)
            .map(read_block)
            .collect::<Option<_>>()?;
        let base = window.pop_front()?;
        Some(Self {
            base,
            is_base_final: is_base_final == 1,
            window,
        })
    }
}

fn read_block(bytes: &[u8]) -> Option<Tracked> {
    let number = |at: usize| {
        Some(u64::from_be_bytes(
            bytes.get(at..at.checked_add(8)?)?.try_into().ok()?,
        ))
    };
    let hash = |at: usize| Some(B256::from_slice(bytes.get(at..at.checked_add(32)?)?));
    Some(Tracked {
        at: L1BlockRef {
            number: number(0)?,
            hash: hash(8)?,
            time: number(40)?,
        },
        inbox: InboxState {
            deposits: number(48)?,
            deposit_acc: hash(56)?,
            batches: number(88)?,
            batch_acc: hash(96)?,
            consumed: number(128)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::U256;

    fn block(number: u64) -> Tracked {
        let at = L1BlockRef {
            number,
            hash: U256::from(number).into(),
            time: number * 12,
        };
        let inbox = InboxState {
            deposits: number,
            deposit_acc: B256::repeat_byte(3),
            batches: 2,
            batch_acc: B256::repeat_byte(4),
            consumed: 1,
        };
        Tracked { at, inbox }
    }

    fn chain(blocks: u64) -> RecentChain {
        let mut chain = RecentChain::new(block(10).at, block(10).inbox);
        (11..=blocks).for_each(|number| chain.push(block(number)));
        chain
    }

    #[test]
    fn chain_encoded_and_decoded_is_the_same() {
        for length in [10, 11, 300] {
            let mut chain = chain(length);
            assert_eq!(RecentChain::decode(&chain.encode()), Some(chain.clone()));
            chain.finalize(length);
            let bytes = chain.encode();
            assert_eq!(RecentChain::decode(&bytes), Some(chain));
            assert_eq!(RecentChain::decode(&bytes[1..]), None);
            assert_eq!(RecentChain::decode(&bytes[..bytes.len() - 1]), None);
        }
        assert_eq!(RecentChain::decode(&[]), None);
    }

    #[test]
    fn chain_keeps_the_base_and_the_newest_blocks() {
        let chain = chain(300);
        assert_eq!(chain.base().at.number, 10);
        assert_eq!(chain.newest_first().count(), KEPT_BLOCKS + 1);
        const { assert!(KEPT_BLOCKS >= 64) };
        assert_eq!(chain.at(300), Some(&block(300)));
        assert_eq!(chain.at(100), None);
    }

    #[test]
    fn chain_rewound_ends_with_the_block() {
        let mut chain = chain(20);
        chain.rewind(15);
        assert_eq!(chain.tip(), &block(15));
        chain.rewind(3);
        assert_eq!(chain.tip(), &block(10));
    }

    #[test]
    fn chain_finalized_starts_with_the_block() {
        let mut chain = chain(20);
        assert!(!chain.finalize(21));
        assert!(chain.finalize(18));
        assert!(chain.is_base_final());
        assert_eq!((chain.base(), chain.tip()), (&block(18), &block(20)));
        assert_eq!(chain.at(17), None);
    }
}
