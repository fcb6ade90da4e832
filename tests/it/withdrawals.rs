//! `trestle deposit`, `withdraw`, `claim`, `transfers` and `force` against `trestle dev`.

use std::{fs, path::PathBuf, time::Instant};

use alloy::primitives::{Address, U256, utils::parse_ether};
use serde_json::Value;
use trestle_test_support::FaultProxy;

use crate::{
    dev::{Dev, folder},
    support::{Rpc, node::run, supply::assert_ether_is_backed},
};

/// The dev account that transfers.
pub(crate) const USER: usize = 4;

/// A dev chain, and the options that every command takes.
pub(crate) struct Setting {
    pub(crate) dev: Dev,
    folder: tempfile::TempDir,
    options: Vec<String>,
    key: PathBuf,
}

impl Setting {
    pub(crate) async fn new() -> Self {
        let folder = folder();
        let datadir = folder.path().join("chain");
        let dev = Dev::start(&datadir, &[]).await;
        let key = folder.path().join("user.key");
        fs::write(&key, dev.text(&format!("/accounts/{USER}/private_key"))).unwrap();
        let options = [
            ("--chain", datadir.display().to_string()),
            ("--l1", dev.text("/l1/rpc")),
            ("--poll", "0.1".to_owned()),
        ];
        let options = options
            .into_iter()
            .flat_map(|(name, value)| [name.to_owned(), value])
            .collect();
        Self {
            dev,
            folder,
            options,
            key,
        }
    }

    /// Runs every batch of the chain in the machine, and ends it.
    pub(crate) async fn prove_and_stop(self) {
        let (l1, chain) = (self.dev.text("/l1/rpc"), self.folder.path().join("chain"));
        assert!(crate::proven::prove_all_of(&chain, &l1).await > 0);
        self.dev.stop().await;
    }

    pub(crate) fn user(&self) -> Address {
        let address = self.dev.text(&format!("/accounts/{USER}/address"));
        address.parse().unwrap()
    }

    pub(crate) fn portal(&self) -> Address {
        self.dev.text("/l1/contracts/Portal").parse().unwrap()
    }

    pub(crate) fn l1(&self) -> Rpc {
        Rpc::of_l1(&self.dev.text("/l1/rpc"))
    }

    /// Runs a command to its end: success, its JSON lines, standard error.
    pub(crate) fn command(&self, words: &[&str]) -> (bool, Vec<Value>, String) {
        let options = self.options.iter().map(String::as_str);
        let args: Vec<_> = words
            .iter()
            .copied()
            .chain(options)
            .chain(["--json"])
            .collect();
        let (status, out, err) = run(&args);
        let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
        (status.success(), lines.collect(), err)
    }

    /// Runs a command that signs.
    pub(crate) fn signed(&self, words: &[&str]) -> (bool, Vec<Value>, String) {
        let key = self.key.display().to_string();
        self.command(&[words, &["--key-file", &key]].concat())
    }
}

pub(crate) fn events(lines: &[Value]) -> Vec<&str> {
    let mut names: Vec<_> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    names.dedup();
    names
}

/// What a machine of several jobs may add to the windows of a dev chain, in seconds.
const LIMIT_SECONDS: u64 = 30;

// Commands run to their end on the test's own thread; the endpoint that judges needs another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ether_goes_there_and_back_by_commands_within_thirty_seconds() {
    let setting = Setting::new().await;
    let judged = FaultProxy::judged(setting.dev.text("/l2/replica"));
    let judged = judged.await.unwrap();
    let replica = judged.url();
    let (to, back) = (Address::repeat_byte(0x61), Address::repeat_byte(0x62));
    let (to_text, back_text) = (to.to_string(), back.to_string());

    let (ok, lines, err) = setting.signed(&[
        "deposit",
        "2.5",
        "--l2",
        &replica,
        "--to",
        &to_text,
        "--timeout",
        "60",
    ]);
    assert!(ok, "{err}");
    let names = events(&lines);
    assert_eq!(names.first(), Some(&"deposited"));
    assert_eq!(names.last(), Some(&"arrived"));
    assert_eq!(
        Rpc::new(&replica).balance(to).await,
        parse_ether("2.5").unwrap()
    );

    let words = ["withdraw", "1.5", "--l2", &replica, "--to", &back_text];
    let (ok, lines, err) = setting.signed(&[&words[..], &["--dry-run"]].concat());
    assert!(ok, "{err}");
    assert_eq!(events(&lines), ["quote"]);
    let start = Instant::now();
    let (ok, lines, err) = setting.signed(&[&words[..], &["--timeout", "90"]].concat());
    let took = start.elapsed();
    assert!(ok, "{lines:?} {err}");
    let names = events(&lines);
    assert_eq!(names.first(), Some(&"initiated"));
    assert!(
        names.contains(&"proven") && names.contains(&"waiting"),
        "{names:?}"
    );
    assert_eq!(names.last(), Some(&"finalized"));
    assert_eq!(
        setting.l1().balance(back).await,
        parse_ether("1.5").unwrap()
    );
    assert!(
        took.as_secs() < LIMIT_SECONDS,
        "from command to funds: {took:?}"
    );
    eprintln!("from command to funds: {took:?}");

    let user = setting.user().to_string();
    let (ok, lines, err) = setting.command(&["transfers", &user, "--l2", &replica]);
    assert!(ok, "{err}");
    let withdrawal = lines
        .iter()
        .find(|line| line["event"] == "withdrawal")
        .unwrap();
    assert_eq!(withdrawal["status"], "finalized");
    let value: U256 = withdrawal["value"].as_str().unwrap().parse().unwrap();
    assert_eq!(value, parse_ether("1.5").unwrap());
    let deposits = lines.iter().filter(|line| line["event"] == "deposit");
    assert_eq!(deposits.count(), 2, "{lines:?}");
    assert_ether_is_backed(&setting.l1(), &Rpc::new(&replica), setting.portal(), &[]).await;
    refuse_what_cannot_be(&setting, &replica);
    let verdict = judged.verdict();
    assert_eq!(verdict.complaints, Vec::<String>::new());
    assert!(verdict.held > 20, "{} answers to commands", verdict.held);
    setting.prove_and_stop().await;
}

/// Each refused with its reason, and nothing sent.
fn refuse_what_cannot_be(setting: &Setting, replica: &str) {
    let tx = format!("0x{}", "ab".repeat(32));
    let cases: [(&[&str], &str); 5] = [
        (&["withdraw", "1000000", "--l2", replica], "holds"),
        (
            &["withdraw", "1", "--l2", &setting.dev.text("/l1/rpc")],
            "serves chain 31337",
        ),
        (&["claim", &tx, "--l2", replica], "no transaction"),
        (&["force"], "nothing"),
        (&["deposit", "a lot"], "a lot"),
    ];
    for (words, reason) in cases {
        let (ok, lines, err) = setting.signed(words);
        assert!(!ok && lines.is_empty(), "{words:?}: {lines:?}");
        assert!(err.contains(reason), "{words:?}: {err}");
    }
    let (ok, _, err) = setting.command(&["deposit", "1"]);
    assert!(!ok && err.contains("no key"), "{err}");
}
