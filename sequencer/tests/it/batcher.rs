//! The batcher with reader and sender against anvil and the real Inbox: nothing is posted twice, nothing
//! is left out, and no batch of ours ever reverts, whatever crashes, reorganises or is forced.

mod blobs;
mod spending;

use crate::model::Model;
use alloy::{
    consensus::Transaction,
    eips::BlockId,
    network::TransactionResponse,
    primitives::{Address, B256, Bytes, U256},
    providers::Provider,
    signers::local::PrivateKeySigner,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use trestle_protocol::{
    ChainConfig,
    payload::{PayloadBlock, PayloadLimits, decode_payload},
};
use trestle_sequencer::{
    batcher::{Batcher, BatcherConfig, BatcherStatus, ClosePolicy, KindPolicy},
    l1::{
        BeaconClient, BlobSource, L1Client, L1Reader, L1Sender, MemoryJournal, ReaderConfig,
        SenderConfig, SenderStatus,
    },
};
use trestle_test_support::{
    Anvil, AnvilOptions, DEV_KEYS, Fault, FaultProxy, Settlement, SettlementOptions,
};

const L1: u64 = 31_337;
/// Seconds after which anyone can force a deposit in.
const FORCED_DELAY: u64 = 1_000;
/// Tip where spending is capped, in wei per gas.
const TIP: u128 = 20_000_000_000;

struct Bench {
    anvil: Anvil,
    proxy: FaultProxy,
    settlement: Settlement,
    chain: ChainConfig,
    model: Model,
    journal: MemoryJournal,
    kinds: KindPolicy,
    /// Most that the account may pay in a day, in wei.
    max_per_day: Option<U256>,
}

/// One life of the node's L1 parts.
struct Life {
    tasks: Vec<JoinHandle<()>>,
    status: watch::Receiver<BatcherStatus>,
    sent: watch::Receiver<SenderStatus>,
}

impl Life {
    /// kill -9: nothing is told that it ends.
    async fn kill(self) {
        for task in self.tasks {
            task.abort();
            task.await.ok();
        }
    }
}

fn account(index: usize) -> Address {
    key(index).address()
}

fn key(index: usize) -> PrivateKeySigner {
    DEV_KEYS[index].parse().unwrap()
}

impl Bench {
    async fn new() -> Self {
        Self::with(KindPolicy::Calldata).await
    }

    async fn with(kinds: KindPolicy) -> Self {
        let anvil = Anvil::start_with(&AnvilOptions::default()).unwrap();
        let proxy = FaultProxy::start(anvil.url()).await.unwrap();
        let options = SettlementOptions {
            deployer: account(0),
            batcher: account(1),
            forced_inclusion_delay: FORCED_DELAY,
            batch_deposit_gas: 200_000_000,
        };
        let settlement = Settlement::deploy(&anvil, &options).await.unwrap();
        let chain = ChainConfig::new(L1, 4_242, settlement.inbox, B256::ZERO);
        let (model, journal) = (Model::default(), MemoryJournal::default());
        Self {
            anvil,
            proxy,
            settlement,
            chain,
            model,
            journal,
            kinds,
            max_per_day: None,
        }
    }

    fn client(&self) -> L1Client {
        L1Client::new(self.proxy.url().parse().unwrap(), Duration::from_secs(20))
    }

    fn live(&self) -> Life {
        let block_time = Duration::from_millis(50);
        let mut config = ReaderConfig::for_block_time(
            L1,
            self.settlement.inbox,
            self.settlement.start_block,
            block_time,
        );
        (config.poll_min, config.poll_max) = (Duration::from_millis(5), Duration::from_millis(20));
        config.backoff_max = Duration::from_millis(100);
        config.blobs = BlobSource {
            archive: None,
            beacons: vec![BeaconClient::new(
                self.anvil.url().parse().unwrap(),
                Duration::from_secs(20),
            )],
        };
        let (inputs, receiver) = mpsc::channel(4);
        let cursor = self.model.cursor();
        let (reader, view) = L1Reader::new(
            self.client(),
            config,
            cursor.as_ref().map(AsRef::as_ref),
            inputs,
        )
        .unwrap();
        let mut config = SenderConfig::for_block_time(L1, block_time);
        config.poll = Duration::from_millis(10);
        config.resend_after = Duration::from_millis(100);
        config.max_per_day = self.max_per_day;
        if self.max_per_day.is_some() {
            // anvil's base fee falls with every block: what is paid is all tip.
            config.fees.min_tip = TIP;
        }
        let (sender, handle) = L1Sender::new(
            self.client(),
            key(1).into(),
            Arc::new(self.journal.clone()),
            config,
        );
        let sent = handle.status();
        let config = BatcherConfig {
            chain: self.chain.clone(),
            close: ClosePolicy {
                max_delay: Duration::from_millis(20),
                idle_delay: Duration::from_secs(60),
            },
            kinds: self.kinds,
            forced_delay: Some(Duration::from_secs(FORCED_DELAY)),
            poll: Duration::from_millis(5),
            backoff_max: Duration::from_millis(50),
        };
        let (batcher, status) = Batcher::new(config, Arc::new(self.model.clone()), handle, view);
        let tasks = vec![
            tokio::spawn(async { reader.run().await.unwrap() }),
            tokio::spawn(async { sender.run().await.unwrap() }),
            tokio::spawn(self.model.clone().follow(receiver)),
            tokio::spawn(batcher.run()),
        ];
        Life {
            tasks,
            status,
            sent,
        }
    }

    async fn deposit(&self) {
        let tx = self
            .settlement
            .deposit(account(2), account(3), 1, Bytes::new());
        self.anvil.send(&tx).await.unwrap();
    }

    /// Waits until every block is posted.
    async fn settle(&self, life: &Life) {
        let settled = async {
            while !self.model.is_all_posted() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(120), settled)
            .await
            .is_err()
        {
            let (status, sent) = (life.status.borrow(), life.sent.borrow());
            panic!("{:?} {status:?} {sent:?}", self.model.progress());
        }
    }

    /// What the Inbox has is the chain, block by block, and nothing of ours failed.
    async fn assert_posted_once(&self) {
        let (batches, blocks) = self.model.posted();
        let head = self.settlement.head(&self.anvil).await.unwrap();
        assert_eq!(head.batches, batches.len() as u64);
        let mut posted: Vec<PayloadBlock> = Vec::new();
        for batch in &batches {
            match &batch.payload {
                Some(bytes) => {
                    let limits = PayloadLimits::from(&self.chain);
                    posted.extend(decode_payload(bytes, &limits).unwrap().blocks);
                }
                None => posted.push(blocks[posted.len()].clone()),
            }
        }
        assert!(
            posted == blocks,
            "{} posted of {}",
            posted.len(),
            blocks.len()
        );
        self.assert_none_failed().await;
    }

    async fn assert_none_failed(&self) {
        let l1 = self.anvil.provider();
        let newest = l1.get_block_number().await.unwrap();
        for number in self.settlement.start_block..=newest {
            let block = l1
                .get_block(BlockId::number(number))
                .full()
                .await
                .unwrap()
                .unwrap();
            for tx in block.transactions.into_transactions() {
                let receipt = l1
                    .get_transaction_receipt(tx.tx_hash())
                    .await
                    .unwrap()
                    .unwrap();
                let (from, nonce) = (tx.from(), tx.nonce());
                assert!(
                    from != account(1) || receipt.status(),
                    "nonce {nonce} reverted"
                );
            }
        }
    }
}

#[tokio::test]
async fn blocks_are_posted_in_order_and_once() {
    let bench = Bench::new().await;
    let life = bench.live();
    for bytes in [10, 90_000, 90_000, 1, 2, 3, 40_000, 40_000, 40_000] {
        bench.deposit().await;
        bench.model.seal(bytes, 3);
    }
    bench.settle(&life).await;
    bench.assert_posted_once().await;
    let nonce = bench
        .anvil
        .provider()
        .get_transaction_count(account(1))
        .await
        .unwrap();
    assert_eq!(nonce, bench.model.progress().2);
}

#[tokio::test]
async fn batcher_killed_at_any_point_posts_everything_once() {
    let bench = Bench::new().await;
    let mut life = bench.live();
    for round in 0..20u64 {
        bench.deposit().await;
        bench.model.seal(1_000, 2);
        // Further into the work with each round: before the batch, within it, after it.
        tokio::time::sleep(Duration::from_millis(4 * round)).await;
        life.kill().await;
        life = bench.live();
    }
    bench.settle(&life).await;
    bench.assert_posted_once().await;
    let nonce = bench
        .anvil
        .provider()
        .get_transaction_count(account(1))
        .await
        .unwrap();
    assert_eq!(nonce, bench.model.progress().2);
}

#[tokio::test]
async fn pitfall_b32_reorgs_of_depth_1_to_8_lead_to_everything_posted_once() {
    let bench = Bench::new().await;
    let life = bench.live();
    bench.anvil.mine(8).await.unwrap();
    for depth in 1..=8 {
        for bytes in [100, 60_000, 60_000] {
            bench.deposit().await;
            bench.model.seal(bytes, 8);
        }
        bench.settle(&life).await;
        bench.anvil.reorg(depth, &[]).await.unwrap();
        bench.deposit().await;
        // The reader has seen the reorg when it has seen the deposit after it.
        let inbox = bench.settlement.head(&bench.anvil).await.unwrap();
        let caught_up = async {
            while bench.model.deposit_count() < inbox.deposits {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), caught_up)
            .await
            .unwrap();
        bench.model.seal(500, 8);
        bench.settle(&life).await;
        bench.assert_posted_once().await;
    }
}

#[tokio::test]
async fn forced_batch_in_our_place_costs_us_nothing() {
    let bench = Bench::new().await;
    let life = bench.live();
    bench.deposit().await;
    bench.model.seal(100, 0);
    bench.settle(&life).await;
    // A batch is signed and waits; meanwhile somebody forces the queue into its number.
    let refuse = |method: &str, _: &Value| match method {
        "eth_sendRawTransaction" => Fault::Down,
        _ => Fault::None,
    };
    bench.proxy.set_rule(refuse);
    bench.model.seal(5_000, 0);
    let mut status = life.status.clone();
    let under_way = status.wait_for(|status| status.under_way.is_some());
    tokio::time::timeout(Duration::from_secs(20), under_way)
        .await
        .unwrap()
        .unwrap();
    let _: Value = bench.anvil.rpc("anvil_mine", (2, 2_000)).await.unwrap();
    bench
        .anvil
        .send(&bench.settlement.force_include(account(3)))
        .await
        .unwrap();
    let forced = async {
        while bench.model.progress().2 < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), forced)
        .await
        .unwrap();
    bench.proxy.heal();
    bench.model.seal(5_000, 4);
    bench.settle(&life).await;
    bench.assert_posted_once().await;
}

#[tokio::test]
async fn l1_outage_leaves_a_backlog_that_is_caught_up() {
    let bench = Bench::new().await;
    let life = bench.live();
    bench.model.seal(100, 0);
    bench.settle(&life).await;
    bench.proxy.set_rule(|_, _| Fault::Down);
    for _ in 0..50 {
        bench.model.seal(20_000, 0);
    }
    let mut status = life.status.clone();
    let grown = status.wait_for(|status| status.backlog >= 50);
    tokio::time::timeout(Duration::from_secs(20), grown)
        .await
        .unwrap()
        .unwrap();
    bench.proxy.heal();
    bench.settle(&life).await;
    bench.assert_posted_once().await;
}
