//! A node's data in one file, and nodes that go on from it.

use std::{fs, path::Path};

use trestle_contracts::bindings::AnchorRegistry;
use trestle_test_support::DEV_KEYS;

use crate::{
    agreement::{assert_equal_chains, settle},
    support::{Chain, ChainOptions, Node, chain::user_address, eventually, node::run},
};

/// Runs `trestle snapshot …` on the chain.
fn snapshot(chain: &Chain, verb: &str, flags: &[&str]) -> Result<String, String> {
    let folder = chain.path("").display().to_string();
    let args = [&["snapshot", verb, "--chain", &folder][..], flags].concat();
    let (status, said, errors) = run(&args);
    if status.success() {
        Ok(said)
    } else {
        Err(errors)
    }
}

fn restore(chain: &Chain, from: &Path, to: &Path, flags: &[&str]) -> Result<String, String> {
    let (from, to, l1) = (from.to_str().unwrap(), to.to_str().unwrap(), chain.l1.url());
    let fixed = [
        "--from",
        from,
        "--datadir",
        to,
        "--l1",
        &l1,
        "--l1-block-time",
        "1",
    ];
    snapshot(chain, "restore", &[&fixed[..], flags].concat())
}

/// A refusal leaves nothing at the place, nor beside it.
fn refused(chain: &Chain, from: &Path, flags: &[&str]) -> String {
    let to = chain.path("refused");
    let words = restore(chain, from, &to, flags).unwrap_err();
    assert!(
        !to.exists() && !chain.path("refused.partial").exists(),
        "{words}"
    );
    words
}

/// Another root than the file's, and files that were cut off, changed, or never were snapshots.
fn refuses_what_is_not_true(chain: &Chain, file: &Path, root: &str) {
    let false_root = format!("0x{}", "11".repeat(32));
    assert!(refused(chain, file, &["--output-root", &false_root]).contains("has output root"));
    let bytes = fs::read(file).unwrap();
    let bad = chain.path("bad.snapshot");
    fs::write(&bad, &bytes[..bytes.len() - 9]).unwrap();
    let words = refused(chain, &bad, &["--output-root", root]);
    assert!(words.contains("damaged"), "{words}");
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 4;
    fs::write(&bad, &flipped).unwrap();
    refused(chain, &bad, &["--output-root", root]);
    fs::write(&bad, "no snapshot").unwrap();
    refused(chain, &bad, &["--output-root", root]);
}

#[tokio::test]
async fn node_goes_on_from_a_snapshot_that_l1_vouches_for_and_no_other_is_taken() {
    let chain = Chain::new(ChainOptions {
        slots_in_an_epoch: 1,
        challenge_clock: 6,
        ..ChainOptions::default()
    })
    .await;
    let proposer = chain.path("proposer.key");
    fs::write(&proposer, DEV_KEYS[1]).unwrap();
    let mut options = chain.sequencer();
    let flags = [
        "--proposer-key-file",
        proposer.to_str().unwrap(),
        "--proposal-interval",
        "0",
    ];
    options.args.extend(flags.map(str::to_owned));
    let sequencer = Node::start(options.clone()).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    let registry = chain.deployed.rollup.contracts.anchor_registry;
    let registry = AnchorRegistry::new(registry, chain.batcher());

    // Before any claim stands, one's own derivation vouches, or a root from elsewhere.
    user.transfer(user_address(1), 1)
        .included(&sequencer.rpc)
        .await;
    sequencer.safe_at(2).await;
    let options = sequencer.stop().await;
    let file = chain.path("first.snapshot");
    let datadir = options.datadir.to_str().unwrap();
    let created = snapshot(
        &chain,
        "create",
        &["--datadir", datadir, "--to", file.to_str().unwrap()],
    )
    .unwrap();
    let root = created.lines().last().unwrap().rsplit(' ').next().unwrap();
    let again = snapshot(
        &chain,
        "create",
        &["--datadir", datadir, "--to", file.to_str().unwrap()],
    );
    assert!(again.unwrap_err().contains("is there already"));
    refuses_what_is_not_true(&chain, &file, root);
    let copy = chain.path("copy");
    let said = restore(&chain, &file, &copy, &["--derive"]).unwrap();
    assert!(
        said.contains(root) && said.contains("L1, derived"),
        "{said}"
    );
    assert!(
        restore(&chain, &file, &copy, &["--output-root", root])
            .unwrap_err()
            .contains("holds data already")
    );

    // The sequencer itself goes on from the copy.
    let mut moved = options.clone();
    let at = moved
        .args
        .iter()
        .position(|arg| arg == "--datadir")
        .unwrap();
    moved.args[at + 1] = copy.display().to_string();
    let sequencer = Node::start(moved).await;
    user.nonce = sequencer.rpc.nonce(user.address()).await;
    user.transfer(user_address(1), 2)
        .included(&sequencer.rpc)
        .await;
    eventually("a claim stands on L1", 60, || async {
        (registry.anchor().call().await.unwrap().batch > 0).then_some(())
    })
    .await;
    user.transfer(user_address(1), 3)
        .included(&sequencer.rpc)
        .await;
    let options = sequencer.stop().await;

    // Now L1 vouches; the replica keeps what the claim covers and derives the rest.
    let file = chain.path("second.snapshot");
    let copy = copy.to_str().unwrap();
    snapshot(
        &chain,
        "create",
        &["--datadir", copy, "--to", file.to_str().unwrap()],
    )
    .unwrap();
    let replica = chain.replica("replica");
    let said = restore(&chain, &file, &replica.datadir, &[]).unwrap();
    assert!(said.contains("the claim that stands on L1"), "{said}");
    let sequencer = Node::start(options).await;
    let replica = Node::start(replica).await;
    settle(&sequencer, &replica).await;
    assert_equal_chains(&sequencer.rpc, &replica.rpc).await;
    let fresh = Node::start(chain.replica("fresh")).await;
    settle(&sequencer, &fresh).await;
    assert_equal_chains(&replica.rpc, &fresh.rpc).await;
    crate::proven::assert_proven(&chain, &fresh.rpc).await;
}
