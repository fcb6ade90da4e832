//! The games on L1 at one block, kept up to date by their events.
//!
//! An L1 reorg, however deep, makes it begin again: what it knows is then read anew. Events are believed
//! only for a block that the endpoint still has when they are all read.

use std::collections::BTreeMap;

use alloy::{
    eips::BlockNumberOrTag,
    rpc::types::{Block, Filter, Log},
    sol_types::SolEvent,
};
use alloy_primitives::{Address, B256, U256};
use trestle_contracts::bindings::{
    dispute_game::DisputeGame::{
        Decided, Moved, Proposal, Settled, bondMinCall, configHashCall, extensionCall,
        gameCreatorCall, imageFromBatchCall, imageRootCall, maxClockCall, previousImageRootCall,
        proposalCall, rootHeaderCall, statusCall,
    },
    dispute_game_factory::DisputeGameFactory::{gameAtIndexCall, gameCountCall},
};
use trestle_sequencer::l1::{ContractReader, L1Client};

use super::{Images, Rules, ServiceError, calls::header_of};
use crate::{ClaimStatus, Clocks, GameParams, GameView};

/// L1 blocks asked for in one range of events, at most.
const SPAN: u64 = 2_000;
/// A decided game older than this many times `W + 5·EXT` is left alone: everybody has long been paid.
const AGES: u64 = 4;
/// Addresses in one filter, at most.
const ADDRESSES: usize = 100;

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

/// A game with all that is known of it.
#[derive(Debug, Clone)]
pub struct WatchedGame {
    /// What is proposed.
    pub proposal: Proposal,
    /// Images that its batches are proven by.
    pub images: Images,
    /// Hash of the configuration that it is about.
    pub config_hash: B256,
    /// Claims and clocks.
    pub view: GameView,
}

impl WatchedGame {
    /// How it judges its batches.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        Rules {
            images: self.images,
            anchor: self.proposal.anchorBatch,
        }
    }
}

/// All games that may still matter.
#[derive(Debug)]
pub struct Watcher {
    client: L1Client,
    reader: ContractReader,
    factory: Address,
    game_type: u32,
    /// L1 block of the deployment.
    start: u64,
    /// Block up to which everything is read; `None` before the first look.
    head: Option<L1Head>,
    /// Games at the factory that were looked at.
    seen: u64,
    games: BTreeMap<Address, WatchedGame>,
}

impl Watcher {
    /// A watcher of a factory's games of one kind; `start` is the L1 block of the deployment.
    #[must_use]
    pub fn new(client: L1Client, factory: Address, game_type: u32, start: u64) -> Self {
        Self {
            reader: ContractReader::new(client.clone()),
            client,
            factory,
            game_type,
            start,
            head: None,
            seen: 0,
            games: BTreeMap::new(),
        }
    }

    /// The games, by address.
    #[must_use]
    pub const fn games(&self) -> &BTreeMap<Address, WatchedGame> {
        &self.games
    }

    /// Stops watching a game in which nothing is left to do.
    pub fn forget(&mut self, game: Address) {
        self.games.remove(&game);
    }

    /// Reads everything up to L1's newest block.
    ///
    /// # Errors
    /// [`ServiceError`]; what was known stays, and the next look goes on from there.
    pub async fn refresh(&mut self) -> Result<L1Head, ServiceError> {
        let newest = self.block(BlockNumberOrTag::Latest).await?;
        if self.head == Some(newest) {
            return Ok(newest);
        }
        if let Some(head) = self.head
            && self.block(head.number.into()).await.ok() != Some(head)
        {
            tracing::warn!(
                block = head.number,
                "l1 was reorganised, reading the games again"
            );
            metrics::counter!("trestle_challenger_l1_reorgs_total").increment(1);
            self.reset();
        }
        let fresh = self.fresh_games(newest.time).await?;
        let from = self
            .head
            .map_or(self.start, |head| head.number.saturating_add(1));
        let mut games = self.games.clone();
        let known: Vec<Address> = games.keys().copied().collect();
        self.read_events(&mut games, &known, from, newest.number)
            .await?;
        let created: Vec<Address> = fresh.keys().copied().collect();
        games.extend(fresh);
        self.read_events(&mut games, &created, self.start, newest.number)
            .await?;
        if self.block(newest.number.into()).await? != newest {
            return Err(ServiceError::Moved);
        }
        for game in games.values_mut() {
            game.view.now = newest.time.saturating_add(1);
        }
        (self.games, self.head) = (games, Some(newest));
        Ok(newest)
    }

    fn reset(&mut self) {
        self.head = None;
        self.seen = 0;
        self.games.clear();
    }

    async fn block(&self, at: BlockNumberOrTag) -> Result<L1Head, ServiceError> {
        let block: Option<Block> = self
            .client
            .call("eth_getBlockByNumber", (at, false))
            .await?;
        let header = block.ok_or(ServiceError::Missing { what: "block" })?.header;
        Ok(L1Head {
            number: header.number,
            hash: header.hash,
            time: header.timestamp,
        })
    }

