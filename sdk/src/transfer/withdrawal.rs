//! A withdrawal as L2 records it, and how it begins.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    rpc::types::{Log, TransactionRequest},
    sol_types::{SolCall, SolEvent, SolValue},
};
use trestle_contracts::{
    bindings::{
        l2_to_l1_message_passer::L2ToL1MessagePasser::{MessagePassed, initiateWithdrawalCall},
        portal::IPortal::WithdrawalTransaction,
    },
    predeploys::L2_TO_L1_MESSAGE_PASSER,
};

use super::{DepositRequest, TransferError, Wallet};

/// What a user wants L1 to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawalRequest {
    /// Whom L1 shall call.
    pub target: Address,
    /// Wei that leave L2 and that the call carries.
    pub value: U256,
    /// L1 gas that the call has at least.
    pub gas_limit: u64,
    /// Data of the call.
    pub data: Bytes,
}

impl WithdrawalRequest {
    /// ETH for an account, contracts of wallets included.
    #[must_use]
    pub const fn of_ether(target: Address, value: U256) -> Self {
        /// L1 gas for a recipient that does something of its own.
        const GAS_LIMIT: u64 = 100_000;
        Self {
            target,
            value,
            gas_limit: GAS_LIMIT,
            data: Bytes::new(),
        }
    }

    /// The call on L2 that begins it.
    #[must_use]
    pub fn initiation(&self) -> Initiation {
        /// L2 gas of the call, its data aside.
        const GAS: u64 = 300_000;
        /// L2 gas of a byte of its data, the copy in the event included.
        const BYTE_GAS: u64 = 60;
        let call = initiateWithdrawalCall {
            target: self.target,
            gasLimit: U256::from(self.gas_limit),
            data: self.data.clone(),
        };
        let length = u64::try_from(self.data.len()).unwrap_or(u64::MAX);
        Initiation {
            to: L2_TO_L1_MESSAGE_PASSER,
            value: self.value,
            gas_limit: GAS.saturating_add(length.saturating_mul(BYTE_GAS)),
            data: call.abi_encode().into(),
        }
    }
}

/// A call on L2 by which an account begins a withdrawal, or prepares one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initiation {
    /// Whom to call.
    pub to: Address,
    /// Wei that the call carries.
    pub value: U256,
    /// L2 gas that it is given when it comes by way of L1.
    pub gas_limit: u64,
    /// Data of the call.
    pub data: Bytes,
}

impl Initiation {
    /// The L2 transaction of it.
    #[must_use]
    pub fn transaction(&self) -> TransactionRequest {
        TransactionRequest::default()
            .to(self.to)
            .value(self.value)
            .input(self.data.clone().into())
    }

    /// The deposit by which L1 makes L2 execute it in the depositor's name.
    #[must_use]
    pub fn deposit(&self) -> DepositRequest {
        DepositRequest {
            to: self.to,
            mint: U256::ZERO,
            value: self.value,
            gas_limit: self.gas_limit,
            data: self.data.clone(),
        }
    }
}

/// A message from L2 to L1 with the ETH that it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// Its number, with the version (1) in the two high bytes.
    pub nonce: U256,
    /// Who sent it on L2.
    pub sender: Address,
    /// Whom L1 shall call.
    pub target: Address,
    /// Wei that the call carries.
    pub value: U256,
    /// L1 gas that the call has at least.
    pub gas_limit: U256,
    /// Data of the call.
    pub data: Bytes,
}

impl Withdrawal {
    /// Its hash: keccak256 of its ABI encoding as six values.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let fields = (
            self.nonce,
            self.sender,
            self.target,
            self.value,
            self.gas_limit,
            self.data.clone(),
        );
        keccak256(fields.abi_encode_params())
    }

    /// Slot of the message passer that holds 1 once it was sent: `sentMessages[hash]`, a mapping in slot 0.
    #[must_use]
    pub fn slot(hash: B256) -> B256 {
        keccak256((hash, U256::ZERO).abi_encode())
    }

    /// The contracts' form.
    #[must_use]
    pub fn transaction(&self) -> WithdrawalTransaction {
        WithdrawalTransaction {
            nonce: self.nonce,
            sender: self.sender,
            target: self.target,
            value: self.value,
            gasLimit: self.gas_limit,
            data: self.data.clone(),
        }
    }

    /// The withdrawal that a log announces; `None` for any other log.
    #[must_use]
    pub fn of_log(log: &Log) -> Option<Self> {
        Self::of_event(&log.inner)
    }

    /// As [`Self::of_log`], of a log as a receipt holds it.
    #[must_use]
    pub fn of_event(log: &alloy::primitives::Log) -> Option<Self> {
        if log.address != L2_TO_L1_MESSAGE_PASSER {
            return None;
        }
        let event = MessagePassed::decode_log(log).ok()?.data;
        Some(Self {
            nonce: event.nonce,
            sender: event.sender,
            target: event.target,
            value: event.value,
            gas_limit: event.gasLimit,
            data: event.data,
        })
    }
}

/// A withdrawal and where L2 recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingWithdrawal {
    /// The withdrawal.
    pub withdrawal: Withdrawal,
    /// L2 block.
    pub block: u64,
    /// Transaction on L2; `None` if it is not known.
    pub transaction: Option<B256>,
}

impl PendingWithdrawal {
    /// The withdrawals that these logs of one L2 transaction announce, in order.
    #[must_use]
    pub fn of_logs(logs: &[Log], block: u64, transaction: B256) -> Vec<Self> {
        let withdrawals = logs.iter().filter_map(Withdrawal::of_log);
        withdrawals
            .map(|withdrawal| Self {
                withdrawal,
                block,
                transaction: Some(transaction),
            })
            .collect()
    }
}

impl Wallet {
    /// Begins a withdrawal on L2, from this account.
    ///
    /// # Errors
    /// As [`Wallet::send`]; [`TransferError::NoEvent`].
    pub async fn withdraw(
        &self,
        request: TransactionRequest,
    ) -> Result<PendingWithdrawal, TransferError> {
        let receipt = self.send("the withdrawal", request).await?;
        let tx = receipt.transaction_hash;
        let block = receipt.block_number.unwrap_or_default();
        let found = PendingWithdrawal::of_logs(receipt.logs(), block, tx);
        found.into_iter().next().ok_or(TransferError::NoEvent {
            tx,
            event: "MessagePassed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{address, b256};

    /// By viem 2.57.1 from the same fields.
    #[test]
    fn hash_of_a_withdrawal_is_that_of_viem() {
        let withdrawal = Withdrawal {
            nonce: (U256::from(1) << 240) | U256::from(7),
            sender: address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
            target: address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
            value: U256::from(1_000_000_000_000_000_000_u64),
            gas_limit: U256::from(100_000),
            data: Bytes::from_static(&[0xab, 0xcd]),
        };
        let expected = b256!("7be9f934e77043630060229c0b8f6cdedc1de69158b2ac58a1d907c3725a19f4");
        assert_eq!(withdrawal.hash(), expected);
        let slot = b256!("6def24d253ef32d2566d06ef91ede3ad2bb11bfd35087044e6e2cb50eef36f45");
        assert_eq!(Withdrawal::slot(expected), slot);
    }
}
