//! `trestle dev`: its manifest, its memory, and what it says when something is missing.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use alloy::primitives::Address;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Rpc, User, eventually,
    json::quantity,
    node::{command, free_port, output_within, run},
};

/// A running `trestle dev`.
pub(crate) struct Dev {
    child: Child,
    manifest: Value,
}

pub(crate) fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn arguments(datadir: &Path, extra: &[&str]) -> Vec<String> {
    let datadir = datadir.display().to_string();
    let fixed = [
        "dev",
        "--json",
        "--datadir",
        &datadir,
        "--l1-port",
        "0",
        "--port",
        "0",
        "--replica-port",
        "0",
    ];
    fixed
        .iter()
        .chain(extra)
        .map(|arg| (*arg).to_owned())
        .collect()
}

impl Dev {
    pub(crate) async fn start(datadir: &Path, extra: &[&str]) -> Self {
        let out = datadir.with_extension("manifest");
        let file = std::fs::File::create(&out).unwrap();
        let child = command(&arguments(datadir, extra))
            .stdout(file)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let whole = || async {
            let text = std::fs::read_to_string(&out).unwrap();
            text.ends_with('\n').then_some(text)
        };
        let text = eventually("the manifest", 60, whole).await;
        assert_eq!(
            text.lines().count(),
            1,
            "nothing but the manifest is on standard output"
        );
        Self {
            child,
            manifest: serde_json::from_str(&text).unwrap(),
        }
    }

    fn l2(&self) -> Rpc {
        Rpc::new(self.manifest["l2"]["rpc"].as_str().unwrap())
    }

