//! The Solidity step verifier in this process, on revm at Osaka.
//!
//! Reads the runtime code from the committed artifact, so no compiler is needed.

use alloy_primitives::{Address, B256, Bytes, U256, address, hex, keccak256};
use revm::{
    Context, ExecuteEvm, MainBuilder, MainContext,
    bytecode::Bytecode,
    context::{TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB, WrapDatabaseRef},
    primitives::{TxKind, hardfork::SpecId},
    state::AccountInfo,
};
use serde_json::Value;
use std::{fmt::Display, path::Path};

const VERIFIER: Address = address!("0x00000000000000000000000000000000000057e9");
const RELAY: Address = address!("0x0000000000000000000000000000000000004e1a");
/// L1's cap on the gas of one transaction (EIP-7825).
const GAS_CAP: u64 = 16_777_216;

/// What a call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Return data.
    pub output: Bytes,
    /// Gas of the whole transaction, the calldata floor of EIP-7623 included.
    pub transaction_gas: u64,
    /// Gas of execution alone.
    pub execution_gas: u64,
}

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The contract reverted.
    #[error("reverted with {0}")]
    Revert(Bytes),
    /// The EVM stopped the call, most likely for want of gas.
    #[error("halted: {0}")]
    Halt(String),
    /// The harness failed.
    #[error("harness: {0}")]
    Harness(String),
}

impl CallError {
    /// First four bytes of the revert data.
    #[must_use]
    pub fn selector(&self) -> Option<[u8; 4]> {
        match self {
            Self::Revert(data) => data.first_chunk::<4>().copied(),
            _ => None,
        }
    }
}

/// A deployed step verifier.
#[derive(Debug, Clone)]
pub struct StepVerifier {
    db: CacheDB<EmptyDB>,
}

impl StepVerifier {
    /// The verifier with this runtime code.
    #[must_use]
    pub fn from_code(code: Bytes) -> Self {
        let mut db = CacheDB::new(EmptyDB::default());
        let info = AccountInfo::from_bytecode(Bytecode::new_raw(code));
        db.insert_account_info(VERIFIER, info);
        Self { db }
    }

    /// The verifier whose code a committed artifact holds.
    ///
    /// # Errors
    /// [`CallError::Harness`] when the file is no artifact.
    pub fn from_artifact(path: &Path) -> Result<Self, CallError> {
        let harness = |error: &dyn Display| CallError::Harness(error.to_string());
        let text = std::fs::read_to_string(path).map_err(|error| harness(&error))?;
        let json: Value = serde_json::from_str(&text).map_err(|error| harness(&error))?;
        let code = json
            .pointer("/deployedBytecode/object")
            .and_then(Value::as_str);
        let code = code
            .unwrap_or_default()
            .parse()
            .map_err(|error| harness(&error))?;
        Ok(Self::from_code(code))
    }

    /// The runtime code.
    #[must_use]
    pub fn code(&self) -> Bytes {
        let account = self.db.cache.accounts.get(&VERIFIER);
        account
            .and_then(|account| account.info.code.as_ref())
            .map(Bytecode::original_bytes)
            .unwrap_or_default()
    }

    /// `step(pre, witness)`.
    ///
    /// # Errors
    /// [`CallError`] when the contract reverts or runs out of gas.
    pub fn step(&self, pre: B256, witness: &[u8]) -> Result<(B256, Outcome), CallError> {
        let outcome = self.call(step_calldata(pre, witness), GAS_CAP)?;
        Ok((
            B256::from_slice(outcome.output.get(..32).unwrap_or(&[0; 32])),
            outcome,
        ))
    }

    /// A call from another contract that gives exactly `gas` to it, as an attacker would.
    ///
    /// # Errors
    /// [`CallError`] when the contract reverts or runs out of gas.
    pub fn call_without_intrinsic(&self, data: Bytes, gas: u64) -> Result<Outcome, CallError> {
        let mut relayed = self.clone();
        relayed.db.insert_account_info(
            RELAY,
            AccountInfo::from_bytecode(Bytecode::new_raw(relay_code(gas))),
        );
        let outcome = relayed.call_to(RELAY, data, GAS_CAP)?;
        match outcome.output.split_first() {
            Some((1, output)) => Ok(Outcome {
                output: Bytes::copy_from_slice(output),
                ..outcome
            }),
            Some((_, [])) => Err(CallError::Halt("no data".into())),
            Some((_, output)) => Err(CallError::Revert(Bytes::copy_from_slice(output))),
            None => Err(CallError::Harness("the relay returned nothing".into())),
        }
    }

    /// Any call with any gas limit.
    ///
    /// # Errors
    /// [`CallError`] when the contract reverts or runs out of gas.
    pub fn call(&self, data: Bytes, gas_limit: u64) -> Result<Outcome, CallError> {
        self.call_to(VERIFIER, data, gas_limit)
    }

    fn call_to(&self, to: Address, data: Bytes, gas_limit: u64) -> Result<Outcome, CallError> {
        let intrinsic = 21_000
            + data
                .iter()
                .map(|byte| if *byte == 0 { 4_u64 } else { 16 })
                .sum::<u64>();
        let mut evm = Context::mainnet()
            .with_db(WrapDatabaseRef(&self.db))
            .modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA))
            .build_mainnet();
        let tx = TxEnv {
            kind: TxKind::Call(to),
            data,
            gas_limit,
            chain_id: None,
            ..TxEnv::default()
        };
        let result = evm
            .transact(tx)
            .map_err(|error| CallError::Harness(error.to_string()))?
            .result;
        match result {
            ExecutionResult::Success { gas, output, .. } => Ok(Outcome {
                output: output.into_data(),
                transaction_gas: gas.tx_gas_used(),
                execution_gas: gas.total_gas_spent().saturating_sub(intrinsic),
            }),
            ExecutionResult::Revert { output, .. } => Err(CallError::Revert(output)),
            ExecutionResult::Halt { reason, .. } => Err(CallError::Halt(format!("{reason:?}"))),
        }
    }
}

/// Code that passes its calldata to the verifier with `gas` gas and returns one byte for success and
/// the return data.
fn relay_code(gas: u64) -> Bytes {
    // CALLDATACOPY(0, 0, calldatasize)
    let mut code = hex!("366000600037").to_vec();
    // STATICCALL(gas, VERIFIER, 0, calldatasize, 0, 0)
    code.extend_from_slice(&hex!(
        "600060003660007300000000000000000000000000000000000057e967"
    ));
    code.extend_from_slice(&gas.to_be_bytes());
    code.push(0xfa);
    // MSTORE8(0, success); RETURNDATACOPY(1, 0, returndatasize); RETURN(0, returndatasize + 1)
    code.extend_from_slice(&hex!("6000533d600060013e60013d016000f3"));
    code.into()
}

/// ABI encoding of `step(bytes32,bytes)`.
#[must_use]
pub fn step_calldata(pre: B256, witness: &[u8]) -> Bytes {
    let mut data = Vec::with_capacity(witness.len() + 132);
    data.extend(keccak256("step(bytes32,bytes)").iter().take(4));
    data.extend_from_slice(pre.as_slice());
    data.extend_from_slice(&U256::from(64).to_be_bytes::<32>());
    data.extend_from_slice(&U256::from(witness.len()).to_be_bytes::<32>());
    data.extend_from_slice(witness);
    data.resize(data.len().next_multiple_of(32) + 4, 0);
    data.into()
}

/// Precompile 0x0a as revm has it.
#[must_use]
pub fn kzg(input: &[u8; 192]) -> bool {
    revm::precompile::kzg_point_evaluation::run(input, u64::MAX).is_ok()
}
