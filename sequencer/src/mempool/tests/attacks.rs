//! The published ways to deny a mempool's service, each played against the pool in a world where
//! honest users pay what the node suggests: theirs must be in one of the next three blocks.
//!
//! DETER is Li, Wang and Tang (CCS 2021); stealthy eviction (XT) and locking are of MPFUZZ (Wang et al., USENIX
//! Security 2024); conditional exhaustion and memory purging are of Yaish et al. ("Speculative
//! denial-of-service attacks in Ethereum"). `docs/mempool.md` has the table.

use super::world::{BLOCK_GAS, DRAIN, FLOOD, ROOM, World, evil, priced};
use super::*;

const RICH: U256 = U256::from_limbs([10_000_000_000_000_000_000, 0, 0, 0]);

/// Attackers fill the pool with what `tx` makes for the `n`th account.
fn flood(world: &mut World, tx: impl Fn(u32) -> TxEip1559) {
    for n in 0..FLOOD {
        if world.account(evil(n)).info.balance.is_zero() {
            world.fund(evil(n), RICH);
        }
        let nonce = world.account(evil(n)).info.nonce;
        let mut tx = tx(n);
        tx.nonce += nonce;
        let _ = world.send(evil(n), tx);
    }
}

#[test]
fn deter_x_future_transactions_at_a_high_fee_keep_nobody_out() {
    let mut world = World::new();
    let waiting = world.honest().unwrap();
    flood(&mut world, |_| priced(7, 100 * GWEI, 90 * GWEI));
    assert_eq!(world.bed.pool.len(), ROOM, "they fill it");
    world.serves_honest(|world| flood(world, |_| priced(7, 200 * GWEI, 190 * GWEI)));
    assert!(world.included.contains(&waiting));
    assert_eq!(world.spent, U256::ZERO, "they pay nothing");
}

#[test]
fn deter_z_latent_overdrafts_are_refused() {
    let mut world = World::new();
    let all = U256::from(30 * GWEI) * U256::from(21_000);
    for n in 0..FLOOD {
        world.fund(evil(n), all);
        for nonce in 0..4 {
            let _ = world.send(evil(n), priced(nonce, 25 * GWEI, GWEI / 4));
        }
    }
    assert!(world.held().values().all(|held| *held == 1), "one each");
    world.serves_honest(|_| ());
}

/// Stealthy eviction: a parent is replaced so that its children, which took the place of others, become
/// invalid.
#[test]
fn xt_parent_cannot_be_replaced_by_an_overdraft_under_its_children() {
    let mut world = World::new();
    world.fund(evil(0), RICH);
    let parent = priced(0, 2 * GWEI, GWEI / 2);
    world.send(evil(0), parent.clone()).unwrap();
    for nonce in 1..ROOM as u64 {
        world
            .send(evil(0), priced(nonce, 2 * GWEI, GWEI / 2))
            .unwrap();
    }
    let overdraft = TxEip1559 {
        value: RICH - U256::from(21_000 * 3 * GWEI),
        ..priced(0, 3 * GWEI, GWEI)
    };
    let refused = world.send(evil(0), overdraft).unwrap_err();
    assert!(matches!(refused, PoolError::InsufficientFunds { .. }));
    let kept = unsigned(evil(0), parent).hash();
    assert_eq!(world.bed.pool.stage(&kept), Some(Stage::Pending));
    world.serves_honest(|_| ());
}

/// Stealthy eviction: children at a high fee behind a parent that no block takes.
#[test]
fn xt_dear_children_of_a_parent_below_the_base_fee_evict_nobody_executable() {
    let mut world = World::new();
    world.set_base_fee(2 * GWEI);
    let honest: Vec<_> = (0..8).map(|_| world.honest().unwrap()).collect();
    for n in 0..4 {
        world.fund(evil(n), RICH);
        let _ = world.send(evil(n), priced(0, GWEI, 0));
        for nonce in 1..ROOM as u64 {
            let _ = world.send(evil(n), priced(nonce, 100 * GWEI, 90 * GWEI));
        }
    }
    assert_eq!(world.bed.pool.len(), ROOM);
    world.serves_honest(|world| {
        let _ = world.send(evil(9), priced(1, 100 * GWEI, 90 * GWEI));
    });
    let is_in = |hash| world.included.contains(hash);
    assert!(honest.iter().all(is_in), "those before the attack too");
    assert_eq!(world.spent, U256::ZERO);
}

