//! Nodes that see the same L1 have the same chain: block by block, batch by batch.

use alloy::{
    primitives::{Address, U256, address},
    sol_types::SolCall,
};
use serde_json::json;
use trestle_contracts::bindings::Probe;

use crate::support::{
    Chain, ChainOptions, Node, Rpc, User,
    chain::Deposit,
    eventually,
    json::{quantity, word},
};

const SINK: Address = address!("00000000000000000000000000000000000051ac");

/// Compares two nodes: hashes of all blocks up to the lower head, and every batch with its output.
pub(crate) async fn assert_equal_chains(one: &Rpc, other: &Rpc) {
    let head = one.block_number().await.min(other.block_number().await);
    for number in 0..=head {
        let (a, b) = (one.block_hash(number).await, other.block_hash(number).await);
        assert_eq!(a, b, "block {number}");
    }
    let batches = one.batches().await.min(other.batches().await);
    for index in 1..=batches {
        let params = json!([format!("{index:#x}")]);
        for method in ["trestle_outputAtBatch", "trestle_batch"] {
            let (mut a, mut b) = (
                one.call(method, params.clone()).await,
                other.call(method, params.clone()).await,
            );
            for value in [&mut a, &mut b] {
                // Each node hears of finality in its own time.
                value.as_object_mut().unwrap().remove("finalized");
            }
            assert_eq!(a, b, "{method} of batch {index}");
        }
    }
}

/// Waits until everything that `node` has sequenced is on L1 and `other` has derived it.
pub(crate) async fn settle(node: &Node, other: &Node) {
    let head = node.rpc.block_number().await;
    node.safe_at(head).await;
    other.safe_at(head).await;
}

/// Deposits, calls, reverts, creations and transfers, in some number of blocks.
pub(crate) async fn some_of_everything(chain: &Chain, rpc: &Rpc, user: &mut User) {
    let probe = user.deploy(rpc, &Probe::BYTECODE).await;
    let note = Probe::note_0Call {
        text: "a note".into(),
    }
    .abi_encode();
    let refuse = Probe::refuseCall {}.abi_encode();
    let work = Probe::workCall {
        gas: U256::from(500_000),
    }
    .abi_encode();
    for round in 0..5 {
        let call = Deposit {
            to: probe,
            gas: 300_000,
            data: note.clone().into(),
            ..Deposit::default()
        };
        chain.deposit(1, call).await;
        let sent = [
            user.transfer(SINK, round),
            user.sign(probe.into(), 0, note.clone().into(), 200_000),
            user.sign(probe.into(), 0, refuse.clone().into(), 100_000),
            user.sign(probe.into(), 0, work.clone().into(), 1_000_000),
        ];
        let mut statuses = Vec::new();
        for tx in &sent {
            tx.send(rpc).await.unwrap();
        }
        for tx in &sent {
            let receipt = eventually("receipt", 30, || rpc.receipt(tx.hash)).await;
            statuses.push(quantity(&receipt["status"]));
        }
        assert_eq!(statuses, [1, 1, 0, 1]);
    }
}

#[tokio::test]
async fn replica_agrees_with_the_sequencer_at_every_batch() {
    let chain = Chain::new(ChainOptions::default()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let replica = Node::start(chain.replica("replica")).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    some_of_everything(&chain, &sequencer.rpc, &mut user).await;
    settle(&sequencer, &replica).await;
    assert!(sequencer.rpc.batches().await >= 3);
    assert_equal_chains(&sequencer.rpc, &replica.rpc).await;

    let late = Node::start(chain.replica("late")).await;
    settle(&sequencer, &late).await;
    assert_equal_chains(&sequencer.rpc, &late.rpc).await;
    crate::proven::assert_proven(&chain, &late.rpc).await;
    for node in [sequencer, replica, late] {
        node.stop().await;
    }
}

#[tokio::test]
async fn deposits_arrive_and_a_failing_one_mints_and_bumps_the_nonce() {
    let chain = Chain::new(ChainOptions::default()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let replica = Node::start(chain.replica("replica")).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    let probe = user.deploy(&sequencer.rpc, &Probe::BYTECODE).await;

    let from = crate::support::chain::user_address(1);
    chain.deposit(1, Deposit::of_ether(from, 7)).await;
    let note = Probe::note_0Call {
        text: "from L1".into(),
    }
    .abi_encode();
    chain
        .deposit(
            1,
            Deposit {
                to: probe,
                gas: 300_000,
                data: note.into(),
                ..Deposit::default()
            },
        )
        .await;
    let refuse = Probe::refuseCall {}.abi_encode();
    let ether = U256::from(10).pow(U256::from(18));
    let failing = Deposit {
        to: probe,
        mint: ether,
        value: ether,
        gas: 200_000,
        data: refuse.into(),
    };
    chain.deposit(1, failing).await;

    for rpc in [&sequencer.rpc, &replica.rpc] {
        eventually("three deposits", 60, || async {
            (rpc.nonce(from).await == 3).then_some(())
        })
        .await;
        assert_eq!(rpc.balance(from).await, ether * U256::from(8));
        assert_eq!(rpc.balance(probe).await, U256::ZERO);
        let filter =
            json!([{ "address": probe, "fromBlock": "0x0", "topics": [null, from.into_word()] }]);
        let logs = rpc.call("eth_getLogs", filter).await;
        assert_eq!(logs.as_array().unwrap().len(), 1, "{logs}");
    }
    crate::proven::prove_all(&chain).await;
}

#[tokio::test]
async fn output_root_follows_the_storage_of_the_message_passer() {
    let chain = Chain::new(ChainOptions::default()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    let passer = trestle_contracts::predeploys::L2_TO_L1_MESSAGE_PASSER;
    let call = trestle_contracts::bindings::L2ToL1MessagePasser::initiateWithdrawalCall {
        target: SINK,
        gasLimit: U256::from(100_000),
        data: Default::default(),
    };
    let sent = user.sign(passer.into(), 5, call.abi_encode().into(), 300_000);
    let receipt = sent.included(&sequencer.rpc).await;
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    let at = receipt["blockNumber"].clone();
    let output = sequencer
        .rpc
        .call("trestle_outputAtBlock", json!([at]))
        .await;
    let proof = sequencer
        .rpc
        .call("eth_getProof", json!([passer, [], at]))
        .await;
    assert_eq!(
        word(&output["messagePasserStorageRoot"]),
        word(&proof["storageHash"])
    );
    assert_ne!(
        word(&proof["storageHash"]),
        trestle_protocol::trie::EMPTY_ROOT_HASH
    );
    crate::proven::prove_all(&chain).await;
}
