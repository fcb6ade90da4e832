//! SIGKILL at random points, against a ledger that only knows what the node itself has said.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy::{primitives::B256, providers::Provider};
use serde_json::{Value, json};

use crate::{
    agreement::{assert_equal_chains, settle},
    support::{
        Chain, ChainOptions, Node, Rpc, User, chain::user_address, eventually, json::quantity,
    },
};

/// How often the sequencer is killed.
const KILLS: usize = 20;

/// Receipts as they were served.
type Ledger = BTreeMap<B256, Value>;

/// What of a receipt may never change without an L1 reorg.
fn promise(receipt: &Value) -> [&Value; 5] {
    [
        "status",
        "blockHash",
        "blockNumber",
        "cumulativeGasUsed",
        "transactionIndex",
    ]
    .map(|name| &receipt[name])
}

/// Sends transfers and writes down receipts until the node is gone.
async fn load(rpc: Rpc, mut user: User, mut ledger: Ledger) -> (User, Ledger) {
    loop {
        let before = user.nonce;
        let tx = user.transfer(user_address(1), 1);
        let raw = json!([alloy::primitives::hex::encode_prefixed(&tx.raw)]);
        match rpc.try_call("eth_sendRawTransaction", raw).await {
            Some(Ok(_)) => {}
            // Whether it was taken in shows after the restart.
            None => {
                user.nonce = before;
                return (user, ledger);
            }
            Some(Err(error)) => panic!("refused: {error:?}"),
        }
        let limit = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < limit, "{} is in no block", tx.hash);
            match rpc
                .try_call("eth_getTransactionReceipt", json!([tx.hash]))
                .await
            {
                Some(Ok(receipt)) if !receipt.is_null() => {
                    ledger.insert(tx.hash, receipt);
                    break;
                }
                Some(Ok(_)) => tokio::time::sleep(Duration::from_millis(1)).await,
                Some(Err(error)) => panic!("no receipt: {error:?}"),
                None => return (user, ledger),
            }
        }
    }
}

async fn assert_kept(rpc: &Rpc, ledger: &Ledger) {
    for (hash, served) in ledger {
        let now = rpc
            .receipt(*hash)
            .await
            .unwrap_or_else(|| panic!("the receipt of {hash} is lost"));
        assert_eq!(promise(&now), promise(served), "receipt of {hash}");
    }
}

/// The nonce that the pool and the chain have come to, once the pool is empty.
async fn next_nonce(rpc: &Rpc, user: &User) -> u64 {
    let next = || async {
        let nonce = rpc.nonce(user.address()).await;
        let pending = rpc
            .number(
                "eth_getTransactionCount",
                json!([user.address(), "pending"]),
            )
            .await;
        (nonce == pending).then_some(nonce)
    };
    eventually("the pool is empty", 30, next).await
}

#[tokio::test]
async fn no_served_receipt_is_lost_and_no_batch_posted_twice_over_twenty_kills() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    println!("seed {seed}");
    let mut random = seed;
    let chain = Chain::new(ChainOptions::default()).await;
    let mut sequencer = Node::start(chain.sequencer()).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    let mut ledger = Ledger::new();
    for kill in 0..KILLS {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        user.nonce = next_nonce(&sequencer.rpc, &user).await;
        let running = tokio::spawn(load(sequencer.rpc.clone(), user, ledger));
        // The point of the kill is what is random here; nothing is waited for.
        tokio::time::sleep(Duration::from_millis(50 + (random >> 33) % 900)).await;
        let options = sequencer.kill();
        (user, ledger) = running.await.unwrap();
        sequencer = Node::start(options).await;
        assert_kept(&sequencer.rpc, &ledger).await;
        println!("kill {kill}: {} receipts kept", ledger.len());
    }
    assert!(ledger.len() > KILLS, "the load ran between the kills");
    let replica = Node::start(chain.replica("replica")).await;
    settle(&sequencer, &replica).await;
    assert_kept(&replica.rpc, &ledger).await;
    assert_equal_chains(&sequencer.rpc, &replica.rpc).await;
    crate::proven::assert_proven(&chain, &replica.rpc).await;
    assert_posted_once(&chain, &replica.rpc).await;
}

/// Every batch is new, holds what its batcher claimed, and no posting failed on L1.
async fn assert_posted_once(chain: &Chain, replica: &Rpc) {
    let inbox = chain.inbox();
    let events = inbox
        .BatchAppended_filter()
        .from_block(0)
        .query()
        .await
        .unwrap();
    let mut contents = BTreeMap::new();
    for (event, _) in events {
        if event.header[1] != 0 {
            continue;
        }
        let content = event.header[134..166].to_vec();
        let earlier = contents.insert(content, event.index);
        assert_eq!(earlier, None, "batch {} repeats one", event.index);
        let params = json!([format!("{:#x}", event.index)]);
        let batch = replica.call("trestle_batch", params).await;
        let end = replica.block_hash(quantity(&batch["lastBlock"])).await;
        assert_eq!(
            &event.header[102..134],
            end.as_slice(),
            "batch {} yields what was claimed",
            event.index
        );
    }
    let batcher = chain.batcher();
    let sent = batcher
        .get_transaction_count(user_address(3))
        .await
        .unwrap();
    assert_eq!(
        sent,
        contents.len() as u64,
        "every transaction of the batcher appended a batch"
    );
}
