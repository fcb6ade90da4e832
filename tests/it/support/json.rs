//! JSON-RPC with plain values: what the tests compare is what clients read. Every answer of a node of ours is
//! held against Ethereum's public schema.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use alloy::{
    primitives::{Address, B256, U256},
    transports::http::reqwest::{Client, Url},
};
use serde_json::{Value, json};
use trestle_test_support::{Held, Judge};

/// An endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Rpc {
    pub(crate) url: String,
    client: Client,
    /// Answers that were held against the schema or alloy's types; `None` for an endpoint that is not ours.
    held: Option<Arc<AtomicUsize>>,
}

/// An error object of JSON-RPC.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Value,
}

impl Rpc {
    /// A node of L2, whose answers are held against the schema.
    pub(crate) fn new(url: &str) -> Self {
        Self {
            held: Some(Arc::default()),
            ..Self::of_l1(url)
        }
    }

    /// An endpoint of L1: what it answers is not ours to judge.
    pub(crate) fn of_l1(url: &str) -> Self {
        let client = Client::builder()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Self {
            url: url.to_owned(),
            client,
            held: None,
        }
    }

    /// The same without a judge, for a node whose disk makes it answer what the schema has no room for.
    pub(crate) fn unjudged(&self) -> Self {
        Self::of_l1(&self.url)
    }

    /// Answers that were held against the schema or alloy's types so far.
    pub(crate) fn held(&self) -> usize {
        let held = self.held.as_ref();
        held.map_or(0, |held| held.load(Ordering::Relaxed))
    }

    /// Holds an answer against what the request asked.
    fn hold(&self, request: &[u8], answer: &str) {
        let Some(held) = &self.held else { return };
        let request = serde_json::from_slice(request).unwrap_or_default();
        let answer =
            serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        for verdict in Judge::shared().unwrap().hold_exchange(&request, &answer) {
            match verdict {
                Ok(Held::Unknown) => {}
                Ok(Held::Schema | Held::Types) => {
                    held.fetch_add(1, Ordering::Relaxed);
                }
                Err(complaint) => panic!("{}: {complaint}", self.url),
            }
        }
    }

    /// Status and body of a POST of `body`; `None` if nothing answers.
    pub(crate) async fn post(&self, body: impl Into<Vec<u8>>) -> Option<(u16, String)> {
        let url: Url = self.url.parse().unwrap();
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json");
        let body = body.into();
        let response = request.body(body.clone()).send().await.ok()?;
        let status = response.status().as_u16();
        let text = response.text().await.ok()?;
        if status == 200 {
            self.hold(&body, &text);
        }
        Some((status, text))
    }

    /// Outcome of a call; `None` if nothing answers.
    pub(crate) async fn try_call(
        &self,
        method: &str,
        params: Value,
    ) -> Option<Result<Value, RpcError>> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (_, text) = self.post(body.to_string()).await?;
        let answer: Value = serde_json::from_str(&text).ok()?;
        Some(match answer.get("error") {
            Some(error) => Err(RpcError {
                code: error["code"].as_i64().unwrap(),
                message: error["message"].as_str().unwrap().to_owned(),
                data: error["data"].clone(),
            }),
            None => Ok(answer["result"].clone()),
        })
    }

    /// Outcome of a call to something that answers.
    pub(crate) async fn outcome(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.try_call(method, params)
            .await
            .unwrap_or_else(|| panic!("{} does not answer", self.url))
    }

    /// Result of a call that succeeds.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let shown = params.to_string();
        let outcome = self.outcome(method, params).await;
        outcome.unwrap_or_else(|error| panic!("{method} {shown:.200}: {error:?}"))
    }

    pub(crate) async fn number(&self, method: &str, params: Value) -> u64 {
        quantity(&self.call(method, params).await)
    }

    pub(crate) async fn block_number(&self) -> u64 {
        self.number("eth_blockNumber", json!([])).await
    }

    /// Block by tag or number, with whole transactions; null if there is none.
    pub(crate) async fn block(&self, id: impl Into<BlockId>) -> Value {
        self.call("eth_getBlockByNumber", json!([id.into().0, true]))
            .await
    }

    pub(crate) async fn block_hash(&self, id: impl Into<BlockId>) -> B256 {
        word(&self.block(id).await["hash"])
    }

    pub(crate) async fn receipt(&self, hash: B256) -> Option<Value> {
        let receipt = self.call("eth_getTransactionReceipt", json!([hash])).await;
        (!receipt.is_null()).then_some(receipt)
    }

    pub(crate) async fn balance(&self, address: Address) -> U256 {
        let value = self
            .call("eth_getBalance", json!([address, "latest"]))
            .await;
        value.as_str().unwrap().parse().unwrap()
    }

    pub(crate) async fn nonce(&self, address: Address) -> u64 {
        self.number("eth_getTransactionCount", json!([address, "latest"]))
            .await
    }

    /// Number and hash of the safe head.
    pub(crate) async fn safe(&self) -> (u64, B256) {
        let heads = self.call("trestle_heads", json!([])).await;
        (
            quantity(&heads["safe"]["number"]),
            word(&heads["safe"]["hash"]),
        )
    }

    /// Number of the newest batch that the node has read.
    pub(crate) async fn batches(&self) -> u64 {
        let status = self.call("trestle_syncStatus", json!([])).await;
        quantity(&status["l1"]["batches"])
    }
}

/// A block tag or number as RPC takes it.
#[derive(Debug)]
pub(crate) struct BlockId(String);

impl From<&str> for BlockId {
    fn from(tag: &str) -> Self {
        Self(tag.to_owned())
    }
}

impl From<u64> for BlockId {
    fn from(number: u64) -> Self {
        Self(format!("{number:#x}"))
    }
}

/// A quantity as RPC writes it.
pub(crate) fn quantity(value: &Value) -> u64 {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("no quantity: {value}"));
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}

/// A hash as RPC writes it.
pub(crate) fn word(value: &Value) -> B256 {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no hash: {value}"))
        .parse()
        .unwrap()
}
