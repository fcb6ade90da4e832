//! An L1 in the process: accounts, blocks and transactions over revm, at the rules of Osaka.

use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256, keccak256};
use alloy_sol_types::SolCall;
use revm::{
    Context, DatabaseCommit, ExecuteEvm, MainBuilder, MainContext,
    context::{TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB},
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

/// Gas that a transaction may use: EIP-7825.
const GAS_CAP: u64 = 1 << 24;

/// What became of a transaction.
#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    pub(crate) is_success: bool,
    pub(crate) output: Bytes,
    pub(crate) gas: u64,
    pub(crate) logs: Vec<Log>,
    pub(crate) created: Option<Address>,
}

impl Receipt {
    /// True when the transaction reverted with this error.
    pub(crate) fn reverted_with(&self, selector: [u8; 4]) -> bool {
        !self.is_success && self.output.starts_with(&selector)
    }
}

/// The chain. A clone is a snapshot, and restoring it a reorg.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    db: CacheDB<EmptyDB>,
    pub(crate) time: u64,
    pub(crate) number: u64,
}

impl Chain {
    pub(crate) fn new(time: u64) -> Self {
        Self {
            db: CacheDB::default(),
            time,
            number: 1,
        }
    }

    pub(crate) fn fund(&mut self, who: Address, wei: U256) {
        let info = AccountInfo {
            balance: wei,
            ..AccountInfo::default()
        };
        self.db.insert_account_info(who, info);
    }

    /// Puts ether into an account that has code, as a block reward would.
    pub(crate) fn force(&mut self, who: Address, wei: U256) {
        if let Some(account) = self.db.cache.accounts.get_mut(&who) {
            account.info.balance += wei;
        }
    }

    pub(crate) fn balance(&self, who: Address) -> U256 {
        self.db
            .cache
            .accounts
            .get(&who)
            .map_or(U256::ZERO, |account| account.info.balance)
    }

    pub(crate) fn advance_to(&mut self, time: u64) {
        if time > self.time {
            self.number += ((time - self.time) / 12).max(1);
            self.time = time;
        }
    }

    pub(crate) fn deploy(&mut self, from: Address, code: Bytes) -> Address {
        let receipt = self.transact(from, TxKind::Create, U256::ZERO, code);
        receipt
            .created
            .unwrap_or_else(|| panic!("deployment failed: {:?}", receipt.output))
    }

    pub(crate) fn send(&mut self, from: Address, to: Address, value: U256, data: Bytes) -> Receipt {
        self.transact(from, TxKind::Call(to), value, data)
    }

    /// Calls a function that must succeed, without effect.
    pub(crate) fn read<C: SolCall>(&mut self, to: Address, call: &C) -> C::Return {
        let tx = Self::tx(
            Address::ZERO,
            TxKind::Call(to),
            U256::ZERO,
            call.abi_encode().into(),
        );
        let (receipt, _) = self.run(tx);
        assert!(receipt.is_success, "call reverted: {:?}", receipt.output);
        C::abi_decode_returns(&receipt.output).unwrap()
    }

    fn transact(&mut self, from: Address, kind: TxKind, value: U256, data: Bytes) -> Receipt {
        let (receipt, state) = self.run(Self::tx(from, kind, value, data));
        self.db.commit(state);
        receipt
    }

    fn tx(from: Address, kind: TxKind, value: U256, data: Bytes) -> TxEnv {
        TxEnv {
            caller: from,
            kind,
            value,
            data,
            gas_limit: GAS_CAP,
            gas_price: 0,
            ..TxEnv::default()
        }
    }

    fn run(&mut self, tx: TxEnv) -> (Receipt, revm::state::EvmState) {
        let (time, number) = (self.time, self.number);
        let mut evm = Context::mainnet()
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
                cfg.disable_nonce_check = true;
            })
            .modify_block_chained(|block| {
                block.timestamp = U256::from(time);
                block.number = U256::from(number);
                block.gas_limit = 60_000_000;
                block.basefee = 0;
                block.prevrandao = Some(keccak256(number.to_be_bytes()));
            })
            .with_db(&mut self.db)
            .build_mainnet();
        let done = evm.transact(tx).unwrap();
        let gas = done.result.tx_gas_used();
        let receipt = match done.result {
            ExecutionResult::Success { output, logs, .. } => Receipt {
                is_success: true,
                created: output.address().copied(),
                output: output.into_data(),
                gas,
                logs,
            },
            ExecutionResult::Revert { output, .. } => Receipt {
                is_success: false,
                output,
                gas,
                logs: Vec::new(),
                created: None,
            },
            ExecutionResult::Halt { reason, .. } => panic!("transaction halted: {reason:?}"),
        };
        (receipt, done.state)
    }
}

/// Address of a player by name.
pub(crate) fn address_of(name: &str, index: u64) -> Address {
    let hash: B256 = keccak256([name.as_bytes(), &index.to_be_bytes()].concat());
    Address::from_word(hash)
}
