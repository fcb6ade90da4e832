//! The sender's task: takes requests, looks at L1 at an even pace, publishes what it sees.

use super::{
    SenderConfig,
    broadcast::Attempted,
    chain_view::Head,
    fees::FeeMarket,
    journal::{JournalError, JournaledTx, SenderJournal},
    request::{SenderError, SenderStatus, SubmitError, TxKey, TxRequest, TxState},
    signer::L1Signer,
    slot::{Attempt, Phase, Slot},
    spend::{self, Spent},
};
use crate::l1::{L1Client, RpcError};
use alloy::{
    consensus::{TxEnvelope, transaction::SignerRecoverable},
    eips::{BlockNumberOrTag, eip2718::Decodable2718},
    primitives::{Address, U256},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{mpsc, oneshot, watch};

/// Requests that may wait for the task.
const QUEUE: usize = 16;

/// A request and the place for its answer.
type Order = (TxRequest, oneshot::Sender<Result<TxState, SubmitError>>);

/// The caller's end of a sender.
#[derive(Debug, Clone)]
pub struct SenderHandle {
    account: Address,
    client: L1Client,
    orders: mpsc::Sender<Order>,
    status: watch::Receiver<SenderStatus>,
}

impl SenderHandle {
    /// The account that sends.
    #[must_use]
    pub const fn account(&self) -> Address {
        self.account
    }

    /// What L1 asks at the moment.
    ///
    /// # Errors
    /// Every [`RpcError`].
    pub async fn fee_market(&self) -> Result<FeeMarket, RpcError> {
        self.client.fee_market().await
    }

    /// Sends `request`, or reports where the transaction with its key is already.
    ///
    /// When it returns `Ok`, the signed transaction is journaled; the broadcast may still be retried.
    /// A pending transaction with the same key and other content is replaced at its nonce.
    ///
    /// # Errors
    /// Every [`SubmitError`].
    pub async fn submit(&self, request: TxRequest) -> Result<TxState, SubmitError> {
        let (answer, wait) = oneshot::channel();
        self.orders
            .send((request, answer))
            .await
            .map_err(|_| SubmitError::Stopped)?;
        wait.await.map_err(|_| SubmitError::Stopped)?
    }

    /// What the sender is doing; changes wake the receiver.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<SenderStatus> {
        self.status.clone()
    }

    /// Where the transaction with this key is; `None` when it was never sent or is long final.
    #[must_use]
    pub fn state(&self, key: TxKey) -> Option<TxState> {
        self.status.borrow().txs.get(&key).cloned()
    }
}

/// A sender, ready to run.
#[derive(Debug)]
pub struct L1Sender {
    pub(super) client: L1Client,
    pub(super) signer: L1Signer,
    pub(super) journal: Arc<dyn SenderJournal>,
    pub(super) config: SenderConfig,
    /// Every nonce of ours that is not final, and the last one that is.
    pub(super) slots: BTreeMap<u64, Slot>,
    /// Head that `l1_nonce` belongs to.
    pub(super) head: Head,
    /// The account's next nonce at `head`.
    pub(super) l1_nonce: u64,
    /// Lowest nonce that is surely free.
    pub(super) next_nonce: u64,
    /// Nonces below this may hold transactions of a forgotten journal.
    pub(super) contested_below: u64,
    /// What final transactions have cost.
    pub(super) spent: Spent,
    /// Wei for which the day's cap had no room when it was asked last.
    pub(super) refused: Option<U256>,
    fault: Option<SenderError>,
    orders: mpsc::Receiver<Order>,
    status: watch::Sender<SenderStatus>,
}

impl L1Sender {
    /// A sender of `signer`'s account and the handle to use it. Nothing happens before [`Self::run`].
    #[must_use]
    pub fn new(
        client: L1Client,
        signer: L1Signer,
        journal: Arc<dyn SenderJournal>,
        config: SenderConfig,
    ) -> (Self, SenderHandle) {
        let (order_tx, orders) = mpsc::channel(QUEUE);
        metrics::gauge!("trestle_l1_sender_halted").increment(0);
        metrics::gauge!("trestle_l1_sender_waiting").increment(0);
        let (status, status_rx) = watch::channel(SenderStatus::default());
        let handle = SenderHandle {
            account: signer.address(),
            client: client.clone(),
            orders: order_tx,
            status: status_rx,
        };
        let sender = Self {
            client,
            signer,
            journal,
            config,
            slots: BTreeMap::new(),
            head: Head {
                number: 0,
                hash: alloy::primitives::B256::ZERO,
            },
            l1_nonce: 0,
            next_nonce: 0,
            contested_below: 0,
            spent: Spent::default(),
            refused: None,
            fault: None,
            orders,
            status,
        };
        (sender, handle)
    }

