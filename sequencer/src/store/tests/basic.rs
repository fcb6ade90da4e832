//! What a healthy store gives back.

use super::chain::{Chain, append, assert_equal, config, nobody_starts, queue, transaction};
use crate::l1::{JournaledTx, SenderJournal, TxKey};
use crate::store::{
    LookUp, Mark, MarkBatch, SentTransactions, Store, StoreError, block::reference,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::Bytes;
use std::sync::Arc;
use trestle_protocol::trie::StateTrieChanges;

#[test]
fn block_appended_reads_back_from_memory_tables_and_after_reopening() {
    let _quiet = nobody_starts();
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let config = config(dir.path(), chain.genesis());
    let store = Store::open(config.clone()).unwrap();
    for seed in 1..9 {
        append(&store, &chain.extend(seed)).unwrap();
        assert_equal(&store, &chain);
        if seed == 4 {
            store.fold().unwrap();
            assert_equal(&store, &chain);
        }
    }
    drop(store);
    let store = Store::open(config.clone()).unwrap();
    assert_equal(&store, &chain);
    store.close().unwrap();
    assert_equal(&Store::open(config).unwrap(), &chain);
}

#[test]
fn block_that_does_not_follow_the_head_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let store = Store::open(config(dir.path(), chain.genesis())).unwrap();
    let (first, second) = (chain.extend(1), chain.extend(2));
    let refused = store.append(Arc::clone(&second), StateTrieChanges::default());
    assert!(matches!(refused, Err(StoreError::NotNext { .. })));
    append(&store, &first).unwrap();
    append(&store, &second).unwrap();
    let again = store.append(Arc::clone(&second), StateTrieChanges::default());
    assert!(matches!(again, Err(StoreError::NotNext { .. })));
}

#[test]
fn unwind_above_and_below_the_folded_head_restores_the_older_chain() {
    let _quiet = nobody_starts();
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let config = config(dir.path(), chain.genesis());
    let mut store = Store::open(config.clone()).unwrap();
    for (to, seed) in [(6, 100), (4, 200), (1, 300), (0, 400)] {
        while chain.head() < 8 {
            append(&store, &chain.extend(seed + chain.head())).unwrap();
            if chain.head() == 5 {
                store.fold().unwrap();
            }
        }
        store.unwind(to).unwrap();
        chain.unwind(to);
        assert_equal(&store, &chain);
        assert_eq!(*store.durable_head().borrow(), store.head());
        drop(store);
        store = Store::open(config.clone()).unwrap();
        assert_equal(&store, &chain);
    }
    assert!(matches!(
        store.unwind(1),
        Err(StoreError::UnknownBlock { number: 1 })
    ));
}

#[test]
fn snapshot_taken_before_fold_and_unwind_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let store = Store::open(config(dir.path(), chain.genesis())).unwrap();
    for seed in 1..6 {
        append(&store, &chain.extend(seed)).unwrap();
    }
    let (before, model) = (store.sequenced().unwrap(), chain.clone());
    store.fold().unwrap();
    store.unwind(1).unwrap();
    chain.unwind(1);
    append(&store, &chain.extend(77)).unwrap();
    assert_equal(&store, &chain);
    for number in 0..=5 {
        let state = before.state_at(number).unwrap();
        for (who, info) in &model.world(number).accounts {
            assert_eq!(state.account(who).unwrap().as_ref(), Some(info));
        }
        assert_eq!(
            before.header(number).unwrap().as_ref(),
            Some(&model.block(number).header)
        );
    }
}

#[test]
fn memory_knows_a_transaction_until_it_is_folded() {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let store = Store::open(config(dir.path(), chain.genesis())).unwrap();
    let tx = transaction(1);
    let hash = tx.tx_hash();
    assert!(matches!(store.look_up(&hash), LookUp::Unknown));
    let pair = (hash, tx.encoded_2718().into());
    store.admit([pair]).unwrap().wait().unwrap();
    assert!(matches!(store.look_up(&hash), LookUp::Waits));
    let block = chain.extend_with(1, vec![transaction(7), tx]);
    append(&store, &block).unwrap();
    let LookUp::Included(found, index) = store.look_up(&hash) else {
        panic!("a durable block in memory");
    };
    assert_eq!((found.header.hash, index), (block.header.hash, 1));
    store.fold().unwrap();
    assert!(matches!(store.look_up(&hash), LookUp::Unknown));
    assert_eq!(
        store.durable().unwrap().transaction(&hash).unwrap(),
        Some((1, 1))
    );
}

