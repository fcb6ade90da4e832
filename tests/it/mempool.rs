//! Published attacks on mempools against the program itself: honest transactions are in one of the next three
//! blocks. `docs/mempool.md` has the whole table; most of it is played against the pool alone.

use alloy::{
    consensus::{SignableTransaction, TxEip7702, TxEnvelope},
    eips::{eip2718::Encodable2718, eip7702::Authorization},
    network::TxSignerSync,
    primitives::{Address, Bytes, U256, hex},
    signers::SignerSync,
};
use serde_json::json;

use crate::support::{
    Chain, ChainOptions, Node, Rpc, User, eventually,
    json::quantity,
    user::{Prices, Signed},
};

/// Blocks within which an honest transaction must be included.
const BLOCKS: u64 = 3;
/// Transactions that the pool holds.
const ROOM: usize = 60;
/// Wei per gas that an attacker may offer without being asked for it.
const DEAR: u128 = 100_000_000_000;
/// Gas that one transaction may have (EIP-7825).
const MOST_GAS: u64 = 1 << 24;
/// Creation code of a contract that burns all gas: it jumps to its beginning for ever.
const BURNER: [u8; 12] = hex!("60038060095f395ff35b5f56");
/// Creation code of a contract that sends all it has to whoever calls it.
const SWEEPER: [u8; 18] = hex!("60098060095f395ff35f5f5f5f47335af100");

/// A chain whose sequencer has a small pool, an honest user, and an attacker with ETH.
async fn attacked() -> (Chain, Node, User, User) {
    let chain = Chain::new(ChainOptions::default()).await;
    let mut options = chain.sequencer();
    let small = ["--pool-transactions", &ROOM.to_string()].map(str::to_owned);
    options.args.extend(small);
    let node = Node::start(options).await;
    let honest = chain.funded_user(0, &node.rpc).await;
    let attacker = chain.funded_user(1, &node.rpc).await;
    (chain, node, honest, attacker)
}

/// New accounts with `ether` each, from `rich`.
async fn accounts(rich: &mut User, count: usize, ether: u64, rpc: &Rpc) -> Vec<User> {
    let mut accounts = Vec::new();
    for _ in 0..count {
        let account = User::random(rich.chain_id);
        let wei = U256::from(ether) * U256::from(10).pow(U256::from(18));
        let funding = rich.sign_priced(
            account.address().into(),
            wei,
            Bytes::new(),
            21_000,
            Prices::of(rpc).await,
        );
        funding.included(rpc).await;
        accounts.push(account);
    }
    accounts
}

/// Sends a transfer at the prices that the node suggests, and asserts that it is included in time.
async fn assert_served(honest: &mut User, rpc: &Rpc) -> u64 {
    let prices = Prices::of(rpc).await;
    let to = Address::repeat_byte(0x55).into();
    let sent = honest.sign_priced(to, U256::ONE, Bytes::new(), 21_000, prices);
    sent.send(rpc).await.unwrap();
    let head = rpc.block_number().await;
    let block = block_of(&sent, rpc).await;
    assert!(
        block <= head + BLOCKS,
        "sent at {head}, included in {block}"
    );
    block
}

async fn block_of(sent: &Signed, rpc: &Rpc) -> u64 {
    let receipt = eventually("a receipt", 60, || rpc.receipt(sent.hash)).await;
    quantity(&receipt["blockNumber"])
}

async fn pool_size(rpc: &Rpc) -> usize {
    let status = rpc.call("txpool_status", json!([])).await;
    let count = |kind: &str| usize::try_from(quantity(&status[kind])).unwrap();
    count("pending") + count("queued")
}

const fn at(max_fee: u128, tip: u128) -> Prices {
    Prices { max_fee, tip }
}

/// DETER-X, DETER-Z.
#[tokio::test]
async fn future_and_overdrawn_transactions_at_any_price_keep_nobody_out() {
    let (chain, node, mut honest, mut attacker) = attacked().await;
    let rpc = &node.rpc;
    let mut accounts = accounts(&mut attacker, 4, 10, rpc).await;
    let mut overdrawn = accounts.pop().unwrap();
    overdrawn.nonce = 1;
    let most = U256::from(6) * U256::from(10).pow(U256::from(18));
    let [first, second] = [(), ()].map(|()| {
        overdrawn.sign_priced(
            Address::ZERO.into(),
            most,
            Bytes::new(),
            21_000,
            at(DEAR, DEAR),
        )
    });
    first.send(rpc).await.unwrap();
    let refused = second.send(rpc).await.unwrap_err();
    assert!(
        refused.message.contains("insufficient funds"),
        "{refused:?}"
    );
    for mut account in accounts {
        account.nonce = 1;
        for _ in 0..ROOM {
            let future = account.sign_priced(
                Address::ZERO.into(),
                U256::ZERO,
                Bytes::new(),
                21_000,
                at(DEAR, DEAR),
            );
            let _ = future.send(rpc).await;
        }
    }
    assert_eq!(pool_size(rpc).await, ROOM, "they fill it");
    for _ in 0..5 {
        assert_served(&mut honest, rpc).await;
    }
    crate::proven::prove_all(&chain).await;
}

