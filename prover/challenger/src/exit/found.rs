//! Withdrawals of an account that derivation came across, in a file beside the derived chain.
//!
//! A line per withdrawal: block, nonce, target, value, gas limit and data. Written before the batch is, so that a
//! crash repeats a line rather than lose one; what L1 took back is not in any proof, so it does no harm.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, Bytes, U256};
use serde::{Deserialize, Serialize};
use trestle_sdk::transfer::{PendingWithdrawal, Withdrawal};

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    block: u64,
    nonce: U256,
    sender: Address,
    target: Address,
    value: U256,
    gas_limit: U256,
    data: Bytes,
}

/// The list.
#[derive(Debug)]
pub(super) struct Found {
    path: PathBuf,
    all: Vec<PendingWithdrawal>,
}

impl Found {
    /// The list in `folder`.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join("withdrawals.jsonl");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        let mut found = Self {
            path,
            all: Vec::new(),
        };
        // A line that a crash cut short is written again, because its batch is derived again.
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines.for_each(|line: Line| found.keep(line.into()));
        Ok(found)
    }

    pub(super) fn all(&self) -> &[PendingWithdrawal] {
        &self.all
    }

    /// Adds one; on disk when it returns.
    pub(super) fn add(&mut self, pending: PendingWithdrawal) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        // On a line of its own, whatever a crash cut short before it.
        let line = serde_json::to_string(&Line::from(&pending))?;
        file.write_all(format!("\n{line}\n").as_bytes())?;
        file.sync_all()?;
        self.keep(pending);
        Ok(())
    }

    fn keep(&mut self, pending: PendingWithdrawal) {
        let hash = pending.withdrawal.hash();
        self.all.retain(|known| known.withdrawal.hash() != hash);
        self.all.push(pending);
    }
}

impl From<Line> for PendingWithdrawal {
    fn from(line: Line) -> Self {
        Self {
            withdrawal: Withdrawal {
                nonce: line.nonce,
                sender: line.sender,
                target: line.target,
                value: line.value,
                gas_limit: line.gas_limit,
                data: line.data,
            },
            block: line.block,
            transaction: None,
        }
    }
}

impl From<&PendingWithdrawal> for Line {
    fn from(pending: &PendingWithdrawal) -> Self {
        let withdrawal = &pending.withdrawal;
        Self {
            block: pending.block,
            nonce: withdrawal.nonce,
            sender: withdrawal.sender,
            target: withdrawal.target,
            value: withdrawal.value,
            gas_limit: withdrawal.gas_limit,
            data: withdrawal.data.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(nonce: u64) -> PendingWithdrawal {
        let line = Line {
            block: 7,
            nonce: U256::from(nonce),
            sender: Address::repeat_byte(1),
            target: Address::repeat_byte(2),
            value: U256::from(3),
            gas_limit: U256::from(4),
            data: Bytes::from_static(&[5]),
        };
        line.into()
    }

    #[test]
    fn list_survives_a_restart_and_a_line_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let mut found = Found::open(folder.path()).unwrap();
        found.add(pending(1)).unwrap();
        found.add(pending(2)).unwrap();
        let path = folder.path().join("withdrawals.jsonl");
        let mut text = fs::read_to_string(&path).unwrap();
        text.truncate(text.len() - 10);
        fs::write(&path, text).unwrap();
        let mut found = Found::open(folder.path()).unwrap();
        assert_eq!(found.all(), [pending(1)]);
        found.add(pending(2)).unwrap();
        found.add(pending(1)).unwrap();
        let found = Found::open(folder.path()).unwrap();
        assert_eq!(found.all(), [pending(2), pending(1)]);
    }
}
