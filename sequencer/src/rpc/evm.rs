//! Calls on a past state: the EVM of the chain over a snapshot, with overrides.
//!
//! The EVM and the block environment are the protocol's, so that a call sees what a transaction in
//! that block sees. Checks that only a signed transaction can pass (nonce, EIP-3607) are off.

use std::convert::Infallible;

use alloy::rpc::types::{BlockOverrides, TransactionRequest, state::AccountOverride};
use alloy_eips::eip7702::{RecoveredAuthority, RecoveredAuthorization, SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256, map::AddressHashMap};
use revm::{
    Database, DatabaseRef, ExecuteEvm,
    bytecode::Bytecode,
    context::{
        BlockEnv, TxEnv,
        either::Either,
        result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction, OutOfGasError},
    },
    database::{AccountState, CacheDB},
    primitives::TxKind,
    state::{AccountInfo, EvmState},
};
use trestle_protocol::{
    ChainConfig, evm as protocol_evm, history_slot, predeploys::HISTORY_STORAGE, recover_address,
};

use super::{RpcError, chain::StateAt, context::Context};
use crate::store::{StateView, StoreError};

/// Accounts that a call sees otherwise than the state has them.
pub(super) type StateOverride = AddressHashMap<AccountOverride>;

/// A state as the EVM reads it: `BLOCKHASH` is answered from the EIP-2935 storage, as in execution.
#[derive(Debug, Clone)]
pub(super) struct CallState(pub(super) StateView);

impl DatabaseRef for CallState {
    type Error = StoreError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StoreError> {
        self.0.basic_ref(address)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StoreError> {
        self.0.code_by_hash_ref(hash)
    }

    fn storage_ref(&self, address: Address, key: U256) -> Result<U256, StoreError> {
        self.0.storage_ref(address, key)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StoreError> {
        self.0
            .storage_ref(HISTORY_STORAGE, history_slot(number))
            .map(B256::from)
    }
}

/// A state with changes of its own on top.
pub(super) type CallDb = CacheDB<CallState>;

/// Where a call runs.
#[derive(Debug)]
pub(super) struct CallSite {
    pub(super) db: CallDb,
    pub(super) block: BlockEnv,
}

impl CallSite {
    /// At the end of a block, seen from inside it.
    pub(super) fn at(state: &StateAt) -> Self {
        Self {
            db: CacheDB::new(CallState(state.view.clone())),
            block: protocol_evm::block_env(&state.header.header),
        }
    }

    /// In a block on top of this one that were sealed now.
    pub(super) fn after(context: &Context, state: &StateAt) -> Result<Self, RpcError> {
        let mut site = Self::at(state);
        let header = &state.header.header;
        site.block.number = U256::from(header.number.saturating_add(1));
        site.block.timestamp = U256::from(context.clock.now().max(header.timestamp));
        site.block.basefee = context.next_base_fee(&state.header)?;
        // The block does not know its parent's hash yet; execution would write it first.
        let hash = U256::from_be_bytes(state.header.hash.0);
        site.db
            .insert_account_storage(HISTORY_STORAGE, history_slot(header.number), hash)?;
        Ok(site)
    }

    /// Applies overrides.
    pub(super) fn apply(
        &mut self,
        accounts: Option<StateOverride>,
        block: Option<BlockOverrides>,
    ) -> Result<(), RpcError> {
        if let Some(block) = block {
            override_block(&mut self.db, &mut self.block, block)?;
        }
        for (address, account) in accounts.into_iter().flatten() {
            override_account(&mut self.db, address, account)?;
        }
        Ok(())
    }

    /// Runs a transaction; the state is left as it was.
    pub(super) fn run(&self, config: &ChainConfig, tx: TxEnv) -> Result<Outcome, RpcError> {
        let mut evm = protocol_evm::evm(config, self.block.clone(), Overlay(&self.db));
        relax(&mut evm.ctx.cfg, &tx);
        match evm.transact(tx) {
            Ok(outcome) => Ok(Outcome {
                result: outcome.result,
                state: outcome.state,
            }),
            Err(error) => Err(evm_error(error)),
        }
    }
}

/// What a run gave.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) result: ExecutionResult,
    pub(super) state: EvmState,
}

/// Reads through a shared database without keeping what it read, so that runs do not copy it.
/// `BLOCKHASH` sees overrides of the EIP-2935 storage.
#[derive(Debug)]
pub(super) struct Overlay<'a>(pub(super) &'a CallDb);

