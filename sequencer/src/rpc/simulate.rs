//! Blocks that were never sealed: several in a row, each with overrides and calls, for
//! `eth_simulateV1`.
//!
//! With `validation` the checks and fees are those of a real block; without, those of `eth_call`.
//! State roots are not computed: a simulated header carries zero there.

use alloy::rpc::types::{
    TransactionRequest,
    simulate::{SimBlock, SimCallResult, SimulateError},
};
use alloy_consensus::{
    Eip658Value, Header, Receipt, SignableTransaction, Signed, TxEip1559, TxEip2930, TxEip7702,
    TxLegacy,
    proofs::{calculate_receipt_root, calculate_transaction_root},
};
use alloy_eips::eip7702::SignedAuthorization;
use alloy_primitives::{B256, Bloom, Bytes, Signature, TxKind, U256};
use op_alloy_consensus::{OpReceiptEnvelope, OpTxEnvelope};
use revm::{
    DatabaseCommit, DatabaseRef, InspectEvm,
    context::{
        TxEnv,
        result::{EVMError, ExecutionResult, InvalidTransaction},
    },
};
use revm_inspectors::transfer::TransferInspector;
use trestle_protocol::{
    Body, ChainConfig, HeaderExtra, SealedBlock, SealedHeader, StateDiff, evm as protocol_evm,
    fees, header_template, history_slot,
    predeploys::{BASE_FEE_VAULT, HISTORY_STORAGE},
};

use super::{
    RpcError,
    bounded::{Bounded, Budget},
    chain::StateAt,
    evm::{CallSite, evm_error, halt, relax, tx_env},
    heavy::Deadline,
    wire,
};
use crate::store::StoreError;

/// What a whole simulation may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct SimulationLimits {
    /// Gas of all calls together.
    pub(super) gas: u64,
    /// Blocks, with the empty ones between.
    pub(super) blocks: u64,
    pub(super) deadline: Deadline,
}

/// How a simulation treats its calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct SimulationMode {
    /// Real checks and fees.
    pub(super) is_validated: bool,
    /// Plain transfers of ether show as logs.
    pub(super) with_transfers: bool,
}

/// A simulation in progress: the state and header that the next block builds on.
#[derive(Debug)]
pub(super) struct Simulation<'a> {
    config: &'a ChainConfig,
    site: CallSite,
    parent: SealedHeader,
    extra: HeaderExtra,
    mode: SimulationMode,
    limits: SimulationLimits,
    first: u64,
}

/// A simulated block with the results of its calls.
#[derive(Debug)]
pub(super) struct Simulated {
    pub(super) block: SealedBlock,
    pub(super) calls: Vec<SimCallResult>,
}

impl<'a> Simulation<'a> {
    pub(super) fn new(
        config: &'a ChainConfig,
        state: &StateAt,
        mode: SimulationMode,
        limits: SimulationLimits,
    ) -> Result<Self, RpcError> {
        let extra = HeaderExtra::decode(&state.header.header.extra_data)
            .map_err(|error| RpcError::internal(error.to_string()))?;
        let first = state.header.header.number.saturating_add(1);
        let (site, parent) = (CallSite::at(state), state.header.clone());
        Ok(Self {
            config,
            site,
            parent,
            extra,
            mode,
            limits,
            first,
        })
    }

    /// Simulates `block`, after empty blocks up to the number that it asks for.
    pub(super) fn run(&mut self, block: SimBlock) -> Result<Vec<Simulated>, RpcError> {
        let next = self.parent.header.number.saturating_add(1);
        let wanted = block
            .block_number_override()
            .map_or(next, |number| number.saturating_to());
        if wanted < next {
            let words = format!(
                "block numbers must be in order: {wanted} after {}",
                next - 1
            );
            return Err(RpcError::with_code(-38020, words));
        }
        if wanted - self.first >= self.limits.blocks {
            return Err(RpcError::with_code(-38026, "too many blocks"));
        }
        let mut done = Vec::new();
        for _ in next..wanted {
            done.push(self.block(SimBlock::default())?);
        }
        done.push(self.block(block)?);
        Ok(done)
    }

