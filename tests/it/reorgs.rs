//! L1 reorganisations of depth 1 to 8, and 32, that drop, move and reorder deposits and batches.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    primitives::{Bytes, U256, hex},
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use serde_json::{Value, json};
use trestle_contracts::bindings::Portal;
use trestle_test_support::DEV_KEYS;

use crate::{
    agreement::{assert_equal_chains, settle},
    support::{Chain, ChainOptions, Node, Rpc, chain::user_address, eventually, json::quantity},
};

/// What happens to the deposits of the blocks that a reorg replaces.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// They are gone.
    Dropped,
    /// They are in the first of the new blocks, in reverse order.
    Reordered,
    /// They are in the last of the new blocks.
    Moved,
}

/// A deposit of 1 ETH by account 1 to itself, signed for L1.
pub(crate) fn deposit(chain: &Chain, nonce: u64) -> Bytes {
    let signer: PrivateKeySigner = DEV_KEYS[1].parse().unwrap();
    let ether = U256::from(10).pow(U256::from(18));
    let call = Portal::depositTransactionCall {
        to: signer.address(),
        value: ether,
        gasLimit: 100_000,
        isCreation: false,
        data: Bytes::new(),
    };
    let mut tx = TxEip1559 {
        chain_id: 31_337,
        nonce,
        gas_limit: 2_000_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: chain.deployed.rollup.contracts.portal.into(),
        value: ether,
        input: call.abi_encode().into(),
        ..Default::default()
    };
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    TxEnvelope::from(tx.into_signed(signature))
        .encoded_2718()
        .into()
}

/// Replaces the last `depth` blocks of L1.
async fn reorg(chain: &Chain, depth: u64, deposits: &[Bytes], fate: Fate) {
    let raw = |tx: &Bytes| hex::encode_prefixed(tx);
    let pairs: Vec<Value> = match fate {
        Fate::Dropped => Vec::new(),
        Fate::Reordered => deposits.iter().map(|tx| json!([raw(tx), 0])).collect(),
        Fate::Moved => deposits
            .iter()
            .map(|tx| json!([raw(tx), depth - 1]))
            .collect(),
    };
    chain.reorg(depth, pairs).await;
}

#[tokio::test]
async fn nodes_agree_after_l1_reorgs_of_every_depth() {
    let chain = Chain::new(ChainOptions {
        l1_block_time: None,
        ..ChainOptions::default()
    })
    .await;
    let sequencer = Node::start(chain.sequencer()).await;
    let replica = Node::start(chain.replica("replica")).await;
    let l1 = chain.l1_rpc();
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    settle(&sequencer, &replica).await;
    chain.stop_mining().await;
    for depth in (1..=8).chain([32]) {
        for fate in [Fate::Dropped, Fate::Reordered, Fate::Moved] {
            println!("depth {depth}, deposits {fate:?}");
            let first = l1
                .number(
                    "eth_getTransactionCount",
                    json!([user_address(1), "latest"]),
                )
                .await;
            let deposits = [deposit(&chain, first), deposit(&chain, first + 1)];
            for tx in &deposits {
                l1.call("eth_sendRawTransaction", json!([hex::encode_prefixed(tx)]))
                    .await;
            }
            chain.mine(1).await;
            user.transfer(user_address(2), 1)
                .included(&sequencer.rpc)
                .await;
            reorg(&chain, depth, &deposits, fate).await;
            chain.mine(2).await;
            user.transfer(user_address(2), 1)
                .included(&sequencer.rpc)
                .await;
        }
    }
    chain.begin_mining(1).await;
    settle(&sequencer, &replica).await;
    let fresh = Node::start(chain.replica("fresh")).await;
    settle(&sequencer, &fresh).await;
    assert_equal_chains(&sequencer.rpc, &replica.rpc).await;
    assert_equal_chains(&sequencer.rpc, &fresh.rpc).await;
    crate::proven::assert_proven(&chain, &fresh.rpc).await;
    assert_deposits_as_on_l1(&chain, &fresh.rpc).await;
}

/// L2 has minted exactly what the Inbox holds now.
async fn assert_deposits_as_on_l1(chain: &Chain, rpc: &Rpc) {
    let nonce = chain
        .l1_rpc()
        .number(
            "eth_getTransactionCount",
            json!([user_address(1), "latest"]),
        )
        .await;
    let ether = U256::from(10).pow(U256::from(18));
    let arrived = || async { (rpc.nonce(user_address(1)).await == nonce).then_some(()) };
    eventually("the deposits that are left", 30, arrived).await;
    assert_eq!(
        rpc.balance(user_address(1)).await,
        ether * U256::from(nonce)
    );
    assert!(quantity(&rpc.block("safe").await["number"]) > 0);
}
