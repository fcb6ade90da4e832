//! Random attackers with an honest user among them, by seeds that a failure prints.

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::world::{BLOCK_GAS, BLOCKS, DRAIN, ROOM, World, evil, priced};
use super::*;

const ATTACKERS: u32 = 12;
const SEEDS: u64 = 100;
/// Gas of the largest transaction: two fifths of a block, as on the chain.
const LARGE_GAS: u64 = 80_000;

/// One random step of the attackers. `tip` is the most that they are ready to pay, in wei per gas.
fn step(world: &mut World, rng: &mut StdRng, tip: u128) {
    if rng.random_range(0..12) == 0 {
        let base_fee = rng.random_range(GWEI..GWEI * 5 / 4);
        return world.set_base_fee(base_fee);
    }
    send(world, rng, tip);
}

fn send(world: &mut World, rng: &mut StdRng, tip: u128) {
    let who = evil(rng.random_range(0..ATTACKERS));
    let account = world.account(who).info;
    let nonce = account.nonce + rng.random_range(0..6) * rng.random_range(0..4);
    let fee = *[GWEI, 2 * GWEI, 50 * GWEI].choose(rng).unwrap();
    let tip = *[0, tip, fee].choose(rng).unwrap();
    // Pretended ones have no room under their cap.
    let fee = if tip == fee {
        world.base_fee.max(GWEI)
    } else {
        fee
    };
    let plain = priced(nonce, fee, tip.min(fee));
    let _ = match rng.random_range(0..12) {
        0 => {
            let wei = rng.random_range(0..10_000_000_000_000_000_u64);
            world.fund(who, U256::from(wei));
            return;
        }
        1 => {
            let others: Vec<_> = (0..3)
                .map(|_| evil(rng.random_range(0..ATTACKERS)))
                .collect();
            world.delegate(who, account.nonce, &others)
        }
        2 => world.send(
            who,
            TxEip1559 {
                to: TxKind::Call(DRAIN),
                ..plain
            },
        ),
        3 => world.send(
            who,
            TxEip1559 {
                value: account.balance / U256::from(2),
                ..plain
            },
        ),
        4 => world.send(
            who,
            TxEip1559 {
                input: vec![0; 4_000].into(),
                gas_limit: LARGE_GAS,
                ..plain
            },
        ),
        _ => world.send(who, plain),
    };
}

/// Whoever pays what the node suggests is in one of the next three blocks, or every one of them went to
/// those who paid at least as much: nobody is kept out for less.
#[test]
fn honest_transactions_are_in_three_blocks_or_dearly_outbid_under_random_attacks() {
    let (mut served, mut outbid) = (0, 0);
    for seed in 0..SEEDS {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut world = World::new();
        for n in 0..ATTACKERS {
            world.fund(evil(n), ETHER);
        }
        let tip = rng.random_range(0..GWEI / 2);
        for _ in 0..6 {
            for _ in 0..rng.random_range(0..3 * ROOM) {
                step(&mut world, &mut rng, tip);
            }
            let hash = world.honest();
            let hash = hash.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let paid = world.bed.pool.get(&hash).unwrap().max_tip();
            world.watch_tips_from(paid);
            for _ in 0..BLOCKS {
                for _ in 0..rng.random_range(0..ROOM) {
                    send(&mut world, &mut rng, paid);
                }
                world.seal();
            }
            if world.included.contains(&hash) {
                served += 1;
            } else {
                outbid += 1;
                let least = BLOCKS as u64 * (BLOCK_GAS - LARGE_GAS);
                let gas = world.watched_gas;
                assert!(gas >= least, "seed {seed}: kept out by {gas} gas only");
            }
        }
    }
    assert!(served > 20 * outbid, "{served} served, {outbid} outbid");
}
