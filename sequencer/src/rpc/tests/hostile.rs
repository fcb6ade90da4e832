//! What a hostile client tries: the node answers in words, keeps its memory, and serves others.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    bed::{Bed, Socket},
    fuzz::{MEMORY, resident},
};

/// Bytes that the attacks below may add: what inspectors may keep, its JSON, and other tests beside.
const GROWTH: usize = 1 << 30;

/// Whether the node answers somebody else, soon.
async fn assert_serves(bed: &Bed) {
    let asked = bed.ask("eth_chainId", json!([]));
    let answer = tokio::time::timeout(Duration::from_secs(10), asked).await;
    assert_eq!(answer.unwrap().unwrap(), "0x1bcd");
}

/// Expands memory to a megabyte, then loops with `body` for ever.
fn loop_with_a_megabyte(body: &[u8]) -> Vec<u8> {
    // PUSH0; PUSH3 0x0fffe0; MSTORE; JUMPDEST; body; PUSH1 6; JUMP
    let mut code = vec![0x5f, 0x62, 0x0f, 0xff, 0xe0, 0x52, 0x5b];
    code.extend_from_slice(body);
    code.extend_from_slice(&[0x60, 0x06, 0x56]);
    code
}

#[tokio::test]
async fn trace_of_a_loop_with_all_of_memory_is_refused_before_it_fills_the_nodes() {
    let _alone = MEMORY.lock().await;
    let bed = Bed::new().await;
    let spin = bed.deploy(0, 0, &loop_with_a_megabyte(&[])).await;
    let before = resident();
    for options in [
        json!({"enableMemory": true}),
        json!({"enableMemory": false}),
    ] {
        let refused = bed
            .ask("debug_traceCall", json!([{"to": spin}, "latest", options]))
            .await
            .unwrap_err();
        assert_eq!(refused["code"], -32000, "{refused}");
        let words = refused["message"].as_str().unwrap();
        assert!(words.starts_with("trace exceeds"), "{words}");
    }
    assert_serves(&bed).await;
    let grown = resident().saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes");
}

#[tokio::test]
async fn trace_of_calls_with_a_megabyte_each_is_refused_before_it_fills_the_nodes() {
    let _alone = MEMORY.lock().await;
    let bed = Bed::new().await;
    // PUSH0; PUSH0; PUSH3 0x100000; PUSH0; PUSH1 4; GAS; STATICCALL would copy; an account without code is cheaper:
    // PUSH0 (out size); PUSH0 (out); PUSH3 0x100000 (in size); PUSH0 (in); PUSH1 0xaa; GAS; STATICCALL; POP
    let body = [
        0x5f, 0x5f, 0x62, 0x10, 0, 0, 0x5f, 0x60, 0xaa, 0x5a, 0xfa, 0x50,
    ];
    let caller = bed.deploy(0, 0, &loop_with_a_megabyte(&body)).await;
    let before = resident();
    let call = json!({"to": caller});
    for (method, params) in [
        (
            "debug_traceCall",
            json!([call, "latest", {"tracer": "callTracer"}]),
        ),
        ("trace_call", json!([call, ["trace"], "latest"])),
    ] {
        let refused = bed.ask(method, params).await.unwrap_err();
        let words = refused["message"].as_str().unwrap();
        assert!(words.starts_with("trace exceeds"), "{method}: {words}");
    }
    assert_serves(&bed).await;
    let grown = resident().saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes");
}

#[tokio::test]
async fn long_traces_that_keep_little_are_answered() {
    let bed = Bed::new().await;
    // Counts down from 100,000: PUSH3; JUMPDEST; PUSH1 1; SWAP1; SUB; DUP1; PUSH1 4; JUMPI; STOP
    let code = [
        0x62, 0x01, 0x86, 0xa0, 0x5b, 0x60, 0x01, 0x90, 0x03, 0x80, 0x60, 0x04, 0x57, 0x00,
    ];
    let counter = bed.deploy(0, 0, &code).await;
    let options = json!({"tracer": "callTracer"});
    let trace = bed
        .ask(
            "debug_traceCall",
            json!([{"to": counter}, "latest", options]),
        )
        .await
        .unwrap();
    assert_eq!(trace["error"], Value::Null, "{trace}");
}

