//! Batches of signed ERC-20 transfers.

use crate::{Account, World, code, compress, inputs::blobs_of, typed};
use alloy_primitives::{Address, U256};
use std::collections::BTreeMap;
use trestle_challenger::host::Payload;
use trestle_protocol::{
    GenesisAccount,
    payload::{Payload as Blocks, PayloadBlock},
};

/// Holders of [`code::TOKEN`], `count` of them.
pub fn token(count: u64) -> BTreeMap<Address, GenesisAccount> {
    let mut contract = code::contracts().remove(&code::TOKEN).unwrap();
    for seed in 0..count {
        let slot = code::balance_slot(Account::new(seed).address);
        contract.storage.insert(slot, U256::from(1_000_000));
    }
    [(code::TOKEN, contract)].into()
}

/// A chain whose next batch is `count` transfers between 1,000 accounts, in blocks of 900.
pub fn transfer_batch(count: u64) -> (World, Payload) {
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
