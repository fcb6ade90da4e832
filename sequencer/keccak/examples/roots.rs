//! What a state root costs per changed key, its nodes hashed together and one by one, in one run.
//!
//! `make bench-keccak`. One state in memory; each turn changes random accounts, or one slot of each of random
//! contracts, and takes roots and changed nodes as the engine does. The ways take turns on the same
//! state; each figure is the least of its turns, of the processor's time and not the wall's, as a
//! turn is longer than a busy processor leaves a program alone. Needs Linux's `/proc`.

use alloy_primitives::{Address, U256};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{collections::BTreeMap, error::Error, fs, thread};
use trestle_keccak::{Method, keccak256_many};
use trestle_protocol::{
    AccountChange, AccountInfo, StateDiff,
    trie::{EMPTY_ROOT_HASH, NodesByHash, StateTrie},
};

/// As in the node.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Slots that each contract has.
const SLOTS: u64 = 20;

/// What one turn changes.
#[derive(Clone, Copy)]
struct Load {
    /// Accounts that there are.
    accounts: u64,
    /// Accounts that a turn changes.
    changed: u64,
    /// Whether they are contracts, of which a slot changes too.
    are_contracts: bool,
    /// Turns of each way.
    turns: usize,
}

/// Seconds that this thread was on a processor. The kernel counts up to the last switch, hence one.
fn seconds() -> Result<f64, Box<dyn Error>> {
    thread::yield_now();
    let counts = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = counts.split(' ').next().unwrap_or_default();
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}

fn address(number: u64) -> Address {
    Address::left_padding_from(&number.to_be_bytes())
}

fn change(slots: impl IntoIterator<Item = u64>, rng: &mut StdRng) -> AccountChange {
    let value = |slot: u64| (U256::from(slot), U256::from(rng.random::<u64>()));
    AccountChange {
        storage: slots.into_iter().map(value).collect(),
        info: Some(AccountInfo {
            nonce: 1,
            balance: U256::from(rng.random::<u64>()),
            ..Default::default()
        }),
    }
}

impl Load {
    fn genesis(&self, rng: &mut StdRng) -> StateDiff {
        let slots = if self.are_contracts { 0..SLOTS } else { 0..0 };
        self.diff((0..self.accounts).map(|number| (address(number), change(slots.clone(), rng))))
    }

    fn block(&self, rng: &mut StdRng) -> StateDiff {
        let mut accounts = BTreeMap::new();
        while (accounts.len() as u64) < self.changed {
            let slot = self.are_contracts.then(|| rng.random_range(0..SLOTS));
            let account = address(rng.random_range(0..self.accounts));
            accounts.insert(account, change(slot, rng));
        }
        self.diff(accounts)
    }

    fn diff(&self, accounts: impl IntoIterator<Item = (Address, AccountChange)>) -> StateDiff {
        StateDiff {
            accounts: accounts.into_iter().collect(),
            ..Default::default()
        }
    }

    /// Microseconds per changed key, one by one and together.
    #[expect(clippy::cast_precision_loss, reason = "there are few keys")]
    fn run(&self) -> Result<(f64, f64), Box<dyn Error>> {
        let mut rng = StdRng::seed_from_u64(1);
        let (mut trie, mut none) = (StateTrie::new(EMPTY_ROOT_HASH), NodesByHash::default());
        trie.apply(&self.genesis(&mut rng), &mut none)?;
        trie.take_changes();
        let (mut single, mut together) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..self.turns {
            let block = self.block(&mut rng);
            let start = seconds()?;
            trie.apply(&block, &mut none)?;
            trie.roots(&mut none)?;
            trie.take_changes();
            single = single.min(seconds()? - start);

            let block = self.block(&mut rng);
            let start = seconds()?;
            trie.apply_with(&block, &mut none, &keccak256_many)?;
            trie.roots_with(&mut none, &keccak256_many)?;
            trie.take_changes();
            together = together.min(seconds()? - start);
        }
        let keys = self.changed * if self.are_contracts { 2 } else { 1 };
        Ok((single * 1e6 / keys as f64, together * 1e6 / keys as f64))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let load = |accounts, changed, are_contracts, turns| Load {
        accounts,
        changed,
        are_contracts,
        turns,
    };
    println!(
        "state root, one thread, least of all turns, microseconds of processor time per changed key"
    );
    println!("fastest method of this processor: {:?}", Method::fastest());
    println!(" accounts  changed keys  one by one  together    ratio");
    for load in [
        load(10_000, 200, false, 400),
        load(10_000, 200, true, 100),
        load(1_000_000, 10_000, false, 20),
    ] {
        let (single, together) = load.run()?;
        let kind = if load.are_contracts { "+ slots" } else { "" };
        println!(
            "{:>9} {:>8} {kind:>7} {single:>8.2} {together:>9.2} {:>8.2}",
            load.accounts,
            load.changed,
            single / together
        );
    }
    Ok(())
}
