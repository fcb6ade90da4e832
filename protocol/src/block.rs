//! A block while it is built: deposits first, then one transaction after another.
//!
//! The sequencer's builder and derivation both work through [`OpenBlock`], so a block is executed
//! once and in one way. Spec: `SPEC.md`, section 5.

use crate::{
    BlockState, ChainConfig, EntryBody, HeaderExtra, L1Attributes, OperatorParams, QueuedEntry,
    SealedHeader, SkipReason, deposit_transaction,
    evm::{Evm, block_env, evm, tx_env},
    fees, header_template, history_slot,
    predeploys::{BASE_FEE_VAULT, HISTORY_STORAGE, ROLLUP_STATE},
    recover::recover_sender,
    seal::{self, PendingBlock},
    validate::{check_account, check_chain, check_fee, check_shape},
};
use alloc::{string::String, vec::Vec};
use alloy_consensus::{Eip658Value, Header, Receipt};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Log, Sealable, U256};
use op_alloy_consensus::{OpDepositReceipt, OpReceiptEnvelope, OpTxEnvelope, OpTxType, TxDeposit};
use revm::{
    Database, ExecuteEvm,
    context::{TxEnv, result::EVMError},
    context_interface::result::ExecutionResult,
};

/// `depositReceiptVersion` of every deposit.
const DEPOSIT_RECEIPT_VERSION: u64 = 1;

/// What a block is built on and from.
#[derive(Debug, Clone, Copy)]
pub struct BlockInput<'a> {
    /// The chain's configuration.
    pub config: &'a ChainConfig,
    /// Header of the parent with its hash.
    pub parent: &'a SealedHeader,
    /// Timestamp in seconds, within the rules already.
    pub timestamp: u64,
    /// Queue entries to consume, in order; they fit into the block (see [`crate::entries_that_fit`]).
    pub entries: &'a [QueuedEntry],
}

/// Why a block cannot be executed at all: the state is not there, or an invariant is broken.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError<E> {
    /// The state could not be read.
    #[error("state could not be read: {0}")]
    Database(E),
    /// The parent's header carries no fee state.
    #[error(transparent)]
    Parent(#[from] crate::ExtraError),
    /// The EVM failed in a way that no transaction may cause.
    #[error("EVM failed: {0}")]
    Evm(String),
}

/// Outcome of offering a transaction to a block.
pub type Offer = Result<u64, SkipReason>;

/// A block under construction.
#[derive(derive_more::Debug)]
pub struct OpenBlock<DB: Database> {
    config: ChainConfig,
    header: Header,
    drained: u64,
    floor: u128,
    user_gas_left: u64,
    gas_used: u64,
    deposits: core::ops::Range<u64>,
    transactions: Vec<OpTxEnvelope>,
    senders: Vec<Address>,
    receipts: Vec<OpReceiptEnvelope>,
    #[debug(skip)]
    evm: Evm<BlockState<DB>>,
}

impl<DB: Database> OpenBlock<DB> {
    /// Begins a block: system writes, then its deposits.
    ///
    /// # Errors
    /// [`ExecutionError`]; nothing that a deposit contains can cause one.
    pub fn begin(input: BlockInput<'_>, db: DB) -> Result<Self, ExecutionError<DB::Error>> {
        let BlockInput {
            config,
            parent,
            timestamp,
            entries,
        } = input;
        let extra = HeaderExtra::decode(&parent.header.extra_data)?;
        let mut state = BlockState::new(db);
        let params = read_params(&mut state).map_err(ExecutionError::Database)?;
        let newest = newest_attributes(entries);
        let seconds = timestamp.saturating_sub(parent.header.timestamp);
        let header = Header {
            parent_hash: parent.hash,
            number: parent.header.number.saturating_add(1),
            timestamp,
            mix_hash: newest.map_or(parent.header.mix_hash, |(_, l1)| l1.prevrandao),
            base_fee_per_gas: Some(fees::base_fee(config, extra, seconds)),
            ..header_template(config)
        };
        system_writes(&mut state, &header, entries).map_err(ExecutionError::Database)?;
        let drained = fees::drained_excess(config, extra, seconds);
        let floor = newest.map_or(extra.floor, |(_, l1)| {
            fees::next_floor(extra.floor, &params, l1)
        });
        let mut block = Self {
            config: config.clone(),
            drained,
            floor,
            user_gas_left: 0,
            gas_used: 0,
            deposits: deposit_range(entries),
            transactions: Vec::new(),
            senders: Vec::new(),
            receipts: Vec::new(),
            evm: evm(config, block_env(&header), state),
            header,
        };
        for tx in executed_deposits(config, entries) {
            block.execute_deposit(tx)?;
        }
        let limit = params.user_gas_limit;
        block.user_gas_left = fees::user_gas(config, limit, drained, block.gas_used);
        Ok(block)
    }

