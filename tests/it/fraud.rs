//! Frauds on a real L1: a liar's process against the challenger's, both with nothing but L1's data.

use std::{
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::support::node::command;

/// Longest time that one fraud may take from an empty folder to the verdict.
const LIMIT: Duration = Duration::from_secs(240);

/// Ends the process, and by its supervision all of its children, however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `trestle dev --fraud --exit` to its end; gives what it printed and whether it succeeded.
async fn fraud(folder: &Path, class: &str) -> (String, bool) {
    let out = folder.join("out");
    let file = std::fs::File::create(&out).unwrap();
    let datadir = folder.join("dev").display().to_string();
    let class = format!("--fraud={class}");
    let fixed = ["dev", "--exit", &class, "--datadir", &datadir];
    let ports = ["--l1-port", "0", "--port", "0", "--replica-port", "0"];
    let args: Vec<String> = fixed
        .iter()
        .chain(&ports)
        .map(|arg| (*arg).to_owned())
        .collect();
    let mut child = Running(
        command(&args)
            .stdout(file)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap(),
    );
    let limit = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.0.try_wait().unwrap() {
            break status;
        }
        assert!(
            Instant::now() < limit,
            "no verdict within {LIMIT:?}: {}",
            std::fs::read_to_string(&out).unwrap()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    (std::fs::read_to_string(&out).unwrap(), status.success())
}

#[tokio::test]
async fn false_balance_is_defeated_by_one_step_on_l1() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (out, succeeded) = fraud(folder.path(), "balance").await;
    assert!(succeeded, "{out}");
    assert!(
        out.contains("step     "),
        "the dispute went down to a step: {out}"
    );
    assert!(
        out.ends_with("Verdict: the false output root was defeated on L1.\n"),
        "{out}"
    );
}
