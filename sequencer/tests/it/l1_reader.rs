//! The reader against anvil and the real Inbox: reorgs, resumption, outages, lies.
//!
//! The judge is always the same: what a reader made of its updates must equal what a fresh reader
//! makes of L1 as it is now, and what the contract itself says.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes},
    providers::Provider,
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use trestle_protocol::QueuedEntry;
use trestle_sequencer::{
    engine::{L1BlockRef, L1Input, L1Update, SeenBatch},
    l1::{
        BlockError, InboxError, L1Client, L1Reader, L1View, ReaderConfig, ReaderError,
        wake_at_heads,
    },
};
use trestle_test_support::{
    Anvil, AnvilOptions, DEV_KEYS, Fault, FaultProxy, InboxHead, Settlement, SettlementOptions,
};

const L1: u64 = 31_337;

struct Bench {
    anvil: Anvil,
    proxy: FaultProxy,
    settlement: Settlement,
}

fn account(index: usize) -> Address {
    DEV_KEYS[index]
        .parse::<PrivateKeySigner>()
        .unwrap()
        .address()
}

impl Bench {
    async fn new() -> Self {
        Self::with(AnvilOptions::default()).await
    }

    async fn with(options: AnvilOptions) -> Self {
        let anvil = Anvil::start_with(&options).unwrap();
        let proxy = FaultProxy::start(anvil.url()).await.unwrap();
        let options = SettlementOptions {
            deployer: account(0),
            batcher: account(1),
            forced_inclusion_delay: 1_000,
            batch_deposit_gas: 200_000_000,
        };
        let settlement = Settlement::deploy(&anvil, &options).await.unwrap();
        Self {
            anvil,
            proxy,
            settlement,
        }
    }

    fn config(&self) -> ReaderConfig {
        let mut config = ReaderConfig::for_block_time(
            L1,
            self.settlement.inbox,
            self.settlement.start_block,
            Duration::from_millis(50),
        );
        (config.poll_min, config.poll_max) = (Duration::from_millis(5), Duration::from_millis(20));
        config
    }

    fn read(&self, cursor: Option<&[u8]>) -> Reading {
        self.read_with(self.config(), cursor)
    }

    fn read_with(&self, config: ReaderConfig, cursor: Option<&[u8]>) -> Reading {
        let client = L1Client::new(self.proxy.url().parse().unwrap(), Duration::from_secs(5));
        let (events, receiver) = mpsc::channel(4);
        let (reader, view) = L1Reader::new(client, config, cursor, events).unwrap();
        let task = tokio::spawn(reader.run());
        Reading {
            receiver,
            view,
            task,
            picture: Picture::default(),
        }
    }

    async fn head(&self) -> L1BlockRef {
        let block = self
            .anvil
            .provider()
            .get_block(BlockId::latest())
            .await
            .unwrap()
            .unwrap();
        let header = block.header;
        L1BlockRef {
            number: header.number,
            hash: header.hash,
            time: header.timestamp,
        }
    }

    async fn inbox(&self) -> InboxHead {
        self.settlement.head(&self.anvil).await.unwrap()
    }

    async fn send(&self, tx: TransactionRequest) -> B256 {
        self.anvil.send(&tx).await.unwrap()
    }

    async fn deposit(&self, value: u8) {
        let data = Bytes::from(vec![value; 5_000]);
        self.send(
            self.settlement
                .deposit(account(2), account(3), value.into(), data),
        )
        .await;
    }

    async fn append(&self, payload: &[u8]) {
        let head = self.inbox().await;
        self.send(
            self.settlement
                .append(account(1), &head, payload.to_vec().into()),
        )
        .await;
    }

    /// What a reader that starts now makes of L1.
    async fn fresh(&self) -> Picture {
        let mut reading = self.read(None);
        reading.reach(self.head().await).await;
        reading.picture
    }

