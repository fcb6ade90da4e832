//! What a node has said, kept outside of it: every level of acknowledgement, and whether it is still true.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use alloy::primitives::{B256, hex};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use trestle_contracts::bindings::Inbox::BatchAppended;

use super::{
    Chain, Rpc, User,
    chain::user_address,
    json::{RpcError, quantity, word},
};

/// Receipts that are looked at again after each restart, newest first; all at the end.
const RECENT: usize = 300;
/// Transactions that are sent before the first of their receipts is asked for.
const BURST: usize = 4;
/// How long anything may take that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that a node has acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Hashes that were returned, and not yet a receipt: A0.
    accepted: Vec<B256>,
    /// Receipts as they were served, in that order: A1.
    receipts: Vec<(B256, Value)>,
    /// Blocks that were called safe, A2, and final, A3.
    settled: BTreeMap<&'static str, (u64, B256)>,
}

/// Why a load ended.
#[derive(Debug)]
#[expect(
    dead_code,
    reason = "what they hold is for the message of a test that fails"
)]
pub(crate) enum LoadEnd {
    /// The node is gone.
    Gone,
    /// It refused a transaction.
    Refused(RpcError),
    /// It said nothing that must come.
    Silent(String),
    /// As many receipts as were asked for.
    Enough,
}

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

impl Ledger {
    /// Receipts so far.
    pub(crate) fn receipts(&self) -> usize {
        self.receipts.len()
    }

    /// Sends transfers and writes down what is said, until the node is gone, refuses, or gave `enough` receipts more.
    pub(crate) async fn load(&mut self, rpc: &Rpc, user: &mut User, enough: usize) -> LoadEnd {
        let enough = self.receipts.len().saturating_add(enough);
        while self.receipts.len() < enough {
            for _ in 0..BURST {
                let tx = user.transfer(user_address(1), 1);
                let raw = json!([hex::encode_prefixed(&tx.raw)]);
                match rpc.try_call("eth_sendRawTransaction", raw).await {
                    Some(Ok(_)) => self.accepted.push(tx.hash),
                    // Whether it was taken in shows after the restart.
                    None => return LoadEnd::Gone,
                    Some(Err(error)) => return LoadEnd::Refused(error),
                }
            }
            if let Some(end) = self.collect(rpc).await {
                return end;
            }
            if self.note_heads(rpc).await.is_none() {
                return LoadEnd::Gone;
            }
        }
        LoadEnd::Enough
    }

    /// Waits for the receipts of everything accepted; why it cannot be had otherwise.
    async fn collect(&mut self, rpc: &Rpc) -> Option<LoadEnd> {
        let limit = Instant::now() + PATIENCE;
        while let Some(hash) = self.accepted.first().copied() {
            let asked = rpc.try_call("eth_getTransactionReceipt", json!([hash]));
            match asked.await {
                None => return Some(LoadEnd::Gone),
                Some(Ok(receipt)) if !receipt.is_null() => {
                    self.accepted.remove(0);
                    self.receipts.push((hash, receipt));
                }
                Some(Ok(_)) if Instant::now() < limit => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Some(Ok(_)) => return Some(LoadEnd::Silent(format!("{hash} is in no block"))),
                Some(Err(error)) => return Some(LoadEnd::Silent(format!("{error:?}"))),
            }
        }
        None
    }

    /// Writes down which blocks are called safe and final.
    async fn note_heads(&mut self, rpc: &Rpc) -> Option<()> {
        let heads = rpc.try_call("trestle_heads", json!([])).await?.ok()?;
        for level in ["safe", "finalized"] {
            let head = &heads[level];
            if !head.is_null() {
                let at = (quantity(&head["number"]), word(&head["hash"]));
                self.settled.insert(level, at);
            }
        }
        Some(())
    }

    /// Whether the restarted node still stands by what was said, newest first.
    ///
    /// # Errors
    /// What is lost or changed, in words.
    pub(crate) async fn check(&mut self, rpc: &Rpc) -> Result<(), String> {
        self.check_last(rpc, RECENT).await
    }

