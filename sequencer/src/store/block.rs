//! What the engine hands to the store and gets back from it.

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes};
use op_alloy_consensus::OpTxEnvelope;
use std::ops::Range;
use trestle_protocol::{ChainConfig, SealedBlock};

/// A block by number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockRef {
    /// L2 block number.
    pub number: u64,
    /// Keccak-256 of the header.
    pub hash: B256,
}

/// The block by number and hash.
pub(super) const fn reference(block: &SealedBlock) -> BlockRef {
    BlockRef {
        number: block.header.header.number,
        hash: block.header.hash,
    }
}

/// Transactions that came through the mempool: all but deposits, EIP-2718 encoded, by hash.
pub(super) fn pooled(transactions: &[OpTxEnvelope]) -> impl Iterator<Item = (B256, Bytes)> {
    let user = transactions.iter().filter(|tx| !tx.is_deposit());
    user.map(|tx| (tx.tx_hash(), Bytes::from(tx.encoded_2718())))
}

/// A block's transactions, without what executing them gave.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockTransactions {
    /// The transactions, deposits first.
    pub transactions: Vec<OpTxEnvelope>,
    /// The sender of each transaction.
    pub senders: Vec<Address>,
    /// Queue entries that the block consumed.
    pub deposits: Range<u64>,
}

/// The chain that a data directory belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Chain id of the L1.
    pub l1_chain_id: u64,
    /// Chain id of the L2.
    pub l2_chain_id: u64,
    /// Hash of L2 block 0.
    pub genesis_hash: B256,
    /// Hash of the static chain configuration.
    pub config_hash: B256,
}

impl Identity {
    /// The chain with this configuration.
    pub fn new(config: &ChainConfig) -> Self {
        Self {
            l1_chain_id: config.l1_chain_id,
            l2_chain_id: config.l2_chain_id,
            genesis_hash: config.genesis_hash,
            config_hash: config.hash(),
        }
    }

    /// Length of [`Identity::encode`] in bytes.
    pub(super) const LEN: usize = 80;

    /// `l1ChainId u64 ‖ l2ChainId u64 ‖ genesisHash ‖ configHash`, big-endian.
    pub(super) fn encode(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let parts: [&[u8]; 4] = [
            &self.l1_chain_id.to_be_bytes(),
            &self.l2_chain_id.to_be_bytes(),
            self.genesis_hash.as_slice(),
            self.config_hash.as_slice(),
        ];
        for (to, from) in out.iter_mut().zip(parts.concat()) {
            *to = from;
        }
        out
    }

    /// Inverse of [`Identity::encode`]; `None` for another length.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        Some(Self {
            l1_chain_id: u64::from_be_bytes(*bytes.first_chunk()?),
            l2_chain_id: u64::from_be_bytes(*bytes.get(8..)?.first_chunk()?),
            genesis_hash: B256::from(*bytes.get(16..)?.first_chunk()?),
            config_hash: B256::from(*bytes.get(48..)?.first_chunk()?),
        })
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            l1_chain_id,
            l2_chain_id,
            genesis_hash,
            config_hash,
        } = self;
        write!(
            f,
            "chain {l2_chain_id} on L1 {l1_chain_id}, genesis {genesis_hash}, config {config_hash}"
        )
    }
}