    /// A text in the manifest, by its JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> String {
        let value = self.manifest.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no {pointer}")).to_owned()
    }

    pub(crate) async fn stop(mut self) {
        let id = self.child.id().to_string();
        Command::new("kill").arg(&id).status().unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    fn processes(&self) -> Vec<u64> {
        let processes = self.manifest["processes"].as_object().unwrap();
        processes.values().map(|id| id.as_u64().unwrap()).collect()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_running(id: &u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn manifest_names_everything_and_the_chain_survives_a_restart() {
    let folder = folder();
    let datadir = folder.path().join("chain");
    let dev = Dev::start(&datadir, &[]).await;
    let manifest = dev.manifest.clone();
    assert_eq!(manifest["l1"]["chain_id"], 31_337);
    assert_eq!(manifest["accounts"].as_array().unwrap().len(), 10);
    assert_eq!(
        PathBuf::from(manifest["datadir"].as_str().unwrap()),
        datadir.canonicalize().unwrap()
    );
    let l1 = Rpc::of_l1(manifest["l1"]["rpc"].as_str().unwrap());
    let l2 = dev.l2();
    for (rpc, layer) in [(&l1, "l1"), (&l2, "l2")] {
        assert_eq!(
            json!(rpc.number("eth_chainId", json!([])).await),
            manifest[layer]["chain_id"]
        );
        for (name, at) in manifest[layer]["contracts"].as_object().unwrap() {
            let code = rpc.call("eth_getCode", json!([at, "latest"])).await;
            assert_ne!(code, "0x", "{name} on {layer}");
        }
        for account in manifest["accounts"].as_array().unwrap() {
            let address: Address = account["address"].as_str().unwrap().parse().unwrap();
            assert!(
                !rpc.balance(address).await.is_zero(),
                "{address} on {layer}"
            );
        }
    }
    let key = manifest["accounts"][0]["private_key"].as_str().unwrap();
    let mut user = User::new(
        key.parse().unwrap(),
        manifest["l2"]["chain_id"].as_u64().unwrap(),
    );
    user.nonce = l2.nonce(user.address()).await;
    let receipt = user
        .transfer(Address::repeat_byte(0x51), 77)
        .included(&l2)
        .await;
    dev.stop().await;

    let again = Dev::start(&datadir, &[]).await;
    let kept = again
        .l2()
        .receipt(
            receipt["transactionHash"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(kept["blockHash"], receipt["blockHash"]);
    let next = user
        .transfer(Address::repeat_byte(0x51), 1)
        .included(&again.l2())
        .await;
    assert_eq!(next["status"], "0x1");
    // What was sent before and after the restart reaches L1, and the replica by it.
    let replica = Rpc::new(again.manifest["l2"]["replica"].as_str().unwrap());
    let number = quantity(&next["blockNumber"]);
    let derived = || async { (replica.safe().await.0 >= number).then_some(()) };
    eventually("the replica has derived it", 60, derived).await;
    assert_eq!(replica.block(number).await["hash"], next["blockHash"]);
    assert!(crate::proven::prove_all_of(&datadir, &again.text("/l1/rpc")).await > 0);
    again.stop().await;

    let fresh = Dev::start(&datadir, &["--fresh"]).await;
    assert_eq!(
        fresh
            .l2()
            .balance(Address::repeat_byte(0x51))
            .await
            .to::<u64>(),
        0
    );
    fresh.stop().await;
}

#[tokio::test]
async fn killed_dev_chain_leaves_no_process_behind() {
    let folder = folder();
    let mut dev = Dev::start(&folder.path().join("chain"), &[]).await;
    let processes = dev.processes();
    assert_eq!(processes.len(), 4);
    assert!(processes.iter().all(is_running));
    dev.child.kill().unwrap();
    dev.child.wait().unwrap();
    let gone = || async { (!processes.iter().any(is_running)).then_some(()) };
    eventually("all processes end", 20, gone).await;
}

/// Standard error of a `trestle dev` that fails; one sentence, and nothing on standard output.
fn failure(args: &[&str]) -> String {
    let (status, out, err) = run(&[&["dev", "--json", "--log-level", "error"], args].concat());
    assert_eq!(status.code(), Some(1), "{err}");
    assert_eq!(out, "");
    assert_eq!(err.trim_end().lines().count(), 1, "{err}");
    err
}

#[test]
fn taken_port_is_named_with_what_to_do() {
    let folder = folder();
    let datadir = folder.path().join("chain").display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for flag in ["--l1-port", "--port", "--replica-port"] {
        let mut args = vec!["--datadir", &datadir];
        for other in ["--l1-port", "--port", "--replica-port"] {
            args.extend([other, if other == flag { &port } else { "0" }]);
        }
        let err = failure(&args);
        assert!(err.contains(&port) && err.contains(flag), "{err}");
    }
}

#[test]
fn missing_anvil_is_told_with_what_to_do() {
    let folder = folder();
    let args = arguments(&folder.path().join("chain"), &[]);
    // No PATH, and no checkout above the working directory, as the tests' own folder has one.
    let mut command = Command::new(env!("CARGO_BIN_EXE_trestle"));
    command
        .args(args)
        .current_dir("/")
        .env("PATH", "/nonexistent");
    let output = output_within(60, command);
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err.contains("anvil not found") && err.contains("make setup"),
        "{err}"
    );
}

#[test]
fn l1_that_does_not_answer_is_named() {
    let folder = folder();
    let datadir = folder.path().join("chain").display().to_string();
    let url = format!("http://127.0.0.1:{}", free_port());
    let err = failure(&[
        "--datadir",
        &datadir,
        "--l1",
        &url,
        "--port",
        "0",
        "--replica-port",
        "0",
    ]);
    assert!(err.contains(&url), "{err}");
}

#[test]
fn folder_with_something_else_in_it_is_refused() {
    let folder = folder();
    std::fs::write(folder.path().join("thesis.txt"), "").unwrap();
    let datadir = folder.path().display().to_string();
    let err = failure(&[
        "--datadir",
        &datadir,
        "--fresh",
        "--l1-port",
        "0",
        "--port",
        "0",
        "--replica-port",
        "0",
    ]);
    assert!(err.contains("--datadir"), "{err}");
    assert!(folder.path().join("thesis.txt").exists());
}