#[tokio::test]
async fn deep_json_is_refused_in_words_wherever_it_is() {
    let _alone = MEMORY.lock().await;
    let bed = Bed::new().await;
    for depth in [200, 100_000, 1_000_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = format!("{}0{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        for (method, params) in [
            ("eth_getBalance", format!("[{deep}]")),
            ("eth_call", format!("[{objects}]")),
            ("eth_newFilter", format!("[{{\"topics\":{deep}}}]")),
            ("debug_traceCall", format!("[{{}},\"latest\",{objects}]")),
            ("eth_chainId", deep.clone()),
        ] {
            let body = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{params}}}"
            );
            let answer = bed.post(&body).await;
            let code = answer["error"]["code"].as_i64();
            assert!(
                matches!(code, Some(-32602 | -32600 | -32700)),
                "{method} {depth}: {answer:.300}"
            );
        }
        let whole = bed.post(&deep).await;
        assert!(
            whole["error"].is_object() || whole.is_array(),
            "{whole:.300}"
        );
    }
    assert_serves(&bed).await;
}

#[tokio::test]
async fn websocket_flood_without_reading_is_cut_off_and_others_are_served() {
    let _alone = MEMORY.lock().await;
    let bed = Bed::new().await;
    let mut flood = Vec::new();
    for _ in 0..8 {
        flood.push(Socket::open(&bed).await);
    }
    let item = |id| json!({"jsonrpc": "2.0", "id": id, "method": "eth_getBlockByNumber", "params": ["latest", true]});
    let batch = Value::Array((0..1_000).map(item).collect()).to_string();
    for socket in &mut flood {
        for _ in 0..5 {
            // The node may stop taking what its client does not read.
            let sent = tokio::time::timeout(Duration::from_millis(500), socket.send(&batch));
            if sent.await.is_err() {
                break;
            }
        }
    }
    let begun = Instant::now();
    assert_serves(&bed).await;
    let mut other = Socket::open(&bed).await;
    assert_eq!(
        other.call("eth_chainId", json!([])).await["result"],
        "0x1bcd"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn batches_over_websocket_are_bounded_as_over_http() {
    let bed = Bed::new().await;
    let mut socket = Socket::open(&bed).await;
    let item = |id| json!({"jsonrpc": "2.0", "id": id, "method": "eth_chainId"});
    for (items, is_answered) in [(1_000, true), (1_001, false)] {
        let batch = Value::Array((0..items).map(item).collect());
        socket.send(&batch.to_string()).await;
        let answer = socket.receive().await.unwrap();
        assert_eq!(
            answer.as_array().map(Vec::len),
            is_answered.then_some(items)
        );
        assert!(is_answered || answer["error"]["code"] == -32010, "{answer}");
    }
    // A subscription's answer comes before its notifications, so it cannot wait for others.
    let subscribe =
        json!({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]});
    socket.send(&json!([subscribe, item(2)]).to_string()).await;
    let answer = socket.receive().await.unwrap();
    assert_eq!(answer[0]["error"]["code"], -32600, "{answer}");
    assert_eq!(answer[1]["result"], "0x1bcd");
}

#[tokio::test]
async fn slow_request_does_not_keep_a_place_from_others() {
    use tokio::io::AsyncWriteExt;
    let bed = Bed::new().await;
    let mut held = Vec::new();
    for _ in 0..50 {
        let mut stream = tokio::net::TcpStream::connect(bed.server.address())
            .await
            .unwrap();
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }
    assert_serves(&bed).await;
}
