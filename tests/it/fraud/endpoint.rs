//! L1 endpoints that flap, prune or lie, between the challenger and its L1: what is wrong gets a name, no move follows
//! from it, and the game goes on when the endpoint is right again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{
    primitives::{B256, Bytes, U64, hex},
    rpc::types::Block,
    sol_types::{SolEvent, SolValue},
    transports::http::reqwest,
};
use serde_json::{Value, json};
use trestle_challenger::{
    host::{Follower, MemoryStore},
    service::{Oracle, ServiceStatus, Side},
};
use trestle_contracts::bindings::{
    dispute_game::DisputeGame::Moved,
    inbox::Inbox::{BatchAppended, EntryEnqueued},
};
use trestle_protocol::ChainConfig;
use trestle_sdk::deploy::ChainFiles;
use trestle_test_support::{Cable, Fault, FaultProxy};

use super::{
    arena::{Arena, Running},
    player::{Player, Scene, sync_of, watcher_of},
};
use crate::support::{
    Chain, ChainOptions, eventually,
    node::{command, free_port},
};

/// What an endpoint answers whose history is gone, as geth does.
const PRUNED: i64 = 4_444;

/// Another last digit of a string of hexadecimal digits.
fn flipped(text: &Value) -> Value {
    let mut text = text.as_str().unwrap().to_owned();
    let last = text.pop().unwrap();
    text.push(if last == '0' { '1' } else { '0' });
    json!(text)
}

/// Applies `change` to the last log of an event; leaves other answers alone.
fn with_last(mut logs: Value, event: B256, change: fn(&mut Value)) -> Value {
    let topic = json!(event);
    let all = logs.as_array_mut().unwrap();
    let last = all.iter_mut().rev().find(|log| log["topics"][0] == topic);
    last.into_iter().for_each(change);
    logs
}

fn flip_data(log: &mut Value) {
    log["data"] = flipped(&log["data"]);
}

fn other_points(logs: Value) -> Value {
    with_last(logs, Moved::SIGNATURE_HASH, flip_data)
}

fn other_claimant(logs: Value) -> Value {
    with_last(logs, Moved::SIGNATURE_HASH, |log| {
        log["topics"][3] = flipped(&log["topics"][3]);
    })
}

fn without_last_move(mut logs: Value) -> Value {
    let topic = json!(Moved::SIGNATURE_HASH);
    let all = logs.as_array_mut().unwrap();
    if let Some(at) = all.iter().rposition(|log| log["topics"][0] == topic) {
        all.remove(at);
    }
    logs
}

/// The data of a deposit are the last bytes of its event, but for the padding.
fn other_deposit(logs: Value) -> Value {
    with_last(logs, EntryEnqueued::SIGNATURE_HASH, |log| {
        let event = EntryEnqueued::abi_decode_data(&data_of(log)).unwrap();
        let (acc, mut entry, data) = event;
        let mut bytes = entry.to_vec();
        // Low byte of the entry's L1 timestamp.
        bytes[16] ^= 1;
        entry = bytes.into();
        let changed = (acc, entry, data);
        log["data"] = json!(hex::encode_prefixed(SolValue::abi_encode_params(&changed)));
    })
}

/// The batcher's word for the end of the batch is no consensus, but it is part of the header.
fn other_batch(logs: Value) -> Value {
    with_last(logs, BatchAppended::SIGNATURE_HASH, |log| {
        let (acc, header) = BatchAppended::abi_decode_data(&data_of(log)).unwrap();
        let mut header = header.to_vec();
        header[110] ^= 1;
        let changed = (acc, Bytes::from(header));
        log["data"] = json!(hex::encode_prefixed(SolValue::abi_encode_params(&changed)));
    })
}

fn data_of(log: &Value) -> Vec<u8> {
    hex::decode(log["data"].as_str().unwrap()).unwrap()
}

fn other_input(mut tx: Value) -> Value {
    let mut input = tx["input"].as_str().unwrap().to_owned();
    // A digit of the payload, which begins at byte 228.
    let at = 2 + 2 * 240;
    let digit = if &input[at..=at] == "0" { "1" } else { "0" };
    input.replace_range(at..=at, digit);
    tx["input"] = json!(input);
    tx
}

