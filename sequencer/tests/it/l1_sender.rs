//! The sender against anvil: crashes, drops, stuck fees, strangers, reorgs.
//!
//! The contract that it calls counts up when it is given its own count, and reverts otherwise: the
//! rule of the Inbox for batch numbers, in twenty bytes.

mod blobs;

use alloy::{
    network::Ethereum,
    primitives::{Address, B256, Bytes, U256, hex},
    providers::{Provider, RootProvider},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use trestle_sequencer::l1::{
    JournalError, JournaledTx, L1Client, L1Sender, MemoryJournal, SenderConfig, SenderError,
    SenderHandle, SenderJournal, SenderStatus, SubmitError, TxKey, TxRequest, TxState,
};
use trestle_test_support::{Anvil, AnvilOptions, DEV_KEYS, Fault, FaultProxy};

const COUNTER: [u8; 29] = hex!("60148060095f395ff35f545f3514600b575f5ffd5b5f546001015f5500");

struct Bench {
    anvil: Anvil,
    proxy: FaultProxy,
    l1: RootProvider<Ethereum>,
    counter: Address,
    account: Address,
    journal: MemoryJournal,
    config: SenderConfig,
}

impl Bench {
    /// An L1 that mines when told to, with the counter deployed by another account.
    async fn new() -> Self {
        let options = AnvilOptions {
            automine: false,
            ..Default::default()
        };
        let anvil = Anvil::start_with(&options).unwrap();
        let l1 = anvil.provider().clone();
        let proxy = FaultProxy::start(anvil.url()).await.unwrap();
        let account = signer().address();
        let mut config = SenderConfig::for_block_time(31_337, Duration::from_millis(100));
        config.poll = Duration::from_millis(20);
        config.resend_after = Duration::from_millis(100);
        config.cancel_after = Duration::from_millis(200);
        config.taken_after = Duration::from_millis(200);
        let mut bench = Self {
            anvil,
            proxy,
            l1,
            counter: Address::ZERO,
            account,
            journal: MemoryJournal::default(),
            config,
        };
        let deploy = TransactionRequest::default()
            .from(stranger())
            .input(COUNTER.to_vec().into());
        let hash = bench.send_as(deploy).await;
        bench.mine(1).await;
        let receipt = bench
            .l1
            .get_transaction_receipt(hash)
            .await
            .unwrap()
            .unwrap();
        bench.counter = receipt.contract_address.unwrap();
        bench
    }

    /// Sends through anvil's own unlocked accounts, impersonated or not.
    async fn send_as(&self, tx: TransactionRequest) -> B256 {
        self.l1
            .raw_request("eth_sendTransaction".into(), (tx.gas_limit(1_000_000),))
            .await
            .unwrap()
    }

    async fn mine(&self, blocks: u64) {
        self.anvil.mine(blocks).await.unwrap();
    }

    fn spawn(&self) -> (SenderHandle, JoinHandle<Result<(), SenderError>>) {
        self.spawn_with(Arc::new(self.journal.clone()))
    }

    fn spawn_with(
        &self,
        journal: Arc<dyn SenderJournal>,
    ) -> (SenderHandle, JoinHandle<Result<(), SenderError>>) {
        let client = L1Client::new(self.proxy.url().parse().unwrap(), Duration::from_secs(5));
        let (sender, handle) = L1Sender::new(client, signer().into(), journal, self.config.clone());
        (handle, tokio::spawn(sender.run()))
    }

    fn count(&self, key: u64, expected: u64) -> TxRequest {
        TxRequest {
            key: TxKey::numbered("count", key),
            to: self.counter,
            data: Bytes::from(B256::from(U256::from(expected)).to_vec()),
            value: U256::ZERO,
            gas_limit: None,
            blobs: None,
        }
    }

    async fn counted(&self) -> u64 {
        self.l1
            .get_storage_at(self.counter, U256::ZERO)
            .await
            .unwrap()
            .to()
    }

    async fn nonce(&self) -> u64 {
        self.l1.get_transaction_count(self.account).await.unwrap()
    }
}

fn signer() -> PrivateKeySigner {
    DEV_KEYS[0].parse().unwrap()
}

fn stranger() -> Address {
    DEV_KEYS[1].parse::<PrivateKeySigner>().unwrap().address()
}

fn key(number: u64) -> TxKey {
    TxKey::numbered("count", number)
}

/// Waits until the sender's status is as wanted.
async fn until(
    handle: &SenderHandle,
    what: &str,
    mut is_reached: impl FnMut(&SenderStatus) -> bool,
) -> SenderStatus {
    let mut status = handle.status();
    let reached = status.wait_for(|status| is_reached(status));
    match tokio::time::timeout(Duration::from_secs(20), reached).await {
        Ok(status) => status.unwrap().clone(),
        Err(_) => panic!("{what}: {:?}", handle.status().borrow()),
    }
}

fn is_included(status: &SenderStatus, number: u64) -> bool {
    matches!(
        status.txs.get(&key(number)),
        Some(TxState::Included {
            is_success: true,
            ..
        })
    )
}

fn is_pending(status: &SenderStatus, number: u64) -> bool {
    matches!(status.txs.get(&key(number)), Some(TxState::Pending { .. }))
}

fn hash_of(state: &TxState) -> B256 {
    match state {
        TxState::Pending { hash, .. } | TxState::Included { hash, .. } => *hash,
        TxState::Stale { .. } => panic!("stale"),
    }
}

#[tokio::test]
async fn request_sent_twice_lands_once() {
    let bench = Bench::new().await;
    let (handle, _task) = bench.spawn();
    let first = handle.submit(bench.count(1, 0)).await.unwrap();
    let again = handle.submit(bench.count(1, 0)).await.unwrap();
    assert_eq!(hash_of(&first), hash_of(&again));
    bench.mine(1).await;
    until(&handle, "included", |status| is_included(status, 1)).await;
    let after = handle.submit(bench.count(1, 0)).await.unwrap();
    assert_eq!(hash_of(&first), hash_of(&after));
    assert_eq!(
        handle.submit(bench.count(1, 7)).await,
        Err(SubmitError::AlreadyIncluded {
            key: key(1),
            block: 2
        })
    );
    assert_eq!((bench.counted().await, bench.nonce().await), (1, 1));
}

#[tokio::test]
async fn request_that_would_revert_costs_nothing() {
    let bench = Bench::new().await;
    let (handle, _task) = bench.spawn();
    let error = handle.submit(bench.count(1, 5)).await.unwrap_err();
    assert!(
        matches!(error, SubmitError::WouldRevert { .. }),
        "{error:?}"
    );
    assert_eq!(bench.proxy.calls("eth_sendRawTransaction"), 0);
    assert!(bench.journal.load().unwrap().is_empty());
}

/// A journal whose disk fails while `is_broken`.
#[derive(Debug)]
struct BreakingJournal(MemoryJournal, std::sync::atomic::AtomicBool);

impl SenderJournal for BreakingJournal {
    fn load(&self) -> Result<Vec<JournaledTx>, JournalError> {
        self.0.load()
    }

    fn append(&self, tx: &JournaledTx, sidecar: Option<&Bytes>) -> Result<(), JournalError> {
        if self.1.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(JournalError {
                reason: "disk full".into(),
            });
        }
        self.0.append(tx, sidecar)
    }

    fn sidecar(&self, nonce: u64) -> Result<Option<Bytes>, JournalError> {
        self.0.sidecar(nonce)
    }

    fn prune_below(&self, nonce: u64, spent: &Bytes) -> Result<(), JournalError> {
        self.0.prune_below(nonce, spent)
    }

    fn spent(&self) -> Result<Option<Bytes>, JournalError> {
        self.0.spent()
    }
}

