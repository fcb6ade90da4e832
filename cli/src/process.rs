//! Programs that a role starts and that must not outlive it.
//!
//! A child writes to a log file of its own, gets SIGTERM when its parent dies (through `setpriv`,
//! where the system has it), and is asked to stop before it is killed. `trestle dev` starts anvil and
//! the nodes through it.

use std::{
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use eyre::{WrapErr, bail, eyre};
use tokio::{process::Command, time::timeout};

use crate::tools;

/// Time for a child to end after SIGTERM, in seconds; what it promises itself is 10.
const STOP_SECONDS: u64 = 15;

/// What to start.
#[derive(Debug)]
pub(crate) struct Program {
    /// Name for messages.
    pub(crate) name: &'static str,
    /// The executable.
    pub(crate) path: PathBuf,
    /// Its arguments.
    pub(crate) args: Vec<OsString>,
    /// File that its output is appended to.
    pub(crate) log: PathBuf,
}

/// A running child.
#[derive(Debug)]
pub(crate) struct Child {
    name: &'static str,
    log: PathBuf,
    process: tokio::process::Child,
}

impl Program {
    /// Starts it. Must be called from the main task: the kernel ties the child to the thread.
    ///
    /// # Errors
    /// When the log file cannot be opened or the program not be run.
    pub(crate) fn start(self) -> eyre::Result<Child> {
        let open = || File::options().create(true).append(true).open(&self.log);
        let log = open().wrap_err_with(|| format!("cannot write {}", self.log.display()))?;
        let process = tied_to_parent(&self.path)
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A signal from the terminal goes to the whole group; children stop in our order instead.
            .process_group(0)
            .kill_on_drop(tools::find("setpriv").is_none())
            .spawn()
            .wrap_err_with(|| format!("cannot run {}", self.path.display()))?;
        Ok(Child {
            name: self.name,
            log: self.log,
            process,
        })
    }
}

/// The command that runs `program` so that it ends when this process does.
fn tied_to_parent(program: &Path) -> Command {
    let Some(setpriv) = tools::find("setpriv") else {
        return Command::new(program);
    };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command
}

impl Child {
    /// Completes with an error when the child ends, which it is not supposed to do.
    pub(crate) async fn ended(&mut self) -> eyre::Report {
        match self.process.wait().await {
            Ok(status) => self.report(&format!("ended with {status}")),
            Err(error) => self.report(&error.to_string()),
        }
    }

    /// Fails if the child has ended already.
    ///
    /// # Errors
    /// With the last line of its log.
    pub(crate) fn check(&mut self) -> eyre::Result<()> {
        match self.process.try_wait()? {
            Some(status) => Err(self.report(&format!("ended with {status}"))),
            None => Ok(()),
        }
    }

    /// Process id, while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Sends SIGTERM and waits for the end; kills it if that takes longer than it may.
    ///
    /// # Errors
    /// When it had to be killed.
    pub(crate) async fn stop(mut self) -> eyre::Result<()> {
        let Some(id) = self.process.id() else {
            return Ok(());
        };
        let asked = Command::new("kill")
            .arg("-TERM")
            .arg(id.to_string())
            .status()
            .await;
        asked.wrap_err("cannot run kill")?;
        let limit = Duration::from_secs(STOP_SECONDS);
        if timeout(limit, self.process.wait()).await.is_err() {
            self.process.kill().await?;
            bail!(
                "{} did not stop within {STOP_SECONDS} s and was killed",
                self.name
            );
        }
        Ok(())
    }

    fn report(&self, what: &str) -> eyre::Report {
        let last = last_line(&self.log)
            .map(|line| format!(": {line}"))
            .unwrap_or_default();
        eyre!("{} {what}{last} (log: {})", self.name, self.log.display())
    }
}

/// Last line of a log that is not empty.
fn last_line(log: &Path) -> Option<String> {
    let text = std::fs::read_to_string(log).ok()?;
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(script: &str, folder: &Path) -> Program {
        Program {
            name: "the script",
            path: PathBuf::from("/bin/sh"),
            args: vec!["-c".into(), script.into()],
            log: folder.join("log"),
        }
    }

    #[tokio::test]
    async fn child_that_ends_is_reported_with_its_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = program("echo first; echo out of luck; exit 3", folder.path())
            .start()
            .unwrap();
        let report = child.ended().await.to_string();
        assert!(
            report.contains("ended with exit status: 3: out of luck"),
            "{report}"
        );
    }

    #[tokio::test]
    async fn child_that_runs_is_stopped_by_sigterm() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = program(
            "trap 'exit 0' TERM; echo ready; sleep 60 & wait",
            folder.path(),
        )
        .start()
        .unwrap();
        child.check().unwrap();
        child.stop().await.unwrap();
    }
}
