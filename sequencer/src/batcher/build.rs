//! From waiting blocks to the payload of one batch: as many as fit, and never one too many.
//!
//! Pure. A block that derivation would drop, for want of work, deposit gas or bytes, would make the
//! chain on L1 another one than users saw; so every limit is counted here as derivation counts it.

use super::BatchBlock;
use alloy_primitives::{B256, Bytes};
use std::sync::Arc;
use trestle_protocol::{
    ChainConfig,
    payload::{PAYLOAD_VERSION, Payload, encode_columns},
};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

/// Compression level of payloads.
const LEVEL: i32 = 3;
/// Largest window, as a power of two of bytes.
const WINDOW_LOG: u32 = 22;

/// A payload with what the Inbox must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltBatch {
    /// The payload.
    pub payload: Bytes,
    /// Number of blocks in it.
    pub blocks: usize,
    /// Number of user transactions in it.
    pub transactions: usize,
    /// Number of the last block.
    pub end_number: u64,
    /// Hash of the last block.
    pub end_hash: B256,
    /// Number of queue entries consumed with it and the queue's accumulator after them; `None` when
    /// it consumes none.
    pub deposits: Option<(u64, B256)>,
    /// Whether more blocks wait that did not fit.
    pub is_full: bool,
}

/// Why no batch can be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// There is no block.
    #[error("no block to post")]
    Empty,
    /// One block alone breaks a limit of a batch: the builder must never seal such a block.
    #[error("block {number} does not fit into any batch: {what}")]
    BlockTooLarge {
        /// Its number.
        number: u64,
        /// The limit.
        what: &'static str,
    },
    /// The compressor failed.
    #[error("payload could not be compressed: {reason}")]
    Compress {
        /// Its words.
        reason: String,
    },
}

/// Builds the longest batch of the first blocks of `blocks` that keeps all limits of `config`, in a payload of at most
/// `max_bytes` bytes.
///
/// # Errors
/// Every [`BuildError`].
pub fn build_batch(
    config: &ChainConfig,
    blocks: &[Arc<BatchBlock>],
    max_bytes: usize,
) -> Result<BuiltBatch, BuildError> {
    let first = blocks.first().ok_or(BuildError::Empty)?;
    let bound = counted_limit(config, blocks, max_bytes);
    if bound == 0 {
        return Err(BuildError::BlockTooLarge {
            number: first.number,
            what: "work, deposit gas or bytes",
        });
    }
    let (count, payload) = longest(blocks, bound, |taken| payload_of(config, taken, max_bytes))?;
    let taken = blocks.get(..count).unwrap_or_default();
    let last = taken.last().ok_or(BuildError::Empty)?;
    Ok(BuiltBatch {
        payload,
        blocks: count,
        transactions: taken
            .iter()
            .map(|block| block.declared.transactions.len())
            .sum(),
        end_number: last.number,
        end_hash: last.hash,
        deposits: taken.iter().rev().find_map(|block| block.deposits),
        is_full: count < blocks.len(),
    })
}

/// How many blocks keep the limits that add up: number, signatures, deposit gas, work.
fn counted_limit(config: &ChainConfig, blocks: &[Arc<BatchBlock>], max_bytes: usize) -> usize {
    let max_blocks = usize::try_from(config.max_blocks_per_batch).unwrap_or(usize::MAX);
    let (mut work, mut gas, mut bytes) = (0u64, 0u64, 0usize);
    let fits = |block: &&Arc<BatchBlock>| {
        work = work.saturating_add(block.work);
        gas = gas.saturating_add(block.deposit_gas);
        bytes = bytes.saturating_add(block.least_bytes);
        bytes <= max_bytes && work < config.batch_work_budget && gas <= config.batch_deposit_gas
    };
    blocks.iter().take(max_blocks).take_while(fits).count()
}

/// The longest prefix whose bytes fit: found by doubling, then halving the step.
fn longest(
    blocks: &[Arc<BatchBlock>],
    bound: usize,
    payload_of: impl Fn(&[Arc<BatchBlock>]) -> Result<Option<Bytes>, BuildError>,
) -> Result<(usize, Bytes), BuildError> {
    let attempt = |count: usize| payload_of(blocks.get(..count).unwrap_or_default());
    if let Some(payload) = attempt(bound)? {
        return Ok((bound, payload));
    }
    let first = blocks.first().ok_or(BuildError::Empty)?;
    let too_large = BuildError::BlockTooLarge {
        number: first.number,
        what: "bytes",
    };
    let mut best = (1, attempt(1)?.ok_or(too_large)?);
    // `best` fits and `over` does not.
    let mut over = bound;
    while over.saturating_sub(best.0) > 1 {
        let middle = best.0.midpoint(over);
        match attempt(middle)? {
            Some(payload) => best = (middle, payload),
            None => over = middle,
        }
    }
    Ok(best)
}

/// The payload of these blocks; `None` when it breaks a limit on bytes, or the work that its bytes
/// add to the blocks' own.
fn payload_of(
    config: &ChainConfig,
    blocks: &[Arc<BatchBlock>],
    max_bytes: usize,
) -> Result<Option<Bytes>, BuildError> {
    let declared = Payload {
        blocks: blocks.iter().map(|block| block.declared.clone()).collect(),
    };
    let columns = encode_columns(&declared, config.l2_chain_id);
    let size = u64::try_from(columns.len()).unwrap_or(u64::MAX);
    let work = blocks
        .iter()
        .fold(size, |sum, block| sum.saturating_add(block.work));
    if size > u64::from(config.max_decompressed) || work > config.batch_work_budget {
        return Ok(None);
    }
    let payload = compress(&columns)?;
    Ok((payload.len() <= max_bytes).then(|| payload.into()))
}