#[tokio::test]
async fn transaction_that_cannot_be_journaled_is_not_broadcast() {
    let bench = Bench::new().await;
    let journal = Arc::new(BreakingJournal(bench.journal.clone(), true.into()));
    let (handle, _task) = bench.spawn_with(journal.clone());
    let error = handle.submit(bench.count(1, 0)).await.unwrap_err();
    assert!(
        matches!(error, SubmitError::Sender(SenderError::Journal(_))),
        "{error:?}"
    );
    assert_eq!(bench.proxy.calls("eth_sendRawTransaction"), 0);
    journal.1.store(false, std::sync::atomic::Ordering::SeqCst);
    handle.submit(bench.count(1, 0)).await.unwrap();
    bench.mine(1).await;
    until(&handle, "included", |status| is_included(status, 1)).await;
    assert_eq!(bench.nonce().await, 1);
}

/// Killed between journal and broadcast, and between broadcast and inclusion: either way the next
/// life sends the same bytes.
#[tokio::test]
async fn sender_killed_after_journal_or_broadcast_sends_the_same_bytes() {
    for fault in [Fault::Down, Fault::None, Fault::LoseAnswer] {
        let bench = Bench::new().await;
        let rule = fault.clone();
        bench.proxy.set_rule(move |method, _| match method {
            "eth_sendRawTransaction" => rule.clone(),
            _ => Fault::None,
        });
        let (handle, task) = bench.spawn();
        let first = handle.submit(bench.count(1, 0)).await.unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        let sent = matches!(fault, Fault::Down);
        let pool = bench
            .l1
            .get_transaction_by_hash(hash_of(&first))
            .await
            .unwrap();
        assert_eq!(pool.is_none(), sent, "{fault:?}");

        bench.proxy.heal();
        let (handle, _task) = bench.spawn();
        until(&handle, "recovered", |status| is_pending(status, 1)).await;
        let again = handle.submit(bench.count(1, 0)).await.unwrap();
        assert_eq!(hash_of(&first), hash_of(&again));
        let l1 = bench.l1.clone();
        let hash = hash_of(&first);
        wait_for(|| async { l1.get_transaction_by_hash(hash).await.unwrap().is_some() }).await;
        bench.mine(1).await;
        until(&handle, "included", |status| is_included(status, 1)).await;
        assert_eq!(
            (bench.counted().await, bench.nonce().await),
            (1, 1),
            "{fault:?}"
        );
        assert_eq!(bench.journal.load().unwrap().len(), 1, "{fault:?}");
    }
}