    /// Games that the factory made since the last look, but for those that are long over.
    async fn fresh_games(
        &mut self,
        now: u64,
    ) -> Result<BTreeMap<Address, WatchedGame>, ServiceError> {
        let count = self
            .reader
            .read(self.factory, &gameCountCall {})
            .await?
            .saturating_to::<u64>();
        let mut fresh = BTreeMap::new();
        for index in self.seen..count {
            let row = gameAtIndexCall {
                index: U256::from(index),
            };
            let row = self.reader.read(self.factory, &row).await?;
            if row.gameType != self.game_type {
                continue;
            }
            if let Some(game) = self.live_game(row.proxy, row.timestamp, now).await? {
                fresh.insert(row.proxy, game);
            }
        }
        self.seen = count;
        Ok(fresh)
    }

    async fn live_game(
        &self,
        game: Address,
        created_at: u64,
        now: u64,
    ) -> Result<Option<WatchedGame>, ServiceError> {
        let l1 = &self.reader;
        let root = header_of(&l1.read(game, &rootHeaderCall {}).await?);
        let params = GameParams {
            clocks: Clocks {
                max_clock: l1.read(game, &maxClockCall {}).await?.saturating_to(),
                extension: l1.read(game, &extensionCall {}).await?.saturating_to(),
            },
            bond_min: l1.read(game, &bondMinCall {}).await?,
        };
        let longest = params
            .clocks
            .max_clock
            .saturating_add(params.clocks.extension.saturating_mul(5));
        let is_old = created_at.saturating_add(longest.saturating_mul(AGES)) < now;
        if is_old && l1.read(game, &statusCall {}).await? != 0 {
            return Ok(None);
        }
        let proposer = l1.read(game, &gameCreatorCall {}).await?;
        let root = root.ok_or(ServiceError::Missing { what: "root claim" })?;
        Ok(Some(WatchedGame {
            proposal: l1.read(game, &proposalCall {}).await?,
            images: Images {
                current: l1.read(game, &imageRootCall {}).await?,
                previous: l1.read(game, &previousImageRootCall {}).await?,
                from_batch: l1.read(game, &imageFromBatchCall {}).await?,
            },
            config_hash: l1.read(game, &configHashCall {}).await?,
            view: GameView::new(game, params, root, proposer, created_at),
        }))
    }

    async fn read_events(
        &self,
        games: &mut BTreeMap<Address, WatchedGame>,
        addresses: &[Address],
        from: u64,
        to: u64,
    ) -> Result<(), ServiceError> {
        for some in addresses.chunks(ADDRESSES) {
            let (mut at, mut span) = (from, SPAN);
            while at <= to {
                let last = to.min(at.saturating_add(span.saturating_sub(1)));
                let filter = Filter::new()
                    .address(some.to_vec())
                    .event_signature(vec![
                        Moved::SIGNATURE_HASH,
                        Decided::SIGNATURE_HASH,
                        Settled::SIGNATURE_HASH,
                    ])
                    .from_block(at)
                    .to_block(last);
                match self
                    .client
                    .call::<_, Vec<Log>>("eth_getLogs", (filter,))
                    .await
                {
                    Ok(logs) => {
                        for log in logs {
                            self.take_in(games, &log).await?;
                        }
                        at = last.saturating_add(1);
                    }
                    Err(error) if span <= 1 => return Err(error.into()),
                    Err(_) => span >>= 1,
                }
            }
        }
        Ok(())
    }

    async fn take_in(
        &self,
        games: &mut BTreeMap<Address, WatchedGame>,
        log: &Log,
    ) -> Result<(), ServiceError> {
        let Some(game) = games.get_mut(&log.address()) else {
            return Ok(());
        };
        let malformed = ServiceError::Missing {
            what: "well-formed event",
        };
        let view = &mut game.view;
        let result = match log.topic0() {
            Some(&Moved::SIGNATURE_HASH) => {
                let event = Moved::decode_log(&log.inner).map_err(|_| malformed)?.data;
                let header = header_of(&event.header)
                    .filter(|header| header.id(view.game) == event.claim)
                    .ok_or(ServiceError::Missing {
                        what: "claim that hashes to its id",
                    })?;
                let time = self.time_of(log).await?;
                view.record_move(crate::Moved {
                    header,
                    points: event.points,
                    claimant: event.claimant,
                    time,
                })
            }
            Some(&Decided::SIGNATURE_HASH) => {
                let event = Decided::decode_log(&log.inner).map_err(|_| malformed)?.data;
                let status = match event.status {
                    1 => ClaimStatus::Stands,
                    2 => ClaimStatus::Falls,
                    _ => ClaimStatus::Open,
                };
                view.record_decision(event.claim, status)
            }
            Some(&Settled::SIGNATURE_HASH) => {
                let event = Settled::decode_log(&log.inner).map_err(|_| malformed)?.data;
                view.record_settlement(event.claim)
            }
            _ => Ok(()),
        };
        let game = log.address();
        result.map_err(|source| ServiceError::View { game, source })
    }

    /// Time of the block of a log, in seconds.
    async fn time_of(&self, log: &Log) -> Result<u64, ServiceError> {
        if let Some(time) = log.block_timestamp {
            return Ok(time);
        }
        let number = log.block_number.ok_or(ServiceError::Missing {
            what: "block of an event",
        })?;
        Ok(self.block(number.into()).await?.time)
    }
}
