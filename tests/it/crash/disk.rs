//! Disks that are full or fail at the n-th operation of each kind: the node goes on or ends with a named error, and
//! nothing it said is lost.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{Bench, CYCLE, asked, seed};
use crate::{
    random::Random,
    rule::{Action, Kind, Op, Rule},
    support::{
        Node, NodeOptions, Rpc,
        chain::user_address,
        eventually,
        ledger::{LoadEnd, next_nonce},
        node::tail,
        power::Fate,
    },
};

/// How long the load goes on after a fault.
const UNDER_FAULT: Duration = Duration::from_millis(300);
/// Seconds until a node whose disk works again takes transactions.
const RECOVERY: u64 = 20;
/// Seconds within which the first operation of any kind comes, on a host with others at work.
const FIRST: u64 = 60;
/// Receipts that show that it goes on.
const ENOUGH: usize = 4;

/// Operations that may fail, by kind of file.
const PLACES: [(Op, Kind); 6] = [
    (Op::Write, Kind::Journal),
    (Op::Sync, Kind::Journal),
    (Op::Create, Kind::Journal),
    (Op::Sync, Kind::Directory),
    (Op::Write, Kind::Database),
    (Op::Sync, Kind::Database),
];

/// Whether what fails is a segment of the journal made ahead of its need: the first after a start is the one in use.
fn is_spare(rule: &Rule) -> bool {
    rule.op == Op::Create && rule.nth > 1
}

/// Status of the node's readiness, if it answers.
async fn readiness(rpc: &Rpc) -> Option<String> {
    let answer = alloy::transports::http::reqwest::get(format!("{}/readyz", rpc.url)).await;
    answer.ok()?.text().await.ok()
}

