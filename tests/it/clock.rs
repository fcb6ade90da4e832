//! A sequencer whose clock jumps: block times never go back, stay within what L1 takes, and nothing served changes.

use std::fs;

use crate::{
    crash::{Bench, seed},
    random::Random,
    support::{Rpc, eventually, json::quantity, ledger::LoadEnd},
};

/// Receipts under each of the clocks.
const ENOUGH: usize = 8;

/// Times of the blocks of L2 from `first` on, each within the rule of L1's time now.
async fn assert_times(bench: &Bench, rpc: &Rpc, first: u64) -> u64 {
    let drift = bench.chain.deployed.genesis.chain.max_time_drift;
    let l1 = quantity(&bench.chain.l1_rpc().block("latest").await["timestamp"]);
    let head = rpc.block_number().await;
    let mut last = 0;
    for number in first..=head {
        let time = quantity(&rpc.block(number).await["timestamp"]);
        assert!(
            time >= last,
            "block {number} is of {time}, its parent of {last}"
        );
        assert!(
            time <= l1 + drift,
            "block {number} is of {time}, L1 at {l1}"
        );
        last = time;
    }
    head
}

#[tokio::test]
async fn clock_that_jumps_changes_nothing_that_was_served() {
    let mut bench = Bench::new(None, Random::new(seed())).await;
    let rpc = bench.node().rpc.clone();
    let log = bench.node().options.log.clone();
    let mut first = 0;
    for (seconds, word) in [
        (0, None),
        (3_600, Some("clock of this machine is wrong")),
        (0, Some("clock agrees with L1's again")),
        (-600, Some("behind=")),
        (0, None),
    ] {
        bench.desk.set_clock(seconds);
        let end = bench.ledger.load(&rpc, &mut bench.user, ENOUGH).await;
        assert!(matches!(end, LoadEnd::Enough), "{seconds}: {end:?}");
        first = assert_times(&bench, &rpc, first).await;
        bench.node().safe_at(first).await;
        bench.ledger.check_all(&rpc).await.unwrap();
        if let Some(word) = word {
            let says_so = || async {
                let text = fs::read_to_string(&log).unwrap();
                text.contains(word).then_some(())
            };
            eventually(word, 10, says_so).await;
        }
    }
    let text = fs::read_to_string(&log).unwrap();
    assert!(!text.contains("unwound"), "L1 contradicted the node");
    // And over a restart in the wrong hour.
    bench.desk.set_clock(3_600);
    let options = bench.node.take().unwrap().kill();
    bench.restart(options).await.unwrap();
    let end = bench.ledger.load(&rpc, &mut bench.user, ENOUGH).await;
    assert!(matches!(end, LoadEnd::Enough), "{end:?}");
    assert_times(&bench, &rpc, first).await;
    bench.finish().await;
}
