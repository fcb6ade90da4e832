//! Running a block again to watch its transactions: traces.
//!
//! The steps are those of execution in the protocol (system writes, deposits with their mint, base
//! fees to their vault), repeated here because execution takes no inspector. Every replayed
//! transaction is held against its receipt, so a difference shows instead of misleading.

use alloy_primitives::{Address, U256};
use op_alloy_consensus::{OpTxEnvelope, TxDeposit};
use revm::{
    DatabaseCommit, DatabaseRef, InspectEvm,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{ExecutionResult, HaltReason, OutOfGasError, ResultAndState, ResultGas},
    },
    database::CacheDB,
    handler::MainnetContext,
    inspector::NoOpInspector,
    state::{AccountInfo, EvmState},
};
use trestle_protocol::{
    ChainConfig, SealedBlock, evm as protocol_evm, history_slot,
    predeploys::{BASE_FEE_VAULT, HISTORY_STORAGE, ROLLUP_STATE},
};

use super::{
    RpcError,
    bounded::{Bounded, Budget, Kept},
    chain::sealed_header,
    context::Context,
    evm::{CallDb, CallSite, CallState, evm_error, relax},
    heavy::Deadline,
};
use crate::store::Snapshot;

/// What inspectors see.
pub(super) type Watched<'a> = MainnetContext<&'a mut CallDb>;

/// A block on the way of being run again.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    config: &'a ChainConfig,
    block: &'a SealedBlock,
    /// The state before the next transaction.
    pub(super) db: CallDb,
    /// The block as the EVM sees it.
    pub(super) env: BlockEnv,
    next: usize,
    deadline: Deadline,
    /// What the inspectors keep.
    kept: Kept,
}

/// One transaction that was watched.
#[derive(Debug)]
pub(super) struct Watch {
    /// As the EVM took it.
    pub(super) tx: TxEnv,
    /// What it did; not yet in the state.
    pub(super) outcome: ResultAndState,
}

impl<'a> Replay<'a> {
    /// The state of `block` before its first transaction.
    pub(super) fn begin(
        context: &'a Context,
        snapshot: &Snapshot,
        block: &'a SealedBlock,
        deadline: Deadline,
    ) -> Result<Self, RpcError> {
        let header = &block.header.header;
        let Some(parent) = header.number.checked_sub(1) else {
            return Err(RpcError::input("genesis is not traceable"));
        };
        let parent_hash = sealed_header(snapshot, parent)?.hash;
        let mut db: CallDb = CacheDB::new(CallState(snapshot.state_at(parent)?));
        let hash = U256::from_be_bytes(parent_hash.0);
        db.insert_account_storage(HISTORY_STORAGE, history_slot(parent), hash)?;
        if !block.body.deposits.is_empty() {
            let next = U256::from(block.body.deposits.end);
            db.insert_account_storage(ROLLUP_STATE, U256::ZERO, next)?;
        }
        Ok(Self {
            config: &context.config,
            block,
            db,
            env: protocol_evm::block_env(header),
            next: 0,
            deadline,
            kept: Kept::CALLS,
        })
    }

    /// The same for inspectors that keep something else than calls.
    pub(super) const fn keeping(mut self, kept: Kept) -> Self {
        self.kept = kept;
        self
    }

    /// Runs the transactions before `index` without watching them.
    pub(super) fn skip_to(&mut self, index: usize) -> Result<(), RpcError> {
        while self.next < index {
            self.deadline.check()?;
            let watch = self.watch(&mut NoOpInspector)?;
            self.commit(watch)?;
        }
        Ok(())
    }

    /// Runs the next transaction under an inspector. The state stays as it is until
    /// [`Replay::commit`].
    pub(super) fn watch<I>(&mut self, inspector: I) -> Result<Watch, RpcError>
    where
        I: for<'db> revm::Inspector<Watched<'db>>,
    {
        let (tx, sender) = self.transaction()?;
        if let OpTxEnvelope::Deposit(deposit) = tx {
            return self.watch_deposit(deposit, inspector);
        }
        let env = protocol_evm::tx_env(tx, sender);
        let cfg = protocol_evm::evm_config(self.config);
        let outcome = inspect(self, cfg, env.clone(), inspector)?;
        Ok(Watch { tx: env, outcome })
    }

