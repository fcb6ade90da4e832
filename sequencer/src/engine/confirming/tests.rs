use super::*;
use crate::{
    batcher::{BatchSource, StoreSource, build_batch},
    engine::{BatchTip, L1BlockRef},
    rpc::tests::bed::{Bed, START},
};
use alloy_primitives::{Address, B256, Bytes};
use std::time::Duration;
use tokio::sync::watch;
use trestle_protocol::{BatchContent, BatchHeader, chunked_hash};

const BLOCKS: u64 = 3;

/// A chain of three blocks with a transaction each, on which L1 has said nothing yet.
async fn chain() -> (Bed, Chain, L1Ledger) {
    let bed = Bed::new().await;
    for nonce in 0..BLOCKS {
        bed.send(bed.transfer(0, nonce, 1)).await;
        bed.seal().await;
    }
    let chain = Chain::open(Arc::clone(&bed.config), Arc::clone(&bed.store)).unwrap();
    let genesis = block(&bed, 0);
    let start = L1BlockRef::default();
    let ledger = L1Ledger::open(Arc::clone(&bed.store), start, genesis).unwrap();
    (bed, chain, ledger)
}

fn block(bed: &Bed, number: u64) -> BlockRef {
    let header = bed.store.sequenced().unwrap().header(number).unwrap();
    let hash = header.unwrap().hash;
    BlockRef { number, hash }
}

/// An L1 block with the batch of these blocks.
fn batch(bed: &Bed, blocks: std::ops::RangeInclusive<u64>) -> L1Input {
    let (_tip, tip) = watch::channel(BatchTip::default());
    let source = StoreSource::new(Arc::clone(&bed.config), Arc::clone(&bed.store), tip);
    let blocks: Vec<_> = blocks
        .map(|number| Arc::new(source.block(number).unwrap().unwrap()))
        .collect();
    let payload = build_batch(&bed.config, &blocks, 100_000).unwrap().payload;
    let header = BatchHeader {
        inbox: Address::ZERO,
        l1_chain_id: 1,
        index: 1,
        l1_number: 9,
        l1_time: START,
        deposit_from: 0,
        deposit_to: 0,
        deposit_acc: B256::ZERO,
        claimed_end_block_hash: B256::ZERO,
        content: BatchContent::Calldata {
            hash: chunked_hash(&payload),
            length: u32::try_from(payload.len()).unwrap(),
        },
    };
    let seen = SeenBatch {
        acc: header.accumulate(B256::ZERO),
        header,
        payload: Some(payload),
    };
    L1Input {
        update: L1Update::Block {
            block: L1BlockRef::default(),
            entries: Vec::new(),
            batches: vec![seen],
        },
        cursor: Bytes::new(),
    }
}

fn batch_of(input: &L1Input) -> &SeenBatch {
    match &input.update {
        L1Update::Block { batches, .. } => &batches[0],
        _ => panic!("no block"),
    }
}

async fn compared(chain: &Chain, ledger: &L1Ledger, input: &L1Input) -> Vec<Confirmed> {
    let mut confirming = Confirming::start(chain, ledger, input).unwrap();
    let outcome = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            match confirming.take() {
                Some(found) => return found,
                None => tokio::task::yield_now().await,
            }
        }
    });
    outcome.await.unwrap()
}

#[tokio::test]
async fn batch_that_the_chain_holds_is_confirmed_until_its_end_is_unwound() {
    let (bed, mut chain, ledger) = chain().await;
    let input = batch(&bed, 1..=BLOCKS);
    let found = compared(&chain, &ledger, &input).await;
    let [confirmed] = found.as_slice() else {
        panic!("{found:?}");
    };
    let (start, end) = (block(&bed, 0), block(&bed, BLOCKS));
    let still = |start| {
        let snapshot = bed.store.sequenced().unwrap();
        let still = confirmed.still(&snapshot, batch_of(&input), start);
        still.unwrap().map(|end| end.hash)
    };
    assert_eq!(still(start), Some(end.hash));
    assert_eq!(still(block(&bed, 1)), None, "another beginning");
    chain.unwind(BLOCKS - 1).unwrap();
    assert_eq!(still(start), None, "the end is gone");
}

#[tokio::test]
async fn batch_of_other_blocks_is_left_to_the_engine() {
    let (bed, chain, ledger) = chain().await;
    let other = batch(&bed, 2..=BLOCKS);
    assert!(compared(&chain, &ledger, &other).await.is_empty());
}

#[tokio::test]
async fn nothing_is_compared_where_the_chain_has_no_blocks_for_it() {
    let (bed, mut chain, ledger) = chain().await;
    let input = batch(&bed, 1..=BLOCKS);
    chain.unwind(0).unwrap();
    assert!(Confirming::start(&chain, &ledger, &input).is_none());
}
