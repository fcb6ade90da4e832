//! The documents are the code's: the table of methods in words, and the limits.

use std::{collections::BTreeSet, fmt::Write, path::Path};

use serde_json::{Value, json};

use super::bed::Bed;
use crate::rpc::{RpcLimits, openrpc::METHODS};

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

fn page() -> String {
    let mut page = String::from(
        "# JSON-RPC\n\nHTTP and WebSocket on one port, loopback by default. Made from the code by a test; \
         `make docs-rpc` writes it anew. The same as an OpenRPC \
         document: `rpc.discover`.\n\nStates and receipts come from what is on disk. Requests about blocks \
         that do not exist give null for lookups and -32001 for state. Reverts have code 3, the reason in \
         the message and the output as data; -32602 is a wrong parameter, -32005 a limit of the moment, \
         and -32603 only a failure of the node itself. Admin, engine and personal methods do not exist.\n\n\
         ## Methods\n\n| Method | What it gives | Parameters | Difference from Ethereum's clients |\n|---|---|---|---|\n",
    );
    for (name, summary, params, _, deviation) in METHODS {
        let params = if params.is_empty() {
            String::new()
        } else {
            format!("`{params}`")
        };
        writeln!(page, "| `{name}` | {summary} | {params} | {deviation} |").unwrap();
    }
    let limits = RpcLimits::default();
    page.push_str("\n## Limits\n\nOne table for development and operation. One past a limit is refused in words.\n\n| Limit | Value |\n|---|---|\n");
    let rows: [(&str, String); 19] = [
        ("request body", format!("{} bytes", limits.body_bytes)),
        (
            "response to a request or batch",
            format!("{} bytes", limits.response_bytes),
        ),
        ("requests in a batch", limits.batch_items.to_string()),
        (
            "connections and requests in progress",
            limits.connections.to_string(),
        ),
        (
            "subscriptions on a connection",
            limits.subscriptions.to_string(),
        ),
        (
            "notifications that wait for a client",
            limits.notifications.to_string(),
        ),
        (
            "time without progress before a slow client is dropped",
            format!("{} s", limits.write_stall.as_secs()),
        ),
        ("filters", limits.filters.to_string()),
        (
            "life of a filter that nobody polls",
            format!("{} s", limits.filter_lifetime.as_secs()),
        ),
        ("blocks in one log query", limits.log_blocks.to_string()),
        ("logs in one answer", limits.log_results.to_string()),
        ("blocks in one trace query", limits.trace_blocks.to_string()),
        (
            "gas of a call, or of a simulation",
            limits.call_gas.to_string(),
        ),
        (
            "time of a call, trace or log query",
            format!("{} s", limits.call_time.as_secs()),
        ),
        (
            "calls that wait for a free core",
            limits.heavy_queue.to_string(),
        ),
        (
            "blocks of a fee history; percentiles",
            format!(
                "{}; {}",
                limits.fee_history_blocks, limits.fee_history_percentiles
            ),
        ),
        (
            "storage keys of a proof; blocks it reaches back",
            format!("{}; {}", limits.proof_keys, limits.proof_blocks),
        ),
        ("blocks of a simulation", limits.simulate_blocks.to_string()),
        (
            "replicas that follow the block feed",
            limits.feed_followers.to_string(),
        ),
    ];
    for (what, value) in rows {
        writeln!(page, "| {what} | {value} |").unwrap();
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
