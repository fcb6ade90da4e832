//! A transaction taken apart into the fields that columns hold, and put together again.

use super::PayloadError;
use alloc::vec::Vec;
use alloy_consensus::{SignableTransaction, Signed, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use op_alloy_consensus::OpTxEnvelope;

/// Added to the kind of a transaction that creates a contract.
const CREATION: u8 = 8;
/// The kind of bytes carried verbatim.
const RAW: u8 = 5;

/// Which columns a transaction has values in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Type 0 with the chain's id (EIP-155).
    Legacy,
    /// Type 1.
    Eip2930,
    /// Type 2.
    Eip1559,
    /// Type 0 without chain id.
    LegacyAnyChain,
    /// Type 4.
    Eip7702,
    /// Bytes carried verbatim.
    Raw,
}

impl Kind {
    /// Its byte.
    pub(super) const fn byte(self, is_creation: bool) -> u8 {
        let kind = match self {
            Self::Legacy => 0,
            Self::Eip2930 => 1,
            Self::Eip1559 => 2,
            Self::LegacyAnyChain => 3,
            Self::Eip7702 => 4,
            Self::Raw => RAW,
        };
        if is_creation { kind | CREATION } else { kind }
    }

    /// The kind that a byte means, and whether the transaction creates a contract.
    pub(super) const fn from_byte(byte: u8) -> Result<(Self, bool), PayloadError> {
        let kind = match byte & !CREATION {
            0 => Self::Legacy,
            1 => Self::Eip2930,
            2 => Self::Eip1559,
            3 => Self::LegacyAnyChain,
            4 if byte & CREATION == 0 => Self::Eip7702,
            RAW if byte & CREATION == 0 => Self::Raw,
            _ => return Err(PayloadError::Kind { kind: byte }),
        };
        Ok((kind, byte & CREATION != 0))
    }

    /// Whether it has a tip beside its maximal fee.
    pub(super) const fn has_tip(self) -> bool {
        matches!(self, Self::Eip1559 | Self::Eip7702)
    }

    /// Whether it has an access list.
    pub(super) const fn has_access_list(self) -> bool {
        matches!(self, Self::Eip2930 | Self::Eip1559 | Self::Eip7702)
    }
}

/// The values of one typed transaction, in no particular form.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) kind: Kind,
    pub(super) nonce: u64,
    pub(super) gas_limit: u64,
    /// Gas price of types 0 and 1, in wei per gas.
    pub(super) max_fee: u128,
    /// Zero for types 0 and 1.
    pub(super) tip: u128,
    /// `None` creates a contract.
    pub(super) to: Option<Address>,
    pub(super) value: U256,
    pub(super) input: Bytes,
    pub(super) access_list: AccessList,
    pub(super) authorizations: Vec<SignedAuthorization>,
    pub(super) signature: Signature,
}

impl Fields {
    /// Takes a transaction apart; `None` if it is not one that users of chain `chain_id` send.
    pub(super) fn of(tx: &OpTxEnvelope, chain_id: u64) -> Option<Self> {
        match tx {
            OpTxEnvelope::Legacy(tx) => legacy(tx, chain_id),
            OpTxEnvelope::Eip2930(tx) => eip2930(tx, chain_id),
            OpTxEnvelope::Eip1559(tx) => eip1559(tx, chain_id),
            OpTxEnvelope::Eip7702(tx) => eip7702(tx, chain_id),
            OpTxEnvelope::Deposit(_) | OpTxEnvelope::PostExec(_) => None,
        }
    }

    /// Puts the transaction together; `None` for [`Kind::Raw`] and a creation of type 4.
    pub(super) fn assemble(self, chain_id: u64) -> Option<OpTxEnvelope> {
        let to = self.to.map_or(TxKind::Create, TxKind::Call);
        Some(match self.kind {
            Kind::Legacy => self.legacy(to, Some(chain_id)),
            Kind::LegacyAnyChain => self.legacy(to, None),
            Kind::Eip2930 => self.eip2930(to, chain_id),
            Kind::Eip1559 => self.eip1559(to, chain_id),
            Kind::Eip7702 => {
                let to = self.to?;
                self.eip7702(to, chain_id)
            }
            Kind::Raw => return None,
        })
    }

