//! A disk that takes seconds for each sync of the database: the node slows its blocks down, so that memory stays within
//! its bound, and goes on.

use std::time::{Duration, Instant};

use super::{Bench, quick_chain, seed};
use crate::{
    operations::metrics::{page, value, with_metrics},
    random::Random,
    rule::{Action, Kind, Op, Rule},
    support::{
        Rpc,
        ledger::{LoadEnd, next_nonce},
    },
};

/// The bound, as the flag takes it and in bytes.
const BOUND: (&str, f64) = ("1", 1_048_576.0);
/// How long the load lasts: some folds.
const LASTS: Duration = Duration::from_secs(15);
/// Longest time between two blocks.
const GAP: Duration = Duration::from_secs(1);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// What was seen of a node under load.
#[derive(Debug, Default)]
struct Seen {
    /// Longest time without a new block.
    gap: Duration,
    /// Most memory of what was not folded, in bytes, estimated by the node.
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
            let page = page(metrics).await.unwrap();
            self.most = self.most.max(value(&page, "trestle_store_unfolded_bytes"));
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[tokio::test]
async fn node_whose_disk_is_slow_slows_down_and_keeps_its_memory_within_bounds() {
    let chain = quick_chain().await;
    let (mut options, metrics) = with_metrics(chain.sequencer());
    options
        .args
        .extend(["--max-unfolded", BOUND.0].map(str::to_owned));
    let mut bench = Bench::with(chain, options, None, Random::new(seed())).await;
    let rule = Rule {
        action: Action::Slow,
        op: Op::Sync,
        kind: Kind::Database,
        nth: 1,
        is_lasting: true,
        holding: Vec::new(),
    };
    bench.desk.set_rule(Some(&rule));
    let rpc = bench.node().rpc.clone();
    let mut seen = Seen::default();
    let end = tokio::select! {
        end = bench.ledger.load(&rpc, &mut bench.user, usize::MAX) => Some(end),
        () = seen.look(&rpc, metrics) => None,
        () = tokio::time::sleep(LASTS) => None,
    };
    assert!(end.is_none(), "{end:?}");
    let receipts = bench.ledger.receipts();
    println!("{seen:?}, {receipts} receipts");
    assert!(bench.desk.fired() > 0, "no sync was slow");
    assert!(seen.most > BOUND.1 / 2.0, "folds kept up");
    // One block may pass the bound.
    assert!(seen.most < BOUND.1 * 1.1);
    assert!(seen.gap <= GAP);

    let options = bench.node.take().unwrap().kill();
    bench.desk.set_rule(None);
    bench.restart(options).await.unwrap();
    let rpc = bench.node().rpc.clone();
    bench.user.nonce = next_nonce(&rpc, &bench.user).await.unwrap();
    let end = bench.ledger.load(&rpc, &mut bench.user, 20).await;
    assert!(matches!(end, LoadEnd::Enough), "{end:?}");
    bench.finish().await;
}