    fn state(&mut self) -> &mut BlockState<DB> {
        &mut self.evm.ctx.journaled_state.database
    }

    fn execute_deposit(&mut self, tx: TxDeposit) -> Result<(), ExecutionError<DB::Error>> {
        let (from, mint) = (tx.from, U256::from(tx.mint));
        self.state()
            .add_balance(from, mint)
            .map_err(ExecutionError::Database)?;
        let account = self
            .state()
            .account(from)
            .map_err(ExecutionError::Database)?;
        let outcome = if account.balance < tx.value {
            None
        } else {
            self.transact_deposit(&tx, account.nonce)?
        };
        let (success, gas_used, logs) = match outcome {
            Some(result) => (
                result.is_success(),
                result.tx_gas_used(),
                result.into_logs(),
            ),
            None => {
                self.state()
                    .bump_nonce(from)
                    .map_err(ExecutionError::Database)?;
                (false, tx.gas_limit, Vec::new())
            }
        };
        self.gas_used = self.gas_used.saturating_add(gas_used);
        let receipt = OpDepositReceipt {
            inner: self.receipt(success, logs),
            deposit_nonce: Some(account.nonce),
            deposit_receipt_version: Some(DEPOSIT_RECEIPT_VERSION),
        };
        self.receipts
            .push(OpReceiptEnvelope::Deposit(receipt.into()));
        self.transactions
            .push(OpTxEnvelope::Deposit(tx.seal_slow()));
        self.senders.push(from);
        Ok(())
    }

    /// Runs a deposit under the settings of deposits; `None` if it cannot start.
    fn transact_deposit(
        &mut self,
        tx: &TxDeposit,
        nonce: u64,
    ) -> Result<Option<ExecutionResult>, ExecutionError<DB::Error>> {
        let env = TxEnv {
            caller: tx.from,
            gas_limit: tx.gas_limit,
            gas_price: 0,
            kind: tx.to,
            value: tx.value,
            data: tx.input.clone(),
            nonce,
            chain_id: None,
            ..TxEnv::default()
        };
        let user_cfg = self.evm.ctx.cfg.clone();
        let cfg = &mut self.evm.ctx.cfg;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        cfg.disable_base_fee = true;
        cfg.disable_eip3607 = true;
        let outcome = self.transact(env);
        self.evm.ctx.cfg = user_cfg;
        Ok(outcome?.ok())
    }

    fn transact(
        &mut self,
        env: TxEnv,
    ) -> Result<Result<ExecutionResult, SkipReason>, ExecutionError<DB::Error>> {
        match self.evm.transact(env) {
            Ok(outcome) => {
                self.state()
                    .commit(outcome.state)
                    .map_err(ExecutionError::Database)?;
                Ok(Ok(outcome.result))
            }
            Err(EVMError::Transaction(_)) => Ok(Err(SkipReason::Rejected)),
            Err(EVMError::Database(error)) => Err(ExecutionError::Database(error)),
            Err(EVMError::Header(error)) => Err(ExecutionError::Evm(alloc::format!("{error:?}"))),
            Err(EVMError::Custom(error)) => Err(ExecutionError::Evm(error)),
            Err(EVMError::CustomAny(error)) => {
                Err(ExecutionError::Evm(alloc::format!("{error:?}")))
            }
        }
    }

