//! The payload codec: round trips, hostile bytes, and the frame against the C library.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use op_alloy_consensus::{OpTxEnvelope, TxDeposit};
use proptest::prelude::*;
use trestle_protocol::payload::{
    FrameError, PAYLOAD_VERSION, Payload, PayloadBlock, PayloadError, PayloadLimits, PayloadTx,
    decode_columns, decode_payload, decompress, encode_columns,
};

const CHAIN: u64 = 901;
const LIMITS: PayloadLimits = PayloadLimits {
    chain_id: CHAIN,
    max_decompressed: 16 << 20,
    max_blocks: 4096,
    max_transactions: 38_095,
};

/// What the batcher does: zstd level 3 with a window of at most 4 MiB.
fn compress(columns: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::bulk::Compressor::new(3).unwrap();
    encoder.window_log(22).unwrap();
    let mut payload = vec![PAYLOAD_VERSION];
    payload.extend(encoder.compress(columns).unwrap());
    payload
}

fn encode(payload: &Payload) -> Vec<u8> {
    compress(&encode_columns(payload, CHAIN))
}

fn word() -> impl Strategy<Value = U256> {
    let small = any::<u64>().prop_map(U256::from);
    let round = (1_u64..10_000, 0_u32..70).prop_map(|(mantissa, exponent)| {
        U256::from(mantissa).saturating_mul(U256::from(10).pow(U256::from(exponent)))
    });
    prop_oneof![
        Just(U256::ZERO),
        small,
        round,
        any::<[u8; 32]>().prop_map(U256::from_be_bytes)
    ]
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        3 => (0_u8..5).prop_map(Address::repeat_byte),
        1 => any::<[u8; 20]>().prop_map(Address::from),
    ]
}

fn fee() -> impl Strategy<Value = u128> {
    prop_oneof![
        Just(1_000_000_000),
        any::<u64>().prop_map(u128::from),
        any::<u128>()
    ]
}

fn signature() -> impl Strategy<Value = Signature> {
    (word(), word(), any::<bool>()).prop_map(|(r, s, parity)| Signature::new(r, s, parity))
}

fn input() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..80).prop_map(Bytes::from)
}

fn access_list() -> impl Strategy<Value = AccessList> {
    let keys = prop::collection::vec(any::<[u8; 32]>().prop_map(B256::from), 0..3);
    let item = (address(), keys).prop_map(|(address, storage_keys)| AccessListItem {
        address,
        storage_keys,
    });
    prop_oneof![
        Just(AccessList::default()),
        prop::collection::vec(item, 0..3).prop_map(AccessList)
    ]
}

fn authorization() -> impl Strategy<Value = SignedAuthorization> {
    (word(), address(), any::<u64>(), any::<u8>(), word(), word()).prop_map(
        |(chain_id, address, nonce, parity, r, s)| {
            let authorization = Authorization {
                chain_id,
                address,
                nonce,
            };
            SignedAuthorization::new_unchecked(authorization, parity, r, s)
        },
    )
}

#[derive(Debug, Clone)]
struct Common {
    chain_id: u64,
    nonce: u64,
    gas_limit: u64,
    fee: u128,
    tip: u128,
    to: TxKind,
    value: U256,
    input: Bytes,
    access_list: AccessList,
}

fn common() -> impl Strategy<Value = Common> {
    let chain_id = prop_oneof![9 => Just(CHAIN), 1 => any::<u64>()];
    let to = prop_oneof![4 => address().prop_map(TxKind::Call), 1 => Just(TxKind::Create)];
    let nonce = prop_oneof![0_u64..50, any::<u64>()];
    let gas = prop_oneof![Just(21_000), any::<u64>()];
    (
        chain_id,
        nonce,
        gas,
        fee(),
        fee(),
        to,
        word(),
        input(),
        access_list(),
    )
        .prop_map(
            |(chain_id, nonce, gas_limit, fee, tip, to, value, input, access_list)| Common {
                chain_id,
                nonce,
                gas_limit,
                fee,
                tip,
                to,
                value,
                input,
                access_list,
            },
        )
}

fn legacy(common: Common, is_bound: bool) -> TxLegacy {
    // Above this, v of EIP-155 would not fit its field.
    let chain_id = is_bound.then_some(common.chain_id.min(u64::MAX / 2 - 18));
    TxLegacy {
        chain_id,
        nonce: common.nonce,
        gas_price: common.fee,
        gas_limit: common.gas_limit,
        to: common.to,
        value: common.value,
        input: common.input,
    }
}

fn eip2930(common: Common) -> TxEip2930 {
    TxEip2930 {
        chain_id: common.chain_id,
        nonce: common.nonce,
        gas_price: common.fee,
        gas_limit: common.gas_limit,
        to: common.to,
        value: common.value,
        input: common.input,
        access_list: common.access_list,
    }
}

