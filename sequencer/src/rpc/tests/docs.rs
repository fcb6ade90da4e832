//! The documents are the code's: the table of methods in words, and the limits.

use std::{collections::BTreeSet, fmt::Write, path::Path};

use serde_json::{Value, json};

use trestle_test_support::Judge;

use super::bed::Bed;
use crate::rpc::{RpcLimits, bounded::MOST_BYTES, openrpc::METHODS};

#[tokio::test]
async fn every_method_is_described_and_every_description_is_served() {
    let bed = Bed::new().await;
    let document = bed.ask("rpc.discover", json!([])).await.unwrap();
    let described: BTreeSet<&str> = document["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["name"].as_str().unwrap())
        .collect();
    assert_eq!(described.len(), METHODS.len(), "a name is there twice");
    let served: BTreeSet<&str> = bed.server.method_names().iter().copied().collect();
    assert_eq!(described, served);
    // Every reference leads somewhere.
    let text = document.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name] != Value::Null,
            "{name}"
        );
    }
}

/// Methods of the public schema that the node does not serve, and why.
const NOT_SERVED: [(&str, &str); 6] = [
    (
        "debug_getRawBlockAccessList",
        "blocks of Osaka have no access list",
    ),
    ("eth_coinbase", "nobody mines"),
    (
        "eth_getBlockAccessList",
        "blocks of Osaka have no access list",
    ),
    ("eth_sendTransaction", "the node holds no keys of users"),
    ("eth_sign", "the node holds no keys of users"),
    ("eth_signTransaction", "the node holds no keys of users"),
];

#[tokio::test]
async fn every_method_of_the_public_schema_is_served_or_refused_for_a_reason() {
    let bed = Bed::new().await;
    let served: BTreeSet<&str> = bed.server.method_names().iter().copied().collect();
    for (name, _) in NOT_SERVED {
        assert!(!served.contains(name), "{name} is served");
        let error = bed.ask(name, json!([])).await.unwrap_err();
        assert_eq!(error["code"], -32601, "{name}");
    }
    for name in Judge::shared().unwrap().methods() {
        let is_known = served.contains(name) || NOT_SERVED.iter().any(|(not, _)| *not == name);
        assert!(is_known, "{name} is neither served nor refused");
    }
}

/// Every method that wallets and tools need by what their sources ask for, and those that they should have.
#[tokio::test]
async fn every_method_that_clients_call_is_served() {
    let bed = Bed::new().await;
    let served: BTreeSet<&str> = bed.server.method_names().iter().copied().collect();
    for name in EXPECTED.split_whitespace() {
        assert!(served.contains(name), "{name}");
    }
}

/// Asked for by viem, ethers, MetaMask, foundry, hardhat, alloy, Blockscout and Otterscan.
const EXPECTED: &str = "eth_chainId net_version eth_blockNumber eth_getBlockByNumber eth_getBlockByHash \
    eth_getTransactionReceipt eth_getTransactionByHash eth_getTransactionCount eth_sendRawTransaction eth_call \
    eth_estimateGas eth_gasPrice eth_maxPriorityFeePerGas eth_feeHistory eth_getBalance eth_getCode eth_getStorageAt \
    eth_getLogs eth_newFilter eth_newBlockFilter eth_newPendingTransactionFilter eth_getFilterChanges \
    eth_getFilterLogs eth_uninstallFilter eth_subscribe eth_unsubscribe eth_getProof eth_accounts eth_syncing \
    web3_clientVersion eth_fillTransaction eth_sendRawTransactionSync eth_simulateV1 eth_createAccessList \
    eth_getBlockReceipts eth_baseFee eth_blobBaseFee eth_config eth_capabilities eth_getStorageValues \
    eth_getTransactionByBlockHashAndIndex eth_getTransactionByBlockNumberAndIndex \
    eth_getBlockTransactionCountByHash eth_getBlockTransactionCountByNumber debug_traceTransaction debug_traceCall \
    debug_traceBlockByNumber debug_traceBlockByHash debug_getRawBlock debug_getRawHeader debug_getRawReceipts \
    debug_getRawTransaction txpool_content txpool_contentFrom txpool_status txpool_inspect web3_sha3 net_listening \
    net_peerCount rpc_modules trace_block trace_replayBlockTransactions trace_replayTransaction \
    erigon_getHeaderByNumber ots_hasCode ots_getApiLevel ots_getInternalOperations ots_getTransactionError \
    ots_traceTransaction ots_getBlockDetails ots_getBlockDetailsByHash ots_getBlockTransactions \
    ots_searchTransactionsBefore ots_searchTransactionsAfter ots_getTransactionBySenderAndNonce \
    ots_getContractCreator rpc.discover";