    fn block(&mut self, block: SimBlock) -> Result<Simulated, RpcError> {
        let header = self.begin(&block)?;
        let SimBlock {
            block_overrides,
            state_overrides,
            calls,
        } = block;
        self.site.block = protocol_evm::block_env(&header);
        self.site.apply(state_overrides, block_overrides)?;
        let parent_slot = history_slot(self.parent.header.number);
        let parent_hash = U256::from_be_bytes(self.parent.hash.0);
        self.site
            .db
            .insert_account_storage(HISTORY_STORAGE, parent_slot, parent_hash)?;
        let mut open = Open {
            header,
            ..Open::default()
        };
        for call in calls {
            self.limits.deadline.check()?;
            self.call(&mut open, call)?;
        }
        Ok(self.seal(open))
    }

    /// The header of the next block, as far as it is known before its calls.
    fn begin(&self, block: &SimBlock) -> Result<Header, RpcError> {
        let parent = &self.parent.header;
        let overrides = block.block_overrides.as_ref();
        let timestamp = overrides
            .and_then(|o| o.time)
            .unwrap_or(parent.timestamp + 1);
        if timestamp < parent.timestamp {
            let words = format!(
                "block timestamps must be in order: {timestamp} after {}",
                parent.timestamp
            );
            return Err(RpcError::with_code(-38021, words));
        }
        let seconds = timestamp - parent.timestamp;
        let base_fee = if self.mode.is_validated {
            fees::base_fee(self.config, self.extra, seconds)
        } else {
            0
        };
        let base_fee = overrides
            .and_then(|o| o.base_fee)
            .map_or(base_fee, |fee| fee.saturating_to());
        let template = header_template(self.config);
        Ok(Header {
            parent_hash: self.parent.hash,
            number: parent.number.saturating_add(1),
            timestamp,
            beneficiary: overrides
                .and_then(|o| o.coinbase)
                .unwrap_or(template.beneficiary),
            gas_limit: overrides
                .and_then(|o| o.gas_limit)
                .unwrap_or(template.gas_limit),
            mix_hash: overrides.and_then(|o| o.random).unwrap_or(parent.mix_hash),
            base_fee_per_gas: Some(base_fee),
            ..template
        })
    }

    fn call(&mut self, open: &mut Open, request: TransactionRequest) -> Result<(), RpcError> {
        let left = open.header.gas_limit.saturating_sub(open.gas_used);
        if request.gas.is_some_and(|gas| gas > left) {
            return Err(RpcError::with_code(-38015, "block gas limit reached"));
        }
        let cap = left.min(self.limits.gas);
        let gas = Some(request.gas.unwrap_or(cap));
        let nonce = request.nonce;
        let authorizations = request.authorization_list.clone().unwrap_or_default();
        let request = TransactionRequest { gas, ..request };
        let mut tx = tx_env(self.config, &self.site, request, cap)?;
        if tx.tx_type == 0 && tx.gas_price == 0 {
            tx.tx_type = 2;
            tx.gas_priority_fee = Some(0);
        }
        let account = self.site.db.basic_ref(tx.caller)?.unwrap_or_default();
        tx.nonce = nonce.unwrap_or(account.nonce);
        let envelope = unsigned(&tx, authorizations, self.config.l2_chain_id);
        let result = self.execute(&tx)?;
        let gas = result.tx_gas_used();
        self.limits.gas = self.limits.gas.saturating_sub(gas);
        self.credit_base_fee(gas)?;
        open.push(envelope, &tx, result);
        Ok(())
    }