    fn legacy(self, to: TxKind, chain_id: Option<u64>) -> OpTxEnvelope {
        let tx = TxLegacy {
            chain_id,
            nonce: self.nonce,
            gas_price: self.max_fee,
            gas_limit: self.gas_limit,
            to,
            value: self.value,
            input: self.input,
        };
        OpTxEnvelope::Legacy(tx.into_signed(self.signature))
    }

    fn eip2930(self, to: TxKind, chain_id: u64) -> OpTxEnvelope {
        let tx = TxEip2930 {
            chain_id,
            nonce: self.nonce,
            gas_price: self.max_fee,
            gas_limit: self.gas_limit,
            to,
            value: self.value,
            access_list: self.access_list,
            input: self.input,
        };
        OpTxEnvelope::Eip2930(tx.into_signed(self.signature))
    }

    fn eip1559(self, to: TxKind, chain_id: u64) -> OpTxEnvelope {
        let tx = TxEip1559 {
            chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.max_fee,
            max_priority_fee_per_gas: self.tip,
            to,
            value: self.value,
            access_list: self.access_list,
            input: self.input,
        };
        OpTxEnvelope::Eip1559(tx.into_signed(self.signature))
    }

    fn eip7702(self, to: Address, chain_id: u64) -> OpTxEnvelope {
        let tx = TxEip7702 {
            chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.max_fee,
            max_priority_fee_per_gas: self.tip,
            to,
            value: self.value,
            access_list: self.access_list,
            authorization_list: self.authorizations,
            input: self.input,
        };
        OpTxEnvelope::Eip7702(tx.into_signed(self.signature))
    }
}

fn legacy(signed: &Signed<TxLegacy>, chain_id: u64) -> Option<Fields> {
    let tx = signed.tx();
    let kind = match tx.chain_id {
        None => Kind::LegacyAnyChain,
        Some(id) if id == chain_id => Kind::Legacy,
        Some(_) => return None,
    };
    Some(Fields {
        kind,
        nonce: tx.nonce,
        gas_limit: tx.gas_limit,
        max_fee: tx.gas_price,
        tip: 0,
        to: tx.to.to().copied(),
        value: tx.value,
        input: tx.input.clone(),
        access_list: AccessList::default(),
        authorizations: Vec::new(),
        signature: *signed.signature(),
    })
}

fn eip2930(signed: &Signed<TxEip2930>, chain_id: u64) -> Option<Fields> {
    let tx = signed.tx();
    (tx.chain_id == chain_id).then(|| Fields {
        kind: Kind::Eip2930,
        nonce: tx.nonce,
        gas_limit: tx.gas_limit,
        max_fee: tx.gas_price,
        tip: 0,
        to: tx.to.to().copied(),
        value: tx.value,
        input: tx.input.clone(),
        access_list: tx.access_list.clone(),
        authorizations: Vec::new(),
        signature: *signed.signature(),
    })
}

fn eip1559(signed: &Signed<TxEip1559>, chain_id: u64) -> Option<Fields> {
    let tx = signed.tx();
    (tx.chain_id == chain_id).then(|| Fields {
        kind: Kind::Eip1559,
        nonce: tx.nonce,
        gas_limit: tx.gas_limit,
        max_fee: tx.max_fee_per_gas,
        tip: tx.max_priority_fee_per_gas,
        to: tx.to.to().copied(),
        value: tx.value,
        input: tx.input.clone(),
        access_list: tx.access_list.clone(),
        authorizations: Vec::new(),
        signature: *signed.signature(),
    })
}

fn eip7702(signed: &Signed<TxEip7702>, chain_id: u64) -> Option<Fields> {
    let tx = signed.tx();
    (tx.chain_id == chain_id).then(|| Fields {
        kind: Kind::Eip7702,
        nonce: tx.nonce,
        gas_limit: tx.gas_limit,
        max_fee: tx.max_fee_per_gas,
        tip: tx.max_priority_fee_per_gas,
        to: Some(tx.to),
        value: tx.value,
        input: tx.input.clone(),
        access_list: tx.access_list.clone(),
        authorizations: tx.authorization_list.clone(),
        signature: *signed.signature(),
    })
}
