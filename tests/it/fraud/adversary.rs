//! An adversary at work in one game: it looks at L1, lies in its own manner, and never stops.

use std::time::Duration;

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, Bytes, U256, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use trestle_challenger::{ClaimView, GameView, Move, Truth as _, service::Watcher};
use trestle_contracts::bindings::dispute_game::DisputeGame::{counterCall, stepCall};
use trestle_sdk::deploy::GAME_TYPE;
use trestle_sequencer::l1::L1Client;

use super::{arena::Arena, trace::RealTrace};
use crate::{
    liar::{Kind, craft, run_of},
    random::Random,
};

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// Seconds before a deadline in which those move who wait for it.
const LAST_SECONDS: u64 = 5;
/// Counters that one adversary makes at most.
const TRIES: u64 = 12;
/// Gas limits, above what any of its moves takes.
const COUNTER_GAS: u64 = 700_000;
const STEP_GAS: u64 = 6_000_000;

/// An adversary with an account of its own.
pub(super) struct Adversary {
    kind: Kind,
    account: Address,
    l1: DynProvider,
    url: String,
    watcher: Watcher,
    game: Address,
    /// Whose transactions a copycat sends first.
    honest: Address,
    trace: RealTrace,
    random: Random,
    tries: u64,
}

/// Ends the adversary with the test.
pub(super) struct AtWork(JoinHandle<()>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Adversary {
    /// Gives an adversary 1,000 ether and sets it to work in `game`.
    pub(super) async fn start(
        arena: &Arena,
        trace: &RealTrace,
        kind: Kind,
        game: Address,
        honest: Address,
    ) -> AtWork {
        let seed = keccak256(format!("{kind:?} in {game}"));
        let signer = PrivateKeySigner::from_bytes(&seed).unwrap();
        let account = signer.address();
        let wei = U256::from(1_000) * U256::from(10).pow(U256::from(18));
        let funds = json!([account, format!("{wei:#x}")]);
        arena.chain.l1_rpc().call("anvil_setBalance", funds).await;
        let url = arena.chain.l1.url();
        let l1 = ProviderBuilder::new()
            .with_simple_nonce_management()
            .wallet(EthereumWallet::from(signer))
            .connect_http(url.parse().unwrap())
            .erased();
        let contracts = &arena.chain.deployed.rollup.contracts;
        let client = L1Client::new(url.parse().unwrap(), Duration::from_secs(20));
        let adversary = Self {
            kind,
            account,
            l1,
            url,
            watcher: Watcher::new(client, 31_337, contracts.dispute_game_factory, GAME_TYPE, 0),
            game,
            honest,
            trace: trace.clone(),
            random: Random::new(u64::from_be_bytes(*seed.first_chunk().unwrap())),
            tries: TRIES,
        };
        AtWork(tokio::spawn(adversary.work()))
    }

    async fn work(mut self) {
        while self.tries > 0 {
            // An L1 that does not answer now is asked again.
            let _ = self.look().await;
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look(&mut self) -> Option<()> {
        if self.kind == Kind::Copycat {
            return self.copy().await;
        }
        self.watcher.refresh().await.ok()?;
        let view = self.watcher.games().get(&self.game)?.view.clone();
        let claim = self.target(&view)?;
        let moves = if self.kind == Kind::Spammer { 4 } else { 1 };
        for _ in 0..moves.min(self.tries) {
            self.answer(&view, &claim).await;
        }
        Some(())
    }

    /// A claim to answer now: half of the time the newest.
    fn target(&mut self, view: &GameView) -> Option<ClaimView> {
        let (kind, account) = (self.kind, self.account);
        let random = &mut self.random;
        let is_due = |claim: &&ClaimView| {
            !kind.waits() || view.deadline(claim) <= view.now.saturating_add(LAST_SECONDS)
        };
        let open: Vec<&ClaimView> = view
            .claims
            .values()
            .filter(|claim| view.is_answerable(claim))
            .filter(is_due)
            .filter(|claim| kind.targets(claim.claimant == account, random))
            .collect();
        let newest = open.iter().max_by_key(|claim| claim.made_at)?;
        Some(if random.one_in(2) {
            (*newest).clone()
        } else {
            (*random.pick(&open)).clone()
        })
    }

    async fn answer(&mut self, view: &GameView, claim: &ClaimView) {
        self.tries -= 1;
        if claim.header.is_leaf() {
            return self.step(view, claim).await;
        }
        let lie = self.kind.lie(claim, &mut self.random);
        let (view, trace, claim) = (view.clone(), self.trace.clone(), claim.clone());
        let crafted = tokio::task::spawn_blocking(move || craft(&view, &trace, &claim, lie)).await;
        if let Ok(Some(Move::Counter {
            parent,
            segment,
            points,
            machine_end,
            bond,
            ..
        })) = crafted
        {
            let call = counterCall {
                parent: (&parent).into(),
                segment: (&segment).into(),
                points,
                machineEnd: machine_end,
            };
            self.send(call.abi_encode().into(), bond, COUNTER_GAS).await;
        }
    }

    /// Steps a leaf with the truth's own witness: only a false claim can fall by it.
    async fn step(&mut self, view: &GameView, claim: &ClaimView) {
        let index = self.random.between(0, claim.segment_count() - 1);
        let Some((batch, _)) = run_of(view, claim) else {
            return;
        };
        let (trace, at) = (self.trace.clone(), claim.boundary(index));
        let witness = tokio::task::spawn_blocking(move || trace.0.witness(batch, at)).await;
        let (Ok(Ok(witness)), Some(segment)) = (witness, claim.segment(index)) else {
            return;
        };
        let call = stepCall {
            header: (&claim.header).into(),
            segment: (&segment).into(),
            witness,
        };
        self.send(call.abi_encode().into(), U256::ZERO, STEP_GAS)
            .await;
    }

    /// Sends what the honest side has in the pool, at a higher price, as its own.
    async fn copy(&mut self) -> Option<()> {
        let pool: Value = self
            .l1
            .raw_request("txpool_content".into(), ())
            .await
            .ok()?;
        let waiting = pool["pending"][self.honest.to_checksum(None)].as_object()?;
        for tx in waiting.values() {
            let is_here = tx["to"]
                .as_str()
                .is_some_and(|to| to.parse() == Ok(self.game));
            if !is_here || self.tries == 0 {
                continue;
            }
            let data: Bytes = tx["input"].as_str()?.parse().ok()?;
            let value: U256 = tx["value"].as_str()?.parse().ok()?;
            self.tries -= 1;
            self.send(data, value, STEP_GAS).await;
        }
        Some(())
    }

    /// Sends a move, whether L1 will refuse it or not.
    async fn send(&self, data: Bytes, value: U256, gas: u64) {
        let tx = TransactionRequest::default()
            .with_to(self.game)
            .with_input(data)
            .with_value(value)
            .with_gas_limit(gas)
            .with_max_priority_fee_per_gas(50_000_000_000)
            .with_max_fee_per_gas(500_000_000_000);
        if let Err(error) = self.l1.send_transaction(tx).await {
            println!("{:?} at {}: {error}", self.kind, self.url);
        }
    }
}
