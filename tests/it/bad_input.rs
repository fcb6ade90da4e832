//! Bad input of every kind: each gets its own clear error, and nothing is lost.

use alloy::primitives::{B256, Bytes};
use serde_json::{Value, json};

use crate::{
    agreement::{assert_equal_chains, settle},
    support::{Chain, ChainOptions, Node, User, chain::user_address, eventually, node::run},
};

/// Error code of a request that is no JSON-RPC.
const PARSE_ERROR: i64 = -32_700;

/// Error of the one answer in `body`.
fn error(body: &str) -> (i64, String) {
    let answer: Value =
        serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {body:.200}"));
    let error = &answer["error"];
    (
        error["code"].as_i64().unwrap(),
        error["message"].as_str().unwrap().to_owned(),
    )
}

#[tokio::test]
async fn malformed_requests_get_their_own_errors_and_the_node_goes_on() {
    let chain = Chain::new(ChainOptions::default()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let rpc = &sequencer.rpc;
    for body in [
        "",
        "{",
        "[",
        "nonsense",
        "{\"jsonrpc\":\"2.0\",",
        "\u{0}\u{1}",
    ] {
        let (_, answer) = rpc.post(body).await.unwrap();
        assert_eq!(error(&answer).0, PARSE_ERROR, "{body:?} -> {answer}");
    }
    let large = vec![b' '; 64 << 20];
    let answered = rpc.post(large).await;
    assert!(
        answered.is_none_or(|(status, _)| status == 413),
        "a body of 64 MiB is refused"
    );
    let unknown = rpc.outcome("eth_noSuchThing", json!([])).await.unwrap_err();
    assert_eq!(unknown.code, -32_601);
    for params in [
        json!([]),
        json!(["0x"]),
        json!([1]),
        json!(["0xzz", "latest"]),
        json!(["0x1234", "latest"]),
    ] {
        let wrong = rpc
            .outcome("eth_getBalance", params.clone())
            .await
            .unwrap_err();
        assert_eq!(wrong.code, -32_602, "{params}: {wrong:?}");
    }
    for raw in [
        "0x", "0x00", "0xc0", "0x02c0", "0x03f800", "0x04", "0xzz", "0x7ef800", "0x02f8",
    ] {
        let refused = rpc
            .outcome("eth_sendRawTransaction", json!([raw]))
            .await
            .unwrap_err();
        assert!(
            [-32_000, -32_003, -32_602].contains(&refused.code),
            "{raw}: {refused:?}"
        );
    }
    let mut user = chain.funded_user(0, rpc).await;
    assert_eq!(
        user.transfer(user_address(1), 1).included(rpc).await["status"],
        "0x1"
    );
    crate::proven::prove_all(&chain).await;
}

#[tokio::test]
async fn transaction_that_cannot_be_included_is_refused_with_its_reason() {
    let chain = Chain::new(ChainOptions::default()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let rpc = &sequencer.rpc;
    let mut user = chain.funded_user(0, rpc).await;
    let to = user_address(1);
    user.transfer(to, 1).included(rpc).await;

    let mut foreign = User::new(trestle_test_support::DEV_KEYS[0].parse().unwrap(), 1);
    let refused = foreign.transfer(to, 1).send(rpc).await.unwrap_err();
    assert!(refused.message.contains("chain"), "{refused:?}");

    let mut poor = User::random(chain.options.l2_chain_id);
    let refused = poor.transfer(to, 1).send(rpc).await.unwrap_err();
    assert!(
        refused.message.contains("insufficient funds"),
        "{refused:?}"
    );

    user.nonce = 0;
    let refused = user.transfer(to, 2).send(rpc).await.unwrap_err();
    assert!(refused.message.contains("nonce too low"), "{refused:?}");

    let refused = user
        .sign(to.into(), 0, Bytes::new(), 20_999)
        .send(rpc)
        .await
        .unwrap_err();
    assert!(refused.message.contains("intrinsic gas"), "{refused:?}");

    let refused = user
        .sign(to.into(), 0, Bytes::new(), 16_777_217)
        .send(rpc)
        .await
        .unwrap_err();
    assert!(refused.message.contains("gas"), "{refused:?}");

    let large = user
        .sign(to.into(), 0, vec![1; 100_000].into(), 16_000_000)
        .send(rpc)
        .await
        .unwrap_err();
    assert!(large.message.contains("oversized"), "{large:?}");
    crate::proven::prove_all(&chain).await;
}

/// Payloads that a hostile batcher might post, by what is wrong with them.
fn hostile_payloads() -> Vec<(&'static str, Vec<u8>)> {
    let frame = |content: &[u8]| {
        let mut payload = vec![1];
        payload.extend(zstd::encode_all(content, 3).unwrap());
        payload
    };
    let bomb = frame(&vec![0; 64 << 20]);
    let mut truncated = frame(&[7; 5_000]);
    truncated.truncate(truncated.len() / 2);
    let mut trailing = frame(&[]);
    trailing.push(0);
    let mut counts = vec![0xff; 16];
    counts.extend([0; 64]);
    vec![
        ("nothing", vec![]),
        ("another version", vec![9, 1, 2, 3]),
        (
            "garbage",
            (0..90_000u32)
                .map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[1])
                .collect(),
        ),
        ("a bomb", bomb),
        ("truncated", truncated),
        ("trailing bytes", trailing),
        ("wrong counts", frame(&counts)),
        ("an empty frame", frame(&[])),
    ]
}

#[tokio::test]
async fn hostile_payloads_halt_nobody() {
    let chain = Chain::new(ChainOptions::default()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let replica = Node::start(chain.replica("replica")).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    settle(&sequencer, &replica).await;
    let stopped = sequencer.stop().await;

    let inbox = trestle_contracts::bindings::Inbox::new(
        chain.deployed.rollup.contracts.inbox,
        chain.batcher(),
    );
    for (what, payload) in hostile_payloads() {
        let index = inbox.batchCount().call().await.unwrap();
        let acc = inbox.batchAcc(index).call().await.unwrap();
        let to = inbox.nextDeposit().call().await.unwrap();
        let deposits = inbox.depositAcc(to).call().await.unwrap();
        let call = inbox.appendBatch(index + 1, acc, to, deposits, B256::ZERO, payload.into());
        let receipt = call
            .gas(10_000_000)
            .send()
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap();
        assert!(receipt.status(), "{what}");
        let read = || async { (replica.rpc.batches().await > index).then_some(()) };
        eventually(what, 60, read).await;
    }
    // The batcher finds its own batches gone from under it, and everybody goes on.
    let sequencer = Node::start(stopped).await;
    assert_eq!(
        user.transfer(user_address(1), 1)
            .included(&sequencer.rpc)
            .await["status"],
        "0x1"
    );
    settle(&sequencer, &replica).await;
    assert_equal_chains(&sequencer.rpc, &replica.rpc).await;
    let fresh = Node::start(chain.replica("fresh")).await;
    settle(&sequencer, &fresh).await;
    assert_equal_chains(&sequencer.rpc, &fresh.rpc).await;
    crate::proven::assert_proven(&chain, &fresh.rpc).await;
}

#[tokio::test]
async fn wrong_surroundings_each_get_their_own_error_and_nothing_is_lost() {
    let chain = Chain::new(ChainOptions::default()).await;
    let options = chain.sequencer();
    let sequencer = Node::start(options.clone()).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    let receipt = user
        .transfer(user_address(1), 1)
        .included(&sequencer.rpc)
        .await;

    // A second process on the same directory.
    let mut second = options.clone();
    second.args = with(&options.args, "--rpc-port", "0");
    let err = failure(&second.args);
    assert!(
        err.contains("in use") || err.contains("another process"),
        "{err}"
    );
    // A taken port.
    let mut other = chain.replica("other");
    other.args = with(&other.args, "--rpc-port", &options.port.to_string());
    let err = failure(&other.args);
    assert!(err.contains(&options.port.to_string()), "{err}");
    // The first one has not noticed.
    let kept = sequencer
        .rpc
        .receipt(
            receipt["transactionHash"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap(),
        )
        .await;
    assert_eq!(kept.unwrap()["blockHash"], receipt["blockHash"]);
    let options = sequencer.stop().await;

    // A data directory of another chain.
    let foreign = Chain::new(ChainOptions {
        l2_chain_id: 7_358,
        ..ChainOptions::default()
    })
    .await;
    let args = with(
        &foreign.sequencer().args,
        "--datadir",
        &options.datadir.display().to_string(),
    );
    let err = failure(&args);
    assert!(
        err.contains("another chain") || err.contains("other chain"),
        "{err}"
    );
    // An L1 with another chain id than configured.
    let l1 = trestle_test_support::Anvil::start_with(&trestle_test_support::AnvilOptions {
        chain_id: 31_338,
        ..Default::default()
    });
    let err = failure(&with(&options.args, "--l1", &l1.unwrap().url()));
    assert!(err.contains("31338") && err.contains("31337"), "{err}");

    let again = Node::start(options).await;
    let kept = again
        .rpc
        .receipt(
            receipt["transactionHash"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap(),
        )
        .await;
    assert_eq!(kept.unwrap()["blockHash"], receipt["blockHash"]);
    crate::proven::prove_all(&chain).await;
}

/// The arguments with another value of `flag`.
fn with(args: &[String], flag: &str, value: &str) -> Vec<String> {
    let at = args.iter().position(|arg| arg == flag).unwrap();
    let mut args = args.to_vec();
    args[at + 1] = value.to_owned();
    args
}

/// Last line of standard error of a `trestle` that must fail.
fn failure(args: &[String]) -> String {
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let (status, _, err) = run(&args);
    assert_eq!(status.code(), Some(1), "{err}");
    err.lines()
        .rev()
        .find(|line| line.starts_with("error:"))
        .unwrap_or_else(|| panic!("{err}"))
        .to_owned()
}