    fn watch_deposit<I>(&mut self, deposit: &TxDeposit, inspector: I) -> Result<Watch, RpcError>
    where
        I: for<'db> revm::Inspector<Watched<'db>>,
    {
        let mint = U256::from(deposit.mint);
        let account = add_balance(&mut self.db, deposit.from, mint)?;
        let env = TxEnv {
            caller: deposit.from,
            gas_limit: deposit.gas_limit,
            gas_price: 0,
            kind: deposit.to,
            value: deposit.value,
            data: deposit.input.clone(),
            nonce: account.nonce,
            chain_id: None,
            ..TxEnv::default()
        };
        let mut cfg = protocol_evm::evm_config(self.config);
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        cfg.disable_base_fee = true;
        cfg.disable_eip3607 = true;
        let outcome = match inspect(self, cfg, env.clone(), inspector) {
            Ok(outcome) => outcome,
            Err(error) if error.code() == -32603 => return Err(error),
            Err(_) => self.unstarted(deposit, account),
        };
        Ok(Watch { tx: env, outcome })
    }

    /// A deposit that cannot start uses its gas and its nonce.
    fn unstarted(&mut self, deposit: &TxDeposit, account: AccountInfo) -> ResultAndState {
        let nonce = account.nonce.saturating_add(1);
        self.db
            .insert_account_info(deposit.from, AccountInfo { nonce, ..account });
        let result = ExecutionResult::Halt {
            reason: HaltReason::OutOfGas(OutOfGasError::Basic),
            gas: ResultGas::default().with_total_gas_spent(deposit.gas_limit),
            logs: Vec::new(),
        };
        ResultAndState {
            result,
            state: EvmState::default(),
        }
    }

    /// Takes a watched transaction into the state and goes on to the next.
    pub(super) fn commit(&mut self, watch: Watch) -> Result<(), RpcError> {
        let (tx, _) = self.transaction()?;
        self.check(&watch.outcome.result)?;
        let gas = U256::from(watch.outcome.result.tx_gas_used());
        self.db.commit(watch.outcome.state);
        if !tx.is_deposit() {
            let fee = U256::from(self.env.basefee).saturating_mul(gas);
            add_balance(&mut self.db, BASE_FEE_VAULT, fee)?;
        }
        self.next += 1;
        Ok(())
    }

    fn transaction(&self) -> Result<(&'a OpTxEnvelope, Address), RpcError> {
        let body = &self.block.body;
        let found = body
            .transactions
            .get(self.next)
            .zip(body.senders.get(self.next));
        found
            .map(|(tx, sender)| (tx, *sender))
            .ok_or_else(|| RpcError::internal("block has no such transaction"))
    }

    /// Holds a replayed transaction against its receipt.
    fn check(&self, result: &ExecutionResult) -> Result<(), RpcError> {
        let gas = |index: usize| {
            let receipt = self.block.body.receipts.get(index);
            receipt.map_or(0, |receipt| receipt.cumulative_gas_used())
        };
        let before = self.next.checked_sub(1).map_or(0, gas);
        let expected = gas(self.next).saturating_sub(before);
        if result.tx_gas_used() == expected {
            return Ok(());
        }
        let (number, index) = (self.block.header.header.number, self.next);
        tracing::error!(
            number,
            index,
            expected,
            got = result.tx_gas_used(),
            "replay differs"
        );
        Err(RpcError::internal(format!(
            "replay of transaction {index} in block {number} differs"
        )))
    }
}

fn inspect<I>(
    replay: &mut Replay<'_>,
    cfg: CfgEnv,
    tx: TxEnv,
    inspector: I,
) -> Result<ResultAndState, RpcError>
where
    I: for<'db> revm::Inspector<Watched<'db>>,
{
    let budget = Budget::until(replay.deadline).keeping(replay.kept);
    let mut evm = protocol_evm::evm(replay.config, replay.env.clone(), &mut replay.db);
    evm.ctx.cfg = cfg;
    let mut evm = evm.with_inspector(Bounded::new(inspector, budget));
    evm.inspect_tx(tx).map_err(evm_error)
}

/// Runs a call under an inspector; the state is left as it was.
pub(super) fn watch_call<I>(
    config: &ChainConfig,
    site: &mut CallSite,
    tx: TxEnv,
    inspector: I,
    budget: Budget,
) -> Result<ResultAndState, RpcError>
where
    I: for<'db> revm::Inspector<Watched<'db>>,
{
    let mut evm = protocol_evm::evm(config, site.block.clone(), &mut site.db);
    relax(&mut evm.ctx.cfg, &tx);
    let mut evm = evm.with_inspector(Bounded::new(inspector, budget));
    evm.inspect_tx(tx).map_err(evm_error)
}

/// Adds wei to an account of the state; gives the account.
fn add_balance(db: &mut CallDb, address: Address, wei: U256) -> Result<AccountInfo, RpcError> {
    let mut account = db.basic_ref(address)?.unwrap_or_default();
    if !wei.is_zero() {
        account.balance = account.balance.saturating_add(wei);
        db.insert_account_info(address, account.clone());
    }
    Ok(account)
}
