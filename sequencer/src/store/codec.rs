//! Byte forms of blocks, receipts and state, shared by the journal and the tables.
//!
//! RLP throughout. Receipts leave out their bloom (256 bytes each), which follows from the logs, and
//! senders are kept beside the transactions, so that reading a block recovers no signature.

use super::{BlockTransactions, StoreError};
use alloy_consensus::{Header, Receipt, ReceiptWithBloom};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Log, U256};
use alloy_rlp::{BufMut, Decodable, EMPTY_STRING_CODE, Encodable, RlpDecodable, RlpEncodable};
use op_alloy_consensus::{OpReceiptEnvelope, OpTxEnvelope, OpTxType};
use trestle_protocol::{AccountChange, AccountInfo, Body, SealedBlock, SealedHeader, StateDiff};

#[derive(Debug, RlpEncodable, RlpDecodable)]
struct BodyRecord {
    transactions: Vec<Bytes>,
    senders: Vec<Address>,
    deposits_from: u64,
    deposits_to: u64,
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
struct ReceiptRecord {
    kind: u8,
    status: bool,
    cumulative_gas: u64,
    logs: Vec<Log>,
    /// Deposit nonce and receipt version, as far as present.
    deposit: Vec<u64>,
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
struct InfoRecord {
    nonce: u64,
    balance: U256,
    code_hash: CodeHash,
}

/// A code hash; an empty string for that of no code, which nearly all accounts have.
#[derive(Debug)]
struct CodeHash(B256);

impl Encodable for CodeHash {
    fn encode(&self, out: &mut dyn BufMut) {
        if self.0 == KECCAK256_EMPTY {
            out.put_u8(EMPTY_STRING_CODE);
        } else {
            self.0.encode(out);
        }
    }

