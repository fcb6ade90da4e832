//! A disk that takes seconds for what the database writes: the node slows its blocks down, so that memory stays within
//! its bound, stands at the bound, and goes on by itself.

use std::time::{Duration, Instant};

use futures::future;

use super::{Bench, quick_chain, seed};
use crate::{
    operations::metrics::{page, value, with_metrics},
    random::Random,
    rule::{Action, Kind, Op, Rule},
    support::{
        Desk, Rpc, User,
        chain::user_address,
        json::RpcError,
        ledger::{LoadEnd, next_nonce},
    },
};

/// The bound, as the flag takes it and in bytes.
const BOUND: (&str, f64) = ("1", 1_048_576.0);
/// What one block and what was admitted in a quarter of a second may add.
const MORE: f64 = 200_000.0;
/// How long the load lasts beside slow syncs: some folds.
const LASTS: Duration = Duration::from_secs(12);
/// Longest time between two blocks below the bound.
const GAP: Duration = Duration::from_secs(1);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// Time within which anything comes that must.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every such operation of the database is slow from now on.
fn slow(op: Op) -> Rule {
    Rule {
        action: Action::Slow,
        op,
        kind: Kind::Database,
        nth: 1,
        is_lasting: true,
        holding: Vec::new(),
    }
}

/// Memory of what is not folded, in bytes, estimated by the node.
async fn unfolded(metrics: u16) -> f64 {
    let page = page(metrics).await.unwrap();
    value(&page, "trestle_store_unfolded_bytes")
}

/// What was seen of a node under load.
#[derive(Debug, Default)]
struct Seen {
    /// Longest time without a new block.
    gap: Duration,
    /// Most memory of what was not folded, in bytes.
    most: f64,
}

impl Seen {
    async fn look(&mut self, rpc: &Rpc, metrics: u16) {
        let (mut head, mut since) = (rpc.block_number().await, Instant::now());
        loop {
            let number = rpc.block_number().await;
            self.gap = self.gap.max(since.elapsed());
            if number != head {
                (head, since) = (number, Instant::now());
            }
            self.most = self.most.max(unfolded(metrics).await);
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Sends until one is refused; why.
async fn refusal(rpc: &Rpc, user: &mut User) -> RpcError {
    let limit = Instant::now() + PATIENCE;
    while Instant::now() < limit {
        if let Err(refused) = user.transfer(user_address(1), 1).send(rpc).await {
            user.nonce -= 1;
            return refused;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("every transaction is taken");
}

/// Waits until the bound is reached and nothing is taken, makes the disk as before, and waits until something is.
async fn stands_and_goes_on(rpc: &Rpc, desk: &Desk, metrics: u16, user: &mut User) -> f64 {
    let limit = Instant::now() + PATIENCE;
    while unfolded(metrics).await < BOUND.1 {
        assert!(Instant::now() < limit, "the bound is not reached");
        tokio::time::sleep(LOOK).await;
    }
    let refused = refusal(rpc, user).await;
    assert_eq!(refused.code, -32005, "{refused:?}");
    assert!(refused.message.contains("its disk"), "{refused:?}");
    let most = unfolded(metrics).await;
    desk.set_rule(None);
    let limit = Instant::now() + PATIENCE;
    while user.transfer(user_address(1), 1).send(rpc).await.is_err() {
        user.nonce -= 1;
        assert!(Instant::now() < limit, "nothing is taken again");
        tokio::time::sleep(LOOK).await;
    }
    most
}

#[tokio::test]
async fn node_whose_disk_is_slow_slows_down_and_keeps_its_memory_within_bounds() {
    let chain = quick_chain().await;
    let (mut options, metrics) = with_metrics(chain.sequencer());
    let bound = ["--max-unfolded", BOUND.0].map(str::to_owned);
    options.args.extend(bound);
    let mut bench = Bench::with(chain, options, None, Random::new(seed())).await;
    let rpc = bench.node().rpc.clone();
    let mut other = bench.chain.funded_user(1, &rpc).await;

    bench.desk.set_rule(Some(&slow(Op::Sync)));
    let mut seen = Seen::default();
    let end = tokio::select! {
        end = bench.ledger.load(&rpc, &mut bench.user, usize::MAX) => Some(end),
        () = seen.look(&rpc, metrics) => None,
        () = tokio::time::sleep(LASTS) => None,
    };
    assert!(end.is_none(), "{end:?}");
    println!("{seen:?}, {} receipts", bench.ledger.receipts());
    assert!(bench.desk.fired() > 0, "no sync was slow");
    assert!(seen.most > BOUND.1 / 2.0, "folds kept up");
    assert!(seen.most < BOUND.1 + MORE);
    assert!(seen.gap <= GAP);

    bench.desk.set_rule(Some(&slow(Op::Write)));
    bench.user.nonce = next_nonce(&rpc, &bench.user).await.unwrap();
    let load = async {
        match bench.ledger.load(&rpc, &mut bench.user, usize::MAX).await {
            LoadEnd::Refused(refused) if refused.code == -32005 => future::pending().await,
            end => panic!("{end:?}"),
        }
    };
    let most = tokio::select! {
        () = load => unreachable!("it has no end"),
        most = stands_and_goes_on(&rpc, &bench.desk, metrics, &mut other) => most,
    };
    println!("stood at {most} bytes");
    assert!(most < BOUND.1 + MORE);

    let options = bench.node.take().unwrap().kill();
    bench.restart(options).await.unwrap();
    let rpc = bench.node().rpc.clone();
    bench.user.nonce = next_nonce(&rpc, &bench.user).await.unwrap();
    let end = bench.ledger.load(&rpc, &mut bench.user, 20).await;
    assert!(matches!(end, LoadEnd::Enough), "{end:?}");
    bench.finish().await;
}
