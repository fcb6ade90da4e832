//! The games on L1 at one block, kept up to date by their events.
//!
//! An L1 reorg, however deep, makes it begin again: what it knows is then read anew. Events are believed
//! only when the endpoint still has the block up to which they were read, when a move's points hash to what its claim
//! commits to, and when all of them lead to the claims that the game has in its storage; a game is believed to be about
//! what its address commits to. Whatever does not fit is an error, and nothing is taken in then.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use alloy_primitives::{Address, B256, U256};
use trestle_contracts::bindings::{
    dispute_game::DisputeGame::{
        Claim, Decided, Moved, Settled, bondMinCall, claimsCall, configHashCall, extensionCall,
        gameCreatorCall, imageFromBatchCall, imageRootCall, maxClockCall, previousImageRootCall,
        statusCall,
    },
    dispute_game_factory::DisputeGameFactory::{Proposal, gameAtIndexCall, gameCountCall},
};
use trestle_contracts::root_claim;
use trestle_sequencer::l1::{ContractReader, L1Client};

use super::{
    Images, L1Head, Rules, ServiceError,
    calls::header_of,
    content::proposal_of,
    head::{Blocks, Since},
};
use crate::{ClaimId, ClaimStatus, ClaimView, Clocks, GameParams, GameView, PointTree, segments};

