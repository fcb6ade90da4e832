//! The pool by examples, and against invariants under random operations.

mod attacks;
mod fuzz;
mod world;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_consensus::{SignableTransaction, Signed, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, address};
use futures::future::BoxFuture;
use op_alloy_consensus::OpTxEnvelope;
use parking_lot::Mutex;
use proptest::prelude::*;
use trestle_protocol::{AccountChange, AccountInfo, StateDiff};

use super::*;

mod together;

const CHAIN: u64 = 7_117;
const GWEI: u128 = 1_000_000_000;
const ETHER: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

#[derive(Debug, Default)]
struct Accounts(Mutex<HashMap<Address, SenderAccount>>);

impl AccountSource for Accounts {
    fn accounts(&self, senders: &[Address]) -> Result<Vec<SenderAccount>, String> {
        let known = self.0.lock();
        let account = |sender| known.get(sender).cloned().unwrap_or_default();
        Ok(senders.iter().map(account).collect())
    }
}

#[derive(Debug, Default)]
struct Journal(AtomicUsize, AtomicUsize);

impl TransactionJournal for Journal {
    fn admit(&self, transactions: Vec<(B256, Bytes)>) -> BoxFuture<'static, Result<(), String>> {
        self.0.fetch_add(transactions.len(), Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(())))
    }

    fn forget(&self, hashes: Vec<B256>) {
        self.1.fetch_add(hashes.len(), Ordering::Relaxed);
    }
}

struct Bed {
    pool: Mempool,
    accounts: Arc<Accounts>,
    journal: Arc<Journal>,
}

fn fees(base_fee: u128) -> FeeView {
    FeeView {
        base_fee,
        least_fee: GWEI,
        block_gas: 40_000_000,
    }
}

fn bed_with(limits: PoolLimits) -> Bed {
    let accounts = Arc::new(Accounts::default());
    let journal = Arc::new(Journal::default());
    let config = Arc::new(ChainConfig::new(1, CHAIN, Address::ZERO, B256::ZERO));
    let pool = Mempool::new(
        config,
        limits,
        fees(GWEI),
        accounts.clone(),
        journal.clone(),
    );
    Bed {
        pool,
        accounts,
        journal,
    }
}

fn bed() -> Bed {
    bed_with(PoolLimits::default())
}

impl Bed {
    fn fund(&self, address: Address, nonce: u64, balance: U256) {
        let info = AccountInfo {
            nonce,
            balance,
            ..AccountInfo::default()
        };
        self.accounts.0.lock().insert(
            address,
            SenderAccount {
                info,
                code: Bytes::new(),
            },
        );
    }

    /// Seals a block that leaves `address` with `nonce`.
    fn block(&self, address: Address, nonce: u64, included: &[B256]) {
        self.fund(address, nonce, ETHER);
        let info = Some(AccountInfo {
            nonce,
            balance: ETHER,
            ..AccountInfo::default()
        });
        let mut diff = StateDiff::default();
        diff.accounts.insert(
            address,
            AccountChange {
                info,
                storage: BTreeMap::new(),
            },
        );
        self.pool.on_block(&BlockUpdate {
            included,
            diff: &diff,
            fees: self.pool.fees(),
        });
    }
}

fn transfer(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 2 * GWEI,
        max_priority_fee_per_gas: 0,
        to: TxKind::Call(address!("00000000000000000000000000000000000000aa")),
        value: U256::from(1),
        ..TxEip1559::default()
    }
}

fn signed<T>(tx: T, key: &PrivateKeySigner) -> Bytes
where
    T: SignableTransaction<Signature>,
    OpTxEnvelope: From<Signed<T>>,
{
    let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
    OpTxEnvelope::from(tx.into_signed(signature))
        .encoded_2718()
        .into()
}