    /// Runs until every handle is dropped, or something fatal happens.
    ///
    /// # Errors
    /// A [`SenderError`] that [`SenderError::is_fatal`]; all others are retried without end.
    pub async fn run(mut self) -> Result<(), SenderError> {
        let result = self.run_until_fatal().await;
        if let Err(error) = &result {
            tracing::error!(%error, account = %self.signer.address(), "sender halted");
            metrics::gauge!("trestle_l1_sender_halted").set(1);
            self.status.send_modify(|status| {
                status.fault = Some(error.clone());
                status.is_halted = true;
            });
        }
        result
    }

    async fn run_until_fatal(&mut self) -> Result<(), SenderError> {
        let mut pause = self.config.poll;
        while let Err(error) = self.recover().await {
            self.note_fault(error)?;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.config.resend_after);
        }
        self.publish(None);
        let mut ticks = tokio::time::interval(self.config.poll);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                order = self.orders.recv() => {
                    let Some((request, answer)) = order else { return Ok(()) };
                    let result = self.submit(request).await;
                    let fault = match &result {
                        Err(SubmitError::Sender(error)) if error.is_fatal() => Err(error.clone()),
                        Err(SubmitError::Sender(error)) => Ok(Some(error.clone())),
                        _ => Ok(None),
                    };
                    self.publish(None);
                    // The caller may have gone: the request stands all the same.
                    answer.send(result).ok();
                    self.note_faults(fault)?;
                }
                _ = ticks.tick() => {
                    if self.slots.is_empty() {
                        continue;
                    }
                    let result = self.track().await;
                    self.note_faults(match result {
                        Ok(fault) => Ok(fault),
                        Err(error) if error.is_fatal() => Err(error),
                        Err(error) => Ok(Some(error)),
                    })?;
                }
            }
        }
    }

    fn note_faults(
        &mut self,
        fault: Result<Option<SenderError>, SenderError>,
    ) -> Result<(), SenderError> {
        match fault? {
            Some(error) => self.note_fault(error),
            None => {
                self.fault = None;
                self.publish(None);
                Ok(())
            }
        }
    }

    /// Logs and publishes a fault; fatal ones come back.
    fn note_fault(&mut self, error: SenderError) -> Result<(), SenderError> {
        if error.is_fatal() {
            return Err(error);
        }
        if self.fault.as_ref() != Some(&error) {
            tracing::warn!(%error, account = %self.signer.address(), "sender fault, retrying");
        }
        metrics::counter!("trestle_l1_sender_faults_total").increment(1);
        self.publish(Some(error.clone()));
        self.fault = Some(error);
        Ok(())
    }

    fn publish(&self, fault: Option<SenderError>) {
        let shown = self
            .slots
            .values()
            .filter(|slot| slot.key() != TxKey::CANCEL);
        let status = SenderStatus {
            l1_nonce: self.l1_nonce,
            txs: shown.map(|slot| (slot.key(), slot.state())).collect(),
            waiting_blobs: self.waiting().map(Slot::carries_blobs),
            fault: fault.or_else(|| self.fault.clone()),
            is_halted: false,
        };
        let waiting = self
            .slots
            .values()
            .filter(|slot| !slot.is_included())
            .count();
        self.report_spending();
        metrics::gauge!("trestle_l1_sender_waiting")
            .set(u32::try_from(waiting).unwrap_or(u32::MAX));
        self.status.send_if_modified(|old| {
            let is_new = old.txs != status.txs
                || old.l1_nonce != status.l1_nonce
                || old.waiting_blobs != status.waiting_blobs
                || old.fault != status.fault;
            *old = status;
            is_new
        });
    }

    /// The first nonce that waits for a block.
    pub(super) fn waiting(&self) -> Option<&Slot> {
        self.slots.values().find(|slot| !slot.is_included())
    }

    /// Reads chain id, nonces and the journal.
    async fn recover(&mut self) -> Result<(), SenderError> {
        let got = self.client.served_chain().await?;
        let expected = self.config.chain_id;
        if got != expected {
            return Err(SenderError::WrongChain { expected, got });
        }
        self.look_at_head().await?;
        self.spent = self.load_spent()?;
        self.slots = self.load_slots()?;
        self.doubt_waiting();
        let after_journal = self
            .slots
            .keys()
            .last()
            .map_or(0, |nonce| nonce.saturating_add(1));
        self.next_nonce = after_journal.max(self.l1_nonce);
        let account = self.signer.address();
        // With an empty journal, what waits in L1's pool may be ours, from a life we forgot.
        self.contested_below = if self.slots.is_empty() {
            self.client.nonce_pending(account).await?
        } else {
            0
        };
        let (used, waiting) = (self.l1_nonce, self.slots.len());
        tracing::info!(%account, l1_nonce = used, next_nonce = self.next_nonce, waiting, "sender recovered");
        self.settle_recovered().await
    }

    fn load_spent(&self) -> Result<Spent, SenderError> {
        let Some(bytes) = self.journal.spent()? else {
            return Ok(Spent::default());
        };
        let unknown = || JournalError {
            reason: "its record of what was spent cannot be read".into(),
        };
        Ok(Spent::decode(&bytes).ok_or_else(unknown)?)
    }

    fn load_slots(&mut self) -> Result<BTreeMap<u64, Slot>, SenderError> {
        let mut slots: BTreeMap<u64, Slot> = BTreeMap::new();
        let mut kept = self.journal.load()?;
        if let Some(former) = former_account(&kept, self.signer.address()) {
            self.retire(former, &kept)?;
            kept.clear();
        }
        kept.sort_by_key(|tx| (tx.nonce, tx.attempt));
        for tx in kept {
            let nonce = tx.nonce;
            let attempt = Attempt::from_journal(&tx, self.signer.address())
                .ok_or(SenderError::ForeignJournal { nonce })?;
            match slots.get_mut(&nonce) {
                Some(slot) => slot.replace(attempt, self.head.number),
                None => {
                    slots.insert(nonce, Slot::new(nonce, attempt, self.head.number));
                }
            }
        }
        Ok(slots)
    }

    /// Forgets what another account sent before this one took its place: L1 may still include it, at that account's
    /// cost, and the Inbox refuses it once the batcher is another. It counts as spent.
    fn retire(&mut self, former: Address, kept: &[JournaledTx]) -> Result<(), SenderError> {
        let nonces: std::collections::BTreeSet<u64> = kept.iter().map(|tx| tx.nonce).collect();
        let (first, last) = (nonces.first(), nonces.last());
        tracing::warn!(%former, account = %self.signer.address(), ?first, ?last, "the account has changed: its former transactions are given up; until L1 includes or drops them, keep that account's key");
        let mut spent = self.spent.clone();
        let mut most = BTreeMap::new();
        for tx in kept {
            let Some(attempt) = Attempt::from_journal(tx, former) else {
                continue;
            };
            let cost = spend::most(&attempt.request, attempt.gas_limit, &attempt.fees);
            let dearest = most.entry(tx.nonce).or_insert(U256::ZERO);
            *dearest = cost.max(*dearest);
        }
        for cost in most.into_values() {
            spent.add(spend::hour(), cost);
        }
        self.journal.prune_below(u64::MAX, &spent.encode())?;
        self.spent = spent;
        Ok(())
    }

    pub(super) async fn look_at_head(&mut self) -> Result<(), SenderError> {
        let latest = self.client.tagged(BlockNumberOrTag::Latest).await?;
        let head = latest.ok_or_else(|| crate::l1::RpcError::Malformed {
            method: "eth_getBlockByNumber",
            message: "no latest block".into(),
        })?;
        if head != self.head {
            self.l1_nonce = self
                .client
                .nonce_at(self.signer.address(), head.hash)
                .await?;
            self.head = head;
        }
        Ok(())
    }

    async fn submit(&mut self, request: TxRequest) -> Result<TxState, SubmitError> {
        self.track().await?;
        let key = request.key;
        let same_key = self.slots.values().find(|slot| {
            let has_failed = matches!(
                slot.phase,
                Phase::Included {
                    is_success: false,
                    ..
                }
            );
            slot.key() == key && !has_failed
        });
        if let Some(slot) = same_key {
            let newest = &slot.newest().request;
            let is_same = newest.to == request.to
                && newest.data == request.data
                && newest.value == request.value
                && newest.blobs == request.blobs;
            match &slot.phase {
                Phase::Included { .. } | Phase::Pending if is_same => return Ok(slot.state()),
                Phase::Included { block, .. } => {
                    return Err(SubmitError::AlreadyIncluded { key, block: *block });
                }
                Phase::Pending | Phase::Stale { .. } => {}
            }
        }
        let nonce = same_key
            .map(|slot| slot.nonce)
            .or_else(|| {
                self.slots
                    .values()
                    .find(|slot| slot.is_stale())
                    .map(|slot| slot.nonce)
            })
            .unwrap_or(self.next_nonce);
        match self.attempt(nonce, request).await? {
            Attempted::Sent => {}
            Attempted::Fault(error) => {
                tracing::debug!(%key, nonce, %error, "broadcast to be retried")
            }
        }
        self.slots
            .get(&nonce)
            .map(Slot::state)
            .ok_or(SubmitError::Stopped)
    }
}

/// Who signed all that is kept, if it is another account.
fn former_account(kept: &[JournaledTx], account: Address) -> Option<Address> {
    let signer = |tx: &JournaledTx| {
        let envelope = TxEnvelope::decode_2718(&mut tx.raw.as_ref()).ok()?;
        envelope.recover_signer().ok()
    };
    let former = kept.first().and_then(signer)?;
    let is_one = kept.iter().all(|tx| signer(tx) == Some(former));
    (former != account && is_one).then_some(former)
}
