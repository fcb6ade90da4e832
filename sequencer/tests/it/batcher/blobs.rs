//! The same with batches in blobs, and with both kinds: what waits decides until L1 has it.

use super::*;
use trestle_protocol::BatchContent;
use trestle_sequencer::engine::L1Update;

impl Bench {
    /// Kinds of the batches that L1 has, by their number of blobs; calldata has none.
    fn blobs(&self) -> Vec<usize> {
        let count = |content: &BatchContent| match content {
            BatchContent::Blobs(hashes) => hashes.len(),
            BatchContent::Calldata { .. } | BatchContent::Forced => 0,
        };
        let (batches, _) = self.model.posted();
        batches
            .iter()
            .map(|batch| count(&batch.header.content))
            .collect()
    }

    async fn nonce(&self) -> u64 {
        let l1 = self.anvil.provider();
        l1.get_transaction_count(account(1)).await.unwrap()
    }

    /// Broadcasts are lost until [`FaultProxy::heal`].
    fn lose_broadcasts(&self) {
        self.proxy.set_rule(|method, _| match method {
            "eth_sendRawTransaction" => Fault::Down,
            _ => Fault::None,
        });
    }

    async fn until_under_way(&self, life: &Life) {
        let mut status = life.status.clone();
        let under_way = status.wait_for(|status| status.under_way.is_some());
        tokio::time::timeout(Duration::from_secs(60), under_way)
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn batches_of_one_to_six_blobs_are_posted_in_order_and_once() {
    let bench = Bench::with(KindPolicy::Blobs).await;
    for bytes in [10, 90_000] {
        bench.deposit().await;
        bench.model.seal(bytes, 3);
    }
    // More than one batch takes, so that the first of them is full.
    for _ in 0..9 {
        bench.model.seal(90_000, 0);
    }
    let life = bench.live();
    bench.settle(&life).await;
    bench.model.seal(10, 0);
    bench.settle(&life).await;
    bench.assert_posted_once().await;
    let blobs = bench.blobs();
    assert_eq!((blobs.first(), blobs.last()), (Some(&6), Some(&1)));
    assert_eq!(bench.nonce().await, bench.model.progress().2);
}

#[tokio::test]
async fn batcher_of_blobs_killed_at_any_point_posts_everything_once() {
    let bench = Bench::with(KindPolicy::Blobs).await;
    let mut life = bench.live();
    for round in 0..10u64 {
        bench.deposit().await;
        bench.model.seal(1_000, 2);
        // The blob alone takes some 400 ms: before, within and after it.
        tokio::time::sleep(Duration::from_millis(80 * round)).await;
        life.kill().await;
        life = bench.live();
    }
    bench.settle(&life).await;
    bench.assert_posted_once().await;
    assert_eq!(bench.nonce().await, bench.model.progress().2);
}

#[tokio::test]
async fn reorgs_of_blob_batches_lead_to_everything_posted_once() {
    let bench = Bench::with(KindPolicy::Blobs).await;
    let life = bench.live();
    bench.anvil.mine(8).await.unwrap();
    for depth in [1, 2, 5, 8] {
        bench.deposit().await;
        bench.model.seal(60_000, 8);
        bench.settle(&life).await;
        bench.anvil.reorg(depth, &[]).await.unwrap();
        bench.deposit().await;
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

/// The operator changes the kind while a batch of the other one is stuck: that one lands first, as it was signed.
#[tokio::test]
async fn pitfall_b40_kind_switched_with_a_stuck_batch_lands_both_in_turn() {
    let mut bench = Bench::with(KindPolicy::Calldata).await;
    let mut life = bench.live();
    bench.model.seal(100, 0);
    bench.settle(&life).await;
    for kinds in [KindPolicy::Blobs, KindPolicy::Calldata] {
        bench.lose_broadcasts();
        bench.model.seal(5_000, 0);
        bench.until_under_way(&life).await;
        life.kill().await;
        bench.kinds = kinds;
        life = bench.live();
        bench.model.seal(5_000, 0);
        bench.proxy.heal();
        bench.settle(&life).await;
        bench.model.seal(100, 0);
        bench.settle(&life).await;
    }
    bench.assert_posted_once().await;
    let blobs = bench.blobs();
    assert_eq!(blobs[..2], [0, 0], "stuck as calldata");
    let first = blobs.iter().position(|blobs| *blobs > 0).unwrap();
    let last = blobs.iter().rposition(|blobs| *blobs > 0).unwrap();
    assert!(last > first, "stuck as blobs: {blobs:?}");
    assert_eq!(blobs.last(), Some(&0), "{blobs:?}");
    assert_eq!(bench.nonce().await, bench.model.progress().2);
}

/// A forced batch takes the number of a waiting blob batch: it is built again, of the same kind and at its nonce.
#[tokio::test]
async fn forced_batch_in_place_of_blobs_costs_us_nothing() {
    let bench = Bench::with(KindPolicy::Auto).await;
    let life = bench.live();
    bench.deposit().await;
    bench.model.seal(100, 0);
    bench.settle(&life).await;
    bench.lose_broadcasts();
    bench.model.seal(5_000, 0);
    bench.until_under_way(&life).await;
    let _: Value = bench.anvil.rpc("anvil_mine", (2, 2_000)).await.unwrap();
    let force = bench.settlement.force_include(account(3));
    bench.anvil.send(&force).await.unwrap();
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
    let blobs = bench.blobs();
    assert_eq!((blobs[0], blobs[1]), (1, 0), "blobs are cheaper on this L1");
    assert!(blobs[2..].iter().all(|blobs| *blobs == 1), "{blobs:?}");
}

/// No beacon endpoint, one that is down, and one that has dropped the blobs: nothing is taken for the batch, and the fault says
/// which blob of which batch is missing where.
#[tokio::test]
async fn blobs_that_no_endpoint_has_are_waited_for_and_named() {
    let bench = Bench::with(KindPolicy::Blobs).await;
    let life = bench.live();
    bench.model.seal(100, 0);
    bench.settle(&life).await;
    life.kill().await;
    let (batches, _) = bench.model.posted();
    let BatchContent::Blobs(hashes) = &batches[0].header.content else {
        panic!("{:?}", batches[0].header)
    };
    let pruned = bench.proxy.url();
    bench.proxy.set_rule(|method, _| match method {
        "GET" => Fault::Refuse(404, "pruned".into()),
        _ => Fault::None,
    });
    let beacon = |url: String| BeaconClient::new(url.parse().unwrap(), Duration::from_secs(20));
    let none = (vec![], "no blob endpoint is configured");
    let useless = vec![beacon("http://127.0.0.1:1".into()), beacon(pruned)];
    for (beacons, says) in [none, (useless, "http status 404")] {
        let mut config = ReaderConfig::for_block_time(
            L1,
            bench.settlement.inbox,
            bench.settlement.start_block,
            Duration::from_millis(50),
        );
        config.blobs.beacons = beacons;
        let (inputs, mut receiver) = mpsc::channel(64);
        let (reader, mut view) = L1Reader::new(bench.client(), config, None, inputs).unwrap();
        let task = tokio::spawn(reader.run());
        // A reader whose inputs nobody takes stops before it comes to the batch.
        let taken = tokio::spawn(async move {
            while let Some(input) = receiver.recv().await {
                if let L1Update::Block { batches, .. } = input.update {
                    assert!(batches.is_empty(), "a batch without its blobs");
                }
            }
        });
        let fault = async {
            let seen = view.wait_for(|view| view.fault.is_some()).await.unwrap();
            seen.fault.as_ref().unwrap().to_string()
        };
        let fault = tokio::time::timeout(Duration::from_secs(60), fault)
            .await
            .unwrap();
        for part in ["batch 1", &hashes[0].to_string(), says] {
            assert!(fault.contains(part), "{fault}");
        }
        task.abort();
        taken.await.unwrap();
    }
}