    fn length(&self) -> usize {
        if self.0 == KECCAK256_EMPTY {
            1
        } else {
            self.0.length()
        }
    }
}

impl Decodable for CodeHash {
    fn decode(input: &mut &[u8]) -> alloy_rlp::Result<Self> {
        if let [EMPTY_STRING_CODE, rest @ ..] = input {
            *input = rest;
            return Ok(Self(KECCAK256_EMPTY));
        }
        B256::decode(input).map(Self)
    }
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
struct SlotRecord {
    slot: U256,
    value: U256,
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
struct AccountRecord {
    address: Address,
    /// Empty for an account that no longer exists.
    info: Vec<InfoRecord>,
    storage: Vec<SlotRecord>,
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
struct CodeRecord {
    hash: B256,
    code: Bytes,
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
struct DiffRecord {
    accounts: Vec<AccountRecord>,
    codes: Vec<CodeRecord>,
}

/// Encodes a whole block: header, body, receipts, state diff, one after the other.
pub(super) fn encode_block(block: &SealedBlock, out: &mut Vec<u8>) {
    block.header.header.encode(out);
    body_record(block).encode(out);
    receipt_records(&block.body.receipts).encode(out);
    diff_record(&block.diff).encode(out);
}

/// Inverse of [`encode_block`].
pub(super) fn decode_block(mut bytes: &[u8]) -> Result<SealedBlock, StoreError> {
    let input = &mut bytes;
    let header: Header = decode("header", input)?;
    let body = body_from(decode("body", input)?)?;
    let receipts = receipts_from(decode("receipts", input)?)?;
    let diff = diff_from(decode("state diff", input)?);
    exhausted("block", input)?;
    let BlockTransactions {
        transactions,
        senders,
        deposits,
    } = body;
    let header = SealedHeader::new(header);
    let body = Body {
        transactions,
        senders,
        receipts,
        deposits,
    };
    Ok(SealedBlock { header, body, diff })
}

pub(super) fn encode_body(block: &SealedBlock) -> Vec<u8> {
    alloy_rlp::encode(body_record(block))
}

pub(super) fn decode_body(mut bytes: &[u8]) -> Result<BlockTransactions, StoreError> {
    let record = decode("body", &mut bytes)?;
    exhausted("body", bytes)?;
    body_from(record)
}

pub(super) fn encode_receipts(receipts: &[OpReceiptEnvelope]) -> Vec<u8> {
    alloy_rlp::encode(receipt_records(receipts))
}

pub(super) fn decode_receipts(mut bytes: &[u8]) -> Result<Vec<OpReceiptEnvelope>, StoreError> {
    let records = decode("receipts", &mut bytes)?;
    exhausted("receipts", bytes)?;
    receipts_from(records)
}

/// Gas used up to and with each transaction of a block, of [`encode_receipts`].
pub(super) fn decode_cumulative_gas(mut bytes: &[u8]) -> Result<Vec<u64>, StoreError> {
    let records: Vec<ReceiptRecord> = decode("receipts", &mut bytes)?;
    exhausted("receipts", bytes)?;
    Ok(records.iter().map(|record| record.cumulative_gas).collect())
}

/// Least length of an account with its code hash; one of less is without code.
const WITH_CODE: usize = 40;

/// `nonce u64 ‖ balance` for an account without code, `nonce u64 ‖ code hash ‖ balance` for another, the balance without
/// leading zeros: 8 to 39 bytes, or 40 to 72. A balance of 32 bytes, which no chain has, has the second form always; so has
/// every account in a snapshot of version 1.
pub(super) fn encode_account(info: &AccountInfo) -> Vec<u8> {
    let balance = info.balance.to_be_bytes_trimmed_vec();
    let nonce = info.nonce.to_be_bytes();
    if info.code_hash == KECCAK256_EMPTY && nonce.len() + balance.len() < WITH_CODE {
        return [&nonce[..], &balance].concat();
    }
    [&nonce[..], info.code_hash.as_slice(), &balance].concat()
}

/// Inverse of [`encode_account`]; nothing encodes "no account".
pub(super) fn decode_account(bytes: &[u8]) -> Result<Option<AccountInfo>, StoreError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let parse = || {
        let (nonce, rest) = bytes.split_first_chunk()?;
        let (code_hash, balance) = match bytes.len() {
            ..WITH_CODE => (KECCAK256_EMPTY, rest),
            _ => {
                let (hash, balance) = rest.split_first_chunk::<32>()?;
                (B256::from(*hash), balance)
            }
        };
        Some(AccountInfo {
            nonce: u64::from_be_bytes(*nonce),
            balance: U256::try_from_be_slice(balance)?,
            code_hash,
        })
    };
    parse()
        .map(Some)
        .ok_or(StoreError::Decode { what: "account" })
}

/// A storage value without leading zeros; nothing for zero.
pub(super) fn decode_word(bytes: &[u8]) -> Result<U256, StoreError> {
    U256::try_from_be_slice(bytes).ok_or(StoreError::Decode {
        what: "storage value",
    })
}

/// The keys that a block changed, for its unwinding: addresses, each with its slots.
pub(super) fn encode_touched(touched: &[(Address, Vec<U256>)]) -> Vec<u8> {
    #[derive(RlpEncodable)]
    struct Touched<'a> {
        address: &'a Address,
        slots: &'a Vec<U256>,
    }
    let list: Vec<_> = touched
        .iter()
        .map(|(address, slots)| Touched { address, slots })
        .collect();
    alloy_rlp::encode(list)
}

/// Inverse of [`encode_touched`].
pub(super) fn decode_touched(mut bytes: &[u8]) -> Result<Vec<(Address, Vec<U256>)>, StoreError> {
    #[derive(RlpDecodable)]
    struct Touched {
        address: Address,
        slots: Vec<U256>,
    }
    let list: Vec<Touched> = decode("changed keys", &mut bytes)?;
    exhausted("changed keys", bytes)?;
    Ok(list.into_iter().map(|t| (t.address, t.slots)).collect())
}

pub(super) fn decode<T: Decodable>(what: &'static str, input: &mut &[u8]) -> Result<T, StoreError> {
    T::decode(input).map_err(|_| StoreError::Decode { what })
}

pub(super) const fn exhausted(what: &'static str, rest: &[u8]) -> Result<(), StoreError> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(StoreError::Decode { what })
    }
}

fn body_record(block: &SealedBlock) -> BodyRecord {
    BodyRecord {
        transactions: block
            .body
            .transactions
            .iter()
            .map(|tx| tx.encoded_2718().into())
            .collect(),
        senders: block.body.senders.clone(),
        deposits_from: block.body.deposits.start,
        deposits_to: block.body.deposits.end,
    }
}

fn body_from(record: BodyRecord) -> Result<BlockTransactions, StoreError> {
    let transactions = record
        .transactions
        .iter()
        .map(|tx| OpTxEnvelope::decode_2718_exact(tx))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| StoreError::Decode {
            what: "transaction",
        })?;
    let deposits = record.deposits_from..record.deposits_to;
    Ok(BlockTransactions {
        transactions,
        senders: record.senders,
        deposits,
    })
}

fn receipt_records(receipts: &[OpReceiptEnvelope]) -> Vec<ReceiptRecord> {
    let record = |receipt: &OpReceiptEnvelope| ReceiptRecord {
        kind: receipt.tx_type().into(),
        status: receipt.status(),
        cumulative_gas: receipt.cumulative_gas_used(),
        logs: receipt.logs().to_vec(),
        deposit: receipt
            .deposit_nonce()
            .into_iter()
            .chain(receipt.deposit_receipt_version())
            .collect(),
    };
    receipts.iter().map(record).collect()
}

fn receipts_from(records: Vec<ReceiptRecord>) -> Result<Vec<OpReceiptEnvelope>, StoreError> {
    records.into_iter().map(receipt_from).collect()
}

fn receipt_from(record: ReceiptRecord) -> Result<OpReceiptEnvelope, StoreError> {
    let kind = OpTxType::try_from(record.kind).map_err(|_| StoreError::Decode {
        what: "receipt type",
    })?;
    let ReceiptRecord {
        status,
        cumulative_gas,
        logs,
        deposit,
        ..
    } = record;
    let logs_bloom = alloy_primitives::logs_bloom(&logs);
    let receipt = Receipt {
        status: status.into(),
        cumulative_gas_used: cumulative_gas,
        logs,
    };
    let plain = |receipt| ReceiptWithBloom {
        receipt,
        logs_bloom,
    };
    Ok(match kind {
        OpTxType::Legacy => OpReceiptEnvelope::Legacy(plain(receipt)),
        OpTxType::Eip2930 => OpReceiptEnvelope::Eip2930(plain(receipt)),
        OpTxType::Eip1559 => OpReceiptEnvelope::Eip1559(plain(receipt)),
        OpTxType::Eip7702 => OpReceiptEnvelope::Eip7702(plain(receipt)),
        OpTxType::PostExec => OpReceiptEnvelope::PostExec(plain(receipt)),
        OpTxType::Deposit => {
            let receipt = op_alloy_consensus::OpDepositReceipt {
                inner: receipt,
                deposit_nonce: deposit.first().copied(),
                deposit_receipt_version: deposit.get(1).copied(),
            };
            OpReceiptEnvelope::Deposit(ReceiptWithBloom {
                receipt,
                logs_bloom,
            })
        }
    })
}

fn diff_record(diff: &StateDiff) -> DiffRecord {
    let info = |info: &AccountInfo| InfoRecord {
        nonce: info.nonce,
        balance: info.balance,
        code_hash: CodeHash(info.code_hash),
    };
    let account = |(address, change): (&Address, &AccountChange)| AccountRecord {
        address: *address,
        info: change.info.iter().map(info).collect(),
        storage: change
            .storage
            .iter()
            .map(|(s, v)| SlotRecord {
                slot: *s,
                value: *v,
            })
            .collect(),
    };
    let code = |(hash, code): (&B256, &Bytes)| CodeRecord {
        hash: *hash,
        code: code.clone(),
    };
    DiffRecord {
        accounts: diff.accounts.iter().map(account).collect(),
        codes: diff.codes.iter().map(code).collect(),
    }
}

fn diff_from(record: DiffRecord) -> StateDiff {
    let account = |record: AccountRecord| {
        let info = record.info.first().map(|info| AccountInfo {
            nonce: info.nonce,
            balance: info.balance,
            code_hash: info.code_hash.0,
        });
        let storage = record
            .storage
            .into_iter()
            .map(|s| (s.slot, s.value))
            .collect();
        (record.address, AccountChange { info, storage })
    };
    StateDiff {
        accounts: record.accounts.into_iter().map(account).collect(),
        codes: record.codes.into_iter().map(|c| (c.hash, c.code)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_comes_back_and_one_without_code_is_short() {
        for code_hash in [KECCAK256_EMPTY, B256::ZERO, B256::repeat_byte(1)] {
            for bits in [0, 1, 8, 247, 248, 249, 256] {
                let balance = U256::MAX.wrapping_shr(256 - bits);
                let info = AccountInfo {
                    nonce: u64::MAX - 3,
                    balance,
                    code_hash,
                };
                let bytes = encode_account(&info);
                let is_short = code_hash == KECCAK256_EMPTY && bits <= 248;
                let full = 8 + 32 + bits.div_ceil(8);
                assert_eq!(bytes.len(), if is_short { full - 32 } else { full });
                assert_eq!(decode_account(&bytes).unwrap(), Some(info));
            }
        }
        assert_eq!(decode_account(&[]).unwrap(), None);
        for length in [1, 7, 73] {
            assert!(decode_account(&vec![1; length]).is_err(), "{length}");
        }
    }

    #[test]
    fn every_code_hash_comes_back_and_that_of_no_code_is_left_out() {
        for (hash, length) in [(KECCAK256_EMPTY, 1), (B256::ZERO, 33)] {
            let bytes = alloy_rlp::encode(CodeHash(hash));
            assert_eq!((bytes.len(), CodeHash(hash).length()), (length, length));
            assert_eq!(alloy_rlp::decode_exact::<CodeHash>(&bytes).unwrap().0, hash);
        }
        assert!(alloy_rlp::decode_exact::<CodeHash>(&[0x81, 0x80]).is_err());
    }
}
