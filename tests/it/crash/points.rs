//! Deaths at named points: every step of taking a transaction, of a commit, of a fold, and of sending to L1.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use trestle_test_support::{Fault, FaultProxy};

use super::{Bench, quick_chain, seed};
use crate::{
    random::Random,
    rule::{Action, Kind, Op, Rule},
    support::{Chain, Node, eventually, ledger::next_nonce, power::Fate},
};

/// The node dies within this time, in seconds.
const DEATH: u64 = 30;

/// A transaction of type 2 as the body of a record of its own: the kind of record, then the transaction.
const ACCEPTED: &[u8] = &[3, 2, 0xf8];
/// Begin of the hash of no uncles, which every block's header holds.
const BLOCK: &[u8] = &[0x1d, 0xcc, 0x4d, 0xe8, 0xde, 0xc7, 0x5d, 0x7a];
/// Key of a transaction that the batcher signed: a string of nine bytes, of kind 7, and the first of its nonce.
const SENT: &[u8] = &[0x89, 7, 0, 0, 0];
/// Key of an L1 block that was read.
const READ: &[u8] = &[0x89, 4, 0, 0, 0];

/// What the journal is told, by name.
const RECORDS: [(&str, &[u8]); 4] = [
    ("a transaction taken", ACCEPTED),
    ("a block", BLOCK),
    ("a transaction for L1", SENT),
    ("an L1 block", READ),
];

fn rule(action: Action, op: Op, kind: Kind, nth: u64) -> Rule {
    Rule {
        action,
        op,
        kind,
        nth,
        is_lasting: false,
        holding: Vec::new(),
    }
}

/// Every point, by name.
fn points() -> Vec<(String, Rule)> {
    use Action::{KillAfter, KillBefore};
    let mut points = Vec::new();
    for (what, holding) in RECORDS {
        for (when, action, op) in [
            ("to be journaled", KillBefore, Op::Write),
            ("written, not synced", KillAfter, Op::Write),
            ("synced, nobody told", KillAfter, Op::Sync),
        ] {
            let mut rule = rule(action, op, Kind::Journal, 1);
            rule.holding = holding.to_vec();
            points.push((format!("{what} {when}"), rule));
        }
    }
    for (name, action, op, kind, nth) in [
        (
            "segment to be made",
            KillBefore,
            Op::Create,
            Kind::Journal,
            1,
        ),
        ("segment made", KillAfter, Op::Create, Kind::Journal, 1),
        (
            "segment begun, its name not synced",
            KillBefore,
            Op::Sync,
            Kind::Directory,
            1,
        ),
        (
            "fold begins to write",
            KillBefore,
            Op::Write,
            Kind::Database,
            1,
        ),
        ("fold wrote some", KillAfter, Op::Write, Kind::Database, 1),
        ("fold wrote more", KillAfter, Op::Write, Kind::Database, 2),
        (
            "fold written, not synced",
            KillBefore,
            Op::Sync,
            Kind::Database,
            1,
        ),
        ("fold synced", KillAfter, Op::Sync, Kind::Database, 1),
        ("second fold synced", KillAfter, Op::Sync, Kind::Database, 2),
        (
            "folded segment to be removed",
            KillBefore,
            Op::Remove,
            Kind::Journal,
            1,
        ),
        (
            "folded segment removed",
            KillAfter,
            Op::Remove,
            Kind::Journal,
            1,
        ),
    ] {
        points.push((name.to_owned(), rule(action, op, kind, nth)));
    }
    points
}

impl Bench {
    /// Starts the node anew under `rule` and loads it until it dies of that.
    async fn die_of(&mut self, name: &str, rule: &Rule) -> Result<(), String> {
        let rpc = self.node().rpc.clone();
        self.user.nonce = next_nonce(&rpc, &self.user).await?;
        let options = self.node.take().unwrap().kill();
        let fired = self.desk.fired();
        self.desk.set_rule(Some(rule));
        let mut node = Node::spawn(options);
        let load = async {
            while rpc.try_call("eth_chainId", json!([])).await.is_none() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            self.ledger.load(&rpc, &mut self.user, usize::MAX).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = load => {}
            status = node.ends(DEATH) => println!("{name}: {status}"),
        }
        self.desk.set_rule(None);
        if self.desk.fired() == fired {
            return Err("the rule did not strike".to_owned());
        }
        if self.random.one_in(2) {
            println!(
                "{:?}",
                self.desk.lose_power(Fate::Random(self.random.next()))
            );
        }
        self.restart(node.kill()).await
    }
}

#[tokio::test]
async fn node_that_dies_at_any_named_point_keeps_its_word() {
    let mut bench = Bench::new(None, Random::new(seed())).await;
    for (name, rule) in points() {
        if let Err(error) = bench.die_of(&name, &rule).await {
            panic!("{name}: {error}");
        }
    }
    bench.finish().await;
}

#[tokio::test]
async fn node_that_dies_as_l1_takes_its_batch_posts_it_once() {
    let chain = quick_chain().await;
    let proxy = FaultProxy::start(chain.l1.url()).await.unwrap();
    let options = Chain::over(chain.sequencer(), &proxy.url());
    let mut bench = Bench::with(chain, options, None, Random::new(seed())).await;
    // Before the transaction reaches L1, and when it has, but the node knows nothing of it.
    for fault in vec![vec![Fault::Hang, Fault::LoseAnswer]; 3].concat() {
        let is_sent = Arc::new(AtomicBool::new(false));
        let (flag, what) = (Arc::clone(&is_sent), fault.clone());
        proxy.set_rule(move |method, _| match method {
            "eth_sendRawTransaction" => {
                flag.store(true, Ordering::Relaxed);
                what.clone()
            }
            _ => Fault::None,
        });
        let rpc = bench.node().rpc.clone();
        bench.user.nonce = next_nonce(&rpc, &bench.user).await.unwrap();
        let sent = eventually("a batch is sent", DEATH, || async {
            is_sent.load(Ordering::Relaxed).then_some(())
        });
        tokio::select! {
            end = bench.ledger.load(&rpc, &mut bench.user, usize::MAX) => panic!("{end:?}"),
            () = sent => {}
        }
        let options = bench.node.take().unwrap().kill();
        proxy.heal();
        if let Err(error) = bench.restart(options).await {
            panic!("{fault:?}: {error}");
        }
    }
    bench.finish().await;
}
