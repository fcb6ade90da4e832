//! The archive of blobs as a process, and what derives a chain whose blobs are gone from L1.

use std::path::PathBuf;

use alloy::{
    primitives::{Address, B256, Bytes, hex},
    sol_types::SolCall,
    transports::http::reqwest,
};
use serde_json::{Value, json};
use trestle_contracts::bindings::inbox::Inbox::appendBlobBatchCall;
use trestle_test_support::{Fault, FaultProxy, TestBlob};

use crate::{
    fraud::Running,
    support::{
        Chain, ChainOptions,
        chain::{BATCHER, user_address},
        eventually,
        node::{command, free_port, run},
    },
};

/// Seconds that the archive may take for anything on a loaded machine.
const SECONDS: u64 = 60;

/// A chain, a beacon endpoint that can lose its blobs, and an archive.
struct Scene {
    chain: Chain,
    beacon: FaultProxy,
    port: u16,
}

impl Scene {
    async fn new() -> Self {
        let chain = Chain::new(ChainOptions::default()).await;
        let beacon = FaultProxy::start(chain.l1.url()).await.unwrap();
        let port = free_port();
        Self {
            chain,
            beacon,
            port,
        }
    }

    fn folder(&self) -> PathBuf {
        self.chain.path("archive")
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// An archive at work; dropped, it is killed.
    async fn archive(&self) -> Running {
        let text = |path: PathBuf| path.display().to_string();
        let args = [
            "archive",
            "--chain",
            &text(self.chain.path("")),
            "--datadir",
            &text(self.folder()),
            "--l1",
            &self.chain.l1.url(),
            "--l1-block-time",
            "1",
            "--beacon",
            &self.beacon.url(),
            "--listen",
            &format!("127.0.0.1:{}", self.port),
        ];
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.chain.path("archive.log"))
            .unwrap();
        let running = Running(command(&args).stderr(log).spawn().unwrap());
        eventually("the archive is ready", SECONDS, || async {
            (self.get("readyz").await?.0 == 200).then_some(())
        })
        .await;
        running
    }

    /// Status and body of an answer of the archive; `None` when there is none.
    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = reqwest::get(format!("{}/{path}", self.url())).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// What the archive gives for a request of blobs.
    async fn blobs(&self, rest: &str) -> Result<Vec<Bytes>, (u16, String)> {
        let (status, body) = self
            .get(&format!("eth/v1/beacon/blobs/{rest}"))
            .await
            .unwrap();
        let value: Value = serde_json::from_str(&body).unwrap();
        match status {
            200 => Ok(serde_json::from_value(value["data"].clone()).unwrap()),
            _ => Err((status, value["message"].as_str().unwrap().to_owned())),
        }
    }

    async fn missing(&self) -> Vec<Value> {
        let (_, body) = self.get("trestle/v1/missing").await.unwrap();
        let value: Value = serde_json::from_str(&body).unwrap();
        value["data"].as_array().unwrap().clone()
    }

    /// Appends a batch in these blobs as the batcher; number of its L1 block.
    async fn append(&self, blobs: &[TestBlob]) -> u64 {
        let inbox = self.chain.inbox();
        let count = inbox.batchCount().call().await.unwrap();
        let call = appendBlobBatchCall {
            expectedIndex: count + 1,
            expectedPrevBatchAcc: inbox.batchAcc(count).call().await.unwrap(),
            depositTo: 0,
            expectedDepositAcc: B256::ZERO,
            claimedEndBlockHash: B256::ZERO,
        };
        let mut tx = TestBlob::transaction(blobs);
        let from: Address = user_address(BATCHER);
        tx["from"] = json!(from);
        tx["to"] = json!(inbox.address());
        // An estimate made in a block that has its L1-attributes entry already is too low for the next one.
        tx["gas"] = json!("0x7a120");
        tx["input"] = json!(hex::encode_prefixed(call.abi_encode()));
        let id: B256 = self
            .chain
            .l1
            .rpc("eth_sendTransaction", (tx,))
            .await
            .unwrap();
        let receipt = eventually("the batch is on L1", SECONDS, || async {
            let receipt: Option<Value> = self
                .chain
                .l1
                .rpc("eth_getTransactionReceipt", (id,))
                .await
                .ok()?;
            receipt
        })
        .await;
        assert_eq!(receipt["status"], "0x1", "{receipt}");
        let number = receipt["blockNumber"].as_str().unwrap();
        u64::from_str_radix(number.trim_start_matches("0x"), 16).unwrap()
    }

    /// Waits until the archive serves a blob by its hash.
    async fn keeps(&self, blob: &TestBlob) {
        let what = format!("blob {} is kept", blob.hash);
        eventually(&what, SECONDS, || async {
            let found = self
                .blobs(&format!("0?versioned_hashes={}", blob.hash))
                .await;
            found
                .ok()
                .filter(|found| *found == [Bytes::from(blob.bytes.clone())])
        })
        .await;
    }

    /// The beacon endpoint forgets every blob, or has them again.
    fn prune(&self, is_pruned: bool) {
        self.beacon.set_rule(move |method, params| {
            let path = params.as_str().unwrap_or_default();
            if is_pruned && method == "GET" && path.contains("/blob") {
                return Fault::Refuse(404, "block not found".into());
            }
            Fault::None
        });
    }

