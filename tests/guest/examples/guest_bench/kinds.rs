//! One transaction of each kind.

use crate::{Images, in_machine};
use alloy_consensus::TxEip7702;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, U256};
use op_alloy_consensus::OpTxEnvelope;
use trestle_challenger::host::Recorded;
use trestle_guest_tests::{
    Account, CHAIN_ID, World, call, code, create, deposit, transfers::token,
};
use trestle_protocol::payload::PayloadTx;

/// Transactions of each batch.
const COUNT: u64 = 100;

/// The inputs of a batch and the output root after it.
type Batch = (Recorded, B256);

pub(crate) fn run(images: &Images) {
    let names: Vec<_> = images.iter().map(|(name, _)| *name).collect();
    println!(
        "instructions per transaction, of a block of {COUNT} | {}",
        names.join(" | ")
    );
    let print = |name: &str, steps: Vec<u64>| {
        let steps: Vec<_> = steps.iter().map(u64::to_string).collect();
        println!("{name} | {}", steps.join(" | "));
    };
    let measure = |(inputs, output): Batch| -> Vec<u64> {
        let images = images.iter().map(|(_, image)| image);
        images
            .map(|image| in_machine(image, &inputs, output).steps)
            .collect()
    };
    let one = Account::new(COUNT + 50).call(0, Address::repeat_byte(1), 21_000, Bytes::new());
    let idle = measure(batch(world(), vec![PayloadTx::Typed(one)]));
    print("a batch with one transfer", idle.clone());
    for (name, batch) in kinds() {
        let steps = measure(batch).into_iter().zip(&idle);
        print(
            name,
            steps
                .map(|(steps, idle)| steps.saturating_sub(*idle) / COUNT)
                .collect(),
        );
    }
}

fn world() -> World {
    World::with(0..COUNT + 100, token(COUNT + 100))
}

fn batch(mut world: World, txs: Vec<PayloadTx>) -> Batch {
    let payload = world.payload(vec![txs]);
    let (record, inputs) = world.derive(payload);
    (inputs, record.output_root)
}

/// A batch of each kind.
fn kinds() -> Vec<(&'static str, Batch)> {
    let sink = Address::repeat_byte(0x51);
    let accounts: Vec<_> = (0..COUNT).map(Account::new).collect();
    let each = |make: &dyn Fn(&Account) -> OpTxEnvelope| {
        batch(
            world(),
            accounts.iter().map(make).map(PayloadTx::Typed).collect(),
        )
    };
    let transfer = |a: &Account| a.call(0, code::TOKEN, 60_000, code::transfer(sink, 1));
    let mut deposits = world();
    for account in &accounts {
        deposits.enqueue(deposit(account.address, Some(sink), 100_000, Bytes::new()));
    }
    let noise = |at: u64| PayloadTx::Raw(trestle_guest_tests::inputs::noise(at, 100).into());
    vec![
        (
            "ETH transfer to one account",
            each(&|a| a.call(0, sink, 21_000, Bytes::new())),
        ),
        (
            "ETH transfer to a new account",
            each(&|a| a.call(0, a.address.create(9), 21_000, Bytes::new())),
        ),
        ("ERC-20 transfer", each(&transfer)),
        (
            "creation of 1 KiB",
            each(&|a| a.sign(create(0, 400_000, code::returning(&[0; 1_024])))),
        ),
        (
            "revert",
            each(&|a| a.call(0, code::TOKEN, 60_000, code::transfer(sink, u64::MAX))),
        ),
        ("delegation (7702)", each(&|a| delegating(a, 1))),
        (
            "delegation (7702) with 20 authorisations",
            each(&|a| delegating(a, 20)),
        ),
        ("access list of 100 slots", each(&listing)),
        ("deposit", batch(deposits, Vec::new())),
        (
            "skipped by its nonce",
            each(&|a| a.call(7, sink, 21_000, Bytes::new())),
        ),
        (
            "skipped by the balance of a new account",
            each(&|a| Account::new(a.address.0[0].into()).call(0, sink, 21_000, Bytes::new())),
        ),
        (
            "skipped by its initcode",
            each(&|a| a.sign(create(0, 16_000_000, vec![0; 49_153]))),
        ),
        (
            "skipped by its bytes",
            batch(world(), (0..COUNT).map(noise).collect()),
        ),
    ]
}

fn delegating(a: &Account, count: u64) -> OpTxEnvelope {
    a.sign_7702(TxEip7702 {
        chain_id: CHAIN_ID,
        nonce: 0,
        gas_limit: 100_000 + 25_000 * count,
        max_fee_per_gas: 1_000_000_000,
        max_priority_fee_per_gas: 1,
        to: Address::repeat_byte(0x51),
        value: U256::ZERO,
        access_list: AccessList::default(),
        authorization_list: (1..=count)
            .map(|nonce| a.authorize(CHAIN_ID, code::TOKEN, nonce))
            .collect(),
        input: Bytes::new(),
    })
}

fn listing(a: &Account) -> OpTxEnvelope {
    let keys = (0..100u64).map(|at| U256::from(at).into()).collect();
    let item = AccessListItem {
        address: a.address,
        storage_keys: keys,
    };
    let mut tx = call(0, Address::repeat_byte(0x51), 300_000, Bytes::new());
    tx.access_list = AccessList(vec![item]);
    a.sign(tx)
}
