//! Every precompile of the fork at edge inputs: the node computes with C libraries, the program in software.

use alloy_primitives::{Address, U256};
use trestle_guest_tests::{
    Account, World,
    code::{PROBER, probe},
    inputs::noise,
    typed,
};

/// A precompile's address and the lengths of input around which its rules change.
const SIZES: [(u64, &[usize]); 18] = [
    (0x01, &[0, 1, 127, 128, 129]),
    (0x02, &[0, 1, 55, 56, 64, 119, 1_000]),
    (0x03, &[0, 1, 55, 56, 64, 119, 1_000]),
    (0x04, &[0, 1, 31, 32, 33, 4_097]),
    (0x05, &[0, 95, 96, 97, 200]),
    (0x06, &[0, 64, 127, 128, 129]),
    (0x07, &[0, 64, 95, 96, 97]),
    (0x08, &[0, 1, 191, 192, 384]),
    (0x09, &[0, 212, 213, 214]),
    (0x0a, &[0, 191, 192, 193]),
    (0x0b, &[0, 255, 256, 257]),
    (0x0c, &[0, 159, 160, 320]),
    (0x0d, &[0, 511, 512, 513]),
    (0x0e, &[0, 287, 288, 576]),
    (0x0f, &[0, 383, 384, 768]),
    (0x10, &[0, 63, 64, 65]),
    (0x11, &[0, 127, 128, 129]),
    (0x100, &[0, 159, 160, 161]),
];

fn precompile(number: u64) -> Address {
    Address::from_word(U256::from(number).into())
}

/// Runs each input through the prober, some transactions to a batch.
fn prove(what: &str, inputs: &[(u64, Vec<u8>)]) {
    let mut world = World::new(0..1);
    let account = Account::new(0);
    let mut nonce = 0;
    for some in inputs.chunks(12) {
        let txs = some.iter().map(|(number, input)| {
            let data = probe(precompile(*number), input);
            let tx = account.call(nonce, PROBER, 3_500_000, data);
            nonce += 1;
            tx
        });
        let payload = world.payload(vec![typed(txs.collect())]);
        let (record, _) = world.prove(what, payload);
        assert!(record.block_number > 0, "{what}");
    }
}

#[test]
fn precompile_given_nothing_zeros_ones_or_noise_is_proven_as_derived() {
    let mut inputs = Vec::new();
    for (number, sizes) in SIZES {
        for &size in sizes {
            inputs.push((number, vec![0; size]));
        }
        let longest = sizes.iter().max().copied().unwrap();
        inputs.push((number, vec![0xff; longest]));
        inputs.push((number, noise(number, longest)));
    }
    prove("sizes", &inputs);
}

/// One valid input for each precompile, to be bent at its edges.
fn valid() -> Vec<(u64, Vec<u8>)> {
    trestle_guest_tests::inputs::valid_precompile_inputs()
}

#[test]
fn precompile_given_valid_inputs_and_their_neighbours_is_proven_as_derived() {
    let mut inputs = Vec::new();
    for (number, input) in valid() {
        inputs.push((number, input.clone()));
        for at in [0, input.len() / 2, input.len() - 1] {
            let mut bent = input.clone();
            bent[at] ^= 1;
            inputs.push((number, bent));
        }
        inputs.push((number, [&input[..], &[0]].concat()));
        inputs.push((number, input[..input.len() - 1].to_vec()));
    }
    prove("valid", &inputs);
}
