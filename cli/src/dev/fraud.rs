//! Shows a dispute as L1 records it: every move with its depth, what it cuts, whose clock runs, and its gas.

use std::{collections::BTreeMap, time::Duration};

use alloy::{
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use eyre::{OptionExt, bail};
use trestle_contracts::bindings::{
    DisputeGame, DisputeGameFactory,
    dispute_game::DisputeGame::{Decided, Moved, Resolved, Settled, Stepped},
};

use super::accounts::{self, Role};

/// Pause between two looks at L1.
const LOOK: Duration = Duration::from_millis(250);
/// Longest time until the lie is told, in looks.
const PATIENCE: u32 = 480;
/// Outcome of a game whose root fell.
const CHALLENGER_WINS: u8 = 1;

/// What is shown.
#[derive(Debug)]
pub(super) struct Display {
    /// L1's JSON-RPC.
    pub(super) l1: String,
    /// Factory of games.
    pub(super) factory: Address,
    /// What the lie gets wrong.
    pub(super) class: String,
}

/// A game while it is shown.
struct Shown {
    l1: DynProvider,
    game: Address,
    liar: Address,
    /// Depth of each claim.
    depths: BTreeMap<B256, u32>,
    /// Gas of each transaction in the game that is not the liar's.
    gas: BTreeMap<B256, u64>,
}

impl Display {
    /// Follows the liar's game to its end; an error when the false root stood. Lines go to standard error when
    /// standard output holds the manifest.
    pub(super) async fn run(self, json: bool) -> eyre::Result<()> {
        let l1 = ProviderBuilder::new()
            .connect_http(self.l1.parse()?)
            .erased();
        let liar = accounts::of(Role::Liar)?.address;
        let say = |line: &str| match json {
            true => eprintln!("{line}"),
            false => println!("{line}"),
        };
        say(&format!(
            "\nFraud: a liar will propose a false output root ({}).",
            self.class
        ));
        let game = find(&l1, self.factory, liar).await?;
        let contract = DisputeGame::new(game, &l1);
        let proposal = contract.proposal().call().await?;
        say(&format!(
            "Game {game}: \"after batch {} the output root is {}\", from the anchor at batch {}.",
            proposal.batch, proposal.outputRoot, proposal.anchorBatch
        ));
        let root = contract.rootHeader().call().await?;
        let id = contract.idOf(root).call().await?;
        let mut shown = Shown {
            l1,
            game,
            liar,
            depths: BTreeMap::from([(id, 0)]),
            gas: BTreeMap::new(),
        };
        let status = shown.follow(&say).await?;
        say(&format!(
            "gas      {} for the honest side's {} transactions",
            shown.gas.values().sum::<u64>(),
            shown.gas.len()
        ));
        if status != CHALLENGER_WINS {
            bail!("the false root stands on L1");
        }
        say("Verdict: the false output root was defeated on L1.");
        Ok(())
    }
}

/// The newest game of the liar, once it is there.
async fn find(l1: &DynProvider, factory: Address, liar: Address) -> eyre::Result<Address> {
    let factory = DisputeGameFactory::new(factory, l1);
    let mut seen = U256::ZERO;
    for _ in 0..PATIENCE {
        let count = factory.gameCount().call().await?;
        while seen < count {
            let game = factory.gameAtIndex(seen).call().await?.proxy;
            seen += U256::ONE;
            let contract = DisputeGame::new(game, l1);
            // 0: in progress; older games of the liar are over.
            if contract.gameCreator().call().await? == liar && contract.status().call().await? == 0
            {
                return Ok(game);
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("the liar proposed nothing; liar.log in the data folder says why")
}

impl Shown {
    /// Says what happens until the game is resolved; gives its outcome.
    async fn follow(&mut self, say: impl Fn(&str)) -> eyre::Result<u8> {
        let mut from = 0;
        loop {
            let head = self.l1.get_block_number().await?;
            if head >= from {
                let filter = Filter::new()
                    .address(self.game)
                    .from_block(from)
                    .to_block(head);
                for log in self.l1.get_logs(&filter).await? {
                    self.gas_of(&log).await?;
                    if let Some(line) = self.line(&log).await? {
                        say(&line);
                    }
                    if let Ok(resolved) = Resolved::decode_log(&log.inner) {
                        return Ok(resolved.status);
                    }
                }
                from = head.saturating_add(1);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn line(&mut self, log: &Log) -> eyre::Result<Option<String>> {
        if let Ok(event) = Moved::decode_log(&log.inner) {
            return self.moved(log, &event).await.map(Some);
        }
        if let Ok(event) = Stepped::decode_log(&log.inner) {
            let gas = self.gas_of(log).await?;
            return Ok(Some(format!(
                "step     {} makes L1 execute one instruction, segment {}: the state after it is {}, not what was claimed ({gas} gas)",
                self.name(event.sender),
                event.segment,
                event.post
            )));
        }
        if let Ok(event) = Decided::decode_log(&log.inner) {
            let word = if event.status == 1 { "stands" } else { "falls" };
            return Ok(Some(format!(
                "decided  claim at depth {} {word}",
                self.depth(&event.claim)
            )));
        }
        if let Ok(event) = Settled::decode_log(&log.inner) {
            return Ok(Some(format!(
                "paid     {} gets {} wei of the fallen bond at depth {}, {} wei are burned",
                self.name(event.payee),
                event.paid,
                self.depth(&event.claim),
                event.burned
            )));
        }
        Ok(None)
    }

    async fn moved(&mut self, log: &Log, event: &Moved) -> eyre::Result<String> {
        let depth = self.depth(&event.parent).saturating_add(1);
        self.depths.insert(event.claim, depth);
        let header = &event.header;
        let what = if header.level == 2 {
            "machine steps"
        } else {
            "batches"
        };
        let contract = DisputeGame::new(self.game, &self.l1);
        let deadline = contract.deadlineOf(header.clone()).call().await?;
        let now = self
            .l1
            .get_block_by_number(alloy::eips::BlockNumberOrTag::Latest)
            .await?;
        let now = now.map_or(0, |block| block.header.timestamp);
        let left = deadline.saturating_to::<u64>().saturating_sub(now);
        let (mover, other) = match event.claimant == self.liar {
            true => ("liar", "challenger"),
            false => ("challenger", "liar"),
        };
        let gas = self.gas_of(log).await?;
        Ok(format!(
            "depth {depth}  {mover:<10} rejects segment {}, cuts {what} {} to {} into {}; the {other} has {left} s ({gas} gas)",
            header.segment,
            header.lo,
            header.hi,
            event.points.len()
        ))
    }

    fn depth(&self, claim: &B256) -> u32 {
        self.depths.get(claim).copied().unwrap_or_default()
    }

    fn name(&self, account: Address) -> String {
        match account == self.liar {
            true => "the liar".to_owned(),
            false => format!("{account}"),
        }
    }

    async fn gas_of(&mut self, log: &Log) -> eyre::Result<u64> {
        let hash = log
            .transaction_hash
            .ok_or_eyre("an event without transaction");
        let receipt = self.l1.get_transaction_receipt(hash?).await?;
        let Some(receipt) = receipt else { return Ok(0) };
        if receipt.from != self.liar {
            self.gas.insert(receipt.transaction_hash, receipt.gas_used);
        }
        Ok(receipt.gas_used)
    }
}
