//! Answers through alloy's types: each is read, and written again as it was.

use std::collections::BTreeMap;

use alloy::{
    network::{AnyRpcBlock, AnyRpcTransaction, AnyTransactionReceipt},
    primitives::{Address, B256, Bytes, U64, U256},
    rpc::types::{
        AccessListResult, EIP1186AccountProofResponse, FeeHistory, FilterChanges, Log, SyncStatus,
        simulate::SimulatedBlock,
    },
};
use serde_json::Value;

type ByNonce = BTreeMap<String, AnyRpcTransaction>;
type Pool = BTreeMap<String, BTreeMap<Address, ByNonce>>;

/// Holds a result against the type of its method; whether there is one.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn hold(method: &str, result: &Value) -> Result<bool, String> {
    let verdict = match method {
        "eth_blockNumber"
        | "eth_chainId"
        | "eth_getTransactionCount"
        | "eth_estimateGas"
        | "net_peerCount" => same::<U64>(result),
        "eth_gasPrice"
        | "eth_maxPriorityFeePerGas"
        | "eth_baseFee"
        | "eth_blobBaseFee"
        | "eth_getBalance"
        | "eth_newFilter"
        | "eth_newBlockFilter"
        | "eth_newPendingTransactionFilter" => same::<U256>(result),
        "eth_getBlockTransactionCountByHash"
        | "eth_getBlockTransactionCountByNumber"
        | "eth_getUncleCountByBlockHash"
        | "eth_getUncleCountByBlockNumber" => same::<Option<U64>>(result),
        "eth_getStorageAt" | "eth_sendRawTransaction" | "web3_sha3" => same::<B256>(result),
        "eth_getCode" | "eth_call" | "debug_getRawBlock" | "debug_getRawHeader" => {
            same::<Bytes>(result)
        }
        "eth_getRawTransactionByHash" | "debug_getRawTransaction" => same::<Option<Bytes>>(result),
        "debug_getRawReceipts" => same::<Vec<Bytes>>(result),
        "eth_accounts" => same::<Vec<Address>>(result),
        "eth_mining" | "eth_uninstallFilter" | "net_listening" => same::<bool>(result),
        "eth_syncing" => same::<SyncStatus>(result),
        "web3_clientVersion" => same::<String>(result),
        "net_version" => decimal(result),
        _ => return composed(method, result),
    };
    verdict.map(|()| true)
}

/// Answers that are objects, or lists of them.
fn composed(method: &str, result: &Value) -> Result<bool, String> {
    let verdict = match method {
        "eth_getBlockByHash" | "eth_getBlockByNumber" => same::<Option<AnyRpcBlock>>(result),
        "eth_getTransactionByHash"
        | "eth_getTransactionByBlockHashAndIndex"
        | "eth_getTransactionByBlockNumberAndIndex" => same::<Option<AnyRpcTransaction>>(result),
        "eth_getTransactionReceipt" => same::<Option<AnyTransactionReceipt>>(result),
        "eth_sendRawTransactionSync" => same::<AnyTransactionReceipt>(result),
        "eth_getBlockReceipts" => same::<Option<Vec<AnyTransactionReceipt>>>(result),
        "eth_getLogs" | "eth_getFilterLogs" => same::<Vec<Log>>(result),
        "eth_getFilterChanges" => same::<FilterChanges>(result),
        "eth_feeHistory" => same::<FeeHistory>(result),
        "eth_getProof" => same::<EIP1186AccountProofResponse>(result),
        "eth_createAccessList" => same::<AccessListResult>(result),
        "eth_simulateV1" => same::<Vec<SimulatedBlock<AnyRpcBlock>>>(result),
        "txpool_content" => same::<Pool>(result),
        "txpool_contentFrom" => same::<BTreeMap<String, ByNonce>>(result),
        "txpool_status" => same::<BTreeMap<String, U64>>(result),
        _ => return Ok(false),
    };
    verdict.map(|()| true)
}

/// Whether `T` reads a value and writes it again as it was, but for fields that are null.
fn same<T: serde::de::DeserializeOwned + serde::Serialize>(value: &Value) -> Result<(), String> {
    let read = |why: serde_json::Error| format!("alloy cannot read it: {why}\n{value}");
    let parsed: T = serde_json::from_value(value.clone()).map_err(read)?;
    let written = serde_json::to_value(&parsed).map_err(|why| why.to_string())?;
    if without_nulls(&written) == without_nulls(value) {
        return Ok(());
    }
    Err(format!("alloy would write\n{written}\nnot\n{value}"))
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        plain => plain.clone(),
    }
}

fn decimal(value: &Value) -> Result<(), String> {
    let number = value.as_str().and_then(|text| text.parse::<u64>().ok());
    number
        .map(drop)
        .ok_or_else(|| format!("{value} is no decimal number"))
}