/// L1 blocks asked for in one range of events, at most.
const SPAN: u64 = 2_000;
/// A decided game older than this many times `W + 5·EXT` is left alone: everybody has long been paid.
const AGES: u64 = 4;
/// Addresses in one filter, at most.
const ADDRESSES: usize = 100;

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
    blocks: Blocks,
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
    /// A watcher of a factory's games of one kind on the L1 with id `l1_chain`; `start` is the L1 block of the
    /// deployment.
    #[must_use]
    pub fn new(
        client: L1Client,
        l1_chain: u64,
        factory: Address,
        game_type: u32,
        start: u64,
    ) -> Self {
        Self {
            blocks: Blocks::new(client.clone(), l1_chain),
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
        let newest = self.blocks.newest().await?;
        if self.head == Some(newest.at) {
            return Ok(newest.at);
        }
        let mut since = Since::Far;
        if let Some(head) = self.head {
            since = self.blocks.since(head, &newest).await?;
            if matches!(since, Since::Reorged) {
                tracing::warn!(
                    block = head.number,
                    "l1 was reorganised, reading the games again"
                );
                metrics::counter!("trestle_challenger_l1_reorgs_total").increment(1);
                self.reset();
            }
        }
        let newest = newest.at;
        let (fresh, seen) = self.fresh_games(newest.time).await?;
        let from = self
            .head
            .map_or(self.start, |head| head.number.saturating_add(1));
        let mut games = self.games.clone();
        let loud = |game: &Address| !since.is_silent(*game);
        let known: Vec<Address> = games.keys().copied().filter(loud).collect();
        let mut touched = self
            .read_events(&mut games, &known, (from, newest.number))
            .await?;
        let created: Vec<Address> = fresh.keys().copied().collect();
        games.extend(fresh);
        let whole = (self.start, newest.number);
        touched.extend(self.read_events(&mut games, &created, whole).await?);
        let looked_at = [known, created].concat();
        self.prove(&games, &looked_at, &touched, newest).await?;
        if self.blocks.numbered(newest.number).await?.at != newest {
            return Err(ServiceError::Moved);
        }
        for game in games.values_mut() {
            game.view.now = newest.time.saturating_add(1);
        }
        (self.games, self.head, self.seen) = (games, Some(newest), seen);
        Ok(newest)
    }

    fn reset(&mut self) {
        self.head = None;
        self.seen = 0;
        self.games.clear();
    }

    /// Games that the factory made since the last look, but for those that are long over; and how many it made so far.
    async fn fresh_games(
        &self,
        now: u64,
    ) -> Result<(BTreeMap<Address, WatchedGame>, u64), ServiceError> {
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
        Ok((fresh, count))
    }

    async fn live_game(
        &self,
        game: Address,
        created_at: u64,
        now: u64,
    ) -> Result<Option<WatchedGame>, ServiceError> {
        let l1 = &self.reader;
        let code = l1.code(game).await?;
        let proposal = proposal_of(self.factory, self.game_type, game, &code)
            .ok_or(ServiceError::GameContent { game })?;
        let root = header_of(&root_claim(&proposal));
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
            proposal,
            images: Images {
                current: l1.read(game, &imageRootCall {}).await?,
                previous: l1.read(game, &previousImageRootCall {}).await?,
                from_batch: l1.read(game, &imageFromBatchCall {}).await?,
            },
            config_hash: l1.read(game, &configHashCall {}).await?,
            view: GameView::new(game, params, root, proposer, created_at),
        }))
    }

    /// Takes in the events of some games in a range of blocks; gives the claims that they changed.
    async fn read_events(
        &self,
        games: &mut BTreeMap<Address, WatchedGame>,
        addresses: &[Address],
        (from, to): (u64, u64),
    ) -> Result<BTreeSet<(Address, ClaimId)>, ServiceError> {
        let (mut touched, mut times) = (BTreeSet::new(), BTreeMap::new());
        for some in addresses.chunks(ADDRESSES) {
            let (mut at, mut span) = (from, SPAN);
            while at <= to {
                let last = to.min(at.saturating_add(span.saturating_sub(1)));
                match self.logs(some, at, last).await {
                    Ok(logs) => {
                        for log in logs {
                            self.take_in(games, &log, &mut times).await?;
                            let claims = log.topics().iter().skip(1).take(2);
                            touched.extend(claims.map(|claim| (log.address(), *claim)));
                        }
                        at = last.saturating_add(1);
                    }
                    Err(error) if span <= 1 => return Err(error),
                    Err(_) => span >>= 1,
                }
            }
        }
        Ok(touched)
    }

    async fn logs(&self, games: &[Address], from: u64, to: u64) -> Result<Vec<Log>, ServiceError> {
        let filter = Filter::new()
            .address(games.to_vec())
            .event_signature(vec![
                Moved::SIGNATURE_HASH,
                Decided::SIGNATURE_HASH,
                Settled::SIGNATURE_HASH,
            ])
            .from_block(from)
            .to_block(to);
        let logs = self.client.call("eth_getLogs", (filter,)).await;
        logs.map_err(|source| ServiceError::Logs { from, to, source })
    }

    /// Holds what was made of events against what the games have in storage after block `at`: every claim that an
    /// event named, and every one that may have been answered without our being told.
    async fn prove(
        &self,
        games: &BTreeMap<Address, WatchedGame>,
        addresses: &[Address],
        touched: &BTreeSet<(Address, ClaimId)>,
        at: L1Head,
    ) -> Result<(), ServiceError> {
        for game in addresses {
            let claims = games
                .get(game)
                .into_iter()
                .flat_map(|game| &game.view.claims);
            for (id, claim) in claims {
                if claim.status != ClaimStatus::Open && !touched.contains(&(*game, *id)) {
                    continue;
                }
                let (game, call) = (*game, claimsCall { claim: *id });
                let stored = self.reader.read_at(game, &call, at.number.into()).await?;
                if is_same(claim, &stored) {
                    continue;
                }
                if self.blocks.numbered(at.number).await?.at != at {
                    return Err(ServiceError::Moved);
                }
                return Err(ServiceError::Unproven { game, claim: *id });
            }
        }
        Ok(())
    }

    async fn take_in(
        &self,
        games: &mut BTreeMap<Address, WatchedGame>,
        log: &Log,
        times: &mut BTreeMap<B256, u64>,
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
                let tree = PointTree::new(&event.points).root();
                let count = u64::try_from(event.points.len()).unwrap_or(u64::MAX);
                if tree != header.points || count != segments(header.length()) {
                    let (game, claim) = (view.game, event.claim);
                    return Err(ServiceError::Points { game, claim });
                }
                let time = self.time_of(log, times).await?;
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

    /// Time of the block of a log, in seconds, by a header that hashes to its hash.
    async fn time_of(
        &self,
        log: &Log,
        times: &mut BTreeMap<B256, u64>,
    ) -> Result<u64, ServiceError> {
        let hash = log.block_hash.ok_or(ServiceError::Missing {
            what: "block of an event",
        })?;
        if let Some(time) = times.get(&hash) {
            return Ok(*time);
        }
        let time = self.blocks.hashed(hash).await?.at.time;
        times.insert(hash, time);
        Ok(time)
    }
}

/// Whether a claim is what the game has stored.
fn is_same(claim: &ClaimView, stored: &Claim) -> bool {
    let status = match claim.status {
        ClaimStatus::Open => 0,
        ClaimStatus::Stands => 1,
        ClaimStatus::Falls => 2,
    };
    stored.claimant == claim.claimant
        && u64::from(stored.madeAt) == claim.made_at
        && u64::from(stored.used) == claim.used
        && stored.ordinal == claim.ordinal
        && stored.children == claim.children
        && stored.undecided == claim.undecided
        && stored.bestOrdinal == claim.best_ordinal
        && stored.bestSegment == claim.best_segment
        && stored.status == status
        && stored.isSettled == claim.is_settled
}
