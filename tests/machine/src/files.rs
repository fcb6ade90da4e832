//! The vector files as JSON: parallel arrays, which forge reads cheaply.

use crate::{refusals::refusals, vectors::vectors};
use alloy_primitives::{Bytes, hex, keccak256};
use serde_json::{Value, json};

/// Text of `tests/vectors/vm/steps.json`.
#[must_use]
pub fn steps_json() -> String {
    let vectors = vectors();
    let witnesses = vectors
        .iter()
        .map(|vector| Bytes::from(vector.witness.clone()));
    text(&json!({
        "name": vectors.iter().map(|vector| &vector.name).collect::<Vec<_>>(),
        "pre": vectors.iter().map(|vector| vector.pre).collect::<Vec<_>>(),
        "witness": witnesses.collect::<Vec<_>>(),
        "post": vectors.iter().map(|vector| vector.post).collect::<Vec<_>>(),
    }))
}

/// Text of `tests/vectors/vm/refusals.json`. `selector` is that of the error.
#[must_use]
pub fn refusals_json() -> String {
    let refusals = refusals();
    let witnesses = refusals
        .iter()
        .map(|refusal| Bytes::from(refusal.witness.clone()));
    let selectors = refusals.iter().map(|refusal| selector(refusal.error));
    text(&json!({
        "name": refusals.iter().map(|refusal| &refusal.name).collect::<Vec<_>>(),
        "pre": refusals.iter().map(|refusal| refusal.pre).collect::<Vec<_>>(),
        "witness": witnesses.collect::<Vec<_>>(),
        "error": refusals.iter().map(|refusal| refusal.error).collect::<Vec<_>>(),
        "selector": selectors.map(hex::encode_prefixed).collect::<Vec<_>>(),
    }))
}

/// First four bytes of the hash of a signature.
#[must_use]
pub fn selector(signature: &str) -> [u8; 4] {
    keccak256(signature)
        .first_chunk::<4>()
        .copied()
        .unwrap_or_default()
}

fn text(value: &Value) -> String {
    format!("{value:#}\n")
}