/// Stealthy eviction: chains of transactions that an earlier one of another account makes invalid.
#[test]
fn xt_children_of_a_dropped_parent_make_room() {
    let mut world = World::new();
    for n in 0..4 {
        world.fund(evil(n), RICH);
        for nonce in 0..16 {
            world
                .send(evil(n), priced(nonce, 5 * GWEI, GWEI / 2))
                .unwrap();
        }
    }
    // The engine finds the first of each invalid: the rest is behind a gap.
    let heads = world.bed.pool.take_ready(4 * 16);
    for head in heads.iter().filter(|tx| tx.nonce() == 0) {
        world.bed.pool.reject(&head.hash(), "invalid".to_owned());
    }
    assert!(world.bed.pool.take_ready(1).is_empty());
    for _ in 0..8 {
        world.serves_honest(|_| ());
    }
}

#[test]
fn locking_at_the_lowest_price_does_not_keep_out_who_pays_the_suggested_tip() {
    let mut world = World::new();
    let cheap = |_| priced(0, GWEI, 0);
    flood(&mut world, cheap);
    assert_eq!(world.bed.pool.len(), ROOM);
    world.serves_honest(|world| flood(world, cheap));
    assert!(world.spent >= world.price_of(20), "what is served pays");
}

#[test]
fn locking_by_long_queues_of_a_few_does_not_keep_others_out() {
    let mut world = World::new();
    let fill = |world: &mut World| {
        for n in 0..2 {
            world.fund(evil(n), RICH);
            let nonce = world.account(evil(n)).info.nonce;
            for nonce in nonce..nonce + ROOM as u64 {
                let _ = world.send(evil(n), priced(nonce, 50 * GWEI, GWEI / 4));
            }
        }
    };
    fill(&mut world);
    world.serves_honest(fill);
}

/// A tip that the fee cap leaves no room for is worth nothing, in turn and in eviction.
#[test]
fn pretended_tips_neither_lead_nor_lock() {
    let mut world = World::new();
    let pretended = |_| priced(0, GWEI, GWEI);
    flood(&mut world, pretended);
    let tip = world.bed.pool.fair_tip();
    assert_eq!(tip, 1, "what they would pay is 0");
    world.serves_honest(|world| flood(world, pretended));
}

/// Queues whose first pays well, whose second does not, and whose last pretends to.
#[test]
fn dear_tail_behind_a_cheap_transaction_does_not_lock() {
    let mut world = World::new();
    let fill = |world: &mut World| {
        for n in 0..16 {
            world.fund(evil(n), RICH);
            let nonce = world.account(evil(n)).info.nonce;
            for (at, tip) in [GWEI / 8, 0, GWEI / 8, GWEI / 8].into_iter().enumerate() {
                let _ = world.send(evil(n), priced(nonce + at as u64, 9 * GWEI, tip));
            }
        }
    };
    fill(&mut world);
    assert_eq!(world.bed.pool.len(), ROOM);
    world.serves_honest(fill);
}

#[test]
fn price_floor_games_leave_room_once_the_base_fee_is_above_them() {
    let mut world = World::new();
    flood(&mut world, |_| priced(0, GWEI, 0));
    world.set_base_fee(GWEI + 1);
    world.serves_honest(|world| flood(world, |_| priced(0, GWEI, 0)));
    assert_eq!(world.spent, U256::ZERO);
    world.set_base_fee(GWEI);
    world.serves_honest(|world| world.set_base_fee(GWEI));
}