#[test]
fn pool_keeps_admitted_transactions_until_they_are_included() {
    let _quiet = nobody_starts();
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let config = config(dir.path(), chain.genesis());
    let mut store = Store::open(config.clone()).unwrap();
    let txs: Vec<_> = [1, 2, 4].map(transaction).into();
    let raw: Vec<Bytes> = txs.iter().map(|tx| tx.encoded_2718().into()).collect();
    let pairs = txs.iter().map(|tx| tx.tx_hash()).zip(raw.clone());
    store.admit(pairs).unwrap().wait().unwrap();
    append(&store, &chain.extend_with(1, vec![txs[0].clone()])).unwrap();
    store.forget([txs[1].tx_hash()]).unwrap().wait().unwrap();
    for fold in [false, true] {
        assert_eq!(store.pool(), [raw[2].clone()]);
        if fold {
            store.fold().unwrap();
        }
        drop(store);
        store = Store::open(config.clone()).unwrap();
    }
    store.unwind(0).unwrap();
    let mut pool = store.pool();
    pool.sort();
    let mut expected = vec![raw[0].clone(), raw[2].clone()];
    expected.sort();
    assert_eq!(pool, expected);
    drop(store);
    assert_eq!(Store::open(config).unwrap().pool().len(), 2);
}

#[test]
fn marks_are_kept_in_order_and_removed() {
    let _quiet = nobody_starts();
    let dir = tempfile::tempdir().unwrap();
    let chain = Chain::new();
    let config = config(dir.path(), chain.genesis());
    let mut store = Store::open(config.clone()).unwrap();
    let value = |n: u64| Bytes::from(n.to_be_bytes().to_vec());
    for n in 0..10 {
        let mut batch = MarkBatch::default();
        batch
            .set(Mark::Batch(n), value(n))
            .set(Mark::L1Cursor, value(n));
        if n == 6 {
            batch.remove(Mark::Batch(3));
            store.fold().unwrap();
        }
        store.write_marks(batch).unwrap().wait().unwrap();
    }
    for _ in 0..3 {
        assert_eq!(store.mark(Mark::L1Cursor).unwrap(), Some(value(9)));
        assert_eq!(store.mark(Mark::Batch(3)).unwrap(), None);
        let found = store.marks(Mark::Batch, 2..6).unwrap();
        assert_eq!(found, [2, 4, 5].map(|n| (n, value(n))));
        assert_eq!(
            store.last_mark(Mark::Batch, u64::MAX).unwrap(),
            Some((9, value(9)))
        );
        assert_eq!(
            store.first_mark(Mark::Batch, 3).unwrap(),
            Some((4, value(4)))
        );
        assert_eq!(store.last_mark(Mark::BatcherSent, u64::MAX).unwrap(), None);
        store.fold().unwrap();
        drop(store);
        store = Store::open(config.clone()).unwrap();
    }
}

#[tokio::test]
async fn durable_head_and_snapshot_end_at_what_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let mut config = config(dir.path(), chain.genesis());
    config.fold_every = Some(std::time::Duration::from_millis(1));
    let store = Store::open(config).unwrap();
    let mut head = store.durable_head();
    for seed in 1..20 {
        let block = chain.extend(seed);
        let ticket = queue(&store, &block).unwrap();
        ticket.durable().await.unwrap();
        assert_eq!(*head.borrow_and_update(), reference(&block));
        assert_eq!(store.durable().unwrap().head(), reference(&block));
        assert_equal(&store, &chain);
    }
}

#[test]
fn sender_finds_what_it_signed_after_reopening() {
    let _quiet = nobody_starts();
    let dir = tempfile::tempdir().unwrap();
    let chain = Chain::new();
    let config = config(dir.path(), chain.genesis());
    let sent = |nonce, attempt| JournaledTx {
        nonce,
        attempt,
        key: TxKey::numbered("batch", nonce),
        raw: Bytes::from(vec![
            u8::try_from(nonce).unwrap(),
            u8::try_from(attempt).unwrap(),
        ]),
    };
    let open = || {
        let store = Arc::new(Store::open(config.clone()).unwrap());
        let proposer = SentTransactions::new(Arc::clone(&store), Mark::ProposerSent);
        let batcher = SentTransactions::new(store, Mark::BatcherSent);
        (batcher.with_blobs(Mark::BatcherBlobs), proposer)
    };
    let (batcher, proposer) = open();
    for tx in [sent(1, 0), sent(2, 1), sent(2, 0), sent(3, 0)] {
        batcher.append(&tx, None).unwrap();
    }
    proposer.append(&sent(9, 0), None).unwrap();
    let blobs = |byte| Bytes::from(vec![byte; 800_000]);
    assert!(proposer.append(&sent(9, 1), Some(&blobs(1))).is_err());
    batcher.append(&sent(1, 1), Some(&blobs(1))).unwrap();
    batcher.append(&sent(2, 2), Some(&blobs(2))).unwrap();
    batcher.append(&sent(2, 3), None).unwrap();
    batcher.prune_below(2, &Bytes::new()).unwrap();
    drop((batcher, proposer));
    let (batcher, proposer) = open();
    assert_eq!(
        batcher.load().unwrap(),
        [sent(2, 0), sent(2, 1), sent(2, 2), sent(2, 3), sent(3, 0)]
    );
    assert_eq!(proposer.load().unwrap(), [sent(9, 0)]);
    let kept = [1, 2, 3].map(|nonce| batcher.sidecar(nonce).unwrap());
    assert_eq!(kept, [None, Some(blobs(2)), None]);
}
