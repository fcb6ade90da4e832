//! Players inside the test: services over an endpoint of one's choice, and a fraud to play about.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{
    primitives::{Address, U256, keccak256},
    providers::Provider,
    rpc::types::Filter,
    signers::local::PrivateKeySigner,
    sol_types::SolEvent,
};
use tokio::sync::watch;
use trestle_challenger::service::{
    FalseRoot, Lie, Mode, Oracle, Service, ServiceConfig, ServiceStatus, Side, Sync, Watcher,
    root_over,
};
use trestle_contracts::bindings::dispute_game::DisputeGame::{Moved, Stepped};
use trestle_sdk::deploy::GAME_TYPE;
use trestle_sequencer::l1::{
    ContractReader, KeySource, L1Client, L1Sender, MemoryJournal, SenderConfig, SenderHandle,
    load_signer,
};

use super::{arena::Arena, attacks::propose_over, trace::RealTrace};
use crate::support::eventually;

/// Seconds of each side's clock: nobody loses by time here.
const CLOCK: u32 = 900;
/// Longest wait for one answer of L1, where nobody withholds it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest wait for a move on a loaded machine, in seconds: it may need a run in the machine first.
const SECONDS: u64 = 180;

/// A player inside the test: an account, an endpoint, a side.
pub(super) struct Player {
    pub(super) client: L1Client,
    sender: SenderHandle,
    side: Side,
}

impl Player {
    pub(super) async fn new(arena: &Arena, name: &str, url: &str, side: Side) -> Self {
        Self::with_patience(arena, (name, url), side, PATIENCE).await
    }

    /// The same, which waits so long for an answer of L1.
    pub(super) async fn with_patience(
        arena: &Arena,
        (name, url): (&str, &str),
        side: Side,
        patience: Duration,
    ) -> Self {
        let key = keccak256(name);
        let file = arena.chain.path(&format!("{name}.key"));
        std::fs::write(&file, key.to_string()).unwrap();
        let account = PrivateKeySigner::from_bytes(&key).unwrap().address();
        arena.fund(account).await;
        let client = L1Client::new(url.parse().unwrap(), patience);
        let signer = load_signer(&KeySource::File(file)).unwrap();
        let settings = SenderConfig::for_block_time(31_337, Duration::from_secs(1));
        let journal = Arc::new(MemoryJournal::default());
        let (sender, handle) = L1Sender::new(client.clone(), signer, journal, settings);
        tokio::spawn(sender.run());
        Self {
            client,
            sender: handle,
            side,
        }
    }

    /// A service that knows nothing of the games yet.
    pub(super) fn service(
        &self,
        arena: &Arena,
        only: Option<Address>,
    ) -> (Service, watch::Receiver<ServiceStatus>) {
        let config = ServiceConfig {
            poll: Duration::from_millis(100),
            backoff_max: Duration::from_millis(500),
            reserve: U256::ZERO,
            takes_profit: false,
            runs_batches: false,
            only,
        };
        let reader = ContractReader::new(self.client.clone());
        let sync = sync_of(arena, &self.client, self.side.oracle());
        let sources = (watcher_of(arena, &self.client), sync, reader);
        Service::new(
            config,
            Mode::Play(self.sender.clone()),
            self.side.clone(),
            sources,
        )
    }
}

pub(super) fn watcher_of(arena: &Arena, client: &L1Client) -> Watcher {
    let factory = arena.chain.deployed.rollup.contracts.dispute_game_factory;
    Watcher::new(client.clone(), 31_337, factory, GAME_TYPE, 0)
}

pub(super) fn sync_of(arena: &Arena, client: &L1Client, oracle: &Arc<Oracle>) -> Sync {
    let inbox = arena.chain.deployed.rollup.contracts.inbox;
    Sync::new(
        client.clone(),
        inbox,
        arena.chain.blobs(),
        Arc::clone(oracle),
    )
}

/// A false root over the first batch, a liar who defends it, and what is true.
pub(super) struct Scene {
    pub(super) arena: Arena,
    pub(super) trace: RealTrace,
    pub(super) game: Address,
    liar: Service,
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::with_batches(1).await
    }

    /// The same on a chain with at least this many batches.
    pub(super) async fn with_batches(batches: u64) -> Self {
        let arena = Arena::with_batches(CLOCK, batches).await;
        let trace = RealTrace::derive(&arena).await;
        let lie = FalseRoot::Balance.falsify(&trace.0.header(1).unwrap(), 0);
        let output = root_over(&lie);
        let game = propose_over(&arena, &trace, 1, lie).await;
        let lie = Lie {
            batch: 1,
            step: 1_000,
            output,
        };
        let side = Side::Lie(Arc::clone(&trace.0), lie);
        let liar = Player::new(&arena, "the liar", &arena.chain.l1.url(), side).await;
        let (liar, _) = liar.service(&arena, Some(game));
        Self {
            arena,
            trace,
            game,
            liar,
        }
    }

    /// Moves and steps in the game, as L1 has them.
    pub(super) async fn moves(&self) -> usize {
        self.moves_in(self.game).await
    }

    /// Moves and steps in a game, as L1 has them.
    pub(super) async fn moves_in(&self, game: Address) -> usize {
        let filter = Filter::new()
            .address(game)
            .event_signature(vec![Moved::SIGNATURE_HASH, Stepped::SIGNATURE_HASH])
            .from_block(0);
        self.arena.l1.get_logs(&filter).await.unwrap().len()
    }

    /// Lets the liar answer; the challenger is to move afterwards.
    pub(super) async fn lie(&mut self) {
        let before = self.moves().await;
        let limit = Instant::now() + Duration::from_secs(SECONDS);
        while self.moves().await <= before {
            assert!(Instant::now() < limit, "the liar does not answer");
            // Between two blocks there may be nothing to be read; it is asked again.
            let _ = self.liar.look().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until there are more moves than `before`.
    pub(super) async fn answered(&self, what: &str, before: usize) {
        eventually(what, SECONDS, || async {
            (self.moves().await > before).then_some(())
        })
        .await;
    }
}
