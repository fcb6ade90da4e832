//! Forced inclusion: what the sequencer leaves out for too long, anyone brings in.

use alloy::{primitives::U256, sol_types::SolCall};
use serde_json::json;
use trestle_contracts::bindings::Probe;

use crate::{
    agreement::{assert_equal_chains, settle},
    support::{
        Chain, ChainOptions, Node,
        chain::{Deposit, user_address},
        eventually,
    },
};

#[tokio::test]
async fn deposit_is_forced_in_while_the_sequencer_is_stopped() {
    let chain = Chain::new(ChainOptions::default()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let replica = Node::start(chain.replica("replica")).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    let probe = user.deploy(&sequencer.rpc, &Probe::BYTECODE).await;
    settle(&sequencer, &replica).await;
    let stopped = sequencer.stop().await;

    let from = user_address(1);
    let note = Probe::note_0Call {
        text: "against their will".into(),
    }
    .abi_encode();
    let ether = U256::from(10).pow(U256::from(18));
    chain
        .deposit(
            1,
            Deposit {
                to: probe,
                mint: ether,
                value: ether,
                gas: 300_000,
                data: note.into(),
            },
        )
        .await;
    let early = chain.inbox().forceInclude().call().await;
    assert!(early.is_err(), "nothing is overdue yet");

    let l1 = chain.l1_rpc();
    l1.call(
        "evm_increaseTime",
        json!([chain.options.forced_inclusion_delay + 1]),
    )
    .await;
    chain.mine(1).await;
    let forced = chain
        .inbox()
        .forceInclude()
        .send()
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(forced.status());
    let arrived = || async { (replica.rpc.balance(probe).await == ether).then_some(()) };
    eventually("the replica has the forced deposit", 60, arrived).await;
    assert_eq!(replica.rpc.nonce(from).await, 1);

    // Back again, the sequencer takes in what happened and goes on from there.
    let sequencer = Node::start(stopped).await;
    let caught_up = || async { (sequencer.rpc.balance(probe).await == ether).then_some(()) };
    eventually("the sequencer has the forced deposit", 60, caught_up).await;
    let receipt = user.transfer(from, 1).included(&sequencer.rpc).await;
    assert_eq!(receipt["status"], "0x1");
    settle(&sequencer, &replica).await;
    assert_equal_chains(&sequencer.rpc, &replica.rpc).await;
    crate::proven::assert_proven(&chain, &replica.rpc).await;
}

#[tokio::test]
async fn forced_batch_that_contradicts_the_unsafe_chain_rewinds_it() {
    // A delay of batches that reaches the forced inclusion would be refused.
    let chain = Chain::new(ChainOptions {
        forced_inclusion_delay: 7_200,
        ..ChainOptions::default()
    })
    .await;
    let mut slow = chain.sequencer();
    // Blocks wait so long for their batch that another one comes before them.
    let delay = slow
        .args
        .iter()
        .position(|arg| arg == "--batch-delay")
        .unwrap();
    slow.args[delay + 1] = "3600".into();
    let patient = slow.clone();
    slow.args[delay + 1] = "0.5".into();

    let sequencer = Node::start(slow).await;
    let replica = Node::start(chain.replica("replica")).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    settle(&sequencer, &replica).await;
    sequencer.stop().await;

    let sequencer = Node::start(patient).await;
    let kept = user.transfer(user_address(1), 5);
    let promised = kept.included(&sequencer.rpc).await;
    let unsafe_block = promised["blockHash"].clone();
    chain
        .deposit(1, Deposit::of_ether(user_address(1), 3))
        .await;
    let l1 = chain.l1_rpc();
    l1.call(
        "evm_increaseTime",
        json!([chain.options.forced_inclusion_delay + 1]),
    )
    .await;
    chain.mine(1).await;
    chain
        .inbox()
        .forceInclude()
        .send()
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();

    let rewound = || async {
        let block = sequencer.rpc.block("safe").await;
        let safe = crate::support::json::quantity(&block["number"]);
        let same = sequencer.rpc.block_hash(safe).await == replica.rpc.block_hash("safe").await;
        let gone = sequencer
            .rpc
            .call("eth_getBlockByHash", json!([unsafe_block, false]))
            .await
            .is_null();
        (same && gone).then_some(())
    };
    eventually("the sequencer follows L1", 60, rewound).await;
    assert_equal_chains(&sequencer.rpc, &replica.rpc).await;
    crate::proven::assert_proven(&chain, &replica.rpc).await;
}
