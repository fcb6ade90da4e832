//! Batches of signed ERC-20 transfers.

use crate::{Images, in_machine};
use alloy_primitives::{Address, U256};
use std::collections::BTreeMap;
use trestle_challenger::host::Payload;
use trestle_guest_tests::{Account, World, code, compress, inputs::blobs_of, typed};
use trestle_protocol::{
    GenesisAccount,
    payload::{Payload as Blocks, PayloadBlock},
};

/// Holders of [`code::TOKEN`], `count` of them.
pub(crate) fn token(count: u64) -> BTreeMap<Address, GenesisAccount> {
    let mut contract = code::contracts().remove(&code::TOKEN).unwrap();
    for seed in 0..count {
        let slot = code::balance_slot(Account::new(seed).address);
        contract.storage.insert(slot, U256::from(1_000_000));
    }
    [(code::TOKEN, contract)].into()
}

/// `count` transfers between 1,000 accounts, in blocks of 900.
fn transfer_batch(count: u64) -> (World, Payload) {
    let accounts: Vec<_> = (0..1_000).map(Account::new).collect();
    let world = World::with(0..1_000, token(1_000));
    let txs: Vec<_> = (0..count)
        .map(|at| {
            let from = &accounts[(at % 1_000) as usize];
            let to = &accounts[((at * 7 + 13) % 1_000) as usize];
            from.call(
                at / 1_000,
                code::TOKEN,
                60_000,
                code::transfer(to.address, 1 + at),
            )
        })
        .collect();
    let timestamp = world.time();
    let blocks = txs
        .chunks(900)
        .map(|txs| PayloadBlock {
            timestamp,
            deposit_count: 0,
            transactions: typed(txs.to_vec()),
        })
        .collect();
    let bytes = compress(&Blocks { blocks });
    let payload = if bytes.len() <= 100_000 {
        Payload::Calldata(bytes.into())
    } else {
        Payload::Blobs(blobs_of(&bytes))
    };
    (world, payload)
}

pub(crate) fn run(images: &Images) {
    println!(
        "ERC-20 transfers | image | instructions | per transfer | preimage bytes | MiB used | s"
    );
    for count in [100, 1_000, 8_000] {
        let (mut world, payload) = transfer_batch(count);
        let (record, inputs) = world.derive(payload);
        assert_eq!(record.block_number, count.div_ceil(900));
        for (name, image) in images {
            let run = in_machine(image, &inputs, record.output_root);
            println!(
                "{count:6} | {name:12} | {:14} | {:9} | {:9} | {:5} | {:.1}",
                run.steps,
                run.steps / count,
                inputs.len_bytes(),
                run.pages >> 8,
                run.time.as_secs_f64()
            );
        }
    }
}