async fn wait_for<F: Future<Output = bool>>(mut is_so: impl FnMut() -> F) {
    let all = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all)
        .await
        .unwrap();
}

#[tokio::test]
async fn sender_restarted_after_inclusion_takes_the_next_nonce() {
    let bench = Bench::new().await;
    let (handle, task) = bench.spawn();
    handle.submit(bench.count(1, 0)).await.unwrap();
    bench.mine(1).await;
    until(&handle, "included", |status| is_included(status, 1)).await;
    task.abort();
    let (handle, _task) = bench.spawn();
    until(&handle, "recovered", |status| is_included(status, 1)).await;
    handle.submit(bench.count(2, 1)).await.unwrap();
    bench.mine(1).await;
    until(&handle, "included", |status| is_included(status, 2)).await;
    assert_eq!((bench.counted().await, bench.nonce().await), (2, 2));
}

#[tokio::test]
async fn transaction_dropped_from_the_pool_is_sent_again() {
    let bench = Bench::new().await;
    let (handle, _task) = bench.spawn();
    let hash = hash_of(&handle.submit(bench.count(1, 0)).await.unwrap());
    bench.anvil.drop_transaction(hash).await.unwrap();
    let l1 = bench.l1.clone();
    wait_for(|| async { l1.get_transaction_by_hash(hash).await.unwrap().is_some() }).await;
    bench.mine(1).await;
    let status = until(&handle, "included", |status| is_included(status, 1)).await;
    assert_eq!(hash_of(&status.txs[&key(1)]), hash);
}

#[tokio::test]
async fn transaction_with_too_low_a_fee_is_replaced_at_its_nonce() {
    let bench = Bench::new().await;
    let (handle, _task) = bench.spawn();
    let first = hash_of(&handle.submit(bench.count(1, 0)).await.unwrap());
    for _ in 0..12 {
        let fee = U256::from(9_000_000_000u64);
        let _: Value = bench
            .anvil
            .rpc("anvil_setNextBlockBaseFeePerGas", (fee,))
            .await
            .unwrap();
        let before = bench.proxy.calls("eth_getTransactionCount");
        bench.mine(1).await;
        let proxy = &bench.proxy;
        wait_for(|| async { proxy.calls("eth_getTransactionCount") > before }).await;
        if bench.nonce().await == 1 {
            break;
        }
    }
    let status = until(&handle, "included", |status| is_included(status, 1)).await;
    assert_ne!(hash_of(&status.txs[&key(1)]), first);
    assert!(bench.journal.load().unwrap().len() > 1);
    assert_eq!((bench.counted().await, bench.nonce().await), (1, 1));
}

