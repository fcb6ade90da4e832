//! The process killed and the machine without power, at random and at named points, and disks that fail, against a
//! ledger that only knows what the node said.

mod disk;
mod points;
mod slow;

use std::{
    env,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    agreement::{assert_equal_chains, settle},
    random::Random,
    rule::{Action, Kind, Op, Rule},
    support::{
        Chain, ChainOptions, Desk, Ledger, Node, NodeOptions, User,
        ledger::{assert_posted_once, next_nonce},
        power::Fate,
    },
};

/// A cycle is over within this time.
const CYCLE: Duration = Duration::from_secs(120);
/// The node answers again within this time, 99 times in 100.
const RESTART: Duration = Duration::from_secs(5);

/// A number from the environment, for long runs.
pub(crate) fn asked(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}

pub(crate) fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = asked("CRASH_SEED", usize::try_from(now.as_secs()).unwrap()) as u64;
    println!("CRASH_SEED={seed}");
    seed
}

/// How a cycle ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The process is killed.
    Kill,
    /// And half of what it did not sync is lost.
    PowerLoss,
    /// And all of it.
    WorstPowerLoss,
}

/// A chain whose L1 calls blocks final after some seconds.
pub(crate) async fn quick_chain() -> Chain {
    Chain::new(ChainOptions {
        slots_in_an_epoch: 2,
        ..ChainOptions::default()
    })
    .await
}

/// A sequencer on a disk that obeys, its user, and what it said.
pub(crate) struct Bench {
    pub(crate) chain: Chain,
    pub(crate) desk: Desk,
    pub(crate) node: Option<Node>,
    pub(crate) user: User,
    pub(crate) ledger: Ledger,
    pub(crate) random: Random,
    restarts: Vec<Duration>,
    bytes: u64,
}

impl Bench {
    pub(crate) async fn new(rule: Option<&Rule>, random: Random) -> Self {
        let chain = quick_chain().await;
        let options = chain.sequencer();
        Self::with(chain, options, rule, random).await
    }

    /// The same with a sequencer that is started in another way.
    pub(crate) async fn with(
        chain: Chain,
        mut options: NodeOptions,
        rule: Option<&Rule>,
        random: Random,
    ) -> Self {
        let desk = Desk::under(&mut options);
        desk.set_rule(rule);
        let node = Node::start(options).await;
        let user = chain.funded_user(0, &node.rpc).await;
        Self {
            chain,
            desk,
            node: Some(node),
            user,
            ledger: Ledger::default(),
            random,
            restarts: Vec::new(),
            bytes: 0,
        }
    }

    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    /// Load, the end, a restart; what of the ledger is not true after it.
    async fn cycle(&mut self, end: End) -> Result<(), String> {
        let rpc = self.node().rpc.clone();
        self.user.nonce = next_nonce(&rpc, &self.user).await?;
        // The point of the end is what is random here; nothing is waited for.
        let pause = Duration::from_millis(self.random.between(50, 950));
        let load = self.ledger.load(&rpc, &mut self.user, usize::MAX);
        let ended = tokio::time::timeout(pause, load).await;
        if let Ok(end) = ended {
            return Err(format!("the load ended before the node: {end:?}"));
        }
        let options = self.node.take().unwrap().kill();
        self.bytes += self.desk.counts().bytes;
        let fate = match end {
            End::Kill => None,
            End::PowerLoss => Some(Fate::Random(self.random.next())),
            End::WorstPowerLoss => Some(Fate::Worst),
        };
        if let Some(fate) = fate {
            println!("{:?}", self.desk.lose_power(fate));
        }
        self.restart(options).await
    }

    pub(crate) async fn restart(&mut self, options: NodeOptions) -> Result<(), String> {
        let begun = Instant::now();
        let log = options.log.clone();
        let node = Node::try_start(options).await;
        let node = node.map_err(|end| format!("{end}\n{}", crate::support::node::tail(&log)))?;
        self.restarts.push(begun.elapsed());
        let rpc = node.rpc.clone();
        self.node = Some(node);
        self.ledger.check(&rpc).await
    }

    async fn cycles(&mut self, count: usize, end: End) {
        for cycle in 0..count {
            let outcome = tokio::time::timeout(CYCLE, self.cycle(end)).await;
            let outcome = outcome.map_err(|_| format!("not within {CYCLE:?}"));
            if let Err(error) = outcome.and_then(|outcome| outcome) {
                panic!("{end:?} {cycle}: {error}");
            }
        }
    }

    /// Everything said is true, on a node that knows L1 alone as well, and L1 has everything once.
    pub(crate) async fn finish(mut self) {
        let replica = Node::start(self.chain.replica("replica")).await;
        let rpc = self.node().rpc.clone();
        if asked("CRASH_SWEEP", 1) > 1 {
            // A long run: there is more to derive than a minute is enough for.
            replica.comes_to(rpc.block_number().await).await;
        }
        settle(self.node(), &replica).await;
        for rpc in [&rpc, &replica.rpc] {
            self.ledger.check_all(rpc).await.unwrap();
        }
        assert_equal_chains(&rpc, &replica.rpc).await;
        crate::proven::assert_proven(&self.chain, &replica.rpc).await;
        assert_posted_once(&self.chain, &replica.rpc).await;
    }

    fn report(&mut self, end: End) {
        self.restarts.sort();
        let at = (self.restarts.len() * 99).div_ceil(100).saturating_sub(1);
        let (p99, cycles) = (self.restarts[at], self.restarts.len());
        let (receipts, bytes) = (self.ledger.receipts(), self.bytes);
        println!(
            "{end:?}: {cycles} cycles, {receipts} receipts kept, {bytes} bytes written; restart p99 {p99:?}"
        );
        assert!(receipts > cycles, "the load ran between the ends");
        assert!(p99 <= RESTART, "p99 of a restart is {p99:?}");
    }
}

#[tokio::test]
async fn no_acknowledgement_is_lost_and_no_batch_posted_twice_over_twenty_kills() {
    let mut bench = Bench::new(None, Random::new(seed())).await;
    bench.cycles(asked("CRASH_KILLS", 20), End::Kill).await;
    bench.report(End::Kill);
    bench.finish().await;
}

#[tokio::test]
async fn no_acknowledgement_is_lost_and_no_batch_posted_twice_over_five_losses_of_power() {
    let mut bench = Bench::new(None, Random::new(seed())).await;
    // In a new directory names may be lost too.
    bench.cycles(1, End::WorstPowerLoss).await;
    let cycles = asked("CRASH_POWER", 5);
    bench.cycles(cycles - 1, End::PowerLoss).await;
    bench.report(End::PowerLoss);
    bench.finish().await;
}

/// Shows that the test above can fail: with syncs that do nothing the ledger notices the first loss of power.
#[tokio::test]
async fn node_whose_syncs_do_nothing_fails_the_power_loss_test() {
    let rule = Rule {
        action: Action::Pretend,
        op: Op::Sync,
        kind: Kind::Journal,
        nth: 1,
        is_lasting: true,
        holding: Vec::new(),
    };
    let mut bench = Bench::new(Some(&rule), Random::new(seed())).await;
    let mut outcome = Ok(());
    for _ in 0..5 {
        outcome = outcome.and(bench.cycle(End::PowerLoss).await);
        if outcome.is_err() {
            break;
        }
    }
    println!("noticed: {outcome:?}");
    assert!(outcome.is_err(), "nothing was lost");
}
