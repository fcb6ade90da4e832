//! Who may open a directory, and whose it is.

use super::chain::{Chain, append, assert_equal, config, nobody_starts, start};
use crate::store::{Store, StoreError};
use alloy_primitives::B256;
use std::{
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

/// In the child process that the test below starts, this holds the directory named here.
const HOLD: &str = "TRESTLE_TEST_HOLD";

#[test]
fn second_process_on_the_directory_is_refused_until_the_first_ends() {
    let chain = Chain::new();
    if let Ok(path) = std::env::var(HOLD) {
        let _store = Store::open(config(path.as_ref(), chain.genesis())).unwrap();
        println!("held");
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--nocapture", "--exact"])
        .arg("store::tests::open::second_process_on_the_directory_is_refused_until_the_first_ends")
        .env(HOLD, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = start(&mut command);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.ends_with("held"))
    );
    let config = config(dir.path(), chain.genesis());
    let error = Store::open(config.clone()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_equal(&Store::open(config).unwrap(), &chain);
}

#[test]
fn directory_of_another_chain_is_refused_with_both_chains_named() {
    let _quiet = nobody_starts();
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let ours = config(dir.path(), chain.genesis());
    let store = Store::open(ours.clone()).unwrap();
    append(&store, &chain.extend(1)).unwrap();
    drop(store);
    let mut others = [ours.clone(), ours.clone(), ours.clone(), ours.clone()];
    others[0].identity.l1_chain_id = 9;
    others[1].identity.l2_chain_id = 9;
    others[2].identity.genesis_hash = B256::ZERO;
    others[3].identity.config_hash = B256::ZERO;
    for other in others {
        let error = Store::open(other.clone()).unwrap_err();
        let StoreError::ForeignChain { expected, got } = &error else {
            panic!("{error}")
        };
        assert_eq!((**expected, **got), (other.identity, ours.identity));
    }
    assert_equal(&Store::open(ours).unwrap(), &chain);
}

#[test]
fn directory_is_closed_to_other_users() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut chain = Chain::new();
    let store = Store::open(config(&path, chain.genesis())).unwrap();
    append(&store, &chain.extend(1)).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for file in ["lock", "db/mdbx.dat", "journal/0000000001.journal"] {
        assert_eq!(mode(&path.join(file)) & 0o077, 0, "{file}");
    }
}

#[test]
fn directory_of_another_format_is_refused() {
    let _quiet = nobody_starts();
    let dir = tempfile::tempdir().unwrap();
    let chain = Chain::new();
    let config = config(dir.path(), chain.genesis());
    drop(Store::open(config.clone()).unwrap());
    crate::store::tables::set_format(&dir.path().join("db"), 7).unwrap();
    let error = Store::open(config).unwrap_err();
    assert!(
        matches!(error, StoreError::Format { got: 7, .. }),
        "{error}"
    );
}

#[test]
fn database_of_noise_is_named_and_left_as_it_was() {
    let _quiet = nobody_starts();
    let dir = tempfile::tempdir().unwrap();
    let chain = Chain::new();
    let config = config(dir.path(), chain.genesis());
    drop(Store::open(config.clone()).unwrap());
    let path = dir.path().join("db/mdbx.dat");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..20 * 4096].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let error = Store::open(config).unwrap_err();
    let folder = dir.path().join("db");
    assert!(
        matches!(&error, StoreError::Open { path, .. } if *path == folder),
        "{error}"
    );
    assert!(error.to_string().contains("not an MDBX file"), "{error}");
    assert!(std::fs::read(&path).unwrap() == bytes, "it was changed");
}

#[test]
fn genesis_with_another_state_root_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let chain = Chain::new();
    let mut config = config(dir.path(), chain.genesis());
    let mut genesis = (**chain.genesis()).clone();
    genesis.header.header.state_root = B256::ZERO;
    config.genesis = genesis.into();
    let error = Store::open(config).unwrap_err();
    assert!(
        matches!(error, StoreError::RootMismatch { number: 0, .. }),
        "{error}"
    );
}
