//! Any bytes as a payload: no panic, and what decodes encodes to what decodes to the same.

#![no_main]

use alloy_primitives::Bytes;
use libfuzzer_sys::fuzz_target;
use trestle_protocol::payload::{PayloadLimits, decode_columns, decode_payload, encode_columns};

const LIMITS: PayloadLimits = PayloadLimits {
    chain_id: 4_242,
    max_decompressed: 1 << 20,
    max_blocks: 4_096,
    max_transactions: 38_095,
};

fuzz_target!(|data: &[u8]| {
    assert_eq!(decode_payload(data, &LIMITS), decode_payload(data, &LIMITS));
    if let Ok(payload) = decode_columns(&Bytes::copy_from_slice(data), &LIMITS) {
        let again = Bytes::from(encode_columns(&payload, LIMITS.chain_id));
        assert_eq!(decode_columns(&again, &LIMITS), Ok(payload));
    }
});