#[tokio::test]
async fn pitfall_b39_nonce_used_by_somebody_else_halts_with_its_name() {
    let bench = Bench::new().await;
    let (handle, task) = bench.spawn();
    let state = handle.submit(bench.count(1, 0)).await.unwrap();
    // The stranger with our key: our transaction leaves the pool, another one takes its nonce.
    bench.proxy.set_rule(|method, _| match method {
        "eth_sendRawTransaction" => Fault::Down,
        _ => Fault::None,
    });
    bench.anvil.drop_transaction(hash_of(&state)).await.unwrap();
    let foreign = TransactionRequest::default()
        .from(bench.account)
        .to(stranger());
    bench.send_as(foreign).await;
    bench.mine(1).await;
    let error = tokio::time::timeout(Duration::from_secs(20), task)
        .await
        .unwrap()
        .unwrap();
    let account = bench.account;
    assert_eq!(error, Err(SenderError::NonceTaken { account, nonce: 0 }));
    let status = handle.status().borrow().clone();
    assert!(status.is_halted);
    assert_eq!(
        handle.submit(bench.count(2, 0)).await,
        Err(SubmitError::Stopped)
    );
}

#[tokio::test]
async fn transaction_reorged_out_lands_again_with_the_same_bytes() {
    for depth in [1, 3, 8] {
        let bench = Bench::new().await;
        bench.mine(8).await;
        let (handle, _task) = bench.spawn();
        let first = hash_of(&handle.submit(bench.count(1, 0)).await.unwrap());
        bench.mine(1).await;
        until(&handle, "included", |status| is_included(status, 1)).await;
        bench.mine(depth - 1).await;
        bench.anvil.reorg(depth, &[]).await.unwrap();
        assert_eq!((bench.counted().await, bench.nonce().await), (0, 0));
        until(&handle, "reorged", |status| is_pending(status, 1)).await;
        let l1 = bench.l1.clone();
        wait_for(|| async { l1.get_transaction_by_hash(first).await.unwrap().is_some() }).await;
        bench.mine(1).await;
        let status = until(&handle, "included again", |status| is_included(status, 1)).await;
        assert_eq!(hash_of(&status.txs[&key(1)]), first, "depth {depth}");
        assert_eq!((bench.counted().await, bench.nonce().await), (1, 1));
    }
}

/// The Inbox's case: a forced batch takes the number that our waiting batch was built for.
#[tokio::test]
async fn waiting_transaction_that_would_revert_is_held_and_its_nonce_reused() {
    let bench = Bench::new().await;
    let (handle, _task) = bench.spawn();
    let first = hash_of(&handle.submit(bench.count(1, 0)).await.unwrap());
    bench.anvil.drop_transaction(first).await.unwrap();
    bench.proxy.set_rule(|method, _| match method {
        "eth_sendRawTransaction" => Fault::Down,
        _ => Fault::None,
    });
    let forced = TransactionRequest::default()
        .from(stranger())
        .to(bench.counter)
        .input(vec![0; 32].into());
    bench.send_as(forced).await;
    bench.mine(1).await;
    let is_stale =
        |status: &SenderStatus| matches!(status.txs.get(&key(1)), Some(TxState::Stale { .. }));
    until(&handle, "stale", is_stale).await;
    bench.proxy.heal();
    handle.submit(bench.count(2, 1)).await.unwrap();
    bench.mine(1).await;
    let status = until(&handle, "included", |status| is_included(status, 2)).await;
    assert!(matches!(
        status.txs[&key(2)],
        TxState::Included { nonce: 0, .. }
    ));
    assert!(!status.txs.contains_key(&key(1)));
    assert_eq!((bench.counted().await, bench.nonce().await), (2, 1));
}

