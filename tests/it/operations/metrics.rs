//! The page of metrics of running programs is what `docs/operations.md` says.

use std::collections::BTreeSet;

use crate::support::{
    Chain, ChainOptions, Node, NodeOptions, chain::user_address, eventually, node::free_port,
};

/// Gauges that are there only when there is something to tell.
const NOT_ALWAYS: [&str; 13] = [
    "trestle_l1_spent_gwei",
    "trestle_l1_spend_cap_gwei",
    "trestle_l1_spend_capped",
    "trestle_challenger_machine_disagreement_batch",
    "trestle_l1_finalized_block",
    "trestle_proposer_batch",
    "trestle_proposer_games",
    "trestle_proposer_balance_gwei",
    "trestle_challenger_clock_left_seconds",
    "trestle_challenger_balance_gwei",
    "trestle_challenger_moves_total",
    "trestle_feed_broken_total",
    "process_virtual_memory_max_bytes",
];

/// Names in the documentation of these parts.
fn documented(parts: &[&str]) -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.filter_map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let name = cells[0].trim_start_matches("| `").trim_end_matches('`');
        (cells.len() == 4 && parts.contains(&cells[2])).then(|| name.to_owned())
    })
    .collect()
}

/// Names that a page serves.
fn served(page: &str) -> BTreeSet<String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

pub(crate) async fn page(port: u16) -> Option<String> {
    let answer = reqwest_get(&format!("http://127.0.0.1:{port}/metrics")).await?;
    answer.contains("trestle_").then_some(answer)
}

async fn reqwest_get(url: &str) -> Option<String> {
    let answer = alloy::transports::http::reqwest::get(url).await.ok()?;
    answer.text().await.ok()
}

/// Asks until all that should always be there is, and nothing else.
async fn hold(what: &str, port: u16, parts: &[&str]) -> String {
    let expected = documented(parts);
    assert!(expected.len() > 15, "{expected:?}");
    let always: BTreeSet<String> = expected
        .iter()
        .filter(|name| !NOT_ALWAYS.contains(&name.as_str()))
        .cloned()
        .collect();
    let page = eventually(what, 60, || async {
        let page = page(port).await?;
        let missing: Vec<_> = always.difference(&served(&page)).cloned().collect();
        missing.is_empty().then_some(page)
    })
    .await;
    let undocumented: Vec<_> = served(&page).difference(&expected).cloned().collect();
    assert!(undocumented.is_empty(), "{what}: {undocumented:?}");
    page
}

pub(crate) fn value(page: &str, name: &str) -> f64 {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} ")))
        .unwrap_or_else(|| panic!("{name} in\n{page}"));
    line.parse().unwrap()
}

pub(crate) fn with_metrics(mut options: NodeOptions) -> (NodeOptions, u16) {
    let port = free_port();
    let flag = ["--metrics-addr".to_owned(), format!("127.0.0.1:{port}")];
    options.args.extend(flag);
    (options, port)
}

#[tokio::test]
async fn running_programs_serve_the_documented_metrics_and_no_other() {
    let chain = Chain::new(ChainOptions::default()).await;
    let (options, at) = with_metrics(chain.sequencer());
    let sequencer = Node::start(options).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    let sent = user
        .transfer(user_address(1), 1)
        .included(&sequencer.rpc)
        .await;
    assert_eq!(sent["status"], "0x1");
    let unknown = sequencer
        .rpc
        .outcome("eth_noSuchThing", serde_json::json!([]))
        .await;
    unknown.unwrap_err();
    let of_sequencer = ["all", "node", "sequencer", "batcher", "senders to L1"];
    let page = hold("the sequencer's metrics", at, &of_sequencer).await;
    assert!(
        value(&page, "trestle_sealed_transactions_total") >= 2.0,
        "a deposit and a transfer"
    );
    assert!(value(&page, "trestle_head_block{head=\"unsafe\"}") >= 2.0);
    assert!(value(&page, "trestle_batcher_balance_gwei") > 1e9);
    assert!(value(&page, "trestle_journal_sync_seconds_count") >= 1.0);
    assert!(value(&page, "trestle_store_stalled") == 0.0);
    let refused = r#"trestle_rpc_requests_total{method="unknown",outcome="error"}"#;
    assert!(value(&page, refused) >= 1.0);
    assert!(
        !page.contains("eth_noSuchThing"),
        "a made-up name is no label"
    );

    let (mut options, at) = with_metrics(chain.replica("replica"));
    let feed = format!("ws://127.0.0.1:{}/feed", sequencer.options.port);
    options.args.extend(["--feed".to_owned(), feed]);
    let replica = Node::start(options).await;
    replica.safe_at(1).await;
    let of_replica = ["all", "node", "replica with a feed"];
    let page = hold("the replica's metrics", at, &of_replica).await;
    assert!(value(&page, "trestle_ready") == 1.0);

    let (options, at) = with_metrics(chain.challenger("challenger"));
    let _challenger = Node::spawn(options);
    let page = hold("the challenger's metrics", at, &["all", "challenger"]).await;
    assert!(value(&page, "trestle_challenger_false_roots") == 0.0);
    crate::proven::prove_all(&chain).await;
}
