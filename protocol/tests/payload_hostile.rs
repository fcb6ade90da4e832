//! Mutated frames against the decoder: it never panics, gives one result, and its memory is bounded.
//!
//! `TRESTLE_FUZZ_CASES` sets the number of mutations (20,000 unless told), `TRESTLE_FUZZ_SEED` the
//! seed; a failure prints the payload.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use alloy_primitives::hex;
use std::{env, fs, panic};
use trestle_protocol::payload::{
    FrameError, PAYLOAD_VERSION, PayloadError, PayloadLimits, decode_payload, decompress,
};

const LIMITS: PayloadLimits = PayloadLimits {
    chain_id: 901,
    max_decompressed: 16 << 20,
    max_blocks: 4096,
    max_transactions: 38_095,
};

/// Most memory that the whole test may ever hold, in KiB: four times the cap, and the harness.
const MAX_MEMORY: u64 = 160 << 10;

/// Xorshift: the same mutations for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}

/// Frames of all block types, literal modes and sequence modes that the C library writes.
fn corpus() -> Vec<Vec<u8>> {
    let mut random = Random(7);
    let mut corpus = Vec::new();
    for len in [0, 3, 20, 100, 300, 1000, 3000, 9000, 40_000, 300_000] {
        for style in 0..4 {
            let content = content(&mut random, style, len);
            for level in [-7, 1, 3, 13, 19] {
                let mut encoder = zstd::bulk::Compressor::new(level).unwrap();
                encoder.window_log(22).unwrap();
                let mut payload = vec![PAYLOAD_VERSION];
                payload.extend(encoder.compress(&content).unwrap());
                corpus.push(payload);
            }
        }
    }
    corpus
}

fn content(random: &mut Random, style: u8, len: usize) -> Vec<u8> {
    let mut content = Vec::with_capacity(len);
    while content.len() < len {
        match style {
            0 => content.push(random.byte() % 7 * 3),
            1 => content.push(random.byte()),
            2 => content.extend(format!("{}:{},", random.below(100), random.below(9)).bytes()),
            _ => {
                let from = random.below(content.len());
                let to = (from + 4 + random.below(30)).min(content.len());
                content.extend_from_within(from..to);
                content.push(random.byte());
            }
        }
    }
    content.truncate(len);
    content
}

/// One to three edits, most of them near the front, where headers and tables are.
fn mutate(random: &mut Random, payload: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        let span = if random.below(4) == 0 {
            payload.len()
        } else {
            payload.len().min(48)
        };
        let at = 1 + random.below(span - 1);
        match random.below(5) {
            0 => payload[at] ^= 1 << random.below(8),
            1 => payload[at] = random.byte(),
            2 => payload.insert(at, random.byte()),
            3 => payload[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            _ if payload.len() > 8 => drop(payload.remove(at)),
            _ => {}
        }
    }
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// Peak resident memory of this process in KiB; `None` off Linux.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn mutated_frames_give_one_result_without_panic_in_bounded_memory() {
    let corpus = corpus();
    let mut random = Random(setting("TRESTLE_FUZZ_SEED", 88_172_645_463_325_252));
    let (mut accepted, cases) = (0, setting("TRESTLE_FUZZ_CASES", 20_000));
    for _ in 0..cases {
        let mut payload = corpus[random.below(corpus.len())].clone();
        mutate(&mut random, &mut payload);
        let outcome = panic::catch_unwind(|| {
            let first = decompress(&payload, &LIMITS);
            assert_eq!(decompress(&payload, &LIMITS), first);
            let _ = decode_payload(&payload, &LIMITS);
            first.is_ok()
        });
        let Ok(is_accepted) = outcome else {
            panic!("decoder panicked on {}", hex::encode(payload))
        };
        accepted += u64::from(is_accepted);
    }
    assert!(
        accepted > cases / 100 && accepted < cases / 2,
        "{accepted} of {cases} accepted"
    );
    if let Some(peak) = peak_memory() {
        assert!(peak < MAX_MEMORY, "{peak} KiB at the peak");
    }
}

/// What libzstd makes of a payload's frame, if it takes it.
fn judge(judge: &mut zstd::bulk::Decompressor<'_>, payload: &[u8], output: &mut Vec<u8>) -> bool {
    output.clear();
    judge.decompress_to_buffer(&payload[1..], output).is_ok()
}

#[test]
fn frame_that_is_accepted_decodes_as_libzstd_decodes_it() {
    let corpus = corpus();
    let mut random = Random(setting("TRESTLE_FUZZ_SEED", 0x9e37_79b9_7f4a_7c15));
    let mut libzstd = zstd::bulk::Decompressor::new().unwrap();
    let mut expected = Vec::with_capacity(LIMITS.max_decompressed);
    let (mut agreed, mut stricter) = (0, 0);
    let cases = setting("TRESTLE_FUZZ_CASES", 20_000);
    for index in 0..cases {
        let mut payload = corpus[random.below(corpus.len())].clone();
        let is_mutated = index >= corpus.len() as u64;
        if is_mutated {
            mutate(&mut random, &mut payload);
        } else {
            payload = corpus[usize::try_from(index).unwrap()].clone();
        }
        let is_accepted = judge(&mut libzstd, &payload, &mut expected);
        match decompress(&payload, &LIMITS) {
            Ok(output) => {
                assert!(is_accepted, "libzstd refuses {}", hex::encode(&payload));
                assert!(output == expected, "differs: {}", hex::encode(&payload));
                agreed += 1;
            }
            Err(PayloadError::Frame(FrameError::Corrupt)) if is_accepted && is_mutated => {
                stricter += 1
            }
            Err(error) => assert!(is_mutated, "{error}: {}", hex::encode(&payload)),
        }
    }
    println!("{agreed} of {cases} agreed, {stricter} refused here alone");
    assert!(agreed > cases / 100, "{agreed} of {cases} agreed");
    // libzstd does not always ask whether four streams of literals end where their symbols do.
    assert!(
        stricter < cases / 25,
        "{stricter} of {cases} refused here alone"
    );
}
