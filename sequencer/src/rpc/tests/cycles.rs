//! Subscriptions and connections that come and go, by the thousand in `make test` and by the million in
//! `make soak`: nothing of them stays.
//!
//! In a short run beside other tests memory says little, so the node's own counts are looked at too: the
//! listeners to its events, and the few connections that it may have open.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    bed::{Bed, Socket, Wishes},
    fuzz::{number, resident},
};
use crate::rpc::RpcLimits;

/// Cycles in `make test`; `RPC_CYCLES` asks for others.
const CYCLES: u64 = 2_000;
/// From so many on, memory is looked at: the test has the process to itself.
const LONG: u64 = 100_000;
/// Bytes by which memory may differ after a long run: 16 bytes for each of a million cycles.
const GROWTH: usize = 16 << 20;

/// Resident memory after a tenth of the cycles, held against that at the end.
struct Memory {
    cycles: u64,
    early: usize,
}

impl Memory {
    fn look(&mut self, cycle: u64) {
        if cycle == self.cycles / 10 {
            self.early = resident();
        }
        if cycle > 0 && cycle.is_multiple_of(LONG) {
            eprintln!("{cycle} cycles, {} KiB", resident() >> 10);
        }
    }

    fn assert_kept(&self) {
        let late = resident();
        eprintln!(
            "{} cycles: {} KiB, then {} KiB",
            self.cycles,
            self.early >> 10,
            late >> 10
        );
        assert!(
            self.cycles < LONG || late < self.early + GROWTH,
            "memory grew"
        );
    }
}

async fn bed() -> (Bed, Memory) {
    let limits = RpcLimits {
        connections: 4,
        subscriptions: 4,
        ..RpcLimits::default()
    };
    let bed = Bed::with(Wishes {
        limits,
        ..Wishes::default()
    })
    .await;
    let cycles = number("RPC_CYCLES", CYCLES);
    (bed, Memory { cycles, early: 0 })
}

/// Waits until nobody but the filters of the node itself listens to its events.
async fn assert_nobody_listens(bed: &Bed, before: usize) {
    let limit = Instant::now() + Duration::from_secs(20);
    while bed.server.listeners() > before {
        let left = bed.server.listeners();
        assert!(Instant::now() < limit, "{left} listeners are left");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn subscriptions_that_come_and_go_leave_nothing() {
    let (bed, mut memory) = bed().await;
    let before = bed.server.listeners();
    let mut socket = Socket::open(&bed).await;
    let kinds = [
        ("eth", json!(["newHeads"])),
        ("eth", json!(["logs", {}])),
        ("eth", json!(["newPendingTransactions", true])),
        ("trestle", json!(["heads"])),
    ];
    for cycle in 0..memory.cycles {
        memory.look(cycle);
        let (space, params) = &kinds[usize::try_from(cycle % 4).unwrap()];
        let answer = socket
            .call(&format!("{space}_subscribe"), params.clone())
            .await;
        let id = answer["result"].clone();
        assert!(id.is_string(), "cycle {cycle}: {answer}");
        let ended = socket
            .call(&format!("{space}_unsubscribe"), json!([id]))
            .await;
        assert_eq!(ended["result"], true, "cycle {cycle}");
        socket.forget();
    }
    drop(socket);
    assert_nobody_listens(&bed, before).await;
    memory.assert_kept();
}

#[tokio::test]
async fn connections_that_open_and_close_leave_nothing() {
    let (bed, mut memory) = bed().await;
    let before = bed.server.listeners();
    for cycle in 0..memory.cycles {
        memory.look(cycle);
        // Each is closed with a subscription open, and without a word.
        let opened = tokio::time::timeout(Duration::from_secs(20), Socket::open(&bed)).await;
        let mut socket = opened.unwrap_or_else(|_| panic!("cycle {cycle}: no place is free"));
        let answer = socket.call("eth_subscribe", json!(["newHeads"])).await;
        assert!(answer["result"].is_string(), "cycle {cycle}: {answer}");
    }
    assert_nobody_listens(&bed, before).await;
    memory.assert_kept();
}