fn later(mut block: Value) -> Value {
    block["timestamp"] = flipped(&block["timestamp"]);
    block
}

/// A block that hashes to its hash and hangs in the air.
fn orphan(block: Value) -> Value {
    let mut block: Block = serde_json::from_value(block).unwrap();
    block.header.inner.parent_hash = B256::repeat_byte(7);
    block.header.hash = block.header.inner.hash_slow();
    serde_json::to_value(block).unwrap()
}

/// A fault of one method.
fn on(method: &'static str, fault: Fault) -> impl Fn(&str, &Value) -> Fault + Send {
    move |asked, _| {
        if asked == method {
            fault.clone()
        } else {
            Fault::None
        }
    }
}

/// What a lying endpoint does, and what has to be said about it.
type Lies = Vec<(&'static str, Fault, &'static str)>;

/// Lies that are told before there is any move.
fn first_lies() -> Lies {
    vec![
        (
            "eth_chainId",
            Fault::Answer(json!("0x1")),
            "serves chain 1, the chain settles on 31337",
        ),
        (
            "eth_getBlockByNumber",
            Fault::Alter(later),
            "does not hash to",
        ),
        (
            "eth_getCode",
            Fault::Alter(|code| flipped(&code)),
            "does not make its address",
        ),
    ]
}

/// Lies about moves, and history that is gone.
fn later_lies() -> Lies {
    let pruned = Fault::Refuse(PRUNED, "pruned history unavailable".into());
    vec![
        (
            "eth_getLogs",
            Fault::Alter(other_points),
            "do not hash to its root",
        ),
        (
            "eth_getLogs",
            Fault::Alter(without_last_move),
            "leaves events out or changes them",
        ),
        (
            "eth_getLogs",
            Fault::Alter(other_claimant),
            "leaves events out or changes them",
        ),
        (
            "eth_getLogs",
            Fault::Answer(json!([])),
            "leaves events out or changes them",
        ),
        (
            "eth_getLogs",
            pruned,
            "gives no logs of blocks 0 to 0: l1 endpoint refused eth_getLogs: pruned history",
        ),
        (
            "eth_getBlockByHash",
            Fault::Answer(Value::Null),
            "gave no block",
        ),
    ]
}

/// Lies about the Inbox.
fn inbox_lies() -> Lies {
    let pruned = Fault::Refuse(PRUNED, "pruned history unavailable".into());
    vec![
        (
            "eth_getTransactionByHash",
            Fault::Alter(other_input),
            "with another payload than its header names",
        ),
        (
            "eth_getTransactionByHash",
            Fault::Answer(Value::Null),
            "it is pruned there",
        ),
        (
            "eth_getLogs",
            Fault::Alter(other_deposit),
            "does not continue at entry",
        ),
        ("eth_getLogs", Fault::Alter(other_batch), "its storage has"),
        (
            "eth_getLogs",
            Fault::Answer(json!([])),
            "gives no log of batch 1, which lies in L1 blocks",
        ),
        ("eth_getLogs", pruned, "gives no logs of blocks"),
    ]
}

/// Every lie is found out by a service that knows nothing yet, and none makes it send anything.
async fn assert_named(scene: &Scene, player: &Player, proxy: &FaultProxy, lies: Lies) {
    let sent = || proxy.calls("eth_sendRawTransaction");
    for (method, fault, words) in lies {
        let (before, moves) = (sent(), scene.moves().await);
        let (mut service, _status) = player.service(&scene.arena, None);
        let what = format!("{method}: {fault:?}");
        proxy.set_rule(on(method, fault));
        let error = service.look().await.err().map(|error| error.to_string());
        let error = error.unwrap_or_else(|| panic!("{what} is believed"));
        assert!(error.contains(words), "{what}: {error}");
        assert_eq!((sent(), scene.moves().await), (before, moves), "{what}");
        proxy.heal();
    }
}

