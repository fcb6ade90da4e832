//! An L2 node as source of output roots: one of one's own, because its word is taken.
//!
//! What it says is held against itself: a header must hash to its block's hash, a proof lead from the header's
//! root to the message. A node that lies about the whole chain is not found out here.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes, U64, U256},
    providers::{DynProvider, Provider},
    rpc::types::Log,
    sol_types::SolEvent,
};
use serde::Deserialize;
use trestle_contracts::{
    bindings::l1_cross_domain_messenger::L1CrossDomainMessenger::FailedRelayedMessage,
    predeploys::{L2_CROSS_DOMAIN_MESSENGER, L2_TO_L1_MESSAGE_PASSER},
};
use trestle_protocol::{OutputPreimage, trie::verify_storage_proof};

use super::{Layer, OutputSource, PendingWithdrawal, TransferError, Withdrawal};

/// What is read of a receipt on L2, a deposit's too, whose type L1's clients do not know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L2Receipt {
    /// 1 when the call succeeded.
    status: U64,
    /// Number of the block.
    block_number: U64,
    /// What was logged.
    logs: Vec<Log>,
}

impl L2Receipt {
    /// Whether the call succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status == U64::ONE
    }

    /// Hash of a message that arrived and failed: the messenger keeps it with its ETH, and anyone can relay it again.
    #[must_use]
    pub fn kept_message(&self) -> Option<B256> {
        kept_message(&self.logs, L2_CROSS_DOMAIN_MESSENGER)
    }

    /// Number of its block.
    #[must_use]
    pub fn block(&self) -> u64 {
        self.block_number.to()
    }
}

/// Hash of a message that `messenger` kept because it failed.
pub(super) fn kept_message(logs: &[Log], messenger: Address) -> Option<B256> {
    let ours = logs.iter().filter(|log| log.address() == messenger);
    let mut kept = ours.filter_map(|log| FailedRelayedMessage::decode_log(&log.inner).ok());
    kept.next().map(|event| event.msgHash)
}

/// A node of L2.
#[derive(Debug, Clone)]
pub struct L2Node {
    provider: DynProvider,
}

impl L2Node {
    /// The node behind `provider`.
    #[must_use]
    pub const fn new(provider: DynProvider) -> Self {
        Self { provider }
    }

    /// Its endpoint.
    #[must_use]
    pub const fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// The receipt of an L2 transaction; `None` while it has none.
    ///
    /// # Errors
    /// [`TransferError::Rpc`].
    pub async fn receipt(&self, tx: B256) -> Result<Option<L2Receipt>, TransferError> {
        let method = "eth_getTransactionReceipt";
        let receipt = self.provider.raw_request(method.into(), (tx,)).await;
        receipt.map_err(TransferError::rpc(Layer::L2))
    }

    /// The withdrawals of an L2 transaction, also of one that came by way of L1.
    ///
    /// # Errors
    /// [`TransferError::NoTransaction`], [`TransferError::Rpc`].
    pub async fn withdrawals_in(&self, tx: B256) -> Result<Vec<PendingWithdrawal>, TransferError> {
        let receipt = self.receipt(tx).await?;
        let receipt = receipt.ok_or(TransferError::NoTransaction { tx })?;
        Ok(PendingWithdrawal::of_logs(
            &receipt.logs,
            receipt.block(),
            tx,
        ))
    }

    /// Timestamp of an L2 block, in seconds; `None` where the node has no such block.
    ///
    /// # Errors
    /// [`TransferError::Rpc`].
    pub async fn time_of(&self, block: u64) -> Result<Option<u64>, TransferError> {
        let block = self.provider.get_block_by_number(block.into()).await;
        let block = block.map_err(TransferError::rpc(Layer::L2))?;
        Ok(block.map(|block| block.header.timestamp))
    }
}

impl OutputSource for L2Node {
    async fn output(&self, number: u64) -> Result<Option<OutputPreimage>, TransferError> {
        let block = self.provider.get_block_by_number(number.into()).await;
        let Some(block) = block.map_err(TransferError::rpc(Layer::L2))? else {
            return Ok(None);
        };
        let header = &block.header;
        let false_block = |what| TransferError::FalseBlock { number, what };
        if header.inner.hash_slow() != header.hash {
            return Err(false_block("its hash"));
        }
        let root = header.withdrawals_root;
        Ok(Some(OutputPreimage {
            state_root: header.state_root,
            message_passer_root: root.ok_or(false_block("no root of messages"))?,
            block_hash: header.hash,
        }))
    }

    async fn message_proof(
        &self,
        number: u64,
        withdrawal: B256,
    ) -> Result<Vec<Bytes>, TransferError> {
        let slot = Withdrawal::slot(withdrawal);
        let proof = self
            .provider
            .get_proof(L2_TO_L1_MESSAGE_PASSER, vec![slot])
            .block_id(BlockId::from(number))
            .await
            .map_err(TransferError::rpc(Layer::L2))?;
        let missing = TransferError::NotInBlock {
            hash: withdrawal,
            block: number,
        };
        let Some(storage) = proof.storage_proof.into_iter().next() else {
            return Err(missing);
        };
        let key = U256::from_be_bytes(slot.0);
        match verify_storage_proof(proof.storage_hash, key, &storage.proof) {
            Ok(U256::ONE) => Ok(storage.proof),
            Ok(_) => Err(missing),
            Err(_) => Err(TransferError::FalseBlock {
                number,
                what: "its proof of storage",
            }),
        }
    }
}
