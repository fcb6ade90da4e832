//! `trestle doctor` finds each thing that is broken, one at a time.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

use serde_json::json;
use trestle_test_support::{Anvil, AnvilOptions, DEV_KEYS};

use crate::support::{
    Chain, ChainOptions, Node, NodeOptions,
    node::{free_port, run},
};

/// What the doctor prints for a node that would be started so.
fn examine(options: &NodeOptions, changes: &[(&str, &str)]) -> (bool, String) {
    let mut args = [vec!["doctor".to_owned()], options.args.clone()].concat();
    for (flag, value) in changes {
        match args.iter().position(|arg| arg == flag) {
            Some(at) => args[at + 1] = (*value).to_owned(),
            None => args.extend([(*flag).to_owned(), (*value).to_owned()]),
        }
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (status, said, _) = run(&args);
    (status.success(), said)
}

/// The line about `what`, with its state.
fn line<'a>(said: &'a str, state: &str, what: &str) -> &'a str {
    let begin = format!("{state:<5}  {what}");
    let found = said.lines().find(|line| line.starts_with(&begin));
    found.unwrap_or_else(|| panic!("{begin}\nin\n{said}"))
}

/// One thing is broken: it alone is named, with what to do, and the status says so.
fn finds(options: &NodeOptions, changes: &[(&str, &str)], what: &str, words: &str) {
    let (is_well, said) = examine(options, changes);
    assert!(!is_well, "{what}\n{said}");
    let found = line(&said, "fail", what);
    assert!(found.contains(words), "{words}\nin\n{found}");
    let after = said
        .lines()
        .skip_while(|line| *line != found)
        .nth(1)
        .unwrap();
    assert!(after.trim_start().starts_with("-> "), "{after}");
}

/// Each wrong setting, one at a time.
fn finds_wrong_settings(node: &NodeOptions, batcher: &str, other_key: &str) {
    finds(
        node,
        &[("--chain", "/nowhere")],
        "chain's files",
        "/nowhere",
    );
    finds(
        node,
        &[("--l1", "http://127.0.0.1:1")],
        "L1 endpoint",
        "unreachable",
    );
    let other = |chain_id| {
        Anvil::start_with(&AnvilOptions {
            chain_id,
            ..AnvilOptions::default()
        })
        .unwrap()
    };
    let elsewhere = other(999);
    finds(
        node,
        &[("--l1", &elsewhere.url())],
        "L1 chain id",
        "serves chain 999",
    );
    drop(elsewhere);
    let empty = other(31_337);
    finds(node, &[("--l1", &empty.url())], "Inbox", "no code");
    finds(
        node,
        &[("--l1", &empty.url())],
        "configuration",
        "no Deployment",
    );
    drop(empty);
    finds(
        node,
        &[("--batcher-key-file", "/nowhere.key")],
        "batcher's key",
        "/nowhere.key",
    );
    finds(
        node,
        &[("--batcher-key-file", other_key)],
        "settings",
        "the Inbox takes batches from",
    );
    finds(
        node,
        &[("--proposer-key-file", batcher)],
        "settings",
        "same account",
    );
    finds(
        node,
        &[("--batch-delay", "90000")],
        "settings",
        "batch-delay",
    );
    finds(
        node,
        &[("--datadir", "/proc/trestle")],
        "disk's speed",
        "cannot be written",
    );
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    finds(node, &[("--rpc-port", &port)], "RPC port", &port);
    finds(
        node,
        &[("--metrics-addr", &format!("127.0.0.1:{port}"))],
        "metrics port",
        &port,
    );

    fs::set_permissions(batcher, fs::Permissions::from_mode(0o644)).unwrap();
    let (is_well, said) = examine(node, &[]);
    assert!(is_well, "{said}");
    assert!(
        line(&said, "warn", "batcher's key").contains("others can read"),
        "{said}"
    );
}

#[tokio::test]
async fn doctor_names_the_one_thing_that_is_broken() {
    let chain = Chain::new(ChainOptions::default()).await;
    let secret = |name: &str, key: usize| {
        let path = chain.path(name);
        fs::write(&path, DEV_KEYS[key]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    };
    let (batcher, proposer) = (secret("batcher.key", 3), secret("proposer.key", 0));
    let mut node = chain.sequencer();
    node.args
        .extend(["--proposer-key-file".to_owned(), proposer.clone()]);

    let (is_well, said) = examine(&node, &[]);
    assert!(is_well && !said.contains("fail "), "{said}");
    for what in [
        "chain's files",
        "L1 endpoint",
        "L1 chain id",
        "clock",
        "Inbox",
        "AnchorRegistry",
        "configuration",
        "batcher's key",
        "proposer's key",
        "batcher's balance",
        "proposer's balance",
        "data directory",
        "RPC port",
        "settings",
    ] {
        line(&said, "ok", what);
    }
    assert!(!said.contains(&DEV_KEYS[3][2..]), "keys are not shown");

    finds_wrong_settings(&node, &batcher, &secret("other.key", 1));

    let challenger = chain.challenger("challenger");
    let dead = format!("http://127.0.0.1:{}", free_port());
    finds(
        &challenger,
        &[("--beacon", &dead)],
        "beacon endpoint",
        "127.0.0.1",
    );

    let running = Node::start(node.clone()).await;
    let (is_well, said) = examine(&node, &[]);
    assert!(
        is_well && line(&said, "ok", "RPC port").contains("running node"),
        "{said}"
    );
    chain.funded_user(0, &running.rpc).await;
    running.stop().await;

    let account = chain.inbox().batcher().call().await.unwrap();
    chain
        .l1_rpc()
        .call("anvil_setBalance", json!([account, "0x0"]))
        .await;
    finds(&node, &[], "batcher's balance", "none");
    chain
        .l1_rpc()
        .call("evm_increaseTime", json!([3_600]))
        .await;
    chain.mine(1).await;
    finds(&node, &[], "clock", "behind L1");
}