fn status(name: &str, deviation: &str) -> &'static str {
    match (name.starts_with("trestle_"), deviation.is_empty()) {
        (true, _) => "own",
        (false, true) => "whole",
        (false, false) => "differs",
    }
}

/// Every limit, and the test that asks at it and one past it.
#[rustfmt::skip]
const LIMITS: [(&str, &str); 26] = [
    ("request body", "body_past_the_bound_is_refused"),
    ("response to a request or batch", "response_at_the_bound_is_sent_one_byte_more_is_not"),
    ("requests in a batch", "batch_of_the_bound_is_answered_one_more_is_refused"),
    ("the same over WebSocket", "batches_over_websocket_are_bounded_as_over_http"),
    ("connections and requests in progress", "connections_are_bounded_and_freed"),
    ("subscriptions on a connection", "subscriptions_of_one_connection_are_bounded"),
    ("notifications that wait for a client; more wait at their source", "subscriber_that_reads_again_in_time_gets_every_head_in_order"),
    ("time without progress before a slow client is dropped", "client_that_does_not_read_is_dropped"),
    ("filters", "one_filter_past_the_bound_is_refused"),
    ("life of a filter that nobody polls", "filter_that_is_polled_within_its_life_stays"),
    ("blocks in one log query", "log_range_and_results_are_bounded_in_the_words_tools_parse"),
    ("logs in one answer", "log_results_at_the_bound_are_sent_one_more_is_refused"),
    ("blocks in one trace query", "trace_range_at_the_bound_is_answered_one_more_is_refused"),
    ("what tracers keep for one request", "trace_of_a_loop_with_all_of_memory_is_refused_before_it_fills_the_nodes"),
    ("gas of a call", "call_gets_the_gas_of_the_bound_and_no_more"),
    ("gas of a simulation", "simulation_gets_the_gas_of_a_call_and_no_more"),
    ("time of a call, trace or log query", "gas_and_time_of_calls_are_bounded"),
    ("calls that wait for a free core", "call_in_the_last_place_of_the_queue_runs_and_one_more_is_turned_away"),
    ("blocks of a fee history", "fee_history_past_the_bound_is_cut_to_it"),
    ("percentiles of a fee history", "proof_keys_and_percentiles_are_bounded"),
    ("storage keys of a proof", "proof_keys_and_percentiles_are_bounded"),
    ("blocks that a proof reaches back", "proof_of_a_block_one_too_old_is_refused"),
    ("blocks that preimages of a batch reach back", "preimages_of_a_batch_that_begins_one_block_too_far_back_are_refused"),
    ("state that a batch reads, to have its preimages", "preimages_of_one_byte_more_than_an_answer_holds_are_refused"),
    ("blocks of a simulation", "simulation_of_one_block_too_many_is_refused"),
    ("replicas that follow the block feed", "feed_refuses_what_it_cannot_serve"),
];

