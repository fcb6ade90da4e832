//! Ethereum's Merkle-Patricia trie, in memory and resolved node by node as it is walked.
//!
//! One implementation for the node and for the proven program. The node hands in a [`NodeSource`]
//! that reads its store by path, the prover one that reads preimages by hash ([`HashChecked`]).
//! Nothing is hashed before [`Trie::root`]; nothing is fetched twice before [`Trie::prune`].
//! Spec: `SPEC.md`, section 8.
//!
//! ```text
//! StateTrie ── accounts: Trie ─┐                        ┌─► root
//!    └── storages: Trie … ─────┼─ descend ◄─ NodeSource ┤
//!                              └─ insert, remove ───────┴─► changes by path
//! ```

mod arena;
#[cfg(feature = "batched-hashing")]
mod batched;
mod commit;
mod decode;
mod encode;
mod nibble;
mod node;
mod proof;
mod prune;
mod source;
mod state;
mod turns;
mod update;
mod walk;

pub use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount};
#[cfg(feature = "batched-hashing")]
pub use batched::HashMany;
pub use commit::TrieChanges;
pub use proof::{ProofError, verify_account_proof, verify_proof, verify_storage_proof};
pub use source::{HashChecked, HashCheckedError, MissingNode, NodeSource, NodesByHash};
pub use state::{StateTrie, StateTrieChanges, hash_address, hash_slot};
pub use turns::Turn;
pub use walk::Trie;

use alloy_primitives::B256;

/// Why a trie could not be read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrieError<E> {
    /// The source failed to deliver a node.
    #[error("trie node unavailable")]
    Source(#[source] E),
    /// The source delivered bytes that are no node of this place in a trie of 32-byte keys.
    #[error("malformed trie node at {path:?}, owner {owner:?}")]
    Malformed {
        /// Hashed address for a storage trie, `None` for the account trie.
        owner: Option<B256>,
        /// Path of the node from the root.
        path: Nibbles,
    },
    /// A leaf holds no RLP of an account or of a storage value.
    #[error("malformed value at key {key}, owner {owner:?}")]
    Value {
        /// Hashed address for a storage trie, `None` for the account trie.
        owner: Option<B256>,
        /// Hashed key of the leaf.
        key: B256,
    },
    /// More than 2^32 − 64 nodes are resolved at once.
    #[error("too many trie nodes in memory")]
    Full,
}
