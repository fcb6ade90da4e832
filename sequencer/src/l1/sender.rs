//! Sends L1 transactions from one account, each at most once, whatever crashes or reorganises.
//!
//! Flow of a request: check that it would not revert now → sign at the next nonce → journal the bytes
//! → broadcast → watch until its block is final. Invariants:
//! - Nothing is broadcast that is not in the journal, so a restart sends the same bytes again.
//! - A key that is under way keeps its nonce; other content for it *replaces* at that nonce, so at most
//!   one of the two can land.
//! - Nonces are our own count, checked against L1; the endpoint's pool is not asked for them.
//! - A transaction that would revert is held back, and its nonce reused or used up cheaply.
//! - What waits is all with blobs or all without: L1's pools take only one kind from an account at a time, and no
//!   replacement of the other kind.
//!
//! Called by the batcher and the proposer, each with an account of its own.

mod blobs;
mod broadcast;
mod chain_view;
mod config;
mod fees;
mod journal;
mod remote;
mod request;
mod signer;
mod slot;
mod spend;
mod task;
mod track;

pub use blobs::{BlobSet, SidecarError};
pub use config::SenderConfig;
pub use fees::{FeeMarket, FeePolicy, Fees};
pub use journal::{JournalError, JournaledTx, MemoryJournal, SenderJournal};
pub use request::{SenderError, SenderStatus, SubmitError, TxKey, TxRequest, TxState};
pub use signer::{KeySource, L1Signer, PasswordSource, SignerError, load_signer};
pub use task::{L1Sender, SenderHandle};
