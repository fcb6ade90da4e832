//! What the lanes answer by themselves, before anything is hashed one by one.

use super::*;
use crate::Method;
use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};

fn inputs(rng: &mut StdRng, count: usize, longest: usize) -> Vec<Vec<u8>> {
    let mut input = || {
        let mut bytes = vec![0; rng.random_range(0..=longest)];
        rng.fill_bytes(&mut bytes);
        bytes
    };
    (0..count).map(|_| input()).collect()
}

/// How many the lanes answered, all of them rightly, and that they left the others alone.
fn answered(inputs: &[Vec<u8>]) -> usize {
    let inputs: Vec<_> = inputs.iter().map(Vec::as_slice).collect();
    let mut hashes = vec![B256::ZERO; inputs.len()];
    // SAFETY: every caller has asked the processor before.
    let done = unsafe { run(&inputs, &mut hashes) };
    for (index, (input, hash)) in inputs.iter().zip(&hashes).enumerate() {
        let expected = if index < done {
            keccak256(input)
        } else {
            B256::ZERO
        };
        assert_eq!(*hash, expected, "input {index} of {} bytes", input.len());
    }
    done
}

#[test]
fn lanes_answer_all_but_the_last_few() {
    if Available::detect().is_none() {
        assert_eq!(Method::fastest(), Method::OneByOne);
        eprintln!("not run: the processor has no AVX-512");
        return;
    }
    assert_eq!(Method::fastest(), Method::Lanes);
    let mut rng = StdRng::seed_from_u64(1);
    for count in 0..60 {
        let inputs = inputs(&mut rng, count, 1000);
        let done = answered(&inputs);
        assert!(done <= count && count - done < FEW, "{done} of {count}");
    }
}

#[test]
fn lane_that_ended_takes_the_next_input_beside_one_of_many_blocks() {
    if Available::detect().is_none() {
        eprintln!("not run: the processor has no AVX-512");
        return;
    }
    let mut inputs = inputs(&mut StdRng::seed_from_u64(2), 200, 135);
    inputs.insert(3, vec![7; 100 * BLOCK]);
    assert_eq!(answered(&inputs), 201);
}

#[test]
fn last_block_is_padded_at_every_length() {
    for length in 0..=2 * BLOCK {
        let input = vec![0xff; length];
        let (mut rest, mut blocks) = (Some(&input[..]), 0);
        while let Some(left) = rest {
            let mut tail = [0; BLOCK];
            let (block, after) = block::next(left, &mut tail);
            blocks += 1;
            if after.is_none() {
                assert_eq!(block[..left.len()], *left);
                let first = if left.len() == BLOCK - 1 { 0x81 } else { 0x01 };
                assert_eq!(block[left.len()], first);
                assert_eq!(block[BLOCK - 1] & 0x80, 0x80);
            }
            rest = after;
        }
        assert_eq!(blocks, length / BLOCK + 1);
    }
}