#[test]
fn replacement_storm_is_short_and_keeps_nobody_out() {
    let mut world = World::new();
    world.fund(evil(0), RICH);
    let storm = |world: &mut World| {
        let (nonce, mut fee, mut taken) = (world.account(evil(0)).info.nonce, GWEI, 0);
        while world.send(evil(0), priced(nonce, fee, fee)).is_ok() {
            fee = fee * 11 / 10 + 1;
            taken += 1;
        }
        taken
    };
    let taken = storm(&mut world);
    assert!(taken < 200, "{taken} replacements of one transaction");
    assert_eq!(world.bed.pool.len(), 1);
    world.serves_honest(|world| {
        storm(world);
    });
}

#[test]
fn replacement_without_room_leaves_what_it_would_replace() {
    let mut world = World::with(PoolLimits {
        total_bytes: 40_000,
        ..PoolLimits::default()
    });
    world.fund(evil(0), RICH);
    let big = |nonce, len: usize, fee| TxEip1559 {
        input: vec![0; len].into(),
        gas_limit: 200_000,
        ..priced(nonce, fee, GWEI)
    };
    let first = world.send(evil(0), big(0, 100, 2 * GWEI)).unwrap();
    world.send(evil(0), big(1, 10_000, 2 * GWEI)).unwrap();
    world.send(evil(0), big(2, 17_000, 2 * GWEI)).unwrap();
    let refused = world.send(evil(0), big(0, 16_000, 9 * GWEI)).unwrap_err();
    assert!(matches!(
        refused,
        PoolError::Full | PoolError::ReplacementUnderpriced
    ));
    assert_eq!(world.bed.pool.stage(&first), Some(Stage::Pending));
}

/// Who is refused in the end never pays: he must have cost nobody his place.
#[test]
fn large_newcomer_that_is_refused_has_evicted_nobody() {
    let mut world = World::with(PoolLimits {
        total_bytes: 30_000,
        ..PoolLimits::default()
    });
    let sized = |len: usize, fee, tip| TxEip1559 {
        input: vec![0; len].into(),
        gas_limit: 200_000,
        ..priced(0, fee, tip)
    };
    for n in 0..4 {
        world.fund(evil(n), RICH);
    }
    let parked = TxEip1559 {
        nonce: 3,
        ..sized(1_000, 2 * GWEI, 0)
    };
    let parked = world.send(evil(0), parked).unwrap();
    let cheap = world.send(evil(1), sized(1_000, 2 * GWEI, 0)).unwrap();
    let dear = sized(17_000, 2 * GWEI, GWEI / 2);
    world.send(evil(2), dear).unwrap();
    let large = sized(14_000, 2 * GWEI, GWEI / 4);
    assert_eq!(world.send(evil(3), large), Err(PoolError::Full));
    for kept in [parked, cheap] {
        assert!(!matches!(
            world.bed.pool.stage(&kept),
            None | Some(Stage::Dropped(_))
        ));
    }
    world.serves_honest(|_| ());
}

#[test]
fn account_at_its_nonce_limit_holds_back_nobody_else() {
    let mut world = World::with(PoolLimits::default());
    world.fund(evil(0), RICH * U256::from(100));
    for nonce in (0..=1_024).filter(|nonce| *nonce != 5) {
        world
            .send(evil(0), priced(nonce, 9 * GWEI, GWEI / 4))
            .unwrap();
    }
    let refused = world.send(evil(0), priced(1_025, 9 * GWEI, GWEI));
    assert!(matches!(refused, Err(PoolError::NonceTooHigh { .. })));
    world.serves_honest(|world| {
        let _ = world.send(evil(0), priced(5, 9 * GWEI, GWEI / 4));
    });
}

