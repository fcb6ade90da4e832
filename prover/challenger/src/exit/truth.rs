//! L2 as L1 says it is: derived here, batch by batch, and asked for balances, output roots and proofs.

use std::{path::PathBuf, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use parking_lot::Mutex;
use trestle_contracts::bindings::inbox::Inbox::batchAccCall;
use trestle_protocol::{ChainConfig, Genesis, OutputPreimage, predeploys::MESSAGE_PASSER};
use trestle_sdk::transfer::{
    OutputSource, PendingWithdrawal, Proposable, TransferError, Withdrawal,
};
use trestle_sequencer::l1::{ContractReader, L1Client};

use super::{ExitError, found::Found};
use crate::host::{BatchRecord, BlobSource, DiskStore, Follower, HostError, L1Batch, L1Log};

/// Where a chain is.
#[derive(Debug, Clone)]
pub struct Place {
    /// L1's endpoint.
    pub client: L1Client,
    /// The Inbox.
    pub inbox: Address,
    /// L1 block of the deployment.
    pub l1_start: u64,
    /// Where blobs are.
    pub blobs: BlobSource,
    /// Folder for what is derived.
    pub folder: PathBuf,
}

/// The chain, derived from L1 alone.
#[derive(Debug)]
pub struct L1Truth {
    place: Place,
    /// Whose withdrawals are noted down.
    account: Address,
    follower: Mutex<Follower>,
    found: Mutex<Found>,
    log: tokio::sync::Mutex<Option<L1Log>>,
}

impl L1Truth {
    /// Goes on in the folder, or begins there; nothing is read from L1 yet.
    ///
    /// # Errors
    /// [`ExitError::Host`] when the folder holds another chain or cannot be used, [`ExitError::Found`].
    pub fn open(
        chain: ChainConfig,
        genesis: &Genesis,
        place: Place,
        account: Address,
    ) -> Result<Self, ExitError> {
        // The list is of one account; the derived chain serves for all.
        let found = Found::open(&place.folder.join(account.to_string()))?;
        let store = DiskStore::open(&place.folder).map_err(HostError::from)?;
        let mut follower = Follower::open(chain, genesis, Arc::new(store))?;
        follower.begin_at(place.l1_start);
        Ok(Self {
            place,
            account,
            follower: Mutex::new(follower),
            found: Mutex::new(found),
            log: tokio::sync::Mutex::new(None),
        })
    }

    /// The newest batch that is derived.
    #[must_use]
    pub fn newest(&self) -> BatchRecord {
        *self.follower.lock().newest()
    }

    /// Derives what L1 has by now; gives the number of new batches.
    ///
    /// # Errors
    /// [`ExitError::Host`], [`ExitError::Found`]; what is derived stays.
    pub async fn sync(self: &Arc<Self>) -> Result<u64, ExitError> {
        let mut log = self.log.lock().await;
        let head: U64 = self
            .place
            .client
            .call("eth_blockNumber", ())
            .await
            .map_err(HostError::from)?;
        let head = head.to();
        self.unwind(&mut log).await?;
        let mut derived = 0_u64;
        loop {
            let position = self.newest().position;
            let reader = log.get_or_insert_with(|| {
                let place = &self.place;
                L1Log::new(
                    place.client.clone(),
                    place.inbox,
                    place.blobs.clone(),
                    position,
                )
            });
            let next = match reader.next(head).await {
                Ok(Some(batch)) => self.derive(batch).await,
                Ok(None) => return Ok(derived),
                Err(error) => Err(error.into()),
            };
            if next.is_err() {
                // What it holds may be of an L1 that is gone.
                *log = None;
            }
            next?;
            derived = derived.saturating_add(1);
        }
    }

    async fn derive(self: &Arc<Self>, batch: L1Batch) -> Result<(), ExitError> {
        let this = Arc::clone(self);
        tokio::task::spawn_blocking(move || this.derive_now(&batch)).await?
    }

    fn derive_now(&self, batch: &L1Batch) -> Result<(), ExitError> {
        let mut follower = self.follower.lock();
        let mut noted = Ok(());
        // Noted down before the batch is written: after a crash between the two it is derived again.
        let mut note = |block: u64, log: &alloy_primitives::Log| {
            let Some(withdrawal) = Withdrawal::of_event(log) else {
                return;
            };
            if withdrawal.is_of(self.account) && noted.is_ok() {
                noted = self.found.lock().add(PendingWithdrawal {
                    withdrawal,
                    block,
                    transaction: None,
                });
            }
        };
        follower.derive_with(batch, &mut note)?;
        Ok(noted?)
    }

    /// After an L1 reorg: back to the newest batch that the Inbox still has.
    async fn unwind(&self, log: &mut Option<L1Log>) -> Result<(), HostError> {
        let reader = ContractReader::new(self.place.client.clone());
        let newest = self.newest().batch();
        let mut batch = newest;
        while batch > 0 {
            let record = self.follower.lock().record(batch)?;
            let call = batchAccCall { index: batch };
            if reader.read(self.place.inbox, &call).await? == record.position.batch_acc {
                break;
            }
            batch = batch.saturating_sub(1);
        }
        if batch < newest {
            *log = None;
            self.follower.lock().unwind(batch)?;
        }
        Ok(())
    }

    /// Wei of an account after the newest batch.
    ///
    /// # Errors
    /// [`HostError::Store`].
    pub fn balance(&self, account: Address) -> Result<U256, HostError> {
        let follower = self.follower.lock();
        let found = follower.view(follower.newest().batch())?.account(account)?;
        Ok(found.map_or(U256::ZERO, |found| found.balance))
    }

    /// The account's withdrawals up to the newest batch, oldest first.
    #[must_use]
    pub fn withdrawals(&self) -> Vec<PendingWithdrawal> {
        self.found.lock().all().to_vec()
    }

    /// The newest batch, as it is proposed.
    ///
    /// # Errors
    /// [`HostError::Store`].
    pub fn proposable(&self) -> Result<Proposable, HostError> {
        let follower = self.follower.lock();
        let record = follower.newest();
        let view = follower.view(record.batch())?;
        Ok(Proposable {
            batch: record.batch(),
            batch_acc: record.position.batch_acc,
            output: *view.output(),
            header_rlp: view.header_rlp()?,
            block: record.block_number,
        })
    }

    /// The newest batch that ends in L2 block `block`.
    fn batch_ending_in(&self, follower: &Follower, block: u64) -> Result<Option<u64>, HostError> {
        let mut batch = follower.newest().batch();
        loop {
            let end = follower.record(batch)?.block_number;
            if end == block {
                return Ok(Some(batch));
            }
            if end < block || batch == 0 {
                return Ok(None);
            }
            batch = batch.saturating_sub(1);
        }
    }

    fn output_of(&self, block: u64) -> Result<Option<OutputPreimage>, HostError> {
        let follower = self.follower.lock();
        let Some(batch) = self.batch_ending_in(&follower, block)? else {
            return Ok(None);
        };
        Ok(Some(*follower.view(batch)?.output()))
    }

    fn proof_of(&self, block: u64, slot: U256) -> Result<Option<Vec<Bytes>>, HostError> {
        let follower = self.follower.lock();
        let Some(batch) = self.batch_ending_in(&follower, block)? else {
            return Ok(None);
        };
        let view = follower.view(batch)?;
        if view.storage(MESSAGE_PASSER, slot)? != U256::ONE {
            return Ok(None);
        }
        Ok(Some(view.storage_proof(MESSAGE_PASSER, slot)?))
    }
}

impl OutputSource for L1Truth {
    async fn output(&self, block: u64) -> Result<Option<OutputPreimage>, TransferError> {
        self.output_of(block)
            .map_err(|error| TransferError::Source(Box::new(error)))
    }

    async fn message_proof(
        &self,
        block: u64,
        withdrawal: B256,
    ) -> Result<Vec<Bytes>, TransferError> {
        let slot = U256::from_be_bytes(Withdrawal::slot(withdrawal).0);
        let proof = self
            .proof_of(block, slot)
            .map_err(|error| TransferError::Source(Box::new(error)))?;
        proof.ok_or(TransferError::NotInBlock {
            hash: withdrawal,
            block,
        })
    }
}
