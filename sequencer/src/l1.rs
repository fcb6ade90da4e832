//! The node's side of L1: what it reads there, and what it sends.
//!
//! ```text
//!            ┌─ client ◄── reader ──► L1Update channel ──► engine
//! L1 RPC ◄───┤             └────────► L1View (watch) ────► batcher
//!            └─ client ◄── sender ◄── batcher, proposer
//!                            └─ SenderJournal (store)
//! ```
//! The reader and the sender share nothing but the endpoint: each keeps its own view, so that a fault
//! in one cannot mislead the other. Spec: `SPEC.md`, section 3.

mod beacon;
mod blobs;
mod block;
mod chain;
mod client;
mod contracts;
mod inbox;
pub(crate) mod kzg;
mod reader;
mod sender;
mod wake;

pub use beacon::{BeaconClient, BeaconError, BeaconIds};
pub use blobs::{
    BLOB_BYTES, BlobError, BlobPlace, BlobSource, commitment_of, is_blob, versioned_hash,
};
pub use block::BlockError;
pub use client::{L1Client, RpcError};
pub use contracts::{ContractReader, ReadError};
pub use inbox::{InboxError, InboxState};
pub use reader::{L1Reader, L1View, ReaderConfig, ReaderError};
pub use sender::{
    BlobSet, FeeMarket, FeePolicy, Fees, JournalError, JournaledTx, KeySource, L1Sender, L1Signer,
    MemoryJournal, PasswordSource, SenderConfig, SenderError, SenderHandle, SenderJournal,
    SenderStatus, SidecarError, SignerError, SubmitError, TxKey, TxRequest, TxState, load_signer,
};
pub use wake::wake_at_heads;