    /// Offers a user transaction; `sender` saves its recovery if it is known already.
    ///
    /// The outer error means that the state is gone; the inner result is the gas used, or why the
    /// transaction was skipped, having changed nothing.
    ///
    /// # Errors
    /// [`ExecutionError`]; nothing that a transaction contains can cause one.
    pub fn offer(
        &mut self,
        tx: OpTxEnvelope,
        sender: Option<Address>,
    ) -> Result<Offer, ExecutionError<DB::Error>> {
        let sender = match self.check(&tx, sender)? {
            Ok(sender) => sender,
            Err(reason) => return Ok(Err(reason)),
        };
        let result = match self.transact(tx_env(&tx, sender))? {
            Ok(result) => result,
            Err(reason) => return Ok(Err(reason)),
        };
        let gas_used = result.tx_gas_used();
        let base_fee = U256::from(self.header.base_fee_per_gas.unwrap_or_default());
        let fee = base_fee.saturating_mul(U256::from(gas_used));
        self.state()
            .add_balance(BASE_FEE_VAULT, fee)
            .map_err(ExecutionError::Database)?;
        self.gas_used = self.gas_used.saturating_add(gas_used);
        self.user_gas_left = self.user_gas_left.saturating_sub(gas_used);
        let success = result.is_success();
        let receipt = self.receipt(success, result.into_logs());
        self.receipts.push(envelope(tx.tx_type(), receipt));
        self.transactions.push(tx);
        self.senders.push(sender);
        Ok(Ok(gas_used))
    }

    /// All checks of the skip list, in order.
    fn check(
        &mut self,
        tx: &OpTxEnvelope,
        sender: Option<Address>,
    ) -> Result<Result<Address, SkipReason>, ExecutionError<DB::Error>> {
        let base_fee = self.header.base_fee_per_gas.unwrap_or_default();
        let stateless = || {
            check_chain(&self.config, tx)?;
            let sender = sender.map_or_else(|| recover_sender(tx), Ok)?;
            check_shape(&self.config, tx, self.user_gas_left)?;
            check_fee(tx, base_fee)?;
            Ok(sender)
        };
        let sender = match stateless() {
            Ok(sender) => sender,
            Err(reason) => return Ok(Err(reason)),
        };
        let account = self
            .state()
            .account(sender)
            .map_err(ExecutionError::Database)?;
        let code = if account.is_empty_code_hash() {
            Default::default()
        } else {
            self.state()
                .code_by_hash(account.code_hash)
                .map_err(ExecutionError::Database)?
        };
        Ok(check_account(tx, &account, code.original_byte_slice()).map(|()| sender))
    }

    fn receipt(&self, success: bool, logs: Vec<Log>) -> Receipt {
        Receipt {
            status: Eip658Value::Eip658(success),
            cumulative_gas_used: self.gas_used,
            logs,
        }
    }

    /// Transactions that user accounts sent and that are in the block, deposits included.
    #[must_use]
    pub fn transactions(&self) -> &[OpTxEnvelope] {
        &self.transactions
    }

    /// Receipts so far, one for each transaction.
    #[must_use]
    pub fn receipts(&self) -> &[OpReceiptEnvelope] {
        &self.receipts
    }

    /// Gas that user transactions may still use.
    #[must_use]
    pub const fn user_gas_left(&self) -> u64 {
        self.user_gas_left
    }

