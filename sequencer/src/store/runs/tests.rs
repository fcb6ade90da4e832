use super::{
    shape::{FULL, Tier},
    *,
};
use crate::store::{
    places::{Place, place, place_entry},
    tables::Db,
};
use alloy_primitives::B256;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::collections::{BTreeMap, BTreeSet};

/// Entries in a table.
fn count(db: &Db, table: Database) -> usize {
    let tx = db.read().unwrap();
    let mut cursor = tx.cursor(table).unwrap();
    let mut next = cursor.first::<[u8; 32], ()>().unwrap();
    let mut count = 0;
    while next.is_some() {
        count += 1;
        next = cursor.next().unwrap();
    }
    count
}

/// Every place is found, no other is, and no table holds what it should not.
fn check(db: &Db, known: &BTreeMap<B256, Place>, gone: &BTreeSet<B256>) {
    let (tx, runs) = (db.read().unwrap(), &db.tables.transactions);
    for (hash, known_place) in known {
        assert_eq!(place(&tx, runs, hash).unwrap(), Some(*known_place));
    }
    for hash in gone {
        assert_eq!(place(&tx, runs, hash).unwrap(), known.get(hash).copied());
    }
    let shape = runs.shape(&tx).unwrap();
    let mut entries = 0;
    for (level, tier) in shape.levels.iter().enumerate() {
        for run in 0..SLOTS {
            let held = count(db, runs.table(level, tier.slot(run)).unwrap());
            match run {
                run if run < tier.runs => entries += held,
                // One may be in the making.
                run if run == tier.runs && level > 0 => {}
                _ => assert_eq!(held, 0, "run {run} of level {level}"),
            }
        }
    }
    assert_eq!(entries, known.len());
    let mut listed = Vec::new();
    let listing = runs.each(&tx, &[0], |key, value| {
        listed.push((key.to_vec(), value.to_vec()));
        Ok::<_, StoreError>(true)
    });
    listing.unwrap();
    let expected = known.iter().map(|(hash, place)| place_entry(*hash, *place));
    assert_eq!(listed, expected.collect::<Vec<_>>());
    // Behind each entry comes the next.
    for pair in listed.windows(2).step_by(97) {
        let [(key, _), next] = pair else { continue };
        let behind = [key.as_slice(), &[0]].concat();
        assert_eq!(runs.at_or_above(&tx, &behind).unwrap().as_ref(), Some(next));
        assert_eq!(runs.at_or_above(&tx, &next.0).unwrap().as_ref(), Some(next));
    }
}

#[test]
fn runs_hold_what_a_map_holds_over_four_levels() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(dir.path()).unwrap();
    let runs = &db.tables.transactions;
    let mut rng = StdRng::seed_from_u64(11);
    let (mut known, mut gone, mut unfinished) = (BTreeMap::new(), BTreeSet::new(), 0);
    for number in 0..1_300 {
        let tx = db.write().unwrap();
        // A block that is taken back, now and then, whose transactions come again in part.
        if rng.random_ratio(1, 10) {
            let some: Vec<B256> = known
                .keys()
                .copied()
                .filter(|_| rng.random_ratio(1, 200))
                .collect();
            for hash in some {
                runs.remove(&tx, hash.as_slice()).unwrap();
                known.remove(&hash);
                gone.insert(hash);
            }
        }
        let again = gone
            .iter()
            .copied()
            .filter(|hash| hash[0] < 2 && !known.contains_key(hash));
        let new = (0..rng.random_range(0..24)).map(|_| B256::from(rng.random::<[u8; 32]>()));
        let places: Vec<_> = again
            .chain(new)
            .zip((0..).map(|index| (number, index)))
            .collect();
        known.extend(places.iter().copied());
        let entries = places
            .into_iter()
            .map(|(hash, place)| place_entry(hash, place));
        runs.add(&tx, entries.collect()).unwrap();
        tx.commit().unwrap();
        let shape = runs.shape(&db.read().unwrap()).unwrap();
        unfinished += u32::from((0..LEVELS).any(|level| shape.mergeable(level).is_some()));
        if number % 200 == 0 {
            check(&db, &known, &gone);
        }
    }
    check(&db, &known, &gone);
    let shape = runs.shape(&db.read().unwrap()).unwrap();
    assert!(shape.levels[3].runs > 0, "{shape:?}");
    assert!(unfinished > 100, "merges take many folds: {unfinished}");
    assert!(gone.len() > 1_000);
}

#[test]
fn level_without_room_grows_its_newest_run() {
    let mut shape = Shape::default();
    for runs in 1..=SLOTS {
        assert_eq!(shape.newest(), (runs - 1, true));
        shape.newest = FULL;
    }
    assert_eq!(shape.newest(), (SLOTS - 1, false));
    assert_eq!(shape.next_slot(0), None);
    shape.merged(0);
    assert_eq!(shape.newest(), (0, true));
}

#[test]
fn shape_is_read_as_it_was_written() {
    let mut shape = Shape::default();
    shape.levels[0] = Tier { first: 3, runs: 12 };
    shape.levels[LEVELS - 1] = Tier { first: 11, runs: 1 };
    shape.newest = 0x0102_0304;
    let bytes = shape.encode();
    assert_eq!(Shape::decode(&bytes), Some(shape));
    assert_eq!(Shape::decode(&bytes[1..]), None);
    assert_eq!(Shape::decode(&[bytes.as_slice(), &[0, 0]].concat()), None);
    let mut foreign = bytes;
    foreign[0] = SLOTS;
    assert_eq!(Shape::decode(&foreign), None);
}
