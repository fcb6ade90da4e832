//! Backpressure: a chain whose L1 does not take its batches stops taking transactions, and goes on after.

use serde_json::json;

use crate::support::{
    Chain, ChainOptions, Node,
    chain::user_address,
    eventually,
    json::{RpcError, quantity},
};

/// Bytes of each transaction's input; zeros, so that one batch holds them all.
const INPUT: usize = 60_000;
/// The bound, as the flag takes it and in bytes.
const BOUND: (&str, usize) = ("1", 1 << 20);

#[tokio::test]
async fn intake_stops_while_l1_takes_no_batches_and_goes_on_after() {
    let chain = Chain::new(ChainOptions::default()).await;
    let mut options = chain.sequencer();
    let bound = ["--max-backlog", BOUND.0].map(str::to_owned);
    options.args.extend(bound);
    let sequencer = Node::start(options).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    let usual = sequencer.rpc.call("eth_gasPrice", json!([])).await;
    chain.stop_mining().await;

    let (mut taken, mut dearest) = (Vec::new(), 0);
    let refused: RpcError = loop {
        let input = vec![0; INPUT].into();
        let tx = user.sign(user_address(1).into(), 0, input, 1_000_000);
        match tx.send(&sequencer.rpc).await {
            Ok(_) => taken.push(tx),
            Err(refused) => break refused,
        }
        eventually("receipt", 30, || {
            sequencer.rpc.receipt(taken[taken.len() - 1].hash)
        })
        .await;
        let price = sequencer.rpc.call("eth_gasPrice", json!([])).await;
        dearest = dearest.max(quantity(&price));
        assert!(taken.len() < 200, "{} bytes wait for L1", 200 * INPUT);
    };
    assert_eq!(refused.code, -32005, "{refused:?}");
    assert!(refused.message.contains("waits for L1"), "{refused:?}");
    assert!(taken.len() * INPUT >= BOUND.1, "{} taken", taken.len());
    assert!(dearest > quantity(&usual), "{dearest} wei at most");

    chain.begin_mining(1).await;
    let head = sequencer.rpc.block_number().await;
    sequencer.safe_at(head).await;
    user.nonce -= 1;
    let next = user.transfer(user_address(1), 1);
    let open = || async { next.send(&sequencer.rpc).await.ok() };
    eventually("transactions are taken again", 30, open).await;
    for tx in taken.iter().chain([&next]) {
        let receipt = eventually("receipt", 30, || sequencer.rpc.receipt(tx.hash)).await;
        assert_eq!(receipt["status"], "0x1");
    }
    crate::proven::prove_all(&chain).await;
}