    /// The same for everything ever said.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub(crate) async fn check_all(&mut self, rpc: &Rpc) -> Result<(), String> {
        self.check_last(rpc, usize::MAX).await
    }

    async fn check_last(&mut self, rpc: &Rpc, count: usize) -> Result<(), String> {
        stream::iter(self.receipts.iter().rev().take(count))
            .map(|(hash, served)| kept(rpc, *hash, served))
            .buffer_unordered(4)
            .try_collect::<()>()
            .await?;
        for hash in &self.accepted {
            let status = said(rpc, "trestle_transactionStatus", json!([hash])).await?;
            if status.is_null() {
                return Err(format!("{hash} was accepted, and nobody knows it"));
            }
        }
        for (level, (number, hash)) in &self.settled {
            let block = json!([format!("{number:#x}"), false]);
            let block = said(rpc, "eth_getBlockByNumber", block).await?;
            if block["hash"] != json!(hash) {
                return Err(format!("block {number} was {level} as {hash}, now {block}"));
            }
            self.reaches(rpc, level, *number).await?;
        }
        // Whatever was accepted gets its receipt, unless it was dropped and that is said.
        match self.collect_or_dropped(rpc).await {
            None | Some(LoadEnd::Enough) => Ok(()),
            Some(end) => Err(format!("{end:?}")),
        }
    }

    async fn collect_or_dropped(&mut self, rpc: &Rpc) -> Option<LoadEnd> {
        let mut waiting = Vec::new();
        for hash in std::mem::take(&mut self.accepted) {
            let status = said(rpc, "trestle_transactionStatus", json!([hash])).await;
            if status.is_ok_and(|status| status["stage"] != "dropped") {
                waiting.push(hash);
            }
        }
        self.accepted = waiting;
        self.collect(rpc).await
    }

    /// The head of this level comes back to where it was.
    async fn reaches(&self, rpc: &Rpc, level: &str, number: u64) -> Result<(), String> {
        let limit = Instant::now() + PATIENCE;
        while Instant::now() < limit {
            let heads = said(rpc, "trestle_heads", json!([])).await?;
            let head = &heads[level];
            if !head.is_null() && quantity(&head["number"]) >= number {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("block {number} was {level}, and is not any more"))
    }
}

async fn said(rpc: &Rpc, method: &str, params: Value) -> Result<Value, String> {
    match rpc.try_call(method, params).await {
        Some(outcome) => outcome.map_err(|error| format!("{method}: {error:?}")),
        None => Err(format!("{method}: no answer")),
    }
}

async fn kept(rpc: &Rpc, hash: B256, served: &Value) -> Result<(), String> {
    let now = said(rpc, "eth_getTransactionReceipt", json!([hash])).await?;
    if now.is_null() {
        return Err(format!("the receipt of {hash} is lost"));
    }
    if promise(&now) != promise(served) {
        return Err(format!("the receipt of {hash} was {served}, now {now}"));
    }
    Ok(())
}

/// The nonce that the pool and the chain have come to, once the pool is empty.
///
/// # Errors
/// When the pool does not empty.
pub(crate) async fn next_nonce(rpc: &Rpc, user: &User) -> Result<u64, String> {
    let limit = Instant::now() + PATIENCE;
    while Instant::now() < limit {
        let count = |tag| json!([user.address(), tag]);
        let mined = said(rpc, "eth_getTransactionCount", count("latest")).await?;
        let pending = said(rpc, "eth_getTransactionCount", count("pending")).await?;
        if mined == pending {
            return Ok(quantity(&mined));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err("the pool does not empty".to_owned())
}

/// Every block is in one batch, every batch is new and holds what its batcher claimed, and no posting failed on L1.
pub(crate) async fn assert_posted_once(chain: &Chain, replica: &Rpc) {
    let inbox = chain.inbox();
    let events = inbox.BatchAppended_filter().from_block(0);
    let events = events.query().await.unwrap();
    let events: Vec<BatchAppended> = events.into_iter().map(|(event, _)| event).collect();
    let (mut contents, mut last, mut index) = (BTreeMap::new(), 0, 0);
    for event in events {
        index += 1;
        assert_eq!(event.index, index, "batches follow each other");
        if event.header[1] != 0 {
            continue;
        }
        let content = event.header[134..166].to_vec();
        let earlier = contents.insert(content, event.index);
        assert_eq!(earlier, None, "batch {} repeats one", event.index);
        let params = json!([format!("{:#x}", event.index)]);
        let batch = replica.call("trestle_batch", params).await;
        let end = quantity(&batch["lastBlock"]);
        assert!(
            end >= last,
            "batch {} goes back to block {end}",
            event.index
        );
        last = end;
        assert_eq!(
            &event.header[102..134],
            replica.block_hash(end).await.as_slice(),
            "batch {} yields what was claimed",
            event.index
        );
    }
    let l1 = chain.l1_rpc();
    let batcher = json!([user_address(super::chain::BATCHER), "latest"]);
    let sent = l1.number("eth_getTransactionCount", batcher).await;
    assert_eq!(
        sent,
        contents.len() as u64,
        "every transaction of the batcher appended a batch"
    );
}