#[tokio::test]
async fn waiting_transaction_that_stays_stale_is_cancelled_for_little() {
    let bench = Bench::new().await;
    let (handle, _task) = bench.spawn();
    handle.submit(bench.count(1, 0)).await.unwrap();
    // Counted by somebody else while ours stays in the pool.
    let one = B256::with_last_byte(1);
    let _: bool = bench
        .anvil
        .rpc("anvil_setStorageAt", (bench.counter, U256::ZERO, one))
        .await
        .unwrap();
    // Blocks too small for ours: it stays in the pool.
    let _: bool = bench
        .anvil
        .rpc("evm_setBlockGasLimit", (U256::from(30_000),))
        .await
        .unwrap();
    bench.mine(1).await;
    until(&handle, "cancelled", |status| {
        !status.txs.contains_key(&key(1))
    })
    .await;
    bench.mine(1).await;
    let l1 = bench.l1.clone();
    let account = bench.account;
    wait_for(|| async { l1.get_transaction_count(account).await.unwrap() == 1 }).await;
    let block = bench
        .l1
        .get_block(alloy::eips::BlockId::latest())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(block.header.gas_used, 21_000);
    assert_eq!(bench.counted().await, 1);
}

#[tokio::test]
async fn sender_on_another_chain_halts_with_both_ids() {
    let mut bench = Bench::new().await;
    bench.config.chain_id = 1;
    let (_handle, task) = bench.spawn();
    let result = tokio::time::timeout(Duration::from_secs(20), task)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        result,
        Err(SenderError::WrongChain {
            expected: 1,
            got: 31_337
        })
    );
}

#[tokio::test]
async fn l1_outage_delays_the_transaction_and_loses_nothing() {
    let bench = Bench::new().await;
    let (handle, _task) = bench.spawn();
    handle.submit(bench.count(1, 0)).await.unwrap();
    bench.proxy.set_rule(|_, _| Fault::Down);
    until(&handle, "fault", |status| {
        matches!(status.fault, Some(SenderError::Rpc(_)))
    })
    .await;
    bench.mine(1).await;
    let error = handle.submit(bench.count(2, 1)).await.unwrap_err();
    assert!(
        matches!(error, SubmitError::Sender(SenderError::Rpc(_))),
        "{error:?}"
    );
    bench.proxy.heal();
    until(&handle, "healed", |status| {
        is_included(status, 1) && status.fault.is_none()
    })
    .await;
    handle.submit(bench.count(2, 1)).await.unwrap();
    bench.mine(1).await;
    until(&handle, "included", |status| is_included(status, 2)).await;
    assert_eq!((bench.counted().await, bench.nonce().await), (2, 2));
}

#[tokio::test]
async fn forgotten_journal_replaces_what_waits_instead_of_sending_twice() {
    let mut bench = Bench::new().await;
    let (handle, task) = bench.spawn();
    handle.submit(bench.count(1, 0)).await.unwrap();
    task.abort();
    bench.journal = MemoryJournal::default();
    let (handle, _task) = bench.spawn();
    handle.submit(bench.count(1, 0)).await.unwrap();
    bench.mine(1).await;
    until(&handle, "used", |status| status.l1_nonce == 1).await;
    bench.mine(1).await;
    assert_eq!((bench.counted().await, bench.nonce().await), (1, 1));
}

/// The second one was mined and dropped before the sender looked: it must not go out again before the
/// first has landed and the second was judged on what is there then.
#[tokio::test]
async fn transaction_behind_a_reorged_one_waits_until_it_is_judged() {
    let mut bench = Bench::new().await;
    // The sender looks at L1 only when it is asked to send.
    bench.config.poll = Duration::from_secs(600);
    bench.config.resend_after = Duration::ZERO;
    let (handle, _task) = bench.spawn();
    handle.submit(bench.count(1, 0)).await.unwrap();
    bench.mine(1).await;
    let second = hash_of(&handle.submit(bench.count(2, 1)).await.unwrap());
    bench.mine(1).await;
    bench.anvil.reorg(2, &[]).await.unwrap();
    handle.submit(bench.count(1, 0)).await.unwrap();
    assert!(
        bench
            .l1
            .get_transaction_by_hash(second)
            .await
            .unwrap()
            .is_none()
    );
    bench.mine(1).await;
    handle.submit(bench.count(2, 1)).await.unwrap();
    bench.mine(1).await;
    assert_eq!((bench.counted().await, bench.nonce().await), (2, 2));
}