fn compress(columns: &[u8]) -> Result<Vec<u8>, BuildError> {
    let failed = |error: std::io::Error| BuildError::Compress {
        reason: error.to_string(),
    };
    let mut compressor = Compressor::new(LEVEL).map_err(failed)?;
    compressor
        .set_parameter(CParameter::WindowLog(WINDOW_LOG))
        .map_err(failed)?;
    compressor
        .set_parameter(CParameter::ChecksumFlag(false))
        .map_err(failed)?;
    compressor
        .set_parameter(CParameter::DictIdFlag(false))
        .map_err(failed)?;
    // Without it a large frame would be one segment, whose window is its whole content.
    compressor
        .set_parameter(CParameter::ContentSizeFlag(false))
        .map_err(failed)?;
    let frame = compressor.compress(columns).map_err(failed)?;
    let mut payload = Vec::with_capacity(frame.len().saturating_add(1));
    payload.push(PAYLOAD_VERSION);
    payload.extend_from_slice(&frame);
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, U256, keccak256};
    use proptest::prelude::*;
    use std::time::Instant;
    use trestle_protocol::payload::{PayloadBlock, PayloadLimits, PayloadTx, decode_payload};

    fn config() -> ChainConfig {
        ChainConfig::new(1, 4_242, Address::ZERO, B256::ZERO)
    }

    fn hash_of(number: u64) -> B256 {
        U256::from(number).into()
    }

    /// A block with one raw transaction of `bytes` bytes that do not compress.
    fn block(number: u64, bytes: usize, work: u64, deposit_gas: u64) -> BatchBlock {
        let noise: Vec<u8> = (0u64..)
            .flat_map(|i| keccak256([number.to_be_bytes(), i.to_be_bytes()].concat()).0)
            .take(bytes)
            .collect();
        BatchBlock {
            number,
            hash: hash_of(number),
            parent: hash_of(number.wrapping_sub(1)),
            declared: PayloadBlock {
                timestamp: 1_000 + number,
                deposit_count: 1,
                transactions: vec![PayloadTx::Raw(noise.into())],
            },
            deposits: Some((number, hash_of(number))),
            deposit_gas,
            work,
            least_bytes: 0,
            guessed_bytes: bytes,
            is_idle: false,
            seen: Instant::now(),
        }
    }

    fn build(blocks: &[BatchBlock]) -> Result<BuiltBatch, BuildError> {
        let blocks: Vec<_> = blocks.iter().cloned().map(Arc::new).collect();
        build_batch(&config(), &blocks, 100_000)
    }

    #[test]
    fn blobs_hold_what_seven_batches_of_calldata_would() {
        let blocks: Vec<_> = (1..=30)
            .map(|n| Arc::new(block(n, 30_000, 21_000, 0)))
            .collect();
        let built = build_batch(&config(), &blocks, 761_852).unwrap();
        assert_eq!((built.blocks, built.is_full), (25, true));
        assert!((750_000..=761_852).contains(&built.payload.len()));
    }

    #[test]
    fn batch_stops_before_the_block_that_breaks_a_limit() {
        // Three tenths of a limit: three blocks fit, the fourth does not.
        let config = config();
        let (work, gas) = (config.batch_work_budget, config.batch_deposit_gas);
        let by_bytes: Vec<_> = (1..=9).map(|n| block(n, 30_000, 21_000, 0)).collect();
        let by_work: Vec<_> = (1..=9).map(|n| block(n, 10, work / 10 * 3, 0)).collect();
        let by_gas: Vec<_> = (1..=9)
            .map(|n| block(n, 10, 21_000, gas / 10 * 3))
            .collect();
        for blocks in [by_bytes, by_work, by_gas] {
            let built = build(&blocks).unwrap();
            assert_eq!((built.blocks, built.end_number), (3, 3));
            assert!(built.is_full);
            assert_eq!(built.end_hash, blocks[2].hash);
            assert_eq!(built.deposits, blocks[2].deposits);
        }
    }

    #[test]
    fn more_blocks_than_a_batch_may_have_are_left() {
        let blocks: Vec<_> = (1..=4_200).map(|n| block(n, 1, 21_000, 0)).collect();
        let built = build(&blocks).unwrap();
        assert!(built.is_full && built.blocks <= 4_096);
    }

    #[test]
    fn block_that_fits_no_batch_is_named() {
        let error = build(&[block(7, 100_001, 21_000, 0)]).unwrap_err();
        assert_eq!(
            error,
            BuildError::BlockTooLarge {
                number: 7,
                what: "bytes"
            }
        );
        let error = build(&[block(8, 1, 900_000_000, 0)]).unwrap_err();
        assert!(matches!(error, BuildError::BlockTooLarge { number: 8, .. }));
        assert_eq!(build(&[]), Err(BuildError::Empty));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn built_payload_is_legal_and_holds_exactly_its_blocks(
            sizes in prop::collection::vec(0usize..40_000, 1..12),
        ) {
            let blocks: Vec<_> = sizes
                .iter()
                .zip(1u64..)
                .map(|(size, number)| block(number, *size, 1_000_000, 1_000_000))
                .collect();
            let built = build(&blocks).unwrap();
            prop_assert!(built.payload.len() <= 100_000);
            let decoded = decode_payload(&built.payload, &PayloadLimits::from(&config())).unwrap();
            let expected: Vec<_> =
                blocks[..built.blocks].iter().map(|block| block.declared.clone()).collect();
            prop_assert_eq!(decoded.blocks, expected);
            let total: usize = sizes.iter().take(built.blocks + 1).sum();
            prop_assert!(!built.is_full || total > 99_000);
        }
    }
}
