//! Bytes on L1 for each transaction, by what was posted: random transfers of 1,000 accounts in full batches of six blobs, and
//! in calldata beside them. A column's share is what the payload loses when it says nothing.

use alloy::{
    consensus::{SignableTransaction, Transaction, TxEip1559},
    primitives::Signature,
    sol_types::SolCall,
};
use op_alloy_consensus::OpTxEnvelope;
use rand::SeedableRng;
use trestle_contracts::bindings::SampleToken;
use trestle_protocol::{
    BatchContent,
    payload::{Payload, PayloadLimits, PayloadTx, decode_payload, encode_columns},
};

use super::*;
use crate::support::ChainOptions;

const ACCOUNTS: usize = 1_000;
/// Transfers of ETH of each account: more than one batch of six blobs holds.
const EACH: usize = 13;
/// Transfers of the token of each: the rest of the others goes first.
const EACH_OF_TOKEN: usize = 25;
/// ETH of each account; each transfer is a random part of one.
const ETHER: u64 = 30;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Ether,
    Token,
}

#[tokio::test]
#[ignore = "takes minutes of two cores: `make bench-bytes`"]
async fn bytes_of_a_transaction_on_l1() {
    for batch_kind in ["blobs", "calldata"] {
        let options = ChainOptions {
            batch_kind,
            forced_inclusion_delay: 20_000,
            ..ChainOptions::default()
        };
        let chain = Chain::new(options).await;
        let node = Node::start(chain.sequencer()).await;
        let mut accounts = accounts(&chain, &node, ACCOUNTS, ETHER).await;
        let token = token(&chain, &node, &accounts).await;
        let head = node.rpc.block_number().await;
        node.safe_at(head).await;
        let options = node.stop().await;
        // Only what is full is posted from now on.
        let node = Node::start(with(options, "--batch-delay", "3000")).await;
        for kind in [Kind::Ether, Kind::Token] {
            let first = node.rpc.batches().await;
            let sent = transfers(&mut accounts, kind, token);
            send_all(&node, &sent).await;
            let enough = match (batch_kind, kind) {
                ("blobs", Kind::Ether) => 1,
                ("blobs", Kind::Token) => 2,
                // Nearly all: what is left of ETH goes into the first batches of the token.
                (_, Kind::Ether) => 11,
                (_, Kind::Token) => 6,
            };
            let posted = || async { (node.rpc.batches().await >= first + enough).then_some(()) };
            eventually("full batches", 240, posted).await;
            report(&chain, kind, first).await;
        }
    }
}

/// A token of which every account has some.
async fn token(chain: &Chain, node: &Node, accounts: &[User]) -> Address {
    let mut maker = chain.funded_user(1, &node.rpc).await;
    let token = maker.deploy(&node.rpc, &SampleToken::BYTECODE).await;
    for some in accounts.chunks(100) {
        let call = SampleToken::mintCall {
            holders: some.iter().map(User::address).collect(),
            amount: U256::from(10).pow(U256::from(24)),
        };
        let input = call.abi_encode().into();
        let mint = maker.sign_priced(token.into(), U256::ZERO, input, 8_000_000, PRICES);
        assert_eq!(mint.included(&node.rpc).await["status"], "0x1");
    }
    token
}

fn transfers(accounts: &mut [User], kind: Kind, token: Address) -> Vec<Signed> {
    let mut rng = StdRng::seed_from_u64(17);
    let addresses: Vec<Address> = accounts.iter().map(User::address).collect();
    let mut sent = Vec::new();
    let each = if kind == Kind::Ether {
        EACH
    } else {
        EACH_OF_TOKEN
    };
    for _ in 0..each {
        for account in accounts.iter_mut() {
            let to = addresses[rng.random_range(0..addresses.len())];
            let value = U256::from(rng.random_range(1..1_000_000_000_000_000_000_u64));
            sent.push(match kind {
                Kind::Ether => account.sign_priced(to.into(), value, Bytes::new(), 21_000, PRICES),
                Kind::Token => {
                    let input = SampleToken::transferCall { to, value }.abi_encode().into();
                    account.sign_priced(token.into(), U256::ZERO, input, 80_000, PRICES)
                }
            });
        }
    }
    sent
}