impl Bench {
    /// Load under `rule`, then without it; whether the node lived.
    async fn suffer(&mut self, rule: &Rule) -> Result<bool, String> {
        let rpc = self.node().rpc.unjudged();
        self.user.nonce = next_nonce(&rpc, &self.user).await?;
        let fired = self.desk.fired();
        if rule.op == Op::Create || rule.kind == Kind::Directory {
            // Segments are made after a start.
            let options = self.node.take().unwrap().kill();
            self.desk.set_rule(Some(rule));
            match Node::try_start(options.clone()).await {
                Ok(node) => self.node = Some(node),
                Err(_) => return self.refused_to_start(options).await,
            }
        }
        self.desk.set_rule(Some(rule));
        // A fold comes every few seconds, sooner or later with the host; the journal is written all the time.
        // The first of anything must come.
        let patience = match (rule.kind, rule.nth) {
            (_, 1) => FIRST,
            (Kind::Database, _) => 8,
            _ => 1,
        };
        let desk = self.desk.clone();
        let struck = async {
            let limit = Instant::now() + Duration::from_secs(patience * rule.nth);
            while desk.fired() == fired && Instant::now() < limit {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(UNDER_FAULT).await;
        };
        let end = tokio::select! {
            end = self.ledger.load(&rpc, &mut self.user, usize::MAX) => Some(end),
            () = struck => None,
        };
        if self.desk.fired() == fired {
            self.desk.set_rule(None);
            println!("{rule}: so many did not come up: {end:.60?}");
            return match rule.nth {
                1 => Err(format!("did not strike: {end:?}")),
                _ => Ok(true),
            };
        }
        println!("{rule}: {end:.60?}");
        if self.is_lost().await {
            self.ended_well()?;
            return Ok(false);
        }
        if is_spare(rule) {
            // It goes on in the segment that it has, while no other can be made.
            self.goes_on(&rpc).await?;
        } else if rule.is_lasting && rule.kind == Kind::Journal {
            let says_so = || async { readiness(&rpc).await.filter(|text| text == "disk refuses") };
            eventually("it says that its disk refuses", 10, says_so).await;
        }
        self.desk.set_rule(None);
        let is_ready = || async { readiness(&rpc).await.filter(|text| text == "ok") };
        eventually("it is ready again", RECOVERY, is_ready).await;
        self.goes_on(&rpc).await?;
        Ok(true)
    }

    /// It takes transactions and serves their receipts.
    async fn goes_on(&mut self, rpc: &Rpc) -> Result<(), String> {
        self.user.nonce = next_nonce(rpc, &self.user).await?;
        match self.ledger.load(rpc, &mut self.user, ENOUGH).await {
            LoadEnd::Enough => Ok(()),
            end => Err(format!("does not go on: {end:?}")),
        }
    }

    /// It names what it could not do, and starts when the disk works again.
    async fn refused_to_start(&mut self, options: NodeOptions) -> Result<bool, String> {
        self.desk.set_rule(None);
        let last = tail(&options.log);
        if !last.contains("error: ") {
            return Err(format!("no word of why it did not start:\n{last}"));
        }
        self.restart(options).await?;
        Ok(true)
    }

    /// Whether the node is past help: its database reads no more. It then ends by itself.
    async fn is_lost(&mut self) -> bool {
        let heads = json!([user_address(1), "latest"]);
        let asked = self.node().rpc.unjudged();
        let asked = asked.try_call("eth_getBalance", heads).await;
        match asked {
            Some(Ok(_)) => false,
            _ => {
                self.node.as_mut().unwrap().ends(20).await;
                true
            }
        }
    }

    /// It ended by itself, and says why.
    fn ended_well(&mut self) -> Result<(), String> {
        self.desk.set_rule(None);
        let node = self.node.as_mut().unwrap();
        let status = node.has_ended().unwrap();
        let log = fs::read_to_string(&node.options.log).unwrap();
        let last = tail(&node.options.log);
        println!("ended with {status}: {last}");
        match (status.code(), log.contains("panicked")) {
            (Some(code), false) if code != 0 && last.contains("error: ") => Ok(()),
            _ => Err(format!("ended with {status}:\n{last}")),
        }
    }

    /// The machine without power, and what is true after it.
    async fn again(&mut self) -> Result<(), String> {
        let options = self.node.take().unwrap().kill();
        println!("{:?}", self.desk.lose_power(Fate::Worst));
        self.restart(options).await
    }
}

#[tokio::test]
async fn disk_that_is_full_or_fails_at_any_operation_loses_nothing() {
    let mut bench = Bench::new(None, Random::new(seed())).await;
    let most = asked("CRASH_SWEEP", 1) as u64;
    let first = asked("CRASH_SWEEP_FROM", 0);
    assert!(first < PLACES.len(), "nothing to fail from {first} on");
    let mut ended = 0;
    for (op, kind) in PLACES.into_iter().skip(first) {
        for (action, is_lasting) in [
            (Action::NoSpace, false),
            (Action::NoSpace, true),
            (Action::BadDevice, false),
            (Action::BadDevice, true),
        ] {
            for nth in 1..=most {
                let rule = Rule {
                    action,
                    op,
                    kind,
                    nth,
                    is_lasting,
                    holding: Vec::new(),
                };
                let outcome = tokio::time::timeout(CYCLE, bench.suffer(&rule)).await;
                match outcome.unwrap_or_else(|_| Err("takes too long".to_owned())) {
                    Ok(true) => {}
                    Ok(false) => {
                        ended += 1;
                        let outcome = bench.again().await;
                        outcome.unwrap_or_else(|e| panic!("{rule}: {e}"));
                    }
                    Err(error) => panic!("{rule}: {error}"),
                }
            }
            let outcome = bench.again().await;
            outcome.unwrap_or_else(|e| panic!("after {action:?} {op:?} {kind:?}: {e}"));
        }
    }
    println!("{ended} of the nodes ended");
    bench.finish().await;
}

/// A disk that is full from the start: the node names the file and ends, and starts once there is room.
#[tokio::test]
async fn node_without_room_to_start_ends_with_the_file_it_could_not_write() {
    let mut bench = Bench::new(None, Random::new(seed())).await;
    let rpc = bench.node().rpc.clone();
    let end = bench.ledger.load(&rpc, &mut bench.user, ENOUGH).await;
    assert!(matches!(end, LoadEnd::Enough), "{end:?}");
    let options = bench.node.take().unwrap().kill();
    let rule = Rule {
        action: Action::NoSpace,
        op: Op::Create,
        kind: Kind::Other,
        nth: 1,
        is_lasting: true,
        holding: Vec::new(),
    };
    bench.desk.set_rule(Some(&rule));
    let end = Node::try_start(options.clone()).await.map(drop);
    assert!(end.is_err(), "it started");
    let log = tail(&options.log);
    assert!(log.contains("No space left on device"), "{log}");
    assert!(log.contains(&*options.datadir.to_string_lossy()), "{log}");
    bench.desk.set_rule(None);
    bench.restart(options).await.unwrap();
    bench.finish().await;
}