    /// Bytes of its user transactions in EIP-2718 form.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let user = self.transactions.iter().filter(|tx| !tx.is_deposit());
        user.map(Encodable2718::encode_2718_len).sum()
    }

    /// Whether there is nothing to seal: no transaction, and no queue entry consumed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty() && self.deposits.is_empty()
    }

    /// The header so far: number, time and base fee are final.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Ends the block: all of it but the state root.
    #[must_use]
    pub fn finish(self) -> PendingBlock {
        let excess = fees::next_excess(&self.config, self.drained, self.gas_used);
        let extra = HeaderExtra {
            excess,
            floor: self.floor,
        };
        let header = Header {
            gas_used: self.gas_used,
            extra_data: extra.encode(),
            ..self.header
        };
        let diff = self.evm.ctx.journaled_state.database.into_diff();
        seal::pending(
            header,
            seal::Body {
                transactions: self.transactions,
                senders: self.senders,
                receipts: self.receipts,
                deposits: self.deposits,
            },
            diff,
        )
    }
}

fn envelope(tx_type: OpTxType, receipt: Receipt) -> OpReceiptEnvelope {
    let receipt = receipt.with_bloom();
    match tx_type {
        OpTxType::Eip2930 => OpReceiptEnvelope::Eip2930(receipt),
        OpTxType::Eip1559 => OpReceiptEnvelope::Eip1559(receipt),
        OpTxType::Eip7702 => OpReceiptEnvelope::Eip7702(receipt),
        _ => OpReceiptEnvelope::Legacy(receipt),
    }
}

/// The transactions that entries become: all but superseded L1 attributes.
pub(crate) fn executed_deposits(config: &ChainConfig, entries: &[QueuedEntry]) -> Vec<TxDeposit> {
    let newest = newest_attributes(entries).map(|(index, _)| index);
    let is_executed = |queued: &&QueuedEntry| {
        !matches!(queued.entry.body, EntryBody::Attributes(_)) || newest == Some(queued.index)
    };
    entries
        .iter()
        .filter(is_executed)
        .map(|queued| deposit_transaction(config, queued))
        .collect()
}

fn newest_attributes(entries: &[QueuedEntry]) -> Option<(u64, &L1Attributes)> {
    entries
        .iter()
        .rev()
        .find_map(|queued| match &queued.entry.body {
            EntryBody::Attributes(l1) => Some((queued.index, l1)),
            _ => None,
        })
}

/// Indices of consecutive entries; empty for none.
pub(crate) fn deposit_range(entries: &[QueuedEntry]) -> core::ops::Range<u64> {
    match (entries.first(), entries.last()) {
        (Some(first), Some(last)) => first.index..last.index.saturating_add(1),
        _ => 0..0,
    }
}

/// Writes that come before the first transaction: the parent's hash and the queue position.
fn system_writes<DB: Database>(
    state: &mut BlockState<DB>,
    header: &Header,
    entries: &[QueuedEntry],
) -> Result<(), DB::Error> {
    let slot = history_slot(header.number.saturating_sub(1));
    state.set_storage(
        HISTORY_STORAGE,
        slot,
        U256::from_be_bytes(header.parent_hash.0),
    )?;
    if !entries.is_empty() {
        let next = U256::from(deposit_range(entries).end);
        state.set_storage(ROLLUP_STATE, U256::ZERO, next)?;
    }
    Ok(())
}

/// Operator parameters as `RollupState` keeps them in slot 1.
fn read_params<DB: Database>(state: &mut BlockState<DB>) -> Result<OperatorParams, DB::Error> {
    let word = state.storage(ROLLUP_STATE, U256::from(1))?;
    Ok(unpack_params(word))
}

/// Reads slot 1 of `RollupState`; the batcher is not in it.
#[must_use]
pub fn unpack_params(word: U256) -> OperatorParams {
    let field = |shift: usize| word.wrapping_shr(shift);
    let low = |value: U256| value.wrapping_to::<u64>();
    OperatorParams {
        user_gas_limit: low(field(0)),
        data_scalar: field(64).wrapping_to::<u32>(),
        data_kinds: field(96).wrapping_to::<u8>(),
        min_floor: field(104).wrapping_to::<u128>(),
        batcher: Address::ZERO,
    }
}
