//! The law of the bridge for ETH, read off both layers: what the Portal holds is what L2 has and what is on its way.

use std::collections::BTreeSet;

use alloy::{
    primitives::{Address, B256, U256},
    providers::{Provider, ProviderBuilder},
    rpc::types::Filter,
    sol_types::SolEvent,
};
use serde_json::{Value, json};
use trestle_contracts::{
    bindings::{Portal, l2_to_l1_message_passer::L2ToL1MessagePasser::MessagePassed},
    predeploys::{
        BASE_FEE_VAULT, L2_CROSS_DOMAIN_MESSENGER, L2_STANDARD_BRIDGE, L2_TO_L1_MESSAGE_PASSER,
        SEQUENCER_FEE_VAULT,
    },
};

use super::{Chain, Node, Rpc, eventually};

/// Asserts that the Portal's ETH is exactly L2's, the passer's aside, and that of withdrawals which are not paid yet.
/// Nothing may be in L1's queue; `more` are accounts that got ETH on L2 otherwise than by a transaction to them.
pub(crate) async fn assert_ether_is_backed(l1: &Rpc, l2: &Rpc, portal: Address, more: &[Address]) {
    let head = l2.block_number().await;
    let mut holders: BTreeSet<Address> = more.iter().copied().collect();
    holders.extend([
        BASE_FEE_VAULT,
        SEQUENCER_FEE_VAULT,
        L2_CROSS_DOMAIN_MESSENGER,
        L2_STANDARD_BRIDGE,
    ]);
    for number in 0..=head {
        let params = json!([format!("{number:#x}"), true]);
        let block = l2.call("eth_getBlockByNumber", params).await;
        holders.extend(address(&block["miner"]));
        for transaction in block["transactions"].as_array().unwrap() {
            holders.extend(address(&transaction["from"]));
            holders.extend(address(&transaction["to"]));
        }
    }
    holders.remove(&L2_TO_L1_MESSAGE_PASSER);
    let mut held = U256::ZERO;
    for holder in holders {
        let params = json!([holder, format!("{head:#x}")]);
        let balance = l2.call("eth_getBalance", params).await;
        held += balance.as_str().unwrap().parse::<U256>().unwrap();
    }
    let on_the_way = unpaid(l1, l2, portal).await;
    assert_eq!(
        l1.balance(portal).await,
        held + on_the_way,
        "of it {on_the_way} on the way"
    );
}

/// Derives the chain by a replica of its own and asserts the law; every batch is proven. Gives the replica.
pub(crate) async fn judge(chain: &Chain) -> Node {
    let replica = Node::start(chain.replica("judge")).await;
    let batches = chain.inbox().batchCount().call().await.unwrap();
    // A batch that is read is not derived yet; one whose output is known is.
    let index = json!([format!("{batches:#x}")]);
    eventually("the judge has derived all batches", 60, || async {
        let output = replica.rpc.outcome("trestle_outputAtBatch", index.clone());
        output.await.ok().filter(|output| !output.is_null())
    })
    .await;
    let portal = chain.deployed.rollup.contracts.portal;
    assert_ether_is_backed(&chain.l1_rpc(), &replica.rpc, portal, &[]).await;
    crate::proven::assert_proven(chain, &replica.rpc).await;
    replica
}

fn address(value: &Value) -> Option<Address> {
    value.as_str().map(|text| text.parse().unwrap())
}

/// Wei of withdrawals that were begun and not paid.
async fn unpaid(l1: &Rpc, l2: &Rpc, portal: Address) -> U256 {
    let provider = ProviderBuilder::new().connect_http(l1.url.parse().unwrap());
    let portal = Portal::new(portal, &provider);
    let filter = Filter::new()
        .address(L2_TO_L1_MESSAGE_PASSER)
        .event_signature(MessagePassed::SIGNATURE_HASH)
        .from_block(0);
    let l2 = ProviderBuilder::new().connect_http(l2.url.parse().unwrap());
    let mut sum = U256::ZERO;
    let mut seen = BTreeSet::<B256>::new();
    for log in l2.get_logs(&filter).await.unwrap() {
        let event = MessagePassed::decode_log(&log.inner).unwrap();
        let hash = event.withdrawalHash;
        assert!(seen.insert(hash), "no withdrawal is recorded twice");
        if !portal.finalizedWithdrawals(hash).call().await.unwrap() {
            sum += event.value;
        }
    }
    sum
}