/// Payloads of the batches after number `first`, from L1, and of how many blobs each.
async fn posted(chain: &Chain, first: u64) -> Vec<(Vec<u8>, usize)> {
    let (_, mut log, head) = crate::proven::follow_chain(chain).await;
    let mut all = Vec::new();
    while let Some(batch) = log.next(head).await.unwrap() {
        let blobs = match &batch.header.content {
            BatchContent::Blobs(hashes) => hashes.len(),
            BatchContent::Calldata { .. } | BatchContent::Forced => 0,
        };
        if batch.header.index > first {
            all.push((batch.payload_bytes().unwrap().to_vec(), blobs));
        }
    }
    all
}

async fn report(chain: &Chain, kind: Kind, first: u64) {
    let limits = PayloadLimits::from(&chain.deployed.genesis.chain);
    let (mut bytes, mut transactions, mut blobs, mut batches) = (0, 0, 0, 0);
    let mut largest: Option<Payload> = None;
    for (posted, of_batch) in posted(chain, first).await {
        let payload = decode_payload(&posted, &limits).unwrap();
        let of_kind = payload.blocks.iter().flat_map(|block| &block.transactions);
        let count = of_kind.clone().filter(|tx| is_of(kind, tx)).count();
        // The rest of the kind before may be in it.
        if count < of_kind.count() || count == 0 {
            continue;
        }
        bytes += posted.len();
        transactions += count;
        blobs += of_batch;
        batches += 1;
        largest = Some(payload);
    }
    let least = if blobs > 0 { 5_000 } else { 1_000 };
    assert!(
        transactions > least,
        "{transactions} transactions of {kind:?} only"
    );
    let each = bytes as f64 / transactions as f64;
    let place = if blobs > 0 { "blobs" } else { "calldata" };
    println!(
        "{kind:?} in {place}: {each:.2} bytes each ({bytes} bytes, {transactions} transactions, {batches} batches, {blobs} blobs)"
    );
    if blobs > 0 {
        println!(
            "  {:.2} bytes of blobs each",
            blobs as f64 * 131_072.0 / transactions as f64
        );
        shares(largest.unwrap(), limits.chain_id, transactions / batches);
    }
    let most = if kind == Kind::Ether { 78.0 } else { 80.0 };
    assert!(
        blobs == 0 || each <= most,
        "{each:.2} bytes, at most {most}"
    );
}

fn is_of(kind: Kind, tx: &PayloadTx) -> bool {
    match tx {
        PayloadTx::Typed(tx) => tx.input().is_empty() == (kind == Kind::Ether),
        PayloadTx::Raw(_) => false,
    }
}

/// What each field takes of the payload, and what other levels of compression would make of it.
fn shares(payload: Payload, chain_id: u64, transactions: usize) {
    let columns = encode_columns(&payload, chain_id);
    let size = |columns: &[u8], level| {
        zstd::bulk::compress(columns, level).unwrap().len() as f64 / transactions as f64
    };
    let whole = size(&columns, 3);
    println!(
        "  columns: {:.2} bytes each before compression",
        columns.len() as f64 / transactions as f64
    );
    for level in [1, 3, 9, 19] {
        println!("  level {level}: {:.2}", size(&columns, level));
    }
    type Edit = fn(&mut TxEip1559, &mut Signature);
    let edits: [(&str, Edit); 5] = [
        ("signature", |_, signature| {
            *signature = Signature::test_signature()
        }),
        ("nonce", |tx, _| tx.nonce = 0),
        ("value", |tx, _| tx.value = U256::ZERO),
        ("recipient", |tx, _| tx.to = Address::ZERO.into()),
        ("input", |tx, _| tx.input = Bytes::new()),
    ];
    for (name, edit) in edits {
        let mut without = payload.clone();
        for tx in without
            .blocks
            .iter_mut()
            .flat_map(|block| &mut block.transactions)
        {
            if let PayloadTx::Typed(OpTxEnvelope::Eip1559(signed)) = tx {
                let (mut inner, mut signature) = (signed.tx().clone(), *signed.signature());
                edit(&mut inner, &mut signature);
                *tx = PayloadTx::Typed(OpTxEnvelope::Eip1559(inner.into_signed(signature)));
            }
        }
        let columns = encode_columns(&without, chain_id);
        println!("  {name}: {:.2}", whole - size(&columns, 3));
    }
}
