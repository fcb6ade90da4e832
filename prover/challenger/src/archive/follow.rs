//! Follows L1's log for batches in blobs, and fetches their blobs while they can be had.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Address, U64};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use trestle_contracts::bindings::inbox::Inbox::batchAccCall;
use trestle_protocol::{BatchContent, BatchHeader};
use trestle_sequencer::l1::{BeaconIds, BlobPlace, BlobSource, ContractReader, L1Client};

use super::{ArchiveError, Shelf};
use crate::host::{L1Log, LogPosition};

/// Name of the file that says how far the log was followed.
const STATE: &str = "archive.json";
/// Batches that an L1 reorg may take back before the whole log is read again.
const KEPT: usize = 256;
/// Batches followed between two notes of how far.
const NOTE_EVERY: usize = 64;
/// Longest pause after a fault.
const BACKOFF_MAX: Duration = Duration::from_secs(15);

/// Which chain, and how often it is looked at.
#[derive(Debug, Clone)]
pub struct ArchiveConfig {
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// The Inbox.
    pub inbox: Address,
    /// L1 block of the deployment.
    pub l1_start: u64,
    /// Pause between two looks at L1.
    pub poll: Duration,
}

/// What the archive is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveStatus {
    /// L1 block up to which the log was read; none before the first look.
    pub head: Option<u64>,
    /// Newest batch.
    pub batch: u64,
    /// How the first beacon endpoint names blocks; none before it was asked.
    pub ids: Option<BeaconIds>,
    /// Blobs that are missing.
    pub missing: usize,
    /// What goes wrong at the moment, in words.
    pub fault: Option<String>,
}

/// A batch that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    position: LogPosition,
    number: u64,
    time: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    l1_chain_id: u64,
    inbox: Address,
    ids: Option<BeaconIds>,
    /// Newest last.
    seen: Vec<Seen>,
    missing: Vec<super::Missing>,
}

/// Keeps a shelf complete.
#[derive(Debug)]
pub struct Archivist {
    config: ArchiveConfig,
    client: L1Client,
    reader: ContractReader,
    blobs: BlobSource,
    shelf: Arc<Shelf>,
    state: State,
    log: Option<L1Log>,
    status: watch::Sender<ArchiveStatus>,
}

impl Archivist {
    /// Goes on where the shelf's folder stands; nothing is asked before [`Self::run`].
    ///
    /// # Errors
    /// [`ArchiveError::State`] when the folder is of another chain, [`ArchiveError::Disk`].
    pub fn new(
        config: ArchiveConfig,
        client: L1Client,
        blobs: BlobSource,
        shelf: Arc<Shelf>,
    ) -> Result<(Self, watch::Receiver<ArchiveStatus>), ArchiveError> {
        let state = shelf.read::<State>(STATE)?.unwrap_or_else(|| State {
            l1_chain_id: config.l1_chain_id,
            inbox: config.inbox,
            ids: None,
            seen: Vec::new(),
            missing: Vec::new(),
        });
        if (state.l1_chain_id, state.inbox) != (config.l1_chain_id, config.inbox) {
            return Err(ArchiveError::State(STATE.into()));
        }
        state
            .missing
            .iter()
            .filter(|missing| !shelf.has(missing.versioned_hash))
            .for_each(|missing| shelf.want(missing.clone()));
        let (status, receiver) = watch::channel(ArchiveStatus {
            ids: state.ids,
            ..ArchiveStatus::default()
        });
        let archivist = Self {
            reader: ContractReader::new(client.clone()),
            config,
            client,
            blobs,
            shelf,
            state,
            log: None,
            status,
        };
        Ok((archivist, receiver))
    }

    /// Runs without end; faults are retried.
    pub async fn run(mut self) {
        let mut pause = self.config.poll;
        loop {
            let result = self.look().await;
            pause = match &result {
                Ok(()) => self.config.poll,
                Err(_) => pause.saturating_mul(2).min(BACKOFF_MAX),
            };
            let fault = result.err().map(|error| error.to_string());
            self.status.send_if_modified(|status| {
                if status.fault == fault {
                    return false;
                }
                if let Some(error) = &fault {
                    tracing::warn!(%error, "archive fault, retrying");
                    metrics::counter!("trestle_archive_faults_total").increment(1);
                }
                status.fault = fault;
                true
            });
            tokio::time::sleep(pause).await;
        }
    }

    /// One look at L1: follows its log, and fetches what is missing.
    ///
    /// # Errors
    /// [`ArchiveError`]; what was fetched stays. That a blob cannot be had is none.
    pub async fn look(&mut self) -> Result<(), ArchiveError> {
        // What is known to be missing may be about to expire: it does not wait for L1's log.
        self.ask_ids().await?;
        let followed = self.follow().await;
        self.fetch().await?;
        self.publish(followed?);
        Ok(())
    }

