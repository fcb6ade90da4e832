//! Twenty times what the node takes, for as long as `MINUTES` says.
//!
//! What it takes follows from the chain: the target gas per second over the gas of one transaction, a call that burns
//! all it has. Who offers 20 times that meets every bound of the node: fee, pool, connections. Every accepted
//! transaction is asked for until it is in a block or reported as dropped.

use std::{
    collections::VecDeque,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rand::SeedableRng;

use super::*;
use crate::support::ChainOptions;

/// Times what the node takes.
const TIMES: u64 = 20;
/// Gas that a transaction burns.
const BURNS: u64 = 200_000;
/// Accounts, each with one transaction under way.
const ACCOUNTS: usize = 3_000;
/// Transactions that the pool holds: fewer than the accounts can send.
const ROOM: &str = "2000";
/// Longest time between two blocks.
const GAP: Duration = Duration::from_secs(1);
/// Growth of memory after the first quarter, in bytes: what waits to be folded, and allocator's slack.
const GROWTH: u64 = 256 << 20;
/// Time after which all must be as usual.
const CALM: Duration = Duration::from_secs(60);
/// Creation code of a contract that burns all gas.
const BURNER: [u8; 12] = hex!("60038060095f395ff35b5f56");

#[derive(Debug, Default)]
struct Counts {
    offered: AtomicU64,
    accepted: AtomicU64,
    refused: AtomicU64,
    included: AtomicU64,
    dropped: AtomicU64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes MINUTES of two cores: `make soak-overload`"]
async fn twenty_times_what_the_node_takes_stops_nothing() {
    let minutes: f64 = std::env::var("MINUTES").map_or(10.0, |text| text.parse().unwrap());
    let lasts = Duration::from_secs_f64(minutes * 60.0);
    let chain = Chain::new(ChainOptions::default()).await;
    let options = with(chain.sequencer(), "--pool-transactions", ROOM);
    let node = Node::start(options).await;
    let accounts = accounts(&chain, &node, ACCOUNTS, 50).await;
    let mut maker = chain.funded_user(1, &node.rpc).await;
    let burner = maker.deploy(&node.rpc, &BURNER.into()).await;
    let rate = TIMES * chain.deployed.genesis.chain.target_gas_per_second / BURNS;
    println!("{rate} transactions per second offered for {minutes} minutes");

    let (counts, is_over) = (
        Arc::new(Counts::default()),
        Arc::new(AtomicBool::new(false)),
    );
    let url = node.rpc.url.clone();
    let gaps = tokio::spawn(longest_gap(url.clone(), Arc::clone(&is_over)));
    let load = Load {
        url,
        burner,
        rate,
        until: Instant::now() + lasts,
        counts: Arc::clone(&counts),
    };
    let memory = tokio::spawn(memory(node.id(), lasts));
    let waiting = load.run(accounts).await;
    let gap = {
        is_over.store(true, Relaxed);
        gaps.await.unwrap()
    };
    let ended = Instant::now();
    let (at_quarter, at_most) = memory.await.unwrap();

    // As usual: who pays what is suggested has a receipt at once.
    let calm = loop {
        let sent = Instant::now();
        let prices = Prices::of(&node.rpc).await;
        let to = Address::repeat_byte(0x55).into();
        let tx = maker.sign_priced(to, U256::ONE, Bytes::new(), 21_000, prices);
        tx.included(&node.rpc).await;
        if sent.elapsed() < Duration::from_millis(250) {
            break ended.elapsed();
        }
        assert!(ended.elapsed() < CALM, "{:?} for a receipt", sent.elapsed());
    };
    let left = settle(&node, waiting, &counts).await;
    println!("{counts:?}");
    println!(
        "longest gap {gap:?}, memory {at_quarter} then at most {at_most} bytes, calm after {calm:?}"
    );
    println!("pool empty after {:?}", ended.elapsed());
    assert_eq!(
        left, 0,
        "accepted and neither included nor reported dropped"
    );
    let [accepted, included, dropped] =
        [&counts.accepted, &counts.included, &counts.dropped].map(|count| count.load(Relaxed));
    assert_eq!(accepted, included + dropped);
    assert!(
        included > 0 && counts.refused.load(Relaxed) > accepted,
        "an overload"
    );
    assert!(gap <= GAP, "{gap:?} without a block");
    assert!(
        at_most < at_quarter + GROWTH,
        "{at_quarter} bytes, then {at_most}"
    );
}

/// A transaction that was accepted, with its account.
type Waiting = VecDeque<(usize, Signed)>;

struct Load {
    url: String,
    burner: Address,
    rate: u64,
    until: Instant,
    counts: Arc<Counts>,
}

impl Load {
    /// Sends at an even rate; gives what is still under way at the end.
    async fn run(self, mut accounts: Vec<User>) -> Waiting {
        let rpc = Rpc::of_l1(&self.url);
        let mut rng = StdRng::seed_from_u64(1);
        let mut waiting = Waiting::new();
        let mut idle: VecDeque<usize> = (0..accounts.len()).collect();
        let start = Instant::now();
        let mut spare = Vec::new();
        while Instant::now() < self.until {
            let due = start.elapsed().as_millis() * u128::from(self.rate) / 1_000;
            if u128::from(self.counts.offered.load(Relaxed)) >= due {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            let some: Vec<usize> = idle.drain(..idle.len().min(REQUESTS)).collect();
            let batch: Vec<Signed> = if some.is_empty() {
                // All accounts wait: what was sent is sent again.
                spare.clone()
            } else {
                let sign = |at: &usize| self.sign(&mut accounts[*at], &mut rng);
                some.iter().map(sign).collect()
            };
            let answers = send(&rpc, &batch).await;
            self.counts.offered.fetch_add(batch.len() as u64, Relaxed);
            for (at, (sent, answer)) in some.iter().zip(batch.iter().zip(&answers)) {
                if answer["result"].is_string() {
                    self.counts.accepted.fetch_add(1, Relaxed);
                    waiting.push_back((*at, sent.clone()));
                } else {
                    accounts[*at].nonce -= 1;
                    idle.push_back(*at);
                }
            }
            let refused = answers
                .iter()
                .filter(|answer| !answer["result"].is_string());
            self.counts
                .refused
                .fetch_add(refused.count() as u64, Relaxed);
            spare = batch;
            for (at, is_included) in look(&rpc, &mut waiting, 2 * REQUESTS, &self.counts).await {
                if !is_included {
                    accounts[at].nonce -= 1;
                }
                idle.push_back(at);
            }
        }
        waiting
    }

    /// At prices from the floor to more than any base fee here, and with all sorts of tips.
    fn sign(&self, account: &mut User, rng: &mut StdRng) -> Signed {
        let max_fee = 10_u128.pow(rng.random_range(7..12)) * rng.random_range(1..10);
        let tip = rng.random_range(0..=max_fee / 100);
        let prices = Prices { max_fee, tip };
        account.sign_priced(self.burner.into(), U256::ZERO, Bytes::new(), BURNS, prices)
    }
}

/// Asks what became of the `most` oldest; those that are settled leave, with whether they are in a block.
async fn look(
    rpc: &Rpc,
    waiting: &mut Waiting,
    most: usize,
    counts: &Counts,
) -> Vec<(usize, bool)> {
    let some: Vec<_> = waiting.drain(..waiting.len().min(most)).collect();
    let hashes = some.iter().map(|(_, sent)| json!([sent.hash]));
    let answers = call_all(rpc, "trestle_transactionStatus", hashes).await;
    let mut settled = Vec::new();
    for ((at, sent), answer) in some.into_iter().zip(answers) {
        match answer["result"]["stage"].as_str() {
            Some("dropped") => {
                counts.dropped.fetch_add(1, Relaxed);
                settled.push((at, false));
            }
            Some("accepted") | None => waiting.push_back((at, sent)),
            Some(_) => {
                counts.included.fetch_add(1, Relaxed);
                settled.push((at, true));
            }
        }
    }
    settled
}

/// Waits until everything is settled, as the fee falls; gives how many never are.
async fn settle(node: &Node, mut waiting: Waiting, counts: &Counts) -> usize {
    let rpc = Rpc::of_l1(&node.rpc.url);
    let until = Instant::now() + Duration::from_secs(300);
    while !waiting.is_empty() && Instant::now() < until {
        look(&rpc, &mut waiting, 4 * REQUESTS, counts).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    waiting.len()
}

/// Longest time without a new block, as a client that asks every 20 ms sees it.
async fn longest_gap(url: String, is_over: Arc<AtomicBool>) -> Duration {
    let rpc = Rpc::of_l1(&url);
    let (mut head, mut since, mut longest) = (0, Instant::now(), Duration::ZERO);
    while !is_over.load(Relaxed) {
        let number = rpc.block_number().await;
        if number != head {
            if head > 0 {
                longest = longest.max(since.elapsed());
            }
            (head, since) = (number, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    longest
}

/// Resident memory of the process: the most in the first quarter, and after it, in bytes.
async fn memory(id: u32, lasts: Duration) -> (u64, u64) {
    let start = Instant::now();
    let (mut first, mut later) = (0, 0);
    while start.elapsed() < lasts {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        let most = if start.elapsed() < lasts / 4 {
            &mut first
        } else {
            &mut later
        };
        *most = (*most).max(kib << 10);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    (first, later)
}
