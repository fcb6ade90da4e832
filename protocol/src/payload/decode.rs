//! Columns to blocks.

use super::{
    Payload, PayloadBlock, PayloadError, PayloadLimits, PayloadTx,
    amount::read_amounts,
    cursor::{Cursor, unzigzag, within},
    fields::{Fields, Kind},
};
use alloc::vec::Vec;
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, Bytes, Signature, U256};
use op_alloy_consensus::OpTxEnvelope;

/// Decodes the columns of a payload. Call data and raw transactions share the memory of `columns`.
///
/// # Errors
/// Any [`PayloadError`] but those of the version and the frame.
pub fn decode_columns(columns: &Bytes, limits: &PayloadLimits) -> Result<Payload, PayloadError> {
    let mut cursor = Cursor::new(columns);
    let (mut blocks, counts) = read_blocks(&mut cursor, limits)?;
    let total = counts
        .iter()
        .fold(0, |sum: u64, count| sum.saturating_add(*count));
    let total = within(total, limits.max_transactions, "transactions")?;
    let kinds = cursor
        .take(total, "kinds")?
        .iter()
        .map(|byte| Kind::from_byte(*byte));
    let kinds: Vec<_> = kinds.collect::<Result<_, _>>()?;
    let typed: Vec<_> = kinds
        .iter()
        .copied()
        .filter(|(kind, _)| *kind != Kind::Raw)
        .collect();
    let columns = Columns::read(&mut cursor, &typed)?;
    let raw = cursor.strings(total.saturating_sub(typed.len()), "raw transactions")?;
    let mut typed = columns
        .assemble(&mut cursor, &typed, limits.chain_id)?
        .into_iter();
    let mut raw = raw.into_iter();
    if !cursor.left().is_empty() {
        return Err(PayloadError::Trailing {
            count: cursor.left().len(),
        });
    }
    let mut transactions = kinds.iter().filter_map(|(kind, _)| match kind {
        Kind::Raw => raw.next().map(PayloadTx::Raw),
        _ => typed.next().map(PayloadTx::Typed),
    });
    for (block, count) in blocks.iter_mut().zip(counts) {
        let count = usize::try_from(count).unwrap_or_default();
        block.transactions = transactions.by_ref().take(count).collect();
    }
    Ok(Payload { blocks })
}

/// The blocks without their transactions, and how many each has.
fn read_blocks(
    cursor: &mut Cursor<'_>,
    limits: &PayloadLimits,
) -> Result<(Vec<PayloadBlock>, Vec<u64>), PayloadError> {
    let count = cursor.count(limits.max_blocks, "blocks")?;
    let steps = cursor.varints(count, "timestamps")?;
    let deposits = cursor.varints(count, "deposit counts")?;
    let counts = cursor.varints(count, "transaction counts")?;
    let mut timestamp = 0;
    let block = |(step, deposit_count)| {
        timestamp = unzigzag(timestamp, step);
        PayloadBlock {
            timestamp,
            deposit_count,
            transactions: Vec::new(),
        }
    };
    Ok((steps.into_iter().zip(deposits).map(block).collect(), counts))
}

/// Columns of typed transactions, one value for each that has the field.
struct Columns<'a> {
    parities: &'a [u8],
    recipients: Vec<Address>,
    nonces: Vec<u64>,
    gas_limits: Vec<u64>,
    max_fees: Vec<u128>,
    tips: Vec<u128>,
    values: Vec<U256>,
    inputs: Vec<Bytes>,
    access_lists: Vec<AccessList>,
    authorizations: Vec<Vec<SignedAuthorization>>,
}

impl<'a> Columns<'a> {
    fn read(cursor: &mut Cursor<'a>, typed: &[(Kind, bool)]) -> Result<Self, PayloadError> {
        let count = typed.len();
        let having = |has: fn(Kind) -> bool| typed.iter().filter(|(kind, _)| has(*kind)).count();
        let calls = typed.iter().filter(|(_, is_creation)| !is_creation).count();
        Ok(Self {
            parities: read_parities(cursor, count)?,
            recipients: read_recipients(cursor, calls)?,
            nonces: read_nonces(cursor, count)?,
            gas_limits: cursor.varints(count, "gas limits")?,
            max_fees: read_fees(cursor, count, "max fees")?,
            tips: read_fees(cursor, having(Kind::has_tip), "tips")?,
            values: read_amounts(cursor, count, "values")?,
            inputs: cursor.strings(count, "inputs")?,
            access_lists: read_lists(cursor, having(Kind::has_access_list), "access lists")?,
            authorizations: read_lists(
                cursor,
                having(|kind| kind == Kind::Eip7702),
                "authorisation lists",
            )?,
        })
    }