    async fn ask_ids(&mut self) -> Result<(), ArchiveError> {
        let Some(beacon) = self.blobs.beacons.first() else {
            return Ok(());
        };
        match beacon.ids().await {
            Ok(ids) => self.state.ids = Some(ids),
            // The archive outlives the endpoint that it was filled from.
            Err(_) if self.state.ids.is_some() => {}
            Err(source) => {
                let host = beacon.host();
                return Err(ArchiveError::Beacon { host, source });
            }
        }
        Ok(())
    }

    /// Reads the log to its end; gives the block up to which it was read.
    async fn follow(&mut self) -> Result<u64, ArchiveError> {
        let (expected, got) = (self.config.l1_chain_id, self.client.served_chain().await?);
        if expected != got {
            return Err(ArchiveError::OtherL1 { expected, got });
        }
        let head: U64 = self.client.call("eth_blockNumber", ()).await?;
        let head = head.to();
        self.unwind().await?;
        let mut since_note = 0_usize;
        loop {
            let log = self.log.take();
            let mut log = log.unwrap_or_else(|| self.log_from_here());
            // What it buffered may be of a chain that is gone, so a log that failed is dropped.
            let Some((header, position)) = log.next_header(head).await? else {
                self.log = Some(log);
                self.note_down()?;
                return Ok(head);
            };
            self.log = Some(log);
            self.take_in(&header, position)?;
            since_note = since_note.saturating_add(1);
            if since_note >= NOTE_EVERY {
                self.note_down()?;
                self.fetch().await?;
                since_note = 0;
            }
        }
    }

    fn log_from_here(&self) -> L1Log {
        let start = LogPosition {
            block: self.config.l1_start,
            ..LogPosition::default()
        };
        let position = self.state.seen.last().map_or(start, |seen| seen.position);
        let nowhere = BlobSource::default();
        L1Log::new(self.client.clone(), self.config.inbox, nowhere, position)
    }

    fn take_in(&mut self, header: &BatchHeader, position: LogPosition) -> Result<(), ArchiveError> {
        let place = BlobPlace {
            number: header.l1_number,
            time: header.l1_time,
        };
        if let BatchContent::Blobs(hashes) = &header.content {
            self.shelf.note(header.index, place, hashes)?;
        }
        while self.state.seen.len() >= KEPT {
            self.state.seen.remove(0);
        }
        self.state.seen.push(Seen {
            position,
            number: place.number,
            time: place.time,
        });
        Ok(())
    }

    /// After an L1 reorg: back to the newest batch that the Inbox still has.
    async fn unwind(&mut self) -> Result<(), ArchiveError> {
        while let Some(seen) = self.state.seen.last().copied() {
            let index = seen.position.batches;
            let call = batchAccCall { index };
            if self.reader.read(self.config.inbox, &call).await? == seen.position.batch_acc {
                return Ok(());
            }
            tracing::warn!(batch = index, "l1 took a batch back");
            metrics::counter!("trestle_archive_batches_taken_back_total").increment(1);
            self.log = None;
            self.state.seen.pop();
            // Its blobs stay: the same transaction may come back, and they are what they are.
            self.shelf.forget_block(BlobPlace {
                number: seen.number,
                time: seen.time,
            })?;
            self.shelf.forget_above(index.saturating_sub(1));
        }
        Ok(())
    }

    fn note_down(&mut self) -> Result<(), ArchiveError> {
        self.state.missing = self.shelf.missing();
        self.shelf.write_json(STATE, &self.state)
    }

    /// Asks for every blob that is missing.
    async fn fetch(&self) -> Result<(), ArchiveError> {
        for missing in self.shelf.missing() {
            let hash = missing.versioned_hash;
            match self.blobs.blob(missing.place(), hash).await {
                Ok(blob) => {
                    let shelf = Arc::clone(&self.shelf);
                    tokio::task::spawn_blocking(move || shelf.put(hash, &blob)).await??;
                    tracing::info!(%hash, batch = missing.batch, l1_block = missing.l1_block, "kept a blob");
                    metrics::counter!("trestle_archive_blobs_total").increment(1);
                }
                Err(error) => {
                    let reason = error.to_string();
                    if self.shelf.excuse(hash, reason.clone()) {
                        tracing::error!(batch = missing.batch, %reason, "a blob is missing");
                    }
                }
            }
        }
        Ok(())
    }

    fn publish(&self, head: u64) {
        let batch = self
            .state
            .seen
            .last()
            .map_or(0, |seen| seen.position.batches);
        let missing = self.shelf.missing().len();
        set_gauge("trestle_archive_l1_block", head);
        set_gauge("trestle_archive_batch", batch);
        set_gauge("trestle_archive_missing_blobs", missing as u64);
        self.status.send_modify(|status| {
            status.head = Some(head);
            status.batch = batch;
            status.ids = self.state.ids;
            status.missing = missing;
        });
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric")]
fn set_gauge(name: &'static str, value: u64) {
    metrics::gauge!(name).set(value as f64);
}
