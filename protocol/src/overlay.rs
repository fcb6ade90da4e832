//! The state while a block executes: changes over a read-only base.
//!
//! Execution reads through it, and takes from it the [`StateDiff`] of the block. `BLOCKHASH` is
//! answered from the EIP-2935 storage, so nobody needs a chain of headers. Spec: `SPEC.md`, 5.2.

use crate::{AccountInfo, StateDiff, predeploys::HISTORY_STORAGE};
use alloc::collections::{BTreeMap, btree_map::Entry};
use alloy_primitives::{Address, B256, U256};
use revm::{
    Database,
    bytecode::Bytecode,
    primitives::{StorageKey, StorageValue},
    state::{Account, AccountInfo as EvmAccount, EvmState},
};

/// Slots of the EIP-2935 ring.
const HISTORY_SLOTS: u64 = 8_191;

/// Changes of one block over `base`.
#[derive(Debug)]
pub struct BlockState<DB> {
    base: DB,
    accounts: BTreeMap<Address, Option<EvmAccount>>,
    storage: BTreeMap<(Address, U256), U256>,
    codes: BTreeMap<B256, Bytecode>,
    diff: StateDiff,
}

/// Slot of the EIP-2935 contract that holds the hash of block `number`.
#[must_use]
pub fn history_slot(number: u64) -> U256 {
    U256::from(number.checked_rem(HISTORY_SLOTS).unwrap_or_default())
}

impl<DB: Database> BlockState<DB> {
    /// No changes yet.
    pub const fn new(base: DB) -> Self {
        Self {
            base,
            accounts: BTreeMap::new(),
            storage: BTreeMap::new(),
            codes: BTreeMap::new(),
            diff: StateDiff {
                accounts: BTreeMap::new(),
                codes: BTreeMap::new(),
            },
        }
    }

    /// What changed so far.
    pub fn into_diff(self) -> StateDiff {
        self.diff
    }

    /// The account, for reading.
    pub(crate) fn account(&mut self, address: Address) -> Result<EvmAccount, DB::Error> {
        Ok(self.basic(address)?.unwrap_or_default())
    }

    /// Writes one slot of a contract of the protocol.
    pub(crate) fn set_storage(
        &mut self,
        address: Address,
        slot: U256,
        value: U256,
    ) -> Result<(), DB::Error> {
        let account = self.basic(address)?;
        if self.storage(address, slot)? == value {
            return Ok(());
        }
        self.storage.insert((address, slot), value);
        let change = self.diff.accounts.entry(address).or_default();
        change.info = account.as_ref().map(to_info);
        change.storage.insert(slot, value);
        Ok(())
    }

    /// Adds wei to a balance, saturating, without running code.
    pub(crate) fn add_balance(&mut self, address: Address, wei: U256) -> Result<(), DB::Error> {
        if wei.is_zero() {
            return Ok(());
        }
        let mut account = self.account(address)?;
        account.balance = account.balance.saturating_add(wei);
        self.set_account(address, Some(account));
        Ok(())
    }

    /// Counts one more transaction of the account.
    pub(crate) fn bump_nonce(&mut self, address: Address) -> Result<(), DB::Error> {
        let mut account = self.account(address)?;
        account.nonce = account.nonce.saturating_add(1);
        self.set_account(address, Some(account));
        Ok(())
    }

    /// Takes over what a transaction changed.
    pub(crate) fn commit(&mut self, state: EvmState) -> Result<(), DB::Error> {
        for (address, account) in state {
            if account.is_touched() {
                self.commit_account(address, account)?;
            }
        }
        Ok(())
    }

    fn commit_account(&mut self, address: Address, account: Account) -> Result<(), DB::Error> {
        let before = self.basic(address)?;
        if account.is_selfdestructed() || account.is_empty() {
            if before.is_some() {
                self.set_account(address, None);
            }
            return Ok(());
        }
        self.commit_code(&account.info);
        let info = EvmAccount {
            code: None,
            ..account.info.clone()
        };
        let same = before.as_ref().map(to_info) == Some(to_info(&info));
        let mut slots = account
            .storage
            .iter()
            .filter(|(_, slot)| slot.is_changed())
            .peekable();
        if same && slots.peek().is_none() {
            return Ok(());
        }
        self.set_account(address, Some(info));
        let change = self.diff.accounts.entry(address).or_default();
        for (key, slot) in slots {
            self.storage.insert((address, *key), slot.present_value);
            change.storage.insert(*key, slot.present_value);
        }
        Ok(())
    }

    fn commit_code(&mut self, info: &EvmAccount) {
        let Some(code) = info.code.as_ref().filter(|code| !code.is_empty()) else {
            return;
        };
        if let Entry::Vacant(slot) = self.codes.entry(info.code_hash) {
            slot.insert(code.clone());
            self.diff
                .codes
                .insert(info.code_hash, code.original_bytes());
        }
    }

    fn set_account(&mut self, address: Address, account: Option<EvmAccount>) {
        self.diff.accounts.entry(address).or_default().info = account.as_ref().map(to_info);
        self.accounts.insert(address, account);
    }
}

fn to_info(account: &EvmAccount) -> AccountInfo {
    AccountInfo {
        nonce: account.nonce,
        balance: account.balance,
        code_hash: account.code_hash,
    }
}

impl<DB: Database> Database for BlockState<DB> {
    type Error = DB::Error;

    fn basic(&mut self, address: Address) -> Result<Option<EvmAccount>, Self::Error> {
        if let Some(account) = self.accounts.get(&address) {
            return Ok(account.clone());
        }
        let account = self
            .base
            .basic(address)?
            .map(|info| EvmAccount { code: None, ..info });
        self.accounts.insert(address, account.clone());
        Ok(account)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Self::Error> {
        if let Some(code) = self.codes.get(&hash) {
            return Ok(code.clone());
        }
        let code = self.base.code_by_hash(hash)?;
        self.codes.insert(hash, code.clone());
        Ok(code)
    }

    fn storage(&mut self, address: Address, key: StorageKey) -> Result<StorageValue, Self::Error> {
        if let Some(value) = self.storage.get(&(address, key)) {
            return Ok(*value);
        }
        let value = self.base.storage(address, key)?;
        self.storage.insert((address, key), value);
        Ok(value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Self::Error> {
        let value = self.storage(HISTORY_STORAGE, history_slot(number))?;
        Ok(B256::from(value))
    }
}
