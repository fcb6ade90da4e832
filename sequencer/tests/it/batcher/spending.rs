//! The batcher spends no more in a day than it may, whatever restarts; and it says so in time.

use super::*;
use alloy::eips::BlockNumberOrTag;
use trestle_sequencer::{
    batcher::BatcherError,
    l1::{SenderError, SenderJournal},
};

/// Batches that one spending spree would take.
const BATCHES: u64 = 12;

impl Bench {
    /// What the batcher's account has paid since `before`, in wei.
    async fn paid(&self, before: U256) -> U256 {
        let l1 = self.anvil.provider();
        before - l1.get_balance(account(1)).await.unwrap()
    }

    /// Seals blocks of which each fills a batch until the cap refuses one.
    async fn spend_all(&self, life: &Life) {
        for _ in 0..BATCHES {
            self.model.seal(90_000, 0);
        }
        let mut status = life.status.clone();
        let capped = status.wait_for(|status| is_capped(status.fault.as_ref()));
        tokio::time::timeout(Duration::from_secs(60), capped)
            .await
            .expect("the cap is reached")
            .unwrap();
    }
}

fn is_capped(fault: Option<&BatcherError>) -> bool {
    matches!(
        fault,
        Some(BatcherError::Submit(
            trestle_sequencer::l1::SubmitError::Sender(SenderError::SpendCapReached { .. })
        ))
    )
}

#[tokio::test]
async fn day_costs_no_more_than_the_cap_over_kills_and_finality() {
    let mut bench = Bench::new().await;
    let l1 = bench.anvil.provider();
    let before = l1.get_balance(account(1)).await.unwrap();
    // A batch of 90,000 bytes takes about 3.6 M gas: room for a handful.
    let cap = U256::from(TIP) * U256::from(30_000_000);
    bench.max_per_day = Some(cap);
    let mut life = bench.live();
    bench.spend_all(&life).await;
    let posted = bench.model.progress().2;
    assert!((1..BATCHES).contains(&posted), "{posted} batches");
    for _ in 0..4 {
        // What is final is no longer in the journal but in its record of what was spent.
        bench.anvil.mine(70).await.unwrap();
        let recorded = async {
            while bench.journal.spent().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let recorded = tokio::time::timeout(Duration::from_secs(20), recorded).await;
        recorded.expect("a record is kept");
        life.kill().await;
        life = bench.live();
        bench.spend_all(&life).await;
        let paid = bench.paid(before).await;
        assert!(paid <= cap, "{paid} wei of {cap}");
    }
    let final_block = l1.get_block(BlockNumberOrTag::Finalized.into()).await;
    assert!(final_block.unwrap().unwrap().header.number > bench.settlement.start_block);
    assert!(bench.paid(before).await > cap / U256::from(2));

    // The operator allows more: everything goes on.
    life.kill().await;
    bench.max_per_day = Some(cap * U256::from(100));
    let life = bench.live();
    bench.settle(&life).await;
    bench.assert_posted_once().await;
}

#[tokio::test]
async fn half_of_the_time_to_forced_inclusion_is_seen_while_the_cap_holds_batches_back() {
    let mut bench = Bench::new().await;
    bench.max_per_day = Some(U256::from(1));
    let life = bench.live();
    bench.deposit().await;
    bench.model.seal(100, 0);
    let mut status = life.status.clone();
    let capped = status.wait_for(|status| is_capped(status.fault.as_ref()));
    let capped = tokio::time::timeout(Duration::from_secs(20), capped).await;
    assert!(capped.unwrap().unwrap().window_used < 50);
    let _: Value = bench
        .anvil
        .rpc("evm_increaseTime", (FORCED_DELAY * 6 / 10,))
        .await
        .unwrap();
    bench.anvil.mine(1).await.unwrap();
    let late = status.wait_for(|status| status.window_used >= 50);
    let late = tokio::time::timeout(Duration::from_secs(20), late).await;
    assert!(
        late.unwrap().unwrap().window_used < 100,
        "there is time left"
    );
}
