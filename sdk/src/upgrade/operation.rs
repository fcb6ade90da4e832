//! What was announced to the timelock: found in its log, executed or cancelled.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::Provider,
    rpc::types::{Filter, TransactionRequest},
    sol_types::{SolEvent, SolValue},
};
use trestle_contracts::bindings::timelock::Timelock::{CallSalt, CallScheduled};

use super::{Governance, UpgradeError};

/// `getTimestamp` of an operation that was executed.
const DONE: U256 = U256::ONE;

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its delay runs, or is over.
    Announced {
        /// When it can be executed, in seconds since 1970.
        ready_at: u64,
    },
    /// It was executed.
    Executed,
    /// It was cancelled.
    Cancelled,
}

/// An operation of the timelock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its id.
    pub id: B256,
    /// Where it stands.
    pub state: State,
    /// L1 transaction that announced it.
    pub announced_by: B256,
    /// What it calls, in order, with which value in wei and data.
    pub calls: Vec<(Address, U256, Bytes)>,
    /// Operation that has to be executed before; zero for none.
    pub predecessor: B256,
    salt: B256,
}

impl Governance {
    /// All operations that were announced from L1 block `from` on, oldest first.
    ///
    /// # Errors
    /// [`UpgradeError::Rpc`], [`UpgradeError::Contract`].
    pub async fn operations(&self, from: u64) -> Result<Vec<Operation>, UpgradeError> {
        let filter = Filter::new()
            .address(self.contracts.timelock)
            .from_block(from);
        let mut all: Vec<Operation> = Vec::new();
        for log in self.provider.get_logs(&filter).await? {
            if let Ok(event) = CallScheduled::decode_log(&log.inner) {
                let call = (event.target, event.value, event.data.data.clone());
                let (id, predecessor) = (event.id, event.predecessor);
                // Announced again after a cancellation: the newer announcement counts.
                if event.index.is_zero() {
                    all.retain(|known| known.id != id);
                    all.push(Operation {
                        id,
                        state: self.state(id).await?,
                        announced_by: log.transaction_hash.unwrap_or_default(),
                        calls: vec![call],
                        predecessor,
                        salt: B256::ZERO,
                    });
                } else if let Some(known) = all.iter_mut().find(|known| known.id == id) {
                    known.calls.push(call);
                }
            } else if let Ok(event) = CallSalt::decode_log(&log.inner)
                && let Some(known) = all.iter_mut().find(|known| known.id == event.id)
            {
                known.salt = event.salt;
            }
        }
        Ok(all)
    }

    async fn state(&self, id: B256) -> Result<State, UpgradeError> {
        let at = self.timelock().getTimestamp(id).call().await?;
        Ok(match at {
            U256::ZERO => State::Cancelled,
            DONE => State::Executed,
            at => State::Announced {
                ready_at: at.saturating_to(),
            },
        })
    }

    /// The transaction that executes an operation; anyone may send it where the timelock has no executors of its own.
    ///
    /// # Errors
    /// [`UpgradeError::NotPending`], [`UpgradeError::Early`] for the L1 time `now` in seconds since 1970.
    pub fn execution(
        &self,
        operation: &Operation,
        now: u64,
    ) -> Result<TransactionRequest, UpgradeError> {
        let id = operation.id;
        let seconds = operation.ready_at()?.saturating_sub(now);
        if seconds > 0 {
            return Err(UpgradeError::Early { id, seconds });
        }
        let (predecessor, salt) = (operation.predecessor, operation.salt);
        let timelock = self.timelock();
        let call = match operation.calls.as_slice() {
            [(target, value, data)] if operation.is_single(*target, *value, data) => timelock
                .execute(*target, *value, data.clone(), predecessor, salt)
                .into_transaction_request(),
            calls => {
                let targets = calls.iter().map(|call| call.0).collect();
                let values = calls.iter().map(|call| call.1).collect();
                let data = calls.iter().map(|call| call.2.clone()).collect();
                timelock
                    .executeBatch(targets, values, data, predecessor, salt)
                    .into_transaction_request()
            }
        };
        Ok(call)
    }

    /// The transaction that cancels an operation; its sender has to be a governor.
    ///
    /// # Errors
    /// [`UpgradeError::NotPending`].
    pub fn cancellation(&self, operation: &Operation) -> Result<TransactionRequest, UpgradeError> {
        operation.ready_at()?;
        let timelock = self.timelock();
        Ok(timelock.cancel(operation.id).into_transaction_request())
    }
}

impl Operation {
    fn ready_at(&self) -> Result<u64, UpgradeError> {
        let not_pending = |state| UpgradeError::NotPending { id: self.id, state };
        match self.state {
            State::Announced { ready_at } => Ok(ready_at),
            State::Executed => Err(not_pending("executed")),
            State::Cancelled => Err(not_pending("cancelled")),
        }
    }

    /// Whether it was announced as one call, and not as a batch of one, which has another id.
    fn is_single(&self, target: Address, value: U256, data: &Bytes) -> bool {
        let fields = (target, value, data.clone(), self.predecessor, self.salt);
        keccak256(fields.abi_encode_params()) == self.id
    }
}