    /// The reading, a fresh one and the contract agree.
    async fn assert_agreed(&self, reading: &mut Reading) {
        reading.reach(self.head().await).await;
        let fresh = self.fresh().await;
        assert!(reading.picture.entries == fresh.entries, "entries differ");
        assert!(reading.picture.batches == fresh.batches, "batches differ");
        let inbox = self.inbox().await;
        let seen = reading.view.borrow().inbox;
        assert_eq!(
            (
                seen.batches,
                seen.batch_acc,
                seen.deposits,
                seen.deposit_acc,
                seen.consumed
            ),
            (
                inbox.batches,
                inbox.batch_acc,
                inbox.deposits,
                inbox.deposit_acc,
                inbox.consumed
            )
        );
        assert_eq!(reading.picture.entries.len() as u64, inbox.deposits);
        assert_eq!(reading.picture.batches.len() as u64, inbox.batches);
    }
}

/// What an engine would have made of the updates so far.
#[derive(Debug, Clone, Default, PartialEq)]
struct Picture {
    head: L1BlockRef,
    finalized: L1BlockRef,
    entries: Vec<QueuedEntry>,
    batches: Vec<SeenBatch>,
    rewinds: usize,
    cursor: Bytes,
}

impl Picture {
    fn apply(&mut self, event: L1Input) {
        self.cursor = event.cursor;
        match event.update {
            L1Update::Block {
                block,
                entries,
                batches,
            } => {
                assert!(
                    block.number > self.head.number,
                    "{block:?} after {:?}",
                    self.head
                );
                self.head = block;
                for entry in entries {
                    assert_eq!(entry.index, self.entries.len() as u64);
                    self.entries.push(entry);
                }
                for batch in batches {
                    assert_eq!(batch.header.index, self.batches.len() as u64 + 1);
                    self.batches.push(batch);
                }
            }
            L1Update::Rewind { to } => {
                self.head = to;
                self.rewinds += 1;
                self.entries
                    .retain(|entry| entry.entry.l1_number <= to.number);
                self.batches
                    .retain(|batch| batch.header.l1_number <= to.number);
            }
            L1Update::Finalized(block) => {
                assert!(block.number >= self.finalized.number && block.number <= self.head.number);
                self.finalized = block;
            }
        }
    }
}

struct Reading {
    receiver: mpsc::Receiver<L1Input>,
    view: watch::Receiver<L1View>,
    task: JoinHandle<Result<(), ReaderError>>,
    picture: Picture,
}

impl Reading {
    async fn next(&mut self) -> Option<L1Input> {
        let next = tokio::time::timeout(Duration::from_secs(20), self.receiver.recv()).await;
        next.unwrap_or_else(|_| panic!("no event: {:?}", self.view.borrow()))
    }

    async fn reach(&mut self, head: L1BlockRef) {
        let reached = async {
            while self.picture.head != head {
                let event = self.next().await.expect("reader ended");
                self.picture.apply(event);
            }
        };
        tokio::time::timeout(Duration::from_secs(60), reached)
            .await
            .unwrap_or_else(|_| panic!("{head:?} not reached: {:?}", self.picture.head));
    }