    /// Reads the signatures and puts the transactions together.
    fn assemble(
        self,
        cursor: &mut Cursor<'a>,
        typed: &[(Kind, bool)],
        chain_id: u64,
    ) -> Result<Vec<OpTxEnvelope>, PayloadError> {
        let parities = self.parities;
        let mut recipients = self.recipients.into_iter();
        let mut nonces = self.nonces.into_iter();
        let mut gas_limits = self.gas_limits.into_iter();
        let mut max_fees = self.max_fees.into_iter();
        let mut tips = self.tips.into_iter();
        let mut values = self.values.into_iter();
        let mut inputs = self.inputs.into_iter();
        let mut access_lists = self.access_lists.into_iter();
        let mut authorizations = self.authorizations.into_iter();
        let mut transactions = Vec::with_capacity(typed.len());
        for (index, (kind, is_creation)) in typed.iter().copied().enumerate() {
            let fields = Fields {
                kind,
                nonce: nonces.next().unwrap_or_default(),
                gas_limit: gas_limits.next().unwrap_or_default(),
                max_fee: max_fees.next().unwrap_or_default(),
                tip: take_if(kind.has_tip(), &mut tips),
                to: if is_creation { None } else { recipients.next() },
                value: values.next().unwrap_or_default(),
                input: inputs.next().unwrap_or_default(),
                access_list: take_if(kind.has_access_list(), &mut access_lists),
                authorizations: take_if(kind == Kind::Eip7702, &mut authorizations),
                signature: read_signature(cursor, parity(parities, index))?,
            };
            let byte = kind.byte(is_creation);
            transactions.push(
                fields
                    .assemble(chain_id)
                    .ok_or(PayloadError::Kind { kind: byte })?,
            );
        }
        Ok(transactions)
    }
}

/// The next value of a column that only some transactions have.
fn take_if<T: Default>(has: bool, column: &mut impl Iterator<Item = T>) -> T {
    if has {
        column.next().unwrap_or_default()
    } else {
        T::default()
    }
}

/// One bit each, the least significant first; the rest of the last byte is zero.
fn read_parities<'a>(cursor: &mut Cursor<'a>, count: usize) -> Result<&'a [u8], PayloadError> {
    let parities = cursor.take(count.div_ceil(8), "y parities")?;
    match parities.last() {
        Some(last) if !count.is_multiple_of(8) && (last >> (count % 8)) != 0 => {
            Err(PayloadError::Padding)
        }
        _ => Ok(parities),
    }
}

fn parity(parities: &[u8], index: usize) -> bool {
    parities
        .get(index / 8)
        .is_some_and(|byte| (byte >> (index % 8)) & 1 == 1)
}

fn read_recipients(cursor: &mut Cursor<'_>, calls: usize) -> Result<Vec<Address>, PayloadError> {
    let count = cursor.count(calls, "addresses")?;
    let (dictionary, _) = cursor
        .take(count.saturating_mul(20), "addresses")?
        .as_chunks::<20>();
    let indices = cursor.varints(calls, "recipients")?;
    let look_up = |index: u64| {
        let address = usize::try_from(index)
            .ok()
            .and_then(|index| dictionary.get(index));
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        address
            .map(Address::from)
            .ok_or(PayloadError::Address { index, count })
    };
    indices.into_iter().map(look_up).collect()
}

fn read_nonces(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<u64>, PayloadError> {
    let steps = cursor.varints(count, "nonces")?;
    let nonces = steps.into_iter().scan(0, |nonce, step| {
        *nonce = unzigzag(*nonce, step);
        Some(*nonce)
    });
    Ok(nonces.collect())
}

fn read_fees(
    cursor: &mut Cursor<'_>,
    count: usize,
    column: &'static str,
) -> Result<Vec<u128>, PayloadError> {
    let fee = |amount: U256| u128::try_from(amount).map_err(|_| PayloadError::Amount { column });
    read_amounts(cursor, count, column)?
        .into_iter()
        .map(fee)
        .collect()
}

fn read_lists<T: alloy_rlp::Decodable>(
    cursor: &mut Cursor<'_>,
    count: usize,
    column: &'static str,
) -> Result<Vec<T>, PayloadError> {
    (0..count).map(|_| cursor.rlp(column)).collect()
}

fn read_signature(cursor: &mut Cursor<'_>, parity: bool) -> Result<Signature, PayloadError> {
    let (r, s) = (
        cursor.take(32, "signatures")?,
        cursor.take(32, "signatures")?,
    );
    let word = |bytes| U256::try_from_be_slice(bytes).unwrap_or_default();
    Ok(Signature::new(word(r), word(s), parity))
}