    fn execute(&mut self, tx: &TxEnv) -> Result<ExecutionResult, RpcError> {
        let budget = Budget::until(self.limits.deadline);
        let inspector = TransferInspector::new(false).with_logs(self.mode.with_transfers);
        let db = &mut self.site.db;
        let mut evm = protocol_evm::evm(self.config, self.site.block.clone(), &mut *db);
        relax(&mut evm.ctx.cfg, tx);
        evm.ctx.cfg.disable_base_fee = !self.mode.is_validated;
        evm.ctx.cfg.disable_nonce_check = !self.mode.is_validated;
        let mut evm = evm.with_inspector(Bounded::new(inspector, budget));
        let outcome = evm.inspect_tx(tx.clone()).map_err(refusal)?;
        drop(evm);
        db.commit(outcome.state);
        Ok(outcome.result)
    }

    fn credit_base_fee(&mut self, gas: u64) -> Result<(), RpcError> {
        let fee = U256::from(self.site.block.basefee).saturating_mul(U256::from(gas));
        if self.mode.is_validated && !fee.is_zero() {
            let mut vault = self.site.db.basic_ref(BASE_FEE_VAULT)?.unwrap_or_default();
            vault.balance = vault.balance.saturating_add(fee);
            self.site.db.insert_account_info(BASE_FEE_VAULT, vault);
        }
        Ok(())
    }

    fn seal(&mut self, open: Open) -> Simulated {
        let seconds = open
            .header
            .timestamp
            .saturating_sub(self.parent.header.timestamp);
        let drained = fees::drained_excess(self.config, self.extra, seconds);
        self.extra.excess = fees::next_excess(self.config, drained, open.gas_used);
        let simulated = open.finish(self.extra);
        self.parent = simulated.block.header.clone();
        simulated
    }
}

/// A simulated block while it is filled.
#[derive(Debug, Default)]
struct Open {
    header: Header,
    transactions: Vec<OpTxEnvelope>,
    senders: Vec<alloy_primitives::Address>,
    receipts: Vec<OpReceiptEnvelope>,
    results: Vec<ExecutionResult>,
    gas_used: u64,
    gas_limits: Vec<u64>,
}

impl Open {
    fn push(&mut self, envelope: OpTxEnvelope, tx: &TxEnv, result: ExecutionResult) {
        self.gas_used = self.gas_used.saturating_add(result.tx_gas_used());
        let receipt = Receipt {
            status: Eip658Value::Eip658(result.is_success()),
            cumulative_gas_used: self.gas_used,
            logs: if result.is_success() {
                result.logs().to_vec()
            } else {
                Vec::new()
            },
        }
        .with_bloom();
        self.receipts.push(match tx.tx_type {
            1 => OpReceiptEnvelope::Eip2930(receipt),
            2 => OpReceiptEnvelope::Eip1559(receipt),
            4 => OpReceiptEnvelope::Eip7702(receipt),
            _ => OpReceiptEnvelope::Legacy(receipt),
        });
        self.transactions.push(envelope);
        self.senders.push(tx.caller);
        self.gas_limits.push(tx.gas_limit);
        self.results.push(result);
    }

    fn finish(self, extra: HeaderExtra) -> Simulated {
        let logs_bloom = self
            .receipts
            .iter()
            .fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom());
        let header = Header {
            gas_used: self.gas_used,
            extra_data: extra.encode(),
            transactions_root: calculate_transaction_root(&self.transactions),
            receipts_root: calculate_receipt_root(&self.receipts),
            state_root: B256::ZERO,
            logs_bloom,
            ..self.header
        };
        let body = Body {
            transactions: self.transactions,
            senders: self.senders,
            receipts: self.receipts,
            deposits: 0..0,
        };
        let block = SealedBlock {
            header: SealedHeader::new(header),
            body,
            diff: StateDiff::default(),
        };
        let shown = wire::receipts(&block);
        let logs = shown.into_iter().map(wire::RpcReceipt::into_logs);
        let calls = self.results.into_iter().zip(self.gas_limits).zip(logs);
        let calls = calls
            .map(|((result, limit), logs)| call_result(result, limit, logs))
            .collect();
        Simulated { block, calls }
    }
}

