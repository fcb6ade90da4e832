//! Stores and files of the host: what was written is what is read.

use alloy_primitives::Bytes;
use std::sync::Arc;
use trestle_challenger::host::{
    BatchRun, DiskStore, Follower, HostError, Payload, Recorded, Store,
};
use trestle_guest_tests::{Account, World, code, inputs::blobs_of, typed};

fn world_with_a_batch() -> (World, u64) {
    let mut world = World::new(0..1);
    let tx = Account::new(0).call(0, code::TOKEN, 100_000, code::transfer(code::MORTAL, 0));
    let payload = world.payload(vec![typed(vec![tx])]);
    let (record, _) = world.derive(payload);
    (world, record.batch())
}

#[test]
fn recorded_set_that_is_saved_and_loaded_gives_the_same_run() {
    let (world, batch) = world_with_a_batch();
    let inputs = world.follower.inputs(batch).unwrap();
    let mut file = Vec::new();
    inputs.save(&mut file).unwrap();
    let loaded = Recorded::load(&mut file.as_slice()).unwrap();
    assert_eq!(loaded.preimages(), inputs.preimages());
    let run = BatchRun::record(loaded, &mut |_| true).unwrap();
    let derived = world.follower.record(batch).unwrap().output_root;
    assert_eq!(run.outcome().proven(), Some(derived));
    for length in [0, 10, 100, file.len() - 1] {
        assert!(Recorded::load(&mut &file[..length]).is_err(), "{length}");
    }
    file[0] ^= 1;
    assert!(Recorded::load(&mut file.as_slice()).is_err());
}

#[test]
fn run_with_snapshots_gives_states_and_witnesses_that_the_verifier_takes() {
    let (world, batch) = world_with_a_batch();
    let inputs = world.follower.inputs(batch).unwrap();
    let mut run = BatchRun::record(inputs, &mut |_| true).unwrap();
    let steps = run.outcome().steps;
    for step in [0, 1, 2, steps / 3, steps - 1, steps] {
        let pre = run.state_hash(step).unwrap();
        let witness = run.witness(step).unwrap();
        let post = trestle_vm::verify_step(&pre, &witness, &|_: &[u8; 192]| false).unwrap();
        assert_eq!(post, run.state_hash(step + 1).unwrap(), "step {step}");
    }
    let end = run.end_state().unwrap();
    assert_eq!(
        alloy_primitives::keccak256(&end),
        run.state_hash(1 << 42).unwrap()
    );
}

#[test]
fn store_on_disk_goes_on_after_a_restart_and_unwinds() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(0..1);
    let chain = world.follower.chain().clone();
    let genesis = world.genesis.clone();
    let open = || {
        let store: Arc<dyn Store> = Arc::new(DiskStore::open(folder.path()).unwrap());
        Follower::open(chain.clone(), &genesis, store)
    };
    let mut disk = open().unwrap();
    let mut batches = Vec::new();
    for nonce in 0..3 {
        let tx = Account::new(0).call(nonce, code::TOKEN, 100_000, Bytes::new());
        let Payload::Calldata(bytes) = world.payload(vec![typed(vec![tx])]) else {
            panic!("calldata");
        };
        let content = if nonce == 1 {
            Payload::Blobs(blobs_of(&bytes))
        } else {
            Payload::Calldata(bytes)
        };
        let batch = world.batch(content);
        let record = world.follower.derive(&batch).unwrap();
        assert_eq!(disk.derive(&batch).unwrap(), record);
        batches.push(batch);
    }
    drop(disk);
    let mut disk = open().unwrap();
    assert_eq!(disk.newest(), world.follower.newest());
    for batch in 1..=3 {
        let (one, other) = (
            disk.inputs(batch).unwrap(),
            world.follower.inputs(batch).unwrap(),
        );
        assert_eq!(one.preimages(), other.preimages(), "batch {batch}");
    }
    disk.unwind(1).unwrap();
    assert!(matches!(
        disk.record(2),
        Err(HostError::Unknown {
            asked: 2,
            newest: 1
        })
    ));
    assert!(matches!(
        disk.derive(&batches[2]),
        Err(HostError::Order { newest: 1, got: 3 })
    ));
    drop(disk);
    let mut disk = open().unwrap();
    assert_eq!(disk.newest().batch(), 1);
    for batch in &batches[1..] {
        disk.derive(batch).unwrap();
    }
    assert_eq!(disk.newest(), world.follower.newest());

    let mut other = chain.clone();
    other.genesis_hash.0[0] ^= 1;
    drop(disk);
    let store: Arc<dyn Store> = Arc::new(DiskStore::open(folder.path()).unwrap());
    assert!(matches!(
        Follower::open(other, &genesis, store),
        Err(HostError::Chain { .. })
    ));
}