/// One transaction empties many accounts, whose transactions had taken the places of others.
#[test]
fn delegated_accounts_that_others_drain_hold_little() {
    let mut world = World::new();
    for n in 0..8 {
        world.fund(evil(n), RICH);
    }
    let accounts: Vec<_> = (1..8).map(evil).collect();
    world.delegate(evil(0), 0, &accounts).unwrap();
    world.seal();
    for n in 1..8 {
        world.fund(evil(n), RICH);
        for nonce in 0..ROOM as u64 {
            let _ = world.send(evil(n), priced(nonce, 9 * GWEI, GWEI / 4));
        }
    }
    let limit = PoolLimits::default().delegated_count;
    assert!(world.held().values().all(|held| *held <= limit));
    let refused = world.send(evil(1), priced(20, 9 * GWEI, GWEI)).unwrap_err();
    assert_eq!(refused, PoolError::DelegatedFull { limit });
    let drain = TxEip1559 {
        to: TxKind::Call(DRAIN),
        ..priced(1, 9 * GWEI, GWEI)
    };
    world.send(evil(0), drain).unwrap();
    world.serves_honest(|_| ());
}

#[test]
fn account_that_the_pool_would_delegate_holds_little_either() {
    let mut world = World::new();
    for n in 0..3 {
        world.fund(evil(n), RICH);
    }
    for nonce in 0..5 {
        world.send(evil(1), priced(nonce, 2 * GWEI, 0)).unwrap();
    }
    let limit = PoolLimits::default().delegated_count;
    let refused = world.delegate(evil(0), 0, &[evil(2), evil(1)]).unwrap_err();
    assert_eq!(refused, PoolError::AuthorityBusy { limit });
    // The other way round.
    let hash = world.delegate(evil(0), 0, &[evil(2)]).unwrap();
    for nonce in 0..limit as u64 {
        world.send(evil(2), priced(nonce, 2 * GWEI, 0)).unwrap();
    }
    let next = priced(limit as u64, 2 * GWEI, 0);
    let refused = world.send(evil(2), next.clone()).unwrap_err();
    assert_eq!(refused, PoolError::DelegatedFull { limit });
    world
        .send(evil(2), priced(0, 3 * GWEI, GWEI))
        .expect("a replacement adds nothing");
    world.bed.pool.take_ready(64);
    world.bed.pool.reject(&hash, "as it happens".to_owned());
    world
        .send(evil(2), next)
        .expect("nothing would delegate it");
}

/// Long inputs at the lowest price: one fills a block's bytes.
#[test]
fn huge_inputs_at_a_small_fee_keep_nobody_out() {
    let mut world = World::with(PoolLimits {
        total_bytes: 2 << 20,
        ..PoolLimits::default()
    });
    let huge = |_| TxEip1559 {
        input: vec![0; 18_000].into(),
        gas_limit: BLOCK_GAS,
        ..priced(0, GWEI, 0)
    };
    flood(&mut world, huge);
    assert!(world.bed.pool.bytes() > (2 << 20) - 20_000);
    world.serves_honest(|world| flood(world, huge));
}

/// Conditional exhaustion: each burns a whole block's gas and then reverts. It pays for that.
#[test]
fn transactions_that_burn_whole_blocks_keep_nobody_out_and_pay() {
    let mut world = World::new();
    let burner = |_| TxEip1559 {
        gas_limit: BLOCK_GAS,
        ..priced(0, 2 * GWEI, 0)
    };
    flood(&mut world, burner);
    world.serves_honest(|world| flood(world, burner));
    let block = U256::from(BLOCK_GAS) * U256::from(GWEI);
    assert_eq!(world.spent, block * U256::from(2));
}

/// Without a crowd nobody has to offer a tip: order of arrival decides.
#[test]
fn tip_is_suggested_to_a_crowd_only_and_never_above_the_base_fee() {
    let mut world = World::new();
    world.fund(evil(0), RICH);
    world
        .send(evil(0), priced(0, 900 * GWEI, 800 * GWEI))
        .unwrap();
    assert_eq!(world.bed.pool.fair_tip(), 0);
    flood(&mut world, |_| priced(1, 900 * GWEI, 800 * GWEI));
    flood(&mut world, |_| priced(0, 900 * GWEI, 800 * GWEI));
    assert_eq!(world.bed.pool.fair_tip(), GWEI);
}
