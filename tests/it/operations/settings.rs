//! Settings from files, and settings that are refused at the start.

use std::fs;

use crate::support::{Chain, ChainOptions, Node, NodeOptions, node::command, node::output_within};

/// Turns the arguments of a node into a file of settings, all of them.
fn as_file(chain: &Chain, options: NodeOptions) -> NodeOptions {
    let mut text = String::new();
    for pair in options.args[1..].chunks(2) {
        let key = pair[0].trim_start_matches("--");
        let value = match pair[1].parse::<f64>() {
            Ok(_) => pair[1].clone(),
            Err(_) => format!("{:?}", pair[1]),
        };
        text.push_str(&format!("{key} = {value}\n"));
    }
    let path = chain.path("settings.toml");
    fs::write(&path, text).unwrap();
    let args = [&options.args[0], "--config", path.to_str().unwrap()].map(str::to_owned);
    NodeOptions {
        args: args.to_vec(),
        ..options
    }
}

/// What a node that refuses to start says.
fn refusal(mut options: NodeOptions, flags: &[(&str, &str)]) -> String {
    for (flag, value) in flags {
        match options.args.iter().position(|arg| arg == flag) {
            Some(at) => options.args[at + 1] = (*value).to_owned(),
            None => options
                .args
                .extend([(*flag).to_owned(), (*value).to_owned()]),
        }
    }
    let output = output_within(30, command(&options.args));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn node_runs_from_a_file_and_settings_that_l1_refuses_are_refused_at_the_start() {
    let chain = Chain::new(ChainOptions::default()).await;
    let options = chain.sequencer();
    let node = Node::start(as_file(&chain, options.clone())).await;
    chain.funded_user(0, &node.rpc).await;
    node.safe_at(1).await;
    node.stop().await;
    let other = chain.path("other.key");
    fs::write(&other, trestle_test_support::DEV_KEYS[0]).unwrap();
    let other = other.to_str().unwrap();
    let batcher = chain.path("batcher.key");
    let batcher = batcher.to_str().unwrap();
    for (flags, words) in [
        (vec![("--l1-block-time", "0")], "l1-block-time is 0ns"),
        (vec![("--batch-delay", "86400")], "batch-delay is 86400s"),
        (
            vec![("--batch-delay", "600")],
            "batch-delay makes deposits wait 600s",
        ),
        (
            vec![("--idle-batch-delay", "600")],
            "idle-batch-delay makes deposits wait",
        ),
        (
            vec![("--deposit-depth", "600")],
            "deposit-depth makes deposits wait",
        ),
        (
            vec![
                ("--proposer-key-file", other),
                ("--proposal-interval", "3e6"),
            ],
            "proposal-interval is 3000000s",
        ),
        (
            vec![("--proposer-key-file", batcher)],
            "batcher and proposer are the same account",
        ),
        (
            vec![("--batcher-key-file", other)],
            "the Inbox takes batches from",
        ),
        (
            vec![("--max-l1-spend", "0.000000001")],
            "max-l1-spend is 0.000000001000000000 ETH a day, the smallest batch may cost",
        ),
        (vec![("--max-l1-spend", "0")], "must be above 0"),
    ] {
        let refused = refusal(options.clone(), &flags);
        assert!(refused.contains(words), "{words}\nin\n{refused}");
    }
    let replica = chain.replica("replica");
    let own = format!("http://localhost:{}", replica.port);
    let refused = refusal(replica, &[("--sequencer", &own)]);
    assert!(refused.contains("is this node's own RPC"), "{refused}");
    crate::proven::prove_all(&chain).await;
}

#[test]
fn environment_beats_the_file_and_a_flag_beats_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    fs::write(&file, "rpc-port = 1\nl1-block-time = 2\n").unwrap();
    let show = |flags: &[&str]| {
        let fixed = [
            "config",
            "show",
            "replica",
            "--config",
            file.to_str().unwrap(),
        ];
        let args: Vec<String> = fixed
            .iter()
            .chain(flags)
            .map(|arg| (*arg).to_owned())
            .collect();
        let mut command = command(&args);
        command.env("TRESTLE_RPC_PORT", "2");
        command.env("TRESTLE_PROPOSER_KEY", trestle_test_support::DEV_KEYS[1]);
        let output = output_within(30, command);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = show(&[]);
    assert!(
        text.contains("rpc-port = 2  # environment TRESTLE_RPC_PORT\n"),
        "{text}"
    );
    assert!(text.contains("l1-block-time = 2  # file\n"), "{text}");
    assert!(
        text.contains("# TRESTLE_PROPOSER_KEY is set in the environment; not shown\n"),
        "{text}"
    );
    assert!(
        !text.contains(&trestle_test_support::DEV_KEYS[1][2..]),
        "{text}"
    );
    let text = show(&["--rpc-port", "3"]);
    assert!(text.contains("rpc-port = 3  # flag --rpc-port\n"), "{text}");
}
