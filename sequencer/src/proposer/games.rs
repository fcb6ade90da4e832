//! The games that an account began, found on L1 and kept until there is nothing left to do in them.

use crate::l1::{ContractReader, ReadError};
use alloy_primitives::{Address, U256};
use std::collections::BTreeMap;
use trestle_contracts::bindings::{
    dispute_game::DisputeGame::{gameCreatorCall, proposalCall},
    dispute_game_factory::DisputeGameFactory::{gameAtIndexCall, gameCountCall},
};

/// A game of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OwnGame {
    /// Where it is.
    pub(super) game: Address,
    /// Batch whose output root it settles.
    pub(super) batch: u64,
    /// When it began, in seconds since 1970.
    pub(super) created_at: u64,
}

/// Games of one account by their index at the factory.
#[derive(Debug)]
pub(super) struct OwnGames {
    factory: Address,
    account: Address,
    /// Age in seconds beyond which a game that is not known is not looked for.
    oldest: u64,
    /// Games at the factory that were looked at.
    seen: u64,
    /// The last of them: another one in its place means that L1 was reorganised.
    last: Option<Address>,
    games: BTreeMap<u64, OwnGame>,
    newest: Option<OwnGame>,
}

impl OwnGames {
    pub(super) const fn new(factory: Address, account: Address, oldest: u64) -> Self {
        Self {
            factory,
            account,
            oldest,
            seen: 0,
            last: None,
            games: BTreeMap::new(),
            newest: None,
        }
    }

    /// Games in which something is left to do, oldest first.
    pub(super) fn open(&self) -> Vec<(u64, OwnGame)> {
        self.games
            .iter()
            .map(|(index, game)| (*index, *game))
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.games.len()
    }

    /// The newest proposal of this account that is on L1.
    pub(super) const fn newest(&self) -> Option<OwnGame> {
        self.newest
    }

    pub(super) fn forget(&mut self, index: u64) {
        self.games.remove(&index);
    }

    /// Takes in what the factory has made since the last look, all of it after a reorg or a start.
    pub(super) async fn refresh(&mut self, l1: &ContractReader, now: u64) -> Result<(), ReadError> {
        let count = l1
            .read(self.factory, &gameCountCall {})
            .await?
            .saturating_to::<u64>();
        if self.is_reorganised(l1, count).await? {
            tracing::info!("factory's games changed, looking for ours again");
            *self = Self::new(self.factory, self.account, self.oldest);
        }
        let mut index = count;
        let mut found = BTreeMap::new();
        let mut last = self.last;
        while index > self.seen {
            index = index.saturating_sub(1);
            let row = l1
                .read(
                    self.factory,
                    &gameAtIndexCall {
                        index: U256::from(index),
                    },
                )
                .await?;
            if last == self.last {
                last = Some(row.proxy);
            }
            if row.timestamp.saturating_add(self.oldest) < now {
                break;
            }
            if l1.read(row.proxy, &gameCreatorCall {}).await? == self.account {
                let proposal = l1.read(row.proxy, &proposalCall {}).await?;
                let game = OwnGame {
                    game: row.proxy,
                    batch: proposal.batch,
                    created_at: row.timestamp,
                };
                found.insert(index, game);
            }
        }
        if let Some((_, newest)) = found.last_key_value() {
            self.newest = Some(*newest);
        }
        self.games.append(&mut found);
        (self.seen, self.last) = (count, last);
        Ok(())
    }

    async fn is_reorganised(&self, l1: &ContractReader, count: u64) -> Result<bool, ReadError> {
        let Some(at) = self.seen.checked_sub(1) else {
            return Ok(false);
        };
        if count < self.seen {
            return Ok(true);
        }
        let row = l1
            .read(
                self.factory,
                &gameAtIndexCall {
                    index: U256::from(at),
                },
            )
            .await?;
        Ok(Some(row.proxy) != self.last)
    }
}
