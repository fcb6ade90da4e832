//! The inputs of one transition: found by hash in the store, and noted as they are read.
//!
//! The transition is protocol's own, so nothing is left out that a prover of the batch will ask for. What L1 has is
//! handed in and not noted. A request that takes too long or reads too much ends at its next read.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, keccak256, map::B256Map};
use trestle_protocol::{Preimages, SealedHeader};

use super::{RpcError, heavy::Deadline};
use crate::store::{HashedNodes, Snapshot, StateView};

/// A source of preimages over the store, that keeps what it gave.
#[derive(Debug)]
pub(super) struct Recording {
    nodes: HashedNodes,
    /// The newest state: codes are kept by hash, whatever block deployed them.
    codes: StateView,
    /// What L1's log says.
    log: B256Map<Bytes>,
    /// Field elements of the blobs, by versioned hash.
    blobs: B256Map<Vec<B256>>,
    read: BTreeMap<B256, Bytes>,
    bytes: usize,
    /// Bytes that may be read.
    most: usize,
    deadline: Deadline,
    failure: Option<RpcError>,
}

/// A read failed; why is kept in the [`Recording`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an input of the batch is not to be had")]
pub(super) struct Failed;

impl Recording {
    /// What can be read of the state after `start`, of its output root and header.
    pub(super) fn of(
        snapshot: &Snapshot,
        start: &SealedHeader,
        most: usize,
        deadline: Deadline,
    ) -> Result<Self, RpcError> {
        let nodes = snapshot.nodes_at(start.header.number)?;
        deadline.check()?;
        let head = [
            start.output().encode().into(),
            alloy_rlp::encode(&start.header).into(),
        ];
        let mut recording = Self {
            nodes: HashedNodes::new(nodes, start.header.state_root),
            codes: snapshot.state_at(snapshot.head().number)?,
            log: B256Map::default(),
            blobs: B256Map::default(),
            read: BTreeMap::new(),
            bytes: 0,
            most,
            deadline,
            failure: None,
        };
        for bytes in head {
            let hash = keccak256(&bytes);
            recording.note(hash, &bytes)?;
        }
        Ok(recording)
    }

    /// Adds what is on L1.
    pub(super) fn with_log(mut self, log: impl IntoIterator<Item = Bytes>) -> Self {
        let log = log.into_iter().map(|bytes| (keccak256(&bytes), bytes));
        self.log.extend(log);
        self
    }

    /// Adds the blobs of the batch.
    pub(super) fn with_blobs(mut self, blobs: impl IntoIterator<Item = (B256, Vec<B256>)>) -> Self {
        self.blobs.extend(blobs);
        self
    }

    /// Why a read failed, if one did.
    pub(super) const fn failure(&self) -> Option<&RpcError> {
        self.failure.as_ref()
    }

    /// Everything that was read and is not on L1, by its hash.
    pub(super) fn into_read(self) -> BTreeMap<B256, Bytes> {
        self.read
    }

    fn find(&mut self, hash: B256) -> Result<Bytes, RpcError> {
        self.deadline.check()?;
        let known = self.read.get(&hash).or_else(|| self.log.get(&hash));
        if let Some(bytes) = known {
            return Ok(bytes.clone());
        }
        let bytes = match self.nodes.get(hash)? {
            Some(node) => node,
            None => self.codes.code(&hash)?,
        };
        self.note(hash, &bytes)?;
        Ok(bytes)
    }

    fn note(&mut self, hash: B256, bytes: &Bytes) -> Result<(), RpcError> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > self.most {
            let most = self.most;
            let words = format!("the batch reads more than {most} bytes of state");
            return Err(RpcError::input(words));
        }
        self.read.insert(hash, bytes.clone());
        Ok(())
    }
}

impl Preimages for Recording {
    type Error = Failed;

    fn keccak(&mut self, hash: B256) -> Result<Bytes, Failed> {
        self.find(hash).map_err(|failure| {
            self.failure = Some(failure);
            Failed
        })
    }

    fn blob_element(&mut self, versioned_hash: B256, index: u32) -> Result<B256, Failed> {
        let index = usize::try_from(index).map_err(|_| Failed)?;
        let elements = self.blobs.get(&versioned_hash);
        elements
            .and_then(|all| all.get(index))
            .copied()
            .ok_or(Failed)
    }
}