impl Database for Overlay<'_> {
    type Error = StoreError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StoreError> {
        self.0.basic_ref(address)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StoreError> {
        self.0.code_by_hash_ref(hash)
    }

    fn storage(&mut self, address: Address, key: U256) -> Result<U256, StoreError> {
        self.0.storage_ref(address, key)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StoreError> {
        let hash = self.0.storage_ref(HISTORY_STORAGE, history_slot(number))?;
        Ok(B256::from(hash))
    }
}

/// Takes away the checks that only a signed transaction of a block can pass.
pub(super) fn relax(cfg: &mut revm::context::CfgEnv, tx: &TxEnv) {
    cfg.disable_nonce_check = true;
    cfg.disable_eip3607 = true;
    cfg.disable_block_gas_limit = true;
    cfg.tx_gas_limit_cap = Some(u64::MAX);
    cfg.disable_base_fee = tx.gas_price == 0;
}

/// The EVM's transaction for a request, with at most `gas_cap` gas.
pub(super) fn tx_env(
    config: &ChainConfig,
    site: &CallSite,
    request: TransactionRequest,
    gas_cap: u64,
) -> Result<TxEnv, RpcError> {
    check_request(config, &request)?;
    let caller = request.from.unwrap_or_default();
    let account = site.db.basic_ref(caller)?.unwrap_or_default();
    let gas_price = request
        .gas_price
        .or(request.max_fee_per_gas)
        .unwrap_or_default();
    let value = request.value.unwrap_or_default();
    let input = request.input.try_into_unique_input().map_err(|_| {
        RpcError::params("both \"data\" and \"input\" are set and not equal; use \"input\"")
    })?;
    let gas_limit = match request.gas {
        Some(gas) => gas.min(gas_cap),
        None => gas_cap.min(allowance(&account, gas_price, value)?),
    };
    let authorizations = request.authorization_list.unwrap_or_default();
    let tx_type = match (&request.access_list, request.max_fee_per_gas) {
        _ if !authorizations.is_empty() => 4,
        (_, Some(_)) => 2,
        (_, None) if request.max_priority_fee_per_gas.is_some() => 2,
        (Some(_), None) => 1,
        (None, None) => 0,
    };
    Ok(TxEnv {
        tx_type,
        caller,
        gas_limit,
        gas_price,
        gas_priority_fee: (tx_type == 2 || tx_type == 4)
            .then(|| request.max_priority_fee_per_gas.unwrap_or_default()),
        kind: request.to.unwrap_or(TxKind::Create),
        value,
        data: input.unwrap_or_default(),
        nonce: request.nonce.unwrap_or(account.nonce),
        chain_id: Some(config.l2_chain_id),
        access_list: request.access_list.unwrap_or_default(),
        authorization_list: authorizations
            .iter()
            .map(recovered)
            .map(Either::Right)
            .collect(),
        ..TxEnv::default()
    })
}

fn check_request(config: &ChainConfig, request: &TransactionRequest) -> Result<(), RpcError> {
    let blobs = request.blob_versioned_hashes.is_some() || request.max_fee_per_blob_gas.is_some();
    if blobs || request.transaction_type == Some(3) {
        return Err(RpcError::rejected("transaction type not supported"));
    }
    if request.chain_id.is_some_and(|id| id != config.l2_chain_id) {
        let (have, want) = (request.chain_id.unwrap_or_default(), config.l2_chain_id);
        return Err(RpcError::input(format!(
            "chain id does not match: have {have} want {want}"
        )));
    }
    let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    if request.gas_price.is_some() && dynamic {
        let both = "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified";
        return Err(RpcError::params(both));
    }
    let (fee, tip) = (request.max_fee_per_gas, request.max_priority_fee_per_gas);
    if let (Some(fee), Some(tip)) = (fee, tip)
        && tip > fee
    {
        return Err(RpcError::input(
            "max priority fee per gas higher than max fee per gas",
        ));
    }
    Ok(())
}

/// Gas that the account can pay for, beside `value`; unbounded at no price.
pub(super) fn allowance(
    account: &AccountInfo,
    gas_price: u128,
    value: U256,
) -> Result<u64, RpcError> {
    if gas_price == 0 {
        return Ok(u64::MAX);
    }
    let Some(left) = account.balance.checked_sub(value) else {
        let balance = account.balance;
        return Err(RpcError::rejected(format!(
            "insufficient funds for gas * price + value: have {balance} want {value}"
        )));
    };
    Ok(left
        .checked_div(U256::from(gas_price))
        .map_or(u64::MAX, |gas| gas.saturating_to()))
}

fn recovered(signed: &SignedAuthorization) -> RecoveredAuthorization {
    let authority = signed
        .signature()
        .ok()
        .and_then(|signature| recover_address(signed.signature_hash(), &signature).ok())
        .map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid);
    RecoveredAuthorization::new_unchecked(signed.inner().clone(), authority)
}

fn override_block(
    db: &mut CallDb,
    env: &mut BlockEnv,
    block: BlockOverrides,
) -> Result<(), RpcError> {
    let BlockOverrides {
        number,
        time,
        gas_limit,
        coinbase,
        random,
        base_fee,
        block_hash,
        ..
    } = block;
    for (number, hash) in block_hash.into_iter().flatten() {
        let hash = U256::from_be_bytes(hash.0);
        db.insert_account_storage(HISTORY_STORAGE, history_slot(number), hash)?;
    }
    env.number = number.unwrap_or(env.number);
    env.timestamp = time.map_or(env.timestamp, U256::from);
    env.gas_limit = gas_limit.unwrap_or(env.gas_limit);
    env.beneficiary = coinbase.unwrap_or(env.beneficiary);
    env.prevrandao = random.or(env.prevrandao);
    if let Some(fee) = base_fee {
        env.basefee =
            u64::try_from(fee).map_err(|_| RpcError::params("base fee above 2^64 - 1"))?;
    }
    Ok(())
}