fn call_result(
    result: ExecutionResult,
    gas_limit: u64,
    logs: Vec<alloy::rpc::types::Log>,
) -> SimCallResult {
    let error = match &result {
        ExecutionResult::Success { .. } => None,
        ExecutionResult::Revert { output, .. } => Some(SimulateError {
            code: SimulateError::EXECUTION_REVERTED_CODE,
            message: RpcError::revert(output).to_string(),
            data: Some(output.clone()),
        }),
        ExecutionResult::Halt { reason, .. } => Some(SimulateError {
            code: SimulateError::VM_EXECUTION_ERROR_CODE,
            message: format!("vm execution error: {}", halt(reason, gas_limit)),
            data: None,
        }),
    };
    SimCallResult {
        gas_used: result.tx_gas_used(),
        max_used_gas: Some(result.gas().total_gas_spent().max(result.tx_gas_used())),
        status: result.is_success(),
        return_data: result.into_output().unwrap_or_default(),
        logs,
        error,
    }
}

/// The call as a transaction, with a zero signature: nobody signed it, but it has a hash.
fn unsigned(
    tx: &TxEnv,
    authorization_list: Vec<SignedAuthorization>,
    chain_id: u64,
) -> OpTxEnvelope {
    let nobody = Signature::new(U256::ZERO, U256::ZERO, false);
    let (nonce, gas_limit, value) = (tx.nonce, tx.gas_limit, tx.value);
    let (to, input): (TxKind, Bytes) = (tx.kind, tx.data.clone());
    let access_list = tx.access_list.clone();
    let max_priority_fee_per_gas = tx.gas_priority_fee.unwrap_or_default();
    match (tx.tx_type, to) {
        (4, TxKind::Call(to)) => {
            let tx = TxEip7702 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: tx.gas_price,
                max_priority_fee_per_gas,
                to,
                value,
                access_list,
                authorization_list,
                input,
            };
            sign(tx, nobody).into()
        }
        (2, _) => {
            let max_fee_per_gas = tx.gas_price;
            let tx = TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list,
                input,
            };
            sign(tx, nobody).into()
        }
        (1, _) => {
            let gas_price = tx.gas_price;
            let tx = TxEip2930 {
                chain_id,
                nonce,
                gas_price,
                gas_limit,
                to,
                value,
                access_list,
                input,
            };
            sign(tx, nobody).into()
        }
        _ => {
            let (gas_price, chain_id) = (tx.gas_price, Some(chain_id));
            sign(
                TxLegacy {
                    chain_id,
                    nonce,
                    gas_price,
                    gas_limit,
                    to,
                    value,
                    input,
                },
                nobody,
            )
            .into()
        }
    }
}

fn sign<T: SignableTransaction<Signature>>(tx: T, signature: Signature) -> Signed<T> {
    tx.into_signed(signature)
}

/// Why a call cannot even start, with the codes of `eth_simulateV1`.
fn refusal(error: EVMError<StoreError>) -> RpcError {
    use InvalidTransaction as Invalid;
    let code = match &error {
        EVMError::Transaction(reason) => match reason {
            Invalid::NonceTooLow { .. } => -38010,
            Invalid::NonceTooHigh { .. } => -38011,
            Invalid::GasPriceLessThanBasefee => -38012,
            Invalid::CallGasCostMoreThanGasLimit { .. }
            | Invalid::GasFloorMoreThanGasLimit { .. } => -38013,
            Invalid::LackOfFundForMaxFee { .. } => -38014,
            Invalid::CallerGasLimitMoreThanBlock => -38015,
            Invalid::RejectCallerWithCode => -38024,
            Invalid::CreateInitCodeSizeLimit => -38025,
            _ => -32000,
        },
        _ => return evm_error(error),
    };
    RpcError::with_code(code, evm_error(error).to_string())
}