    /// Waits for the event that ends the reader, or for a fault, with the updates applied meanwhile.
    async fn fault(&mut self) -> ReaderError {
        let seen = async {
            loop {
                let fault = self.view.borrow_and_update().fault.clone();
                if let Some(fault) = fault {
                    return fault;
                }
                tokio::select! {
                    Some(event) = self.receiver.recv() => self.picture.apply(event),
                    _ = self.view.changed() => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen)
            .await
            .unwrap()
    }

    async fn end(self) -> Result<(), ReaderError> {
        drop(self.receiver);
        tokio::time::timeout(Duration::from_secs(20), self.task)
            .await
            .unwrap()
            .unwrap()
    }
}

#[tokio::test]
async fn reader_sees_entries_and_batches_with_their_payloads() {
    let bench = Bench::new().await;
    let mut reading = bench.read(None);
    bench.deposit(1).await;
    bench.append(&[7; 99_999]).await;
    bench.append(&[]).await;
    bench
        .send(bench.settlement.enqueue_attributes(account(3)))
        .await;
    bench.assert_agreed(&mut reading).await;
    let payloads: Vec<_> = reading
        .picture
        .batches
        .iter()
        .map(|batch| batch.payload.clone().unwrap())
        .collect();
    assert_eq!(payloads, [Bytes::from(vec![7; 99_999]), Bytes::new()]);
    assert!(reading.picture.entries.len() >= 4);
    assert_eq!(reading.end().await, Ok(()));
}

#[tokio::test]
async fn forced_batch_is_seen_without_payload() {
    let bench = Bench::new().await;
    let mut reading = bench.read(None);
    bench.deposit(1).await;
    let _: Value = bench.anvil.rpc("anvil_mine", (2, 2_000)).await.unwrap();
    bench.send(bench.settlement.force_include(account(3))).await;
    bench.append(&[1]).await;
    bench.assert_agreed(&mut reading).await;
    assert_eq!(reading.picture.batches[0].payload, None);
    assert_eq!(
        reading.picture.batches[1].payload,
        Some(Bytes::from(vec![1]))
    );
}

/// Blocks of depth 1 to 8 are replaced; of their transactions some come back, in another order.
#[tokio::test]
async fn pitfall_b37_reorgs_that_drop_move_and_reorder_leave_the_view_of_a_fresh_reader() {
    let bench = Bench::new().await;
    let mut reading = bench.read(None);
    let mut dice = Dice(0x5eed);
    let (mut entries_back, mut batches_back) = (0, 0);
    for depth in (1..=8).chain(1..=8) {
        let mut sent = Vec::new();
        for _ in 0..8 {
            sent.push(act(&bench, &mut dice).await);
        }
        reading.reach(bench.head().await).await;
        let rewinds = reading.picture.rewinds;
        let ancestor = reading.picture.head.number - depth;
        let kept = shuffled_part(sent, depth, &mut dice);
        bench.anvil.reorg(depth, &kept).await.unwrap();
        bench.assert_agreed(&mut reading).await;
        assert_eq!(reading.picture.rewinds, rewinds + 1, "depth {depth}");
        let picture = &reading.picture;
        let is_new = |number: u64| usize::from(number > ancestor);
        entries_back += picture
            .entries
            .iter()
            .map(|e| is_new(e.entry.l1_number))
            .sum::<usize>();
        batches_back += picture
            .batches
            .iter()
            .map(|b| is_new(b.header.l1_number))
            .sum::<usize>();
        act(&bench, &mut dice).await;
        bench.assert_agreed(&mut reading).await;
    }
    // Some came back at other places: the reorgs moved and reordered, and did not only drop.
    assert!(
        entries_back > 20 && batches_back > 0,
        "{entries_back} {batches_back}"
    );
}

/// Reorgs faster than the reader follows: it may see any of the chains on its way.
#[tokio::test]
async fn reader_amid_quick_reorgs_ends_with_the_view_of_a_fresh_reader() {
    let bench = Bench::new().await;
    let mut reading = bench.read(None);
    let mut dice = Dice(0xfa57);
    for round in 0..20 {
        for _ in 0..4 {
            act(&bench, &mut dice).await;
        }
        bench.anvil.reorg(1 + dice.below(4), &[]).await.unwrap();
        bench.deposit(round).await;
    }
    bench.assert_agreed(&mut reading).await;
}

/// A deterministic source of choices.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

async fn act(bench: &Bench, dice: &mut Dice) -> TransactionRequest {
    let roll = dice.below(6);
    let value = u8::try_from(dice.below(200)).unwrap();
    let tx = match roll {
        0 => bench.settlement.enqueue_attributes(account(3)),
        1 | 2 => {
            let payload = vec![value; 5_000];
            bench
                .settlement
                .append(account(1), &bench.inbox().await, payload.into())
        }
        _ => {
            let data = Bytes::from(vec![value; value.into()]);
            bench
                .settlement
                .deposit(account(2), account(3), value.into(), data)
        }
    };
    bench.send(tx.clone()).await;
    tx
}

/// Some of the transactions, in another order, spread over the blocks of the reorg. Those of an
/// account keep their order, or their nonces would not fit.
fn shuffled_part(
    sent: Vec<TransactionRequest>,
    depth: u64,
    dice: &mut Dice,
) -> Vec<(TransactionRequest, u64)> {
    let mut kept: Vec<_> = sent.into_iter().map(|tx| (dice.below(1_500), tx)).collect();
    kept.retain(|(order, _)| *order < 1_000);
    kept.sort_by_key(|(order, _)| *order);
    let mut kept: Vec<_> = kept
        .into_iter()
        .map(|(_, tx)| (tx, dice.below(depth)))
        .collect();
    kept.sort_by_key(|(_, offset)| *offset);
    kept
}

#[tokio::test]
async fn reader_resumed_after_a_reorg_it_slept_through_agrees() {
    let bench = Bench::new().await;
    let mut dice = Dice(0xc0de);
    for depth in [0, 1, 5, 8] {
        let mut reading = bench.read(None);
        for _ in 0..8 {
            act(&bench, &mut dice).await;
        }
        reading.reach(bench.head().await).await;
        let picture = reading.picture.clone();
        assert_eq!(reading.end().await, Ok(()));
        if depth > 0 {
            bench.anvil.reorg(depth, &[]).await.unwrap();
        }
        act(&bench, &mut dice).await;
        let mut reading = bench.read(Some(&picture.cursor));
        reading.picture = Picture {
            rewinds: 0,
            ..picture
        };
        bench.assert_agreed(&mut reading).await;
        assert_eq!(
            reading.picture.rewinds,
            usize::from(depth > 0),
            "depth {depth}"
        );
    }
}

/// The batcher compares it with the engine's view, on an L1 that may stand still.
#[tokio::test]
async fn reader_resumed_on_an_l1_that_stands_still_knows_the_inbox() {
    let bench = Bench::new().await;
    let mut reading = bench.read(None);
    bench.deposit(1).await;
    bench.append(&[1]).await;
    reading.reach(bench.head().await).await;
    let (cursor, seen) = (reading.picture.cursor.clone(), reading.view.borrow().inbox);
    assert_eq!(seen.batches, 1);
    reading.end().await.unwrap();
    let resumed = bench.read(Some(&cursor));
    let mut view = resumed.view.clone();
    let live = view.wait_for(|view| view.is_live);
    let live = tokio::time::timeout(Duration::from_secs(20), live)
        .await
        .unwrap()
        .unwrap();
    let known = (live.inbox, live.head);
    drop(live);
    assert_eq!(known, (seen, bench.head().await));
}

#[tokio::test]
async fn cursor_that_is_garbage_is_refused_by_name() {
    let bench = Bench::new().await;
    let client = L1Client::new(bench.proxy.url().parse().unwrap(), Duration::from_secs(5));
    let (events, _receiver) = mpsc::channel(4);
    let result = L1Reader::new(client, bench.config(), Some(&[9, 9, 9]), events);
    assert_eq!(result.unwrap_err(), ReaderError::Cursor);
}

#[tokio::test]
async fn final_history_is_read_by_ranges_that_shrink_on_limits() {
    let options = AnvilOptions {
        slots_in_an_epoch: 1,
        ..Default::default()
    };
    let bench = Bench::with(options).await;
    for value in 0..4 {
        bench.deposit(value).await;
        bench.append(&[value; 300]).await;
        bench.anvil.mine(150).await.unwrap();
    }
    bench.proxy.set_rule(|method, params| {
        let number = |name| {
            let text = params[0][name]
                .as_str()
                .unwrap_or("0x0")
                .trim_start_matches("0x");
            u64::from_str_radix(text, 16).unwrap()
        };
        if method == "eth_getLogs" && number("toBlock") - number("fromBlock") > 90 {
            Fault::Refuse(-32_005, "query returned more than 10000 results".into())
        } else {
            Fault::None
        }
    });
    let mut reading = bench.read(None);
    bench.assert_agreed(&mut reading).await;
    assert!(bench.proxy.calls("eth_getLogs") > 6);
    assert!(bench.proxy.calls("eth_getBlockByHash") < 300);
    // A cursor from long ago goes on by ranges as well.
    let cursor = reading.picture.cursor.clone();
    let before = reading.picture.clone();
    bench.anvil.mine(300).await.unwrap();
    bench.deposit(9).await;
    let mut reading = bench.read(Some(&cursor));
    reading.picture = before;
    bench.assert_agreed(&mut reading).await;
    assert_eq!(reading.picture.rewinds, 0);
}

#[tokio::test]
async fn finalized_moves_and_a_reorg_below_it_halts_with_its_name() {
    let options = AnvilOptions {
        slots_in_an_epoch: 2,
        ..Default::default()
    };
    let bench = Bench::with(options).await;
    let mut reading = bench.read(None);
    for value in 0..8 {
        bench.deposit(value).await;
    }
    let head = bench.head().await;
    reading.reach(head).await;
    let mut view = reading.view.clone();
    let wanted = |view: &L1View| {
        view.finalized
            .is_some_and(|block| block.number + 4 >= head.number)
    };
    tokio::time::timeout(Duration::from_secs(20), view.wait_for(wanted))
        .await
        .unwrap()
        .unwrap();
    bench.anvil.reorg(8, &[]).await.unwrap();
    bench.deposit(9).await;
    let fault = reading.fault().await;
    assert!(
        matches!(fault, ReaderError::FinalizedReorged { .. }),
        "{fault:?}"
    );
    assert!(reading.view.borrow().is_halted);
    assert_eq!(reading.end().await, Err(fault));
}

#[tokio::test]
async fn reader_on_another_chain_halts_with_both_ids() {
    let bench = Bench::new().await;
    let mut config = bench.config();
    config.l1_chain_id = 1;
    let mut reading = bench.read_with(config, None);
    let wrong = ReaderError::WrongChain {
        expected: 1,
        got: L1,
    };
    assert_eq!(reading.fault().await, wrong);
    assert_eq!(reading.end().await, Err(wrong));
}

#[tokio::test]
async fn l1_outage_is_waited_out_and_nothing_is_missed() {
    let bench = Bench::new().await;
    let mut reading = bench.read(None);
    bench.deposit(1).await;
    reading.reach(bench.head().await).await;
    bench.proxy.set_rule(|_, _| Fault::Down);
    let fault = reading.fault().await;
    assert!(
        matches!(fault, ReaderError::Block(BlockError::Rpc(_))),
        "{fault:?}"
    );
    for value in 0..5 {
        bench.deposit(value).await;
    }
    bench.append(&[1, 2, 3]).await;
    bench.proxy.heal();
    bench.assert_agreed(&mut reading).await;
    let mut view = reading.view.clone();
    let healed = view.wait_for(|view| view.fault.is_none());
    tokio::time::timeout(Duration::from_secs(20), healed)
        .await
        .unwrap()
        .unwrap();
}

/// Each lie is named, nothing of it is handed on, and the truth is taken when it comes.
#[tokio::test]
async fn endpoint_that_lies_gives_a_named_error_and_no_wrong_data() {
    type Lie = fn(Value) -> Value;
    type Names = fn(&ReaderError) -> bool;
    let lies: [(&'static str, Lie, Names); 5] = [
        ("eth_getBlockReceipts", without_logs, |error| {
            matches!(error, ReaderError::Block(BlockError::Receipts { .. }))
        }),
        (
            "eth_getBlockReceipts",
            |_| json!([]),
            |error| matches!(error, ReaderError::Block(BlockError::Receipts { .. })),
        ),
        ("eth_getBlockByNumber", with_other_bloom, |error| {
            matches!(error, ReaderError::Block(BlockError::HeaderHash { .. }))
        }),
        (
            "eth_getTransactionByBlockHashAndIndex",
            |_| json!({ "input": "0x1234" }),
            |error| matches!(error, ReaderError::Block(BlockError::Payload { index: 1 })),
        ),
        (
            "eth_getBlockReceipts",
            |_| Value::Null,
            |error| matches!(error, ReaderError::Block(BlockError::Missing { .. })),
        ),
    ];
    for (lied_about, lie, is_named) in lies {
        let bench = Bench::new().await;
        let mut reading = bench.read(None);
        reading.reach(bench.head().await).await;
        bench.proxy.set_rule(move |method, _| {
            if method == lied_about {
                Fault::Alter(lie)
            } else {
                Fault::None
            }
        });
        bench.deposit(1).await;
        bench.append(&[5; 5_000]).await;
        let fault = reading.fault().await;
        assert!(is_named(&fault), "{lied_about}: {fault:?}");
        assert!(reading.picture.batches.is_empty());
        bench.proxy.heal();
        bench.assert_agreed(&mut reading).await;
    }
}

fn without_logs(mut receipts: Value) -> Value {
    for receipt in receipts.as_array_mut().into_iter().flatten() {
        receipt["logs"] = json!([]);
    }
    receipts
}

fn with_other_bloom(mut block: Value) -> Value {
    block["logsBloom"] = json!(format!("0x{}", "00".repeat(256)));
    block
}

/// An endpoint without `eth_getBlockReceipts`: the accumulators alone find the lie.
#[tokio::test]
async fn logs_left_out_by_a_simple_endpoint_show_as_a_hole() {
    fn without_first(mut logs: Value) -> Value {
        logs.as_array_mut().unwrap().remove(0);
        logs
    }
    let bench = Bench::with(AnvilOptions {
        automine: false,
        ..Default::default()
    })
    .await;
    let mut reading = bench.read(None);
    reading.reach(bench.head().await).await;
    bench.proxy.set_rule(|method, _| match method {
        "eth_getBlockReceipts" => Fault::Refuse(-32_601, "Method not found".into()),
        "eth_getLogs" => Fault::Alter(without_first),
        _ => Fault::None,
    });
    bench.deposit(1).await;
    bench.deposit(2).await;
    bench.anvil.mine(1).await.unwrap();
    let fault = reading.fault().await;
    let hole = |error: &ReaderError| {
        matches!(
            error,
            ReaderError::Inbox {
                source: InboxError::OutOfOrder { .. },
                ..
            }
        )
    };
    assert!(hole(&fault), "{fault:?}");
    bench.proxy.set_rule(|method, _| match method {
        "eth_getBlockReceipts" => Fault::Refuse(-32_601, "Method not found".into()),
        _ => Fault::None,
    });
    bench.assert_agreed(&mut reading).await;
}

/// Behind a balancer: a node that is five blocks behind answers every other time.
#[tokio::test]
async fn endpoint_that_lags_now_and_then_causes_no_rewind() {
    let bench = Bench::new().await;
    let mut reading = bench.read(None);
    for value in 0..6 {
        bench.deposit(value).await;
    }
    reading.reach(bench.head().await).await;
    let old = bench.head().await.number - 5;
    let block: Value = bench
        .anvil
        .rpc("eth_getBlockByNumber", (format!("{old:#x}"), false))
        .await
        .unwrap();
    let turn = std::sync::atomic::AtomicBool::new(true);
    bench.proxy.set_rule(move |method, params| {
        let is_latest = method == "eth_getBlockByNumber" && params[0] == "latest";
        if is_latest && turn.fetch_xor(true, std::sync::atomic::Ordering::SeqCst) {
            Fault::Answer(block.clone())
        } else {
            Fault::None
        }
    });
    for value in 0..6 {
        bench.deposit(value).await;
        reading.reach(bench.head().await).await;
    }
    bench.proxy.heal();
    bench.assert_agreed(&mut reading).await;
    assert_eq!(reading.picture.rewinds, 0);
}

/// Polls are ten minutes apart: without the subscription nothing would come in time.
#[tokio::test]
async fn subscription_to_heads_wakes_a_slow_reader() {
    let bench = Bench::new().await;
    let mut config = bench.config();
    (config.poll_min, config.poll_max) = (Duration::from_secs(600), Duration::from_secs(600));
    let client = L1Client::new(bench.proxy.url().parse().unwrap(), Duration::from_secs(5));
    let (inputs, receiver) = mpsc::channel(4);
    let (reader, view) = L1Reader::new(client, config, None, inputs).unwrap();
    let waker = tokio::spawn(wake_at_heads(bench.anvil.ws_url(), reader.wake()));
    let task = tokio::spawn(reader.run());
    let mut reading = Reading {
        receiver,
        view,
        task,
        picture: Picture::default(),
    };
    reading.reach(bench.head().await).await;
    // Heads before the subscription stood are not announced: one block more until it does.
    let woken = async {
        loop {
            bench.anvil.mine(1).await.unwrap();
            let next = reading.receiver.recv();
            if let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(200), next).await {
                reading.picture.apply(event);
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), woken)
        .await
        .unwrap();
    bench.deposit(1).await;
    bench.assert_agreed(&mut reading).await;
    waker.abort();
}