/// A transaction of nobody in particular, for tests that only look at the ranking.
fn unsigned(sender: Address, tx: TxEip1559) -> PooledTransaction {
    let signature = Signature::test_signature();
    let hash = alloy_primitives::keccak256(format!("{sender}{tx:?}"));
    let cost = U256::from(tx.max_fee_per_gas) * U256::from(tx.gas_limit) + tx.value;
    let tx = OpTxEnvelope::Eip1559(Signed::new_unchecked(tx, signature, hash));
    PooledTransaction {
        encoded: tx.encoded_2718().into(),
        sender,
        cost,
        authorities: Vec::new(),
        tx,
    }
}

async fn refusal(bed: &Bed, encoded: Bytes) -> String {
    bed.pool.submit(encoded).await.unwrap_err().to_string()
}

#[tokio::test]
async fn valid_transaction_is_journaled_and_handed_over() {
    let (bed, key) = (bed(), PrivateKeySigner::random());
    bed.fund(key.address(), 5, ETHER);
    let hash = bed.pool.submit(signed(transfer(5), &key)).await.unwrap();
    assert_eq!(bed.journal.0.load(Ordering::Relaxed), 1);
    assert_eq!(bed.pool.stage(&hash), Some(Stage::Pending));
    let taken = bed.pool.take_ready(10);
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].sender, key.address());
    assert_eq!(bed.pool.stage(&hash), Some(Stage::Sequencing));
    assert_eq!(bed.pool.pending_nonce(&key.address()), Some(6));
    bed.block(key.address(), 6, &[hash]);
    assert_eq!((bed.pool.stage(&hash), bed.pool.bytes()), (None, 0));
    assert!(bed.pool.take_ready(10).is_empty());
}