/// The service moves once the endpoint tells the truth.
async fn assert_moves(scene: &Scene, player: &Player) {
    let before = scene.moves().await;
    let (mut service, _status) = player.service(&scene.arena, None);
    let limit = Instant::now() + Duration::from_secs(180);
    while scene.moves().await <= before {
        let looked = service.look().await;
        assert!(Instant::now() < limit, "no move: {looked:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lying_or_pruned_endpoint_is_named_and_no_move_follows() {
    let mut scene = Scene::new().await;
    let proxy = FaultProxy::start(scene.arena.chain.l1.url()).await.unwrap();
    let side = Side::Truth(Arc::clone(&scene.trace.0));
    let player = Player::new(&scene.arena, "the challenger", &proxy.url(), side).await;
    // A sender that is told of another chain when it starts ends for good; it asks for its nonce after that.
    let knows = || async { (proxy.calls("eth_getTransactionCount") > 0).then_some(()) };
    eventually("the sender knows its chain", 20, knows).await;
    assert_named(&scene, &player, &proxy, first_lies()).await;
    assert_moves(&scene, &player).await;
    scene.lie().await;
    assert_named(&scene, &player, &proxy, later_lies()).await;
    assert_moves(&scene, &player).await;

    assert_unlinked_block_is_refused(&scene, &player, &proxy).await;
    assert_other_config_is_refused(&scene, &proxy).await;
    for (method, fault, words) in inbox_lies() {
        let oracle = nothing_derived(&scene.arena);
        let mut sync = sync_of(&scene.arena, &player.client, &oracle);
        let what = format!("{method}: {fault:?}");
        proxy.set_rule(on(method, fault));
        let head = scene.arena.chain.l1_rpc().block_number().await;
        let error = sync
            .advance(head)
            .await
            .err()
            .map(|error| error.to_string());
        let error = error.unwrap_or_else(|| panic!("{what} is believed"));
        assert!(error.contains(words), "{what}: {error}");
        let derived = oracle.newest().batch();
        for batch in 0..=derived {
            let (got, truth) = (
                oracle.record(batch).unwrap(),
                scene.trace.0.record(batch).unwrap(),
            );
            assert_eq!(got, truth, "{what}");
        }
        proxy.heal();
        sync.advance(head).await.unwrap();
        assert_eq!(oracle.newest(), scene.trace.0.newest(), "{what}");
    }
}

async fn assert_unlinked_block_is_refused(scene: &Scene, player: &Player, proxy: &FaultProxy) {
    let mut watcher = watcher_of(&scene.arena, &player.client);
    let known = watcher.refresh().await.unwrap();
    proxy.set_rule(|method, params| match method {
        "eth_getBlockByNumber" if params[0] == "latest" => Fault::Alter(orphan),
        _ => Fault::None,
    });
    let error = eventually("a block that hangs in the air", 20, || async {
        let mut watcher = watcher_of(&scene.arena, &player.client);
        // The newest block of this one is the orphan itself, which is not there by its number.
        watcher.refresh().await.err().map(|error| error.to_string())
    })
    .await;
    assert!(error.contains("reorganised while it was read"), "{error}");
    eventually("a newer block", 20, || async {
        let number: U64 = player.client.call("eth_blockNumber", ()).await.ok()?;
        (number.to::<u64>() > known.number).then_some(())
    })
    .await;
    let error = watcher.refresh().await.unwrap_err().to_string();
    assert!(error.contains("does not descend from"), "{error}");
    proxy.heal();
    assert!(watcher.refresh().await.unwrap().number > known.number);
}

/// A challenger with another configuration judges no game and sends nothing.
async fn assert_other_config_is_refused(scene: &Scene, proxy: &FaultProxy) {
    let oracle = oracle_of(&scene.arena, |config| config.max_time_drift += 1);
    let (side, url) = (Side::Truth(oracle), proxy.url());
    let player = Player::new(&scene.arena, "of another configuration", &url, side).await;
    let (mut service, _status) = player.service(&scene.arena, None);
    let sent = proxy.calls("eth_sendRawTransaction");
    let error = service.look().await.unwrap_err().to_string();
    assert!(error.contains("is about configuration"), "{error}");
    assert_eq!(proxy.calls("eth_sendRawTransaction"), sent);
}

/// An oracle at the genesis.
fn nothing_derived(arena: &Arena) -> Arc<Oracle> {
    oracle_of(arena, |_| ())
}

/// An oracle at the genesis of the chain with another configuration.
fn oracle_of(arena: &Arena, change: fn(&mut ChainConfig)) -> Arc<Oracle> {
    let mut files = ChainFiles::read(&arena.chain.path("")).unwrap();
    change(&mut files.chain);
    let store = Arc::new(MemoryStore::default());
    let mut follower = Follower::open(files.chain, &files.genesis, store).unwrap();
    follower.begin_at(files.rollup.l1_start.number);
    Arc::new(Oracle::new(follower))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoint_that_flaps_in_mid_game_is_named_and_the_game_goes_on() {
    let mut scene = Scene::new().await;
    let proxy = FaultProxy::start(scene.arena.chain.l1.url()).await.unwrap();
    let port = proxy.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let mut cable = Cable::new(port).await.unwrap();
    let side = Side::Truth(Arc::clone(&scene.trace.0));
    let (name, patience) = ("the challenger", Duration::from_secs(2));
    let player = Player::with_patience(&scene.arena, (name, &cable.url()), side, patience).await;
    let (service, mut status) = player.service(&scene.arena, None);
    let at_work = tokio::spawn(service.run());
    scene.answered("the first answer", 0).await;
    for (fault, words) in [
        (None, "unreachable"),
        (Some(Fault::Down), "http status 503"),
        (Some(Fault::Hang), "did not answer"),
    ] {
        match &fault {
            None => cable.cut().await,
            Some(fault) => {
                let fault = fault.clone();
                proxy.set_rule(move |_, _| fault.clone());
            }
        }
        scene.lie().await;
        let moves = scene.moves().await;
        let named = |status: &ServiceStatus| {
            status
                .fault
                .as_ref()
                .is_some_and(|fault| fault.contains(words))
        };
        tokio::time::timeout(Duration::from_secs(60), status.wait_for(named))
            .await
            .unwrap_or_else(|_| panic!("{fault:?} is not named"))
            .unwrap();
        assert_eq!(scene.moves().await, moves, "{fault:?}");
        cable.mend().await.unwrap();
        proxy.heal();
        scene.answered("an answer after the fault", moves).await;
    }
    assert!(!at_work.is_finished());
    at_work.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn challenger_is_ready_while_it_follows_l1_and_says_why_when_not() {
    let chain = Chain::new(ChainOptions::default()).await;
    let proxy = FaultProxy::start(chain.l1.url()).await.unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let (folder, datadir) = (chain.path(""), chain.path("challenger"));
    let (folder, datadir) = (folder.display().to_string(), datadir.display().to_string());
    let url = proxy.url();
    let args = [
        "challenger",
        "--watch",
        "--chain",
        &folder,
        "--datadir",
        &datadir,
        "--l1",
        &url,
        "--l1-block-time",
        "1",
        "--metrics-addr",
        &address,
    ];
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let _challenger = Running(command(&args).spawn().unwrap());
    let get = |path: &'static str| {
        let url = format!("http://{address}/{path}");
        async move {
            let answer = reqwest::get(url).await.ok()?;
            Some((answer.status().as_u16(), answer.text().await.ok()?))
        }
    };
    let is = |status: u16, words: &'static str| {
        eventually(words, 60, move || async move {
            let (got, body) = get("readyz").await?;
            (got == status && body.contains(words)).then_some(())
        })
    };
    is(200, "ok").await;
    proxy.set_rule(|_, _| Fault::Down);
    is(503, "http status 503").await;
    assert_eq!(get("livez").await.unwrap().0, 200);
    proxy.heal();
    is(200, "ok").await;
    let (_, metrics) = get("metrics").await.unwrap();
    for name in [
        "trestle_challenger_games 0",
        "trestle_challenger_faults_total",
        "trestle_challenger_waiting_games 0",
    ] {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
}
