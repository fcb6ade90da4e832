//! Assets between the layers: deposits, withdrawals from their start to their payment, and forced inclusion.
//!
//! ```text
//! Wallet (L2) ── withdraw ──> PendingWithdrawal ─┐
//!                                                ├─ Claim::advance ─> Step: prove, wait, resolve, finalise
//! OutputSource (own node, or L1 alone) ──────────┘        │
//! Wallet (L1) ── deposit, force ──────────────────> Settlement: Portal, Inbox, games
//! ```
//! Nothing is believed of a game but what an [`OutputSource`] of one's own says as well. `trestle deposit`,
//! `withdraw`, `claim`, `transfers`, `force` and `exit` are this module behind arguments. Spec: `SPEC.md`,
//! chapter "Withdrawals and messages".

mod claim;
mod deposit;
mod error;
mod force;
mod game;
mod history;
mod node;
mod propose;
mod settlement;
mod token;
mod wallet;
mod withdrawal;

pub use claim::{Claim, Step};
pub use deposit::{DepositRequest, Deposited, MIN_DEPOSIT_GAS};
pub use error::{Layer, TransferError};
pub use force::Queue;
pub use game::{Game, OutputSource};
pub use history::{SentDeposit, deposits_of, withdrawals_of};
pub use node::{L2Node, L2Receipt};
pub use propose::{Offer, Proposable};
pub use settlement::{Settlement, Status};
pub use token::TokenRequest;
pub use wallet::{Quote, Wallet};
pub use withdrawal::{Initiation, PendingWithdrawal, Withdrawal, WithdrawalRequest};
