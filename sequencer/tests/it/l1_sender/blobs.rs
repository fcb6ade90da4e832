//! Transactions with blobs: as often refused, stuck and dropped as the others, and never of another kind than
//! what waits.

use super::*;
use alloy::{
    consensus::{Transaction, TxEnvelope},
    eips::eip2718::Decodable2718,
};
use std::sync::LazyLock;
use trestle_sequencer::l1::BlobSet;

/// Made once: the first use of KZG in a process takes seconds.
static BLOBS: LazyLock<[BlobSet; 2]> =
    LazyLock::new(|| [1, 2].map(|byte| BlobSet::of_payload(&[byte; 40_000]).unwrap()));

impl Bench {
    fn count_with_blobs(&self, key: u64, expected: u64, blobs: &BlobSet) -> TxRequest {
        TxRequest {
            blobs: Some(blobs.clone()),
            ..self.count(key, expected)
        }
    }

    /// Every transaction of the journal, in the order in which they were signed.
    fn journaled(&self) -> Vec<TxEnvelope> {
        let read = |tx: JournaledTx| TxEnvelope::decode_2718_exact(&tx.raw).unwrap();
        self.journal.load().unwrap().into_iter().map(read).collect()
    }

    /// Blobs of a transaction in L1's pool or chain.
    async fn blobs_on_l1(&self, hash: B256) -> Vec<Bytes> {
        let blobs: Option<Vec<Bytes>> = self
            .anvil
            .rpc("anvil_getBlobsByTransactionHash", (hash,))
            .await
            .unwrap();
        blobs.unwrap_or_default()
    }
}

#[tokio::test]
async fn blobs_land_with_their_transaction_once() {
    let bench = Bench::new().await;
    let (handle, _task) = bench.spawn();
    let request = bench.count_with_blobs(1, 0, &BLOBS[0]);
    let first = handle.submit(request.clone()).await.unwrap();
    let again = handle.submit(request).await.unwrap();
    assert_eq!(hash_of(&first), hash_of(&again));
    bench.mine(1).await;
    until(&handle, "included", |status| is_included(status, 1)).await;
    let blobs = bench.blobs_on_l1(hash_of(&first)).await;
    assert_eq!(blobs.len(), 1);
    assert_eq!(
        blobs[0][5..32],
        [1; 27],
        "length and payload begin the blob"
    );
    assert_eq!((bench.counted().await, bench.nonce().await), (1, 1));
    // The journal holds the transaction apart from its 131,072 bytes.
    assert!(bench.journal.load().unwrap()[0].raw.len() < 1_000);
}

#[tokio::test]
async fn sender_killed_with_blobs_under_way_sends_the_same_bytes_again() {
    let bench = Bench::new().await;
    bench.proxy.set_rule(|method, _| match method {
        "eth_sendRawTransaction" => Fault::Down,
        _ => Fault::None,
    });
    let (handle, task) = bench.spawn();
    let request = bench.count_with_blobs(1, 0, &BLOBS[0]);
    let first = hash_of(&handle.submit(request).await.unwrap());
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(bench.blobs_on_l1(first).await.is_empty());
    bench.proxy.heal();
    let (handle, _task) = bench.spawn();
    let status = until(&handle, "recovered", |status| is_pending(status, 1)).await;
    assert_eq!(status.waiting_blobs, Some(true));
    let again = handle.submit(bench.count_with_blobs(1, 0, &BLOBS[0])).await;
    assert_eq!(hash_of(&again.unwrap()), first);
    let l1 = bench.l1.clone();
    wait_for(|| async { l1.get_transaction_by_hash(first).await.unwrap().is_some() }).await;
    bench.mine(1).await;
    until(&handle, "included", |status| is_included(status, 1)).await;
    assert_eq!((bench.counted().await, bench.nonce().await), (1, 1));
    assert_eq!(bench.journal.load().unwrap().len(), 1);
}

#[tokio::test]
async fn stuck_blobs_are_replaced_by_the_same_blobs_at_twice_every_fee() {
    let bench = Bench::new().await;
    let (handle, _task) = bench.spawn();
    let request = bench.count_with_blobs(1, 0, &BLOBS[0]);
    handle.submit(request).await.unwrap();
    for _ in 0..12 {
        let fee = U256::from(9_000_000_000u64);
        let method = "anvil_setNextBlockBaseFeePerGas";
        let _: Value = bench.anvil.rpc(method, (fee,)).await.unwrap();
        let before = bench.proxy.calls("eth_getTransactionCount");
        bench.mine(1).await;
        let proxy = &bench.proxy;
        wait_for(|| async { proxy.calls("eth_getTransactionCount") > before }).await;
        if bench.nonce().await == 1 {
            break;
        }
    }
    until(&handle, "included", |status| is_included(status, 1)).await;
    let attempts = bench.journaled();
    assert!(attempts.len() > 1);
    for pair in attempts.windows(2) {
        let [old, new] = pair else { panic!() };
        let fees = |tx: &TxEnvelope| {
            let tip = tx.max_priority_fee_per_gas().unwrap();
            [
                tx.max_fee_per_gas(),
                tip,
                tx.max_fee_per_blob_gas().unwrap(),
            ]
        };
        let raised = fees(old).into_iter().zip(fees(new));
        assert!(
            raised.clone().all(|(old, new)| new >= 2 * old),
            "{raised:?}"
        );
        assert_eq!(new.blob_versioned_hashes(), old.blob_versioned_hashes());
    }
    assert_eq!((bench.counted().await, bench.nonce().await), (1, 1));
}