/// Locking, and conditional exhaustion: transactions that fill blocks and pay no more than they must.
#[tokio::test]
async fn transactions_that_burn_whole_blocks_keep_nobody_out() {
    let (_chain, node, mut honest, mut attacker) = attacked().await;
    let rpc = &node.rpc;
    let burner = attacker.deploy(rpc, &BURNER.into()).await;
    let mut burning = Vec::new();
    for mut account in accounts(&mut attacker, 4, 30, rpc).await {
        // The first comes last: then all of them can be executed.
        let mut run: Vec<_> = (1..ROOM / 4)
            .map(|_| {
                let prices = at(DEAR, 0);
                account.sign_priced(burner.into(), U256::ZERO, Bytes::new(), MOST_GAS, prices)
            })
            .collect();
        let first = run.remove(0);
        for later in run.iter().rev() {
            later.send(rpc).await.unwrap();
        }
        burning.push((first, run));
    }
    for (first, _) in &burning {
        first.send(rpc).await.unwrap();
    }
    let served = assert_served(&mut honest, rpc).await;
    let mut last = 0;
    for (first, run) in &burning {
        for sent in run.iter().chain([first]) {
            last = last.max(block_of(sent, rpc).await);
        }
    }
    assert!(last > served + BLOCKS, "a crowd waited: {served}, {last}");
}

/// An account that others can empty: its transactions become invalid by one of theirs.
#[tokio::test]
async fn delegated_accounts_that_are_drained_keep_nobody_out() {
    let (_chain, node, mut honest, mut attacker) = attacked().await;
    let rpc = &node.rpc;
    let sweeper = attacker.deploy(rpc, &SWEEPER.into()).await;
    let mut victims = accounts(&mut attacker, 3, 5, rpc).await;
    let list = victims.iter().map(|victim| delegation(victim, sweeper));
    delegate(&mut attacker, list.collect()).included(rpc).await;
    for victim in &mut victims {
        // The authorization has used a nonce; a gap keeps them in the pool.
        victim.nonce = 2;
        let mut taken = 0;
        let refused = loop {
            let prices = at(DEAR, DEAR / 2);
            let tx = victim.sign_priced(
                Address::ZERO.into(),
                U256::ZERO,
                Bytes::new(),
                21_000,
                prices,
            );
            match tx.send(rpc).await {
                Ok(_) => taken += 1,
                Err(refused) => break refused,
            }
        };
        assert_eq!(taken, 4, "{refused:?}");
        assert!(refused.message.contains("delegated"), "{refused:?}");
    }
    for victim in &mut victims {
        let drain = attacker.sign(victim.address().into(), 0, Bytes::new(), 100_000);
        drain.included(rpc).await;
        assert!(rpc.balance(victim.address()).await.is_zero());
        assert_served(&mut honest, rpc).await;
        victim.nonce = 1;
        let refused = victim.transfer(Address::ZERO, 1).send(rpc).await;
        assert!(refused.unwrap_err().message.contains("insufficient funds"));
    }
}

fn delegation(account: &User, code: Address) -> alloy::eips::eip7702::SignedAuthorization {
    let authorization = Authorization {
        chain_id: U256::from(account.chain_id),
        address: code,
        nonce: account.nonce,
    };
    let hash = authorization.signature_hash();
    authorization.into_signed(account.signer.sign_hash_sync(&hash).unwrap())
}

fn delegate(
    sender: &mut User,
    authorization_list: Vec<alloy::eips::eip7702::SignedAuthorization>,
) -> Signed {
    let mut tx = TxEip7702 {
        chain_id: sender.chain_id,
        nonce: sender.nonce,
        gas_limit: 500_000,
        max_fee_per_gas: DEAR,
        authorization_list,
        ..TxEip7702::default()
    };
    sender.nonce += 1;
    let signature = sender.signer.sign_transaction_sync(&mut tx).unwrap();
    let envelope = TxEnvelope::from(tx.into_signed(signature));
    Signed {
        raw: envelope.encoded_2718().into(),
        hash: *envelope.tx_hash(),
    }
}