/// The same with the values, in the order of [`LIMITS`].
fn limits() -> Vec<(&'static str, String, &'static str)> {
    let RpcLimits {
        body_bytes,
        response_bytes,
        batch_items,
        connections,
        subscriptions,
        notifications,
        write_stall,
        filters,
        filter_lifetime,
        log_blocks,
        log_results,
        trace_blocks,
        call_gas,
        call_time,
        heavy_calls: _,
        heavy_queue,
        fee_history_blocks,
        fee_history_percentiles,
        proof_keys,
        proof_blocks,
        simulate_blocks,
        feed_followers,
    } = RpcLimits::default();
    let seconds = |time: std::time::Duration| format!("{} s", time.as_secs());
    let values = [
        format!("{body_bytes} bytes"),
        format!("{response_bytes} bytes"),
        batch_items.to_string(),
        batch_items.to_string(),
        connections.to_string(),
        subscriptions.to_string(),
        notifications.to_string(),
        seconds(write_stall),
        filters.to_string(),
        seconds(filter_lifetime),
        log_blocks.to_string(),
        log_results.to_string(),
        trace_blocks.to_string(),
        format!("{MOST_BYTES} bytes"),
        call_gas.to_string(),
        call_gas.to_string(),
        seconds(call_time),
        heavy_queue.to_string(),
        fee_history_blocks.to_string(),
        fee_history_percentiles.to_string(),
        proof_keys.to_string(),
        proof_blocks.to_string(),
        proof_blocks.to_string(),
        format!("{} bytes", response_bytes / 2),
        simulate_blocks.to_string(),
        feed_followers.to_string(),
    ];
    let rows = LIMITS.iter().zip(values);
    rows.map(|((what, test), value)| (*what, value, *test))
        .collect()
}

#[test]
fn every_limit_names_a_test_that_exists() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rpc/tests");
    let mut sources = String::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        // This file names them.
        if path.file_name().is_some_and(|name| name != "docs.rs") {
            sources += &std::fs::read_to_string(path).unwrap();
        }
    }
    for (what, _, test) in limits() {
        assert!(
            sources.contains(&format!("async fn {test}()")),
            "{what}: {test}"
        );
    }
}

fn page() -> String {
    let mut page = String::from(
        "# JSON-RPC\n\nHTTP and WebSocket on one port, loopback by default. Made from the code by a test; \
         `make docs-rpc` writes it anew. The same as an OpenRPC \
         document: `rpc.discover`.\n\nStates and receipts come from what is on disk. Requests about blocks \
         that do not exist give null for lookups and -32001 for state. Reverts have code 3, the reason in \
         the message and the output as data; -32602 is a wrong parameter, -32005 a limit of the moment, \
         and -32603 only a failure of the node itself. Admin, engine and personal methods do not exist.\n\n\
         ## Methods\n\nOf the status, `whole` is as Ethereum's clients have it, `differs` is so but for what the last column says and \
         why, `own` is this chain's.\n\n| Method | Status | What it gives | Parameters | Difference from Ethereum's clients |\n|---|---|---|---|---|\n",
    );
    for (name, summary, params, _, deviation) in METHODS {
        let params = if params.is_empty() {
            String::new()
        } else {
            format!("`{params}`")
        };
        let status = status(name, deviation);
        writeln!(
            page,
            "| `{name}` | {status} | {summary} | {params} | {deviation} |"
        )
        .unwrap();
    }
    page.push_str("\nNot served, of Ethereum's public schema:\n\n| Method | Why |\n|---|---|\n");
    for (name, reason) in NOT_SERVED {
        writeln!(page, "| `{name}` | {reason} |").unwrap();
    }
    page.push_str(
        "\n## Limits\n\nOne table for development and operation. One past a limit is refused in words; the test of each \
         asks at the limit and one past it.\n\n| Limit | Value | Test |\n|---|---|---|\n",
    );
    for (what, value, test) in limits() {
        writeln!(page, "| {what} | {value} | `{test}` |").unwrap();
    }
    page
}

#[test]
fn rpc_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rpc.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/rpc.md differs from the code; see its head for how to renew it"
    );
}