    /// Runs a command over the whole chain with these sources of blobs.
    async fn derive(&self, role: &[&str], name: &str, sources: &[&str]) -> (bool, String) {
        let (chain, l1) = (
            self.chain.path("").display().to_string(),
            self.chain.l1.url(),
        );
        let datadir = self.chain.path(name).display().to_string();
        let fixed = ["--chain", &chain, "--l1", &l1, "--datadir", &datadir];
        let args: Vec<String> = [role, &fixed, sources]
            .concat()
            .iter()
            .map(|arg| (*arg).to_owned())
            .collect();
        let ended = tokio::task::spawn_blocking(move || {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            run(&args)
        });
        let (status, out, err) = ended.await.unwrap();
        (status.success(), format!("{out}{err}"))
    }
}

fn blob(element: u8) -> TestBlob {
    TestBlob::of(element).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archive_keeps_blobs_through_crashes_reorgs_and_damage_and_says_what_is_missing() {
    let scene = Scene::new().await;
    let archive = scene.archive().await;
    let (one, two, three, four) = (blob(1), blob(2), blob(3), blob(4));
    let first = scene.append(&[one.clone(), two.clone()]).await;
    scene.keeps(&one).await;
    scene.keeps(&two).await;
    let all = [&one, &two].map(|blob| Bytes::from(blob.bytes.clone()));
    assert_eq!(scene.blobs(&first.to_string()).await.unwrap(), all);

    // Killed while it works, it goes on where it was.
    drop(archive);
    scene.append(std::slice::from_ref(&three)).await;
    let _archive = scene.archive().await;
    scene.keeps(&three).await;
    assert!(scene.missing().await.is_empty());

    // What the endpoint does not have is named, and fetched when it is there.
    scene.prune(true);
    let number = scene.append(std::slice::from_ref(&four)).await;
    let missing = eventually("a blob is missing for a reason", SECONDS, || async {
        let missing = scene.missing().await.into_iter().next()?;
        (!missing["reason"].as_str()?.is_empty()).then_some(missing)
    })
    .await;
    assert_eq!(missing["versionedHash"], json!(four.hash));
    assert_eq!(missing["l1Block"], json!(number));
    assert!(
        missing["reason"]
            .as_str()
            .unwrap()
            .contains("http status 404"),
        "{missing}"
    );
    let refused = scene.blobs(&number.to_string()).await.unwrap_err();
    assert_eq!(refused, (404, format!("not kept here: {}", four.hash)));
    scene.prune(false);
    scene.keeps(&four).await;
    assert!(scene.missing().await.is_empty());

    // A batch that L1 takes back is none any more.
    scene.chain.stop_mining().await;
    let head = scene.chain.l1_rpc().block_number().await;
    scene.chain.reorg(head - number + 1, Vec::new()).await;
    scene.chain.begin_mining(1).await;
    let five = blob(5);
    let number = scene.append(std::slice::from_ref(&five)).await;
    scene.keeps(&five).await;
    assert_eq!(
        scene.blobs(&number.to_string()).await.unwrap(),
        [Bytes::from(five.bytes.clone())]
    );

    // A damaged file is put aside and fetched again.
    let file = scene.folder().join(one.hash.to_string());
    let mut damaged = one.bytes.clone();
    damaged[31] ^= 1;
    std::fs::write(&file, damaged).unwrap();
    scene.keeps(&one).await;
    assert!(file.with_extension("damaged").exists());
    assert_eq!(std::fs::read(&file).unwrap(), one.bytes);

    let hashes = vec![one.hash.to_string(); 33].join(",");
    for (rest, words) in [
        ("head".to_owned(), "no number"),
        ("1?versioned_hashes=0x12".to_owned(), "no versioned hash"),
        (format!("1?versioned_hashes={hashes}"), "too many"),
    ] {
        let (status, message) = scene.blobs(&rest).await.unwrap_err();
        assert!(
            status == 400 && message.contains(words),
            "{rest}: {message}"
        );
    }
    let (_, metrics) = scene.get("metrics").await.unwrap();
    assert!(
        metrics.contains("trestle_archive_damaged_total 1"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chain_whose_blobs_expired_on_l1_is_derived_and_proven_through_the_archive_only() {
    let scene = Scene::new().await;
    let archive = scene.archive().await;
    let (one, two) = (blob(1), blob(2));
    scene.append(std::slice::from_ref(&one)).await;
    scene.append(std::slice::from_ref(&two)).await;
    scene.keeps(&one).await;
    scene.keeps(&two).await;
    scene.prune(true);
    let (beacon, url) = (scene.beacon.url(), scene.url());
    let folder = scene.folder().display().to_string();
    let (fine, said) = scene
        .derive(&["verify"], "without", &["--beacon", &beacon])
        .await;
    assert!(!fine, "{said}");
    for words in ["batch 1", &one.hash.to_string(), "an archive keeps them"] {
        assert!(said.contains(words), "{said}");
    }
    let both = ["--beacon", &beacon, "--beacon", &url];
    let (fine, said) = scene.derive(&["verify"], "with", &both).await;
    assert!(fine && said.contains("\"batches\": 2"), "{said}");
    // The machine reads the blobs too.
    let (fine, said) = scene
        .derive(&["prove", "--batch", "2"], "proven", &both)
        .await;
    assert!(fine && said.contains("exit code    0"), "{said}");
    // The folder serves without its server.
    drop(archive);
    let (fine, said) = scene
        .derive(&["verify"], "folder", &["--blob-archive", &folder])
        .await;
    assert!(fine && said.contains("\"batches\": 2"), "{said}");
}