#[tokio::test]
async fn refusals_carry_the_words_that_clients_match() {
    let (bed, key) = (bed(), PrivateKeySigner::random());
    bed.fund(key.address(), 5, ETHER);
    let with = |edit: fn(&mut TxEip1559)| {
        let mut tx = transfer(5);
        edit(&mut tx);
        signed(tx, &key)
    };
    let cases: [(Bytes, &str); 9] = [
        (
            with(|tx| tx.nonce = 4),
            "nonce too low: next nonce 5, tx nonce 4",
        ),
        (with(|tx| tx.nonce = 1_030), "nonce too high"),
        (
            with(|tx| tx.value = ETHER),
            "insufficient funds for gas * price + value",
        ),
        (with(|tx| tx.gas_limit = 20_999), "intrinsic gas too low"),
        (
            with(|tx| tx.max_fee_per_gas = 1),
            "max fee per gas less than block base fee",
        ),
        (
            with(|tx| tx.max_priority_fee_per_gas = 3 * GWEI),
            "max priority fee per gas higher than max fee per gas",
        ),
        (
            with(|tx| tx.gas_limit = 1 << 25),
            "transaction gas limit too high",
        ),
        (
            with(|tx| tx.chain_id = 1),
            "invalid chain id for signer: have 1 want 7117",
        ),
        (
            with(|tx| tx.input = vec![1; 96_000].into()),
            "oversized data",
        ),
    ];
    for (encoded, words) in cases {
        let refusal = refusal(&bed, encoded).await;
        assert!(
            refusal.starts_with(words),
            "{refusal:?} should start with {words:?}"
        );
    }
    assert_eq!(refusal(&bed, Bytes::new()).await, "empty transaction data");
    for kind in [0, 3, 5, 0x7e] {
        assert_eq!(
            refusal(&bed, vec![kind, 0xc0].into()).await,
            "transaction type not supported"
        );
    }
    assert!(
        refusal(&bed, vec![2, 0xc0].into())
            .await
            .starts_with("failed to decode")
    );
    assert!(bed.pool.content().is_empty());
    assert_eq!(bed.journal.0.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn sender_with_code_is_refused_unless_delegated() {
    let (bed, key) = (bed(), PrivateKeySigner::random());
    let info = AccountInfo {
        nonce: 0,
        balance: ETHER,
        code_hash: B256::repeat_byte(1),
    };
    bed.accounts.0.lock().insert(
        key.address(),
        SenderAccount {
            info,
            code: Bytes::from_static(&[0x60]),
        },
    );
    assert_eq!(
        refusal(&bed, signed(transfer(0), &key)).await,
        "sender not an eoa"
    );
    bed.accounts.0.lock().insert(
        key.address(),
        SenderAccount {
            info,
            code: [&[0xef, 1, 0][..], &[7; 20]].concat().into(),
        },
    );
    bed.pool.submit(signed(transfer(0), &key)).await.unwrap();
}

#[tokio::test]
async fn every_admitted_type_recovers_its_signer() {
    let (bed, key) = (bed(), PrivateKeySigner::random());
    bed.fund(key.address(), 0, ETHER);
    let to = TxKind::Call(Address::ZERO);
    let legacy = TxLegacy {
        nonce: 0,
        gas_limit: 21_000,
        gas_price: GWEI,
        to,
        ..TxLegacy::default()
    };
    let protected = TxLegacy {
        nonce: 1,
        chain_id: Some(CHAIN),
        ..legacy.clone()
    };
    let listed = TxEip2930 {
        chain_id: CHAIN,
        nonce: 2,
        gas_limit: 21_000,
        gas_price: GWEI,
        to,
        ..TxEip2930::default()
    };
    let set_code = TxEip7702 {
        chain_id: CHAIN,
        nonce: 3,
        gas_limit: 100_000,
        max_fee_per_gas: GWEI,
        ..TxEip7702::default()
    };
    for encoded in [
        signed(legacy, &key),
        signed(protected, &key),
        signed(listed, &key),
    ] {
        bed.pool.submit(encoded).await.unwrap();
    }
    let refused = refusal(&bed, signed(set_code.clone(), &key)).await;
    assert_eq!(
        refused,
        "EIP-7702 transaction with empty authorization list"
    );
    let authorization = alloy_eips::eip7702::Authorization {
        chain_id: U256::from(CHAIN),
        address: Address::repeat_byte(7),
        nonce: 4,
    };
    let signature = key.sign_hash_sync(&authorization.signature_hash()).unwrap();
    let set_code = TxEip7702 {
        authorization_list: vec![authorization.into_signed(signature)],
        ..set_code
    };
    bed.pool.submit(signed(set_code, &key)).await.unwrap();
    let taken = bed.pool.take_ready(10);
    assert_eq!(
        taken.iter().map(|tx| tx.nonce()).collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
    assert!(taken.iter().all(|tx| tx.sender == key.address()));
}

#[tokio::test]
async fn high_s_signature_is_refused() {
    let (bed, key) = (bed(), PrivateKeySigner::random());
    bed.fund(key.address(), 0, ETHER);
    let tx = transfer(0);
    let low = key.sign_hash_sync(&tx.signature_hash()).unwrap();
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    )
    .unwrap();
    let high = Signature::new(low.r(), order - low.s(), !low.v());
    let encoded = OpTxEnvelope::from(tx.into_signed(high)).encoded_2718();
    assert_eq!(
        refusal(&bed, encoded.into()).await,
        "invalid sender: signature with a high s value"
    );
}

#[test]
fn future_nonces_wait_until_the_gap_is_filled() {
    let (bed, sender) = (bed(), Address::repeat_byte(1));
    bed.fund(sender, 0, ETHER);
    for nonce in [3, 1, 2] {
        bed.pool.insert(unsigned(sender, transfer(nonce))).unwrap();
    }
    assert!(bed.pool.take_ready(10).is_empty());
    assert_eq!(bed.pool.pending_nonce(&sender), Some(0));
    bed.pool.insert(unsigned(sender, transfer(0))).unwrap();
    let nonces: Vec<_> = bed
        .pool
        .take_ready(10)
        .iter()
        .map(|tx| tx.nonce())
        .collect();
    assert_eq!(nonces, [0, 1, 2, 3]);
}

#[test]
fn a_thousand_and_twenty_four_future_nonces_are_kept_and_no_more() {
    let (bed, sender) = (bed(), Address::repeat_byte(1));
    bed.fund(sender, 0, ETHER);
    for nonce in 0..=1_024 {
        bed.pool.insert(unsigned(sender, transfer(nonce))).unwrap();
    }
    let refused = bed
        .pool
        .insert(unsigned(sender, transfer(1_025)))
        .unwrap_err();
    assert!(matches!(
        refused,
        PoolError::NonceTooHigh {
            next: 0,
            got: 1_025,
            ahead: 1_024
        }
    ));
    assert_eq!(bed.pool.take_ready(2_000).len(), 1_025);
}

#[test]
fn replacement_needs_a_tenth_more() {
    let (bed, sender) = (bed(), Address::repeat_byte(1));
    bed.fund(sender, 0, ETHER);
    let priced = |fee| TxEip1559 {
        max_fee_per_gas: fee,
        ..transfer(0)
    };
    let first = bed
        .pool
        .insert(unsigned(sender, priced(20 * GWEI)))
        .unwrap();
    let again = bed
        .pool
        .insert(unsigned(sender, priced(20 * GWEI)))
        .unwrap_err();
    assert_eq!(again, PoolError::AlreadyKnown);
    let short = bed
        .pool
        .insert(unsigned(sender, priced(22 * GWEI - 1)))
        .unwrap_err();
    assert_eq!(short, PoolError::ReplacementUnderpriced);
    let second = bed
        .pool
        .insert(unsigned(sender, priced(22 * GWEI)))
        .unwrap();
    assert_eq!(
        bed.pool.stage(&first.hash()),
        Some(Stage::Dropped(DropReason::Replaced))
    );
    let taken = bed.pool.take_ready(10);
    assert_eq!(taken[0].hash(), second.hash());
    let late = bed
        .pool
        .insert(unsigned(sender, priced(30 * GWEI)))
        .unwrap_err();
    assert_eq!(late, PoolError::NonceTooLow { next: 1, got: 0 });
}

/// What MetaMask's buttons do: both fees times 1.1, without the fraction.
#[test]
fn replacement_by_a_wallet_that_drops_the_fraction_is_taken() {
    let (bed, sender) = (bed(), Address::repeat_byte(1));
    bed.fund(sender, 0, ETHER);
    for (nonce, price) in [(0, 10 * GWEI + 1), (1, 10 * GWEI + 9)] {
        let priced = |fee| TxEip1559 {
            max_fee_per_gas: fee,
            max_priority_fee_per_gas: fee,
            ..transfer(nonce)
        };
        bed.pool.insert(unsigned(sender, priced(price))).unwrap();
        let raised = price * 11 / 10;
        assert_ne!(raised * 10, price * 11, "there is a fraction");
        bed.pool.insert(unsigned(sender, priced(raised))).unwrap();
    }
}

#[test]
fn transaction_below_the_base_fee_waits_for_it_to_fall() {
    let (bed, sender) = (bed(), Address::repeat_byte(1));
    bed.fund(sender, 0, ETHER);
    bed.pool.set_fees(fees(3 * GWEI));
    bed.pool.insert(unsigned(sender, transfer(0))).unwrap();
    assert!(bed.pool.take_ready(10).is_empty());
    bed.pool.set_fees(fees(2 * GWEI));
    assert_eq!(bed.pool.take_ready(10).len(), 1);
}

#[test]
fn base_fee_that_rises_after_admission_holds_the_transaction_back() {
    let (bed, sender) = (bed(), Address::repeat_byte(1));
    bed.fund(sender, 0, ETHER);
    bed.pool.insert(unsigned(sender, transfer(0))).unwrap();
    bed.pool.set_fees(fees(3 * GWEI));
    assert!(bed.pool.take_ready(10).is_empty());
    bed.pool.set_fees(fees(GWEI));
    assert_eq!(bed.pool.take_ready(10).len(), 1);
}

#[test]
fn pitfall_b57_latent_overdraft_is_refused() {
    let (bed, sender) = (bed(), Address::repeat_byte(1));
    let cost = unsigned(sender, transfer(0)).cost;
    bed.fund(sender, 0, cost * U256::from(2));
    bed.pool.insert(unsigned(sender, transfer(0))).unwrap();
    bed.pool.insert(unsigned(sender, transfer(1))).unwrap();
    let refused = bed.pool.insert(unsigned(sender, transfer(2))).unwrap_err();
    assert!(matches!(refused, PoolError::InsufficientFunds { .. }));
}

#[test]
fn balance_drained_by_others_parks_what_it_no_longer_covers() {
    let (bed, sender) = (bed(), Address::repeat_byte(1));
    bed.fund(sender, 0, ETHER);
    bed.pool.insert(unsigned(sender, transfer(0))).unwrap();
    let drained = AccountInfo {
        nonce: 0,
        balance: U256::from(5),
        ..AccountInfo::default()
    };
    let mut diff = StateDiff::default();
    diff.accounts.insert(
        sender,
        AccountChange {
            info: Some(drained),
            storage: BTreeMap::new(),
        },
    );
    bed.pool.on_block(&BlockUpdate {
        included: &[],
        diff: &diff,
        fees: fees(GWEI),
    });
    assert!(bed.pool.take_ready(10).is_empty());
    bed.block(sender, 0, &[]);
    assert_eq!(bed.pool.take_ready(10).len(), 1);
}

#[test]
fn pitfall_b57_future_transactions_never_evict_executable_ones() {
    let bed = bed_with(PoolLimits {
        total_count: 3,
        ..PoolLimits::default()
    });
    let who = |n| Address::repeat_byte(n);
    for n in 1..=5 {
        bed.fund(who(n), 0, ETHER);
    }
    bed.pool.insert(unsigned(who(1), transfer(0))).unwrap();
    bed.pool.insert(unsigned(who(2), transfer(0))).unwrap();
    let parked = bed.pool.insert(unsigned(who(3), transfer(9))).unwrap();
    let rich = TxEip1559 {
        max_fee_per_gas: 90 * GWEI,
        ..transfer(9)
    };
    assert_eq!(
        bed.pool.insert(unsigned(who(4), rich)).unwrap_err(),
        PoolError::Full
    );
    bed.pool.insert(unsigned(who(5), transfer(0))).unwrap();
    assert_eq!(
        bed.pool.stage(&parked.hash()),
        Some(Stage::Dropped(DropReason::Evicted))
    );
    assert_eq!(
        bed.pool.insert(unsigned(who(4), transfer(0))).unwrap_err(),
        PoolError::Full
    );
    assert_eq!(bed.pool.take_ready(10).len(), 3);
}

#[test]
fn one_sender_cannot_hold_more_than_its_bytes() {
    let size = unsigned(Address::ZERO, transfer(0)).encoded.len();
    let bed = bed_with(PoolLimits {
        sender_bytes: 2 * size,
        ..PoolLimits::default()
    });
    let sender = Address::repeat_byte(1);
    bed.fund(sender, 0, ETHER);
    bed.pool.insert(unsigned(sender, transfer(0))).unwrap();
    bed.pool.insert(unsigned(sender, transfer(1))).unwrap();
    let refused = bed.pool.insert(unsigned(sender, transfer(2))).unwrap_err();
    assert!(matches!(refused, PoolError::SenderFull { .. }));
}

#[test]
fn handed_back_and_rejected_transactions_keep_nonce_order() {
    let (bed, sender) = (bed(), Address::repeat_byte(1));
    bed.fund(sender, 0, ETHER);
    let all: Vec<_> = (0..4)
        .map(|nonce| bed.pool.insert(unsigned(sender, transfer(nonce))).unwrap())
        .collect();
    assert_eq!(bed.pool.take_ready(10).len(), 4);
    bed.pool.hand_back(&all[2].hash());
    let nonces: Vec<_> = bed
        .pool
        .take_ready(10)
        .iter()
        .map(|tx| tx.nonce())
        .collect();
    assert_eq!(nonces, [2, 3]);
    bed.pool.reject(&all[1].hash(), "out of luck".to_owned());
    assert!(bed.pool.take_ready(10).is_empty(), "nonce 1 is missing now");
    // The engine still holds the later ones and finds them out of order: no reason to lose them.
    bed.pool.reject(&all[2].hash(), "nonce too high".to_owned());
    assert_eq!(bed.pool.stage(&all[2].hash()), Some(Stage::Queued));
    assert_eq!(bed.pool.pending_nonce(&sender), Some(1));
    let reason = DropReason::Invalid("out of luck".to_owned());
    assert_eq!(bed.pool.stage(&all[1].hash()), Some(Stage::Dropped(reason)));
}

#[test]
fn unwind_takes_transactions_back() {
    let (bed, sender) = (bed(), Address::repeat_byte(1));
    bed.fund(sender, 0, ETHER);
    let first = bed.pool.insert(unsigned(sender, transfer(0))).unwrap();
    bed.pool.insert(unsigned(sender, transfer(1))).unwrap();
    bed.pool.take_ready(1);
    bed.block(sender, 1, &[first.hash()]);
    assert_eq!(bed.pool.take_ready(10).len(), 1);
    bed.fund(sender, 0, ETHER);
    bed.pool
        .on_unwind(vec![(*first).clone()], fees(GWEI))
        .unwrap();
    let nonces: Vec<_> = bed
        .pool
        .take_ready(10)
        .iter()
        .map(|tx| tx.nonce())
        .collect();
    assert_eq!(nonces, [0, 1]);
}

#[test]
fn restart_takes_back_what_is_valid_and_says_why_the_rest_is_not() {
    let (bed, key) = (bed(), PrivateKeySigner::random());
    bed.fund(key.address(), 1, ETHER);
    // In no order, as a hash map gives them; nonce 0 was used before the restart.
    let kept = [2, 0, 1].map(|nonce| bed.pool.decode(signed(transfer(nonce), &key)).unwrap());
    let stale = kept[1].hash();
    bed.pool.on_unwind(kept.into(), fees(GWEI)).unwrap();
    let nonces: Vec<_> = bed
        .pool
        .take_ready(10)
        .iter()
        .map(|tx| tx.nonce())
        .collect();
    assert_eq!(nonces, [1, 2]);
    let reason = "nonce too low: next nonce 1, tx nonce 0".to_owned();
    assert_eq!(
        bed.pool.stage(&stale),
        Some(Stage::Dropped(DropReason::Invalid(reason)))
    );
    assert_eq!(
        bed.journal.0.load(Ordering::Relaxed),
        0,
        "they are journaled already"
    );
    assert_eq!(bed.journal.1.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn paused_pool_says_so_and_resumes() {
    let (bed, key) = (bed(), PrivateKeySigner::random());
    bed.fund(key.address(), 0, ETHER);
    bed.pool.set_paused(Some("shutting down"));
    let refused = bed
        .pool
        .submit(signed(transfer(0), &key))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), -32005);
    bed.pool.set_paused(None);
    bed.pool.submit(signed(transfer(0), &key)).await.unwrap();
}

#[tokio::test]
async fn admission_costs_more_and_stops_by_what_waits_for_l1_and_spares_the_admitted() {
    let (bed, key) = (bed(), PrivateKeySigner::random());
    bed.fund(key.address(), 0, ETHER);
    let priced = |nonce, fee| TxEip1559 {
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: 0,
        ..transfer(nonce)
    };
    bed.pool.set_admission(Some(250));
    assert_eq!(bed.pool.admission_price(), Some(GWEI * 5 / 2));
    let cheap = signed(priced(0, GWEI * 5 / 2 - 1), &key);
    let refused = bed.pool.submit(cheap.clone()).await.unwrap_err();
    let (have, want) = (GWEI * 5 / 2 - 1, GWEI * 5 / 2);
    assert_eq!(refused, PoolError::Underpriced { have, want });
    // From the journal: it was admitted when that cost less.
    let kept = bed.pool.decode(cheap).unwrap();
    bed.pool.insert(kept).unwrap();
    let dear = signed(priced(1, GWEI * 5 / 2), &key);
    bed.pool.submit(dear).await.unwrap();

    bed.pool.set_admission(None);
    let next = signed(priced(2, 100 * GWEI), &key);
    let refused = bed.pool.submit(next.clone()).await.unwrap_err();
    assert_eq!((refused.code(), &refused), (-32005, &PoolError::Backlogged));
    assert_eq!(bed.pool.take_ready(10).len(), 2, "what was taken goes on");
    bed.pool.set_admission(Some(100));
    bed.pool.submit(next).await.unwrap();
}

#[derive(Debug, Clone)]
enum Op {
    Insert { sender: u8, nonce: u64, fee: u128 },
    Take(usize),
    Seal,
    HandBack(u8),
    BaseFee(u128),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (1_u8..4, 0_u64..8, 1_u128..40)
            .prop_map(|(sender, nonce, fee)| Op::Insert { sender, nonce, fee }),
        3 => (1_usize..5).prop_map(Op::Take),
        2 => Just(Op::Seal),
        1 => (0_u8..8).prop_map(Op::HandBack),
        1 => (1_u128..30).prop_map(Op::BaseFee),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever happens, each sender's transactions are handed over by nonce without gaps, at or
    /// above the base fee, and the byte count is that of the content.
    #[test]
    fn hand_over_keeps_nonce_order_under_random_operations(ops in prop::collection::vec(op(), 1..120)) {
        let bed = bed_with(PoolLimits { total_count: 12, ..PoolLimits::default() });
        let mut nonces: HashMap<Address, u64> = HashMap::new();
        for n in 1..4 {
            bed.fund(Address::repeat_byte(n), 0, ETHER);
        }
        let mut out: Vec<Arc<PooledTransaction>> = Vec::new();
        for op in ops {
            match op {
                Op::Insert { sender, nonce, fee } => {
                    let tx = TxEip1559 { max_fee_per_gas: fee * GWEI, ..transfer(nonce) };
                    let _ = bed.pool.insert(unsigned(Address::repeat_byte(sender), tx));
                }
                Op::Take(max) => {
                    let base_fee = bed.pool.fees().base_fee;
                    for tx in bed.pool.take_ready(max) {
                        prop_assert!(tx.max_fee() >= base_fee);
                        let last = out.iter().filter(|known| known.sender == tx.sender).count() as u64;
                        let next = nonces.get(&tx.sender).copied().unwrap_or(0) + last;
                        prop_assert_eq!(tx.nonce(), next);
                        out.push(tx);
                    }
                }
                Op::Seal => {
                    for tx in std::mem::take(&mut out) {
                        nonces.insert(tx.sender, tx.nonce() + 1);
                        bed.block(tx.sender, tx.nonce() + 1, &[tx.hash()]);
                    }
                }
                Op::HandBack(at) => {
                    if let Some(first) = out.get(usize::from(at)).cloned() {
                        bed.pool.hand_back(&first.hash());
                        out.retain(|tx| tx.sender != first.sender || tx.nonce() < first.nonce());
                    }
                }
                Op::BaseFee(fee) => bed.pool.set_fees(fees(fee * GWEI)),
            }
            let content = bed.pool.content();
            prop_assert!(content.len() <= 12);
            let bytes: usize = content.iter().map(|(_, tx)| tx.encoded.len()).sum();
            prop_assert_eq!(bed.pool.bytes(), bytes);
            for (_, tx) in &content {
                let kept = bed.pool.get(&tx.hash());
                prop_assert_eq!(kept.as_ref(), Some(tx));
            }
        }
    }
}