fn eip1559(common: Common) -> TxEip1559 {
    TxEip1559 {
        chain_id: common.chain_id,
        nonce: common.nonce,
        gas_limit: common.gas_limit,
        max_fee_per_gas: common.fee,
        max_priority_fee_per_gas: common.tip,
        to: common.to,
        value: common.value,
        input: common.input,
        access_list: common.access_list,
    }
}

fn eip7702(common: Common, authorization_list: Vec<SignedAuthorization>) -> TxEip7702 {
    TxEip7702 {
        chain_id: common.chain_id,
        nonce: common.nonce,
        gas_limit: common.gas_limit,
        max_fee_per_gas: common.fee,
        max_priority_fee_per_gas: common.tip,
        to: common.to.into_to().unwrap_or_default(),
        value: common.value,
        input: common.input,
        access_list: common.access_list,
        authorization_list,
    }
}

fn typed() -> impl Strategy<Value = OpTxEnvelope> {
    let authorizations = prop::collection::vec(authorization(), 0..3);
    (common(), signature(), 0_u8..5, authorizations).prop_map(|(tx, signature, kind, list)| {
        match kind {
            0 => OpTxEnvelope::Legacy(legacy(tx, true).into_signed(signature)),
            1 => OpTxEnvelope::Eip2930(eip2930(tx).into_signed(signature)),
            2 => OpTxEnvelope::Eip1559(eip1559(tx).into_signed(signature)),
            3 => OpTxEnvelope::Legacy(legacy(tx, false).into_signed(signature)),
            _ => OpTxEnvelope::Eip7702(eip7702(tx, list).into_signed(signature)),
        }
    })
}

fn transaction() -> impl Strategy<Value = PayloadTx> {
    prop_oneof![
        8 => typed().prop_map(PayloadTx::Typed),
        1 => typed().prop_map(|tx| PayloadTx::Raw(PayloadTx::Typed(tx).encoded())),
        1 => prop::collection::vec(any::<u8>(), 0..50).prop_map(|raw| PayloadTx::Raw(raw.into())),
        1 => any::<u64>().prop_map(|gas_limit| {
            PayloadTx::Typed(TxDeposit { gas_limit, ..Default::default() }.into())
        }),
    ]
}

fn payload() -> impl Strategy<Value = Payload> {
    let block = (
        prop_oneof![1_700_000_000_u64..1_700_000_100, any::<u64>()],
        prop_oneof![0_u64..3, any::<u64>()],
        prop::collection::vec(transaction(), 0..12),
    )
        .prop_map(|(timestamp, deposit_count, transactions)| PayloadBlock {
            timestamp,
            deposit_count,
            transactions,
        });
    prop::collection::vec(block, 0..8).prop_map(|blocks| Payload { blocks })
}