#[tokio::test]
async fn pitfall_b40_other_kind_waits_until_what_is_under_way_is_included() {
    let bench = Bench::new().await;
    let (handle, _task) = bench.spawn();
    handle.submit(bench.count(1, 0)).await.unwrap();
    for request in [
        bench.count_with_blobs(1, 0, &BLOBS[0]),
        bench.count_with_blobs(2, 1, &BLOBS[0]),
    ] {
        let key = request.key;
        let refused = handle.submit(request).await;
        assert_eq!(refused, Err(SubmitError::OtherKind { key, nonce: 0 }));
    }
    bench.mine(1).await;
    until(&handle, "included", |status| is_included(status, 1)).await;
    let request = bench.count_with_blobs(2, 1, &BLOBS[0]);
    handle.submit(request).await.unwrap();
    let refused = handle.submit(bench.count(3, 2)).await;
    let key = key(3);
    assert_eq!(refused, Err(SubmitError::OtherKind { key, nonce: 1 }));
    bench.mine(1).await;
    let status = until(&handle, "included", |status| is_included(status, 2)).await;
    assert_eq!(status.waiting_blobs, None);
    handle.submit(bench.count(3, 2)).await.unwrap();
    bench.mine(1).await;
    until(&handle, "included", |status| is_included(status, 3)).await;
    assert_eq!((bench.counted().await, bench.nonce().await), (3, 3));
}

/// The Inbox's case: a forced batch takes the number that our waiting batch was built for.
#[tokio::test]
async fn pitfall_b40_blobs_that_would_revert_are_replaced_by_blobs_or_cancelled_by_a_blob() {
    for is_given_other_content in [true, false] {
        let bench = Bench::new().await;
        let (handle, _task) = bench.spawn();
        let request = bench.count_with_blobs(1, 0, &BLOBS[0]);
        let first = hash_of(&handle.submit(request).await.unwrap());
        // A stranger counts first, with ours still in the pool but worth less.
        let forced = TransactionRequest::default()
            .from(stranger())
            .to(bench.counter)
            .input(B256::ZERO.to_vec().into())
            .max_fee_per_gas(100_000_000_000)
            .max_priority_fee_per_gas(50_000_000_000);
        bench.proxy.set_rule(|method, _| match method {
            "eth_sendRawTransaction" => Fault::Down,
            _ => Fault::None,
        });
        bench.anvil.drop_transaction(first).await.unwrap();
        bench.send_as(forced).await;
        bench.mine(1).await;
        let is_stale =
            |status: &SenderStatus| matches!(status.txs.get(&key(1)), Some(TxState::Stale { .. }));
        until(&handle, "stale", is_stale).await;
        bench.proxy.heal();
        if is_given_other_content {
            let refused = handle.submit(bench.count(1, 1)).await;
            let key = key(1);
            assert_eq!(refused, Err(SubmitError::OtherKind { key, nonce: 0 }));
            let request = bench.count_with_blobs(1, 1, &BLOBS[1]);
            let second = hash_of(&handle.submit(request).await.unwrap());
            bench.mine(1).await;
            until(&handle, "included", |status| is_included(status, 1)).await;
            assert_eq!(bench.blobs_on_l1(second).await[0][5..32], [2; 27]);
            assert_eq!((bench.counted().await, bench.nonce().await), (2, 1));
        } else {
            // Back in the pool, where it would be mined to revert: its nonce is used up by a blob.
            let sidecar = bench.journal.sidecar(0).unwrap().unwrap();
            let raw = bench.journal.load().unwrap()[0].raw.clone();
            // It may be there: what was on its way when broadcasts began to be lost still arrived.
            let raw = pooled(&raw, &sidecar);
            let sent = bench
                .anvil
                .rpc::<_, B256>("eth_sendRawTransaction", (raw,))
                .await;
            if let Err(error) = sent {
                assert!(error.to_string().contains("already imported"), "{error}");
            }
            let journal = bench.journal.clone();
            wait_for(|| async { journal.load().unwrap().len() > 1 }).await;
            let attempts = bench.journaled();
            let (old, cancel) = (&attempts[0], attempts.last().unwrap());
            assert_eq!(cancel.to(), Some(bench.account));
            assert_eq!(cancel.blob_versioned_hashes().unwrap().len(), 1);
            assert!(cancel.max_fee_per_blob_gas() >= old.max_fee_per_blob_gas().map(|fee| 2 * fee));
            let (l1, hash) = (bench.l1.clone(), *cancel.tx_hash());
            wait_for(|| async { l1.get_transaction_by_hash(hash).await.unwrap().is_some() }).await;
            bench.mine(1).await;
            assert_eq!((bench.counted().await, bench.nonce().await), (1, 1));
        }
    }
}

/// A transaction and its sidecar as L1 takes them.
fn pooled(raw: &[u8], sidecar: &[u8]) -> Bytes {
    let list = alloy_rlp::Header {
        list: true,
        payload_length: raw.len() - 1 + sidecar.len(),
    };
    let mut bytes = vec![3];
    list.encode(&mut bytes);
    bytes.extend_from_slice(&raw[1..]);
    bytes.extend_from_slice(sidecar);
    bytes.into()
}