fn override_account(
    db: &mut CallDb,
    address: Address,
    account: AccountOverride,
) -> Result<(), RpcError> {
    let AccountOverride {
        balance,
        nonce,
        code,
        state,
        state_diff,
        move_precompile_to,
    } = account;
    if move_precompile_to.is_some() {
        return Err(RpcError::params("movePrecompileToAddress is not supported"));
    }
    if state.is_some() && state_diff.is_some() {
        return Err(RpcError::params(format!(
            "account {address} has both state and stateDiff"
        )));
    }
    let mut info = db.basic_ref(address)?.unwrap_or_default();
    info.balance = balance.unwrap_or(info.balance);
    info.nonce = nonce.unwrap_or(info.nonce);
    if let Some(code) = code {
        info.code_hash = keccak256(&code);
        let code = Bytecode::new_raw_checked(code)
            .map_err(|error| RpcError::params(format!("invalid code of {address}: {error}")))?;
        info.code = Some(code);
    }
    db.insert_account_info(address, info);
    let words = |slots: alloy_primitives::map::B256HashMap<B256>| {
        slots
            .into_iter()
            .map(|(slot, value)| (slot.into(), value.into()))
    };
    if let Some(slots) = state {
        db.replace_account_storage(address, words(slots).collect())?;
        if let Some(account) = db.cache.accounts.get_mut(&address) {
            account.account_state = AccountState::StorageCleared;
        }
    }
    for (slot, value) in state_diff.into_iter().flat_map(words) {
        db.insert_account_storage(address, slot, value)?;
    }
    Ok(())
}

/// The output of a successful run, or the error that clients expect.
pub(super) fn output(result: ExecutionResult, gas_limit: u64) -> Result<Bytes, RpcError> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(RpcError::revert(&output)),
        ExecutionResult::Halt { reason, .. } => Err(halt(&reason, gas_limit)),
    }
}

/// A run that ended without output, in geth's words.
pub(super) fn halt(reason: &HaltReason, gas_limit: u64) -> RpcError {
    RpcError::input(match reason {
        HaltReason::OutOfGas(OutOfGasError::InvalidOperand) => {
            "out of gas: invalid operand to an opcode".to_owned()
        }
        HaltReason::OutOfGas(_) => format!("out of gas: gas required exceeds: {gas_limit}"),
        HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode => "invalid opcode".to_owned(),
        HaltReason::InvalidJump => "invalid jump destination".to_owned(),
        HaltReason::StackUnderflow => "stack underflow".to_owned(),
        HaltReason::StackOverflow => "stack limit reached 1024 (1023)".to_owned(),
        HaltReason::CreateCollision => "contract address collision".to_owned(),
        HaltReason::CreateContractSizeLimit => "max code size exceeded".to_owned(),
        HaltReason::CallTooDeep => "max call depth exceeded".to_owned(),
        other => format!("EVM error: {other:?}"),
    })
}

/// Why a transaction cannot even start, in the words that wallets match.
pub(super) fn evm_error(error: EVMError<StoreError>) -> RpcError {
    match error {
        EVMError::Database(error) => error.into(),
        EVMError::Transaction(reason) => invalid_transaction(&reason),
        other => RpcError::input(other.to_string()),
    }
}

fn invalid_transaction(reason: &InvalidTransaction) -> RpcError {
    use InvalidTransaction as Invalid;
    RpcError::input(match reason {
        Invalid::PriorityFeeGreaterThanMaxFee => {
            "max priority fee per gas higher than max fee per gas".to_owned()
        }
        Invalid::GasPriceLessThanBasefee => "max fee per gas less than block base fee".to_owned(),
        Invalid::CallerGasLimitMoreThanBlock => "exceeds block gas limit".to_owned(),
        Invalid::CallGasCostMoreThanGasLimit {
            initial_gas: want,
            gas_limit: have,
        }
        | Invalid::GasFloorMoreThanGasLimit {
            gas_floor: want,
            gas_limit: have,
        } => {
            format!("intrinsic gas too low: gas {have}, minimum needed {want}")
        }
        Invalid::LackOfFundForMaxFee { fee, balance } => {
            let message = "insufficient funds for gas * price + value";
            return RpcError::rejected(format!("{message}: have {balance} want {fee}"));
        }
        Invalid::CreateInitCodeSizeLimit => "max initcode size exceeded".to_owned(),
        Invalid::EmptyAuthorizationList => {
            "EIP-7702 transaction with empty authorization list".to_owned()
        }
        other => other.to_string(),
    })
}

impl From<Infallible> for RpcError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