/// The payload as the Inbox sees it: nothing but bytes.
fn flat(payload: &Payload) -> Vec<(u64, u64, Vec<Bytes>)> {
    let encoded =
        |block: &PayloadBlock| block.transactions.iter().map(PayloadTx::encoded).collect();
    let blocks = payload.blocks.iter();
    blocks
        .map(|block| (block.timestamp, block.deposit_count, encoded(block)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn payload_encoded_and_decoded_is_the_same_byte_for_byte(payload in payload()) {
        let decoded = decode_payload(&encode(&payload), &LIMITS).unwrap();
        prop_assert_eq!(flat(&decoded), flat(&payload));
        // What was decoded is a fixed point, in values too.
        prop_assert_eq!(&decode_payload(&encode(&decoded), &LIMITS).unwrap(), &decoded);
        prop_assert_eq!(encode_columns(&decoded, CHAIN), encode_columns(&payload, CHAIN));
    }

    #[test]
    fn transaction_taken_from_its_encoding_gives_it_back(tx in transaction(), junk in input()) {
        let encoded = tx.encoded();
        prop_assert_eq!(PayloadTx::from_encoded(encoded.clone()).encoded(), encoded);
        prop_assert_eq!(PayloadTx::from_encoded(junk.clone()), PayloadTx::Raw(junk));
    }

    #[test]
    fn columns_cut_short_or_continued_are_refused(payload in payload(), cut in any::<prop::sample::Index>()) {
        let columns = encode_columns(&payload, CHAIN);
        let short = Bytes::copy_from_slice(&columns[..cut.index(columns.len())]);
        prop_assert!(decode_columns(&short, &LIMITS).is_err());
        let mut long = columns;
        long.push(0);
        let error = decode_columns(&long.into(), &LIMITS).unwrap_err();
        prop_assert_eq!(error, PayloadError::Trailing { count: 1 });
    }

    #[test]
    fn columns_with_bits_flipped_never_panic_and_decode_to_what_encodes(
        payload in payload(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 1..4),
    ) {
        let mut columns = encode_columns(&payload, CHAIN);
        for (at, bit) in flips {
            let at = at.index(columns.len());
            columns[at] ^= 1 << bit;
        }
        let columns = Bytes::from(columns);
        let first = decode_columns(&columns, &LIMITS);
        prop_assert_eq!(&decode_columns(&columns, &LIMITS), &first);
        if let Ok(decoded) = first {
            let again = decode_payload(&encode(&decoded), &LIMITS).unwrap();
            prop_assert_eq!(flat(&again), flat(&decoded));
        }
    }

    #[test]
    fn arbitrary_columns_never_panic(columns in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode_columns(&columns.into(), &LIMITS);
    }

    #[test]
    fn arbitrary_payload_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode_payload(&bytes, &LIMITS);
        let mut framed = vec![1, 0x28, 0xb5, 0x2f, 0xfd];
        framed.extend(bytes);
        let _ = decode_payload(&framed, &LIMITS);
    }

    #[test]
    fn frame_cut_short_or_continued_is_refused(payload in payload(), cut in any::<prop::sample::Index>()) {
        let bytes = encode(&payload);
        prop_assert!(decode_payload(&bytes[..cut.index(bytes.len())], &LIMITS).is_err());
        let mut long = bytes.clone();
        long.push(0);
        let expected = PayloadError::Frame(FrameError::Trailing { count: 1 });
        prop_assert_eq!(decode_payload(&long, &LIMITS), Err(expected));
        let mut twice = bytes.clone();
        twice.extend(&bytes[1..]);
        let count = bytes.len() - 1;
        let expected = PayloadError::Frame(FrameError::Trailing { count });
        prop_assert_eq!(decode_payload(&twice, &LIMITS), Err(expected));
    }
}

/// Deterministic bytes, half of them compressible.
fn content(seed: u64, len: usize) -> Vec<u8> {
    let noise = (0..).flat_map(|n: u64| keccak256([seed, n].map(u64::to_be_bytes).concat()).0);
    noise
        .enumerate()
        .map(|(n, byte)| {
            if n % 96 < 48 {
                n.to_le_bytes()[0] / 7
            } else {
                byte
            }
        })
        .take(len)
        .collect()
}

#[test]
fn frames_of_every_level_and_size_decode_as_they_were() {
    for level in [-5, 1, 3, 9, 19] {
        for len in [
            0, 1, 255, 256, 1000, 65_791, 131_072, 131_073, 700_000, 5_000_000,
        ] {
            let content = content(len as u64, len);
            let mut encoder = zstd::bulk::Compressor::new(level).unwrap();
            encoder.window_log(22).unwrap();
            let mut payload = vec![PAYLOAD_VERSION];
            payload.extend(encoder.compress(&content).unwrap());
            let got = decompress(&payload, &LIMITS);
            if got != Ok(content.into()) {
                panic!(
                    "level {level}, {len} bytes: {:?}",
                    got.map(|bytes| bytes.len())
                );
            }
        }
    }
}

#[test]
fn default_output_of_the_c_library_stays_within_the_window() {
    for len in [10, 300_000, 3_000_000, 16 << 20] {
        let content = content(7, len);
        let mut payload = vec![PAYLOAD_VERSION];
        payload.extend(zstd::bulk::compress(&content, 3).unwrap());
        assert_eq!(
            decompress(&payload, &LIMITS).map(|bytes| bytes.len()),
            Ok(len)
        );
    }
}

#[test]
fn frame_with_features_that_are_not_allowed_is_refused() {
    let refused = |frame: Vec<u8>| match decompress(&[vec![1], frame].concat(), &LIMITS) {
        Err(PayloadError::Frame(error)) => error,
        other => panic!("{other:?}"),
    };
    let mut checksummed = zstd::bulk::Compressor::new(3).unwrap();
    checksummed.include_checksum(true).unwrap();
    let frame = checksummed.compress(&content(1, 1000)).unwrap();
    assert!(matches!(refused(frame), FrameError::Descriptor { .. }));

    let mut skippable = vec![0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
    skippable.extend(zstd::bulk::compress(b"content", 3).unwrap());
    assert_eq!(refused(skippable), FrameError::Magic);

    let mut wide = zstd::bulk::Compressor::new(3).unwrap();
    wide.window_log(23).unwrap();
    let frame = wide.compress(&content(1, 9_000_000)).unwrap();
    assert_eq!(refused(frame), FrameError::Window { window: 1 << 23 });

    let frame =
        |descriptor: u8, rest: &[u8]| [&[0x28, 0xb5, 0x2f, 0xfd, descriptor], rest].concat();
    assert_eq!(
        refused(frame(0x01, &[0, 7, 1, 0, 0])),
        FrameError::Descriptor { descriptor: 1 }
    );
    assert_eq!(
        refused(frame(0x08, &[0, 1, 0, 0])),
        FrameError::Descriptor { descriptor: 8 }
    );
    assert_eq!(
        refused(frame(0, &[0x61])),
        FrameError::Window {
            window: (1 << 22) + (1 << 19)
        }
    );
    assert_eq!(refused(frame(0, &[0x60])), FrameError::Block);
    assert_eq!(refused(frame(0, &[0, 7, 0, 0])), FrameError::Block);
    // A declared length of 2^64 − 1, alone and as the window of a single segment.
    assert_eq!(
        refused(frame(0xc0, &[[0; 1].as_slice(), &[255; 8]].concat())),
        FrameError::TooLarge { limit: 16 << 20 }
    );
    assert_eq!(
        refused(frame(0xe0, &[255; 8])),
        FrameError::Window { window: u64::MAX }
    );
    // One byte declared, a raw block of two.
    assert_eq!(
        refused(frame(0x20, &[1, 0x11, 0, 0, 9, 9])),
        FrameError::Block
    );
    // Two declared, one given.
    let error = FrameError::ContentSize {
        expected: 2,
        got: 1,
    };
    assert_eq!(refused(frame(0x20, &[2, 0x09, 0, 0, 9])), error);
}

#[test]
fn bomb_is_stopped_at_the_cap() {
    // 2 KB of RLE blocks, each of 128 KiB: 64 MiB in all; and zeros by the C library: 1 GiB.
    let mut rle = vec![1, 0x28, 0xb5, 0x2f, 0xfd, 0, 0x60];
    for n in 0..512 {
        let header: u32 = (131_072 << 3) | 2 | u32::from(n == 511);
        rle.extend(&header.to_le_bytes()[..3]);
        rle.push(0);
    }
    let error = Err(PayloadError::Frame(FrameError::TooLarge {
        limit: 16 << 20,
    }));
    assert_eq!(decompress(&rle, &LIMITS), error);

    let mut stream = zstd::stream::Encoder::new(vec![1], 3).unwrap();
    stream.window_log(22).unwrap();
    std::io::copy(
        &mut std::io::Read::take(std::io::repeat(0), 1 << 30),
        &mut stream,
    )
    .unwrap();
    let bomb = stream.finish().unwrap();
    assert!(bomb.len() < 100_000, "{} bytes", bomb.len());
    assert_eq!(decompress(&bomb, &LIMITS), error);
}

#[test]
fn payload_beyond_its_limits_is_refused() {
    let block = PayloadBlock {
        transactions: vec![PayloadTx::Raw(Bytes::new()); 3],
        ..Default::default()
    };
    let payload = Payload {
        blocks: vec![block; 4],
    };
    let decode = |limits: PayloadLimits| decode_payload(&encode(&payload), &limits);
    let blocks = decode(PayloadLimits {
        max_blocks: 3,
        ..LIMITS
    });
    assert_eq!(
        blocks,
        Err(PayloadError::TooMany {
            column: "blocks",
            count: 4,
            limit: 3
        })
    );
    let transactions = decode(PayloadLimits {
        max_transactions: 11,
        ..LIMITS
    });
    let error = PayloadError::TooMany {
        column: "transactions",
        count: 12,
        limit: 11,
    };
    assert_eq!(transactions, Err(error));
    assert_eq!(
        decode(PayloadLimits {
            max_blocks: 4,
            max_transactions: 12,
            ..LIMITS
        }),
        Ok(payload.clone())
    );
}

#[test]
fn counts_without_content_are_refused_before_anything_is_allocated() {
    let max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let decode = |columns: &[u8]| decode_columns(&Bytes::copy_from_slice(columns), &LIMITS);
    let too_many = |column, count, limit| {
        Err(PayloadError::TooMany {
            column,
            count,
            limit,
        })
    };
    assert_eq!(decode(&max), too_many("blocks", u64::MAX, 4096));
    // Two blocks whose transaction counts overflow together.
    let columns = [&[2, 0, 0, 0, 0], &max[..], &max[..]].concat();
    assert_eq!(decode(&columns), too_many("transactions", u64::MAX, 38_095));
    assert_eq!(
        decode(&[1, 0, 0, 100]),
        Err(PayloadError::Truncated { column: "kinds" })
    );
    // One call, a dictionary of two addresses.
    assert_eq!(decode(&[1, 0, 0, 1, 2, 0, 2]), too_many("addresses", 2, 1));
    // One raw transaction of 2^64 − 1 bytes.
    let columns = [&[1, 0, 0, 1, 5, 0], &max[..]].concat();
    assert_eq!(
        decode(&columns),
        Err(PayloadError::Truncated {
            column: "raw transactions"
        })
    );
}
