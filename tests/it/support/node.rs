//! A `trestle` process and its RPC.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{Rpc, eventually};

/// How a node is started.
#[derive(Debug, Clone)]
pub(crate) struct NodeOptions {
    pub(crate) args: Vec<String>,
    /// Variables of its environment.
    pub(crate) env: Vec<(&'static str, PathBuf)>,
    pub(crate) datadir: PathBuf,
    pub(crate) log: PathBuf,
    /// Port of its RPC, the same after a restart.
    pub(crate) port: u16,
}

/// A running node; dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) options: NodeOptions,
    pub(crate) rpc: Rpc,
    child: Child,
    /// Whether it answered.
    is_ready: bool,
}

/// A port that nothing listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// `trestle` with these arguments, killed when the test's thread ends.
pub(crate) fn command(args: &[String]) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--", env!("CARGO_BIN_EXE_trestle")])
        .args(args);
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs `trestle` to its end; status, standard output, standard error.
pub(crate) fn run(args: &[&str]) -> (ExitStatus, String, String) {
    let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let output = output_within(60, command(&args));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status, text(output.stdout), text(output.stderr))
}

/// What `command` prints to its end.
///
/// # Panics
/// After `seconds`, when it has been killed.
pub(crate) fn output_within(seconds: u64, mut command: Command) -> Output {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id().to_string();
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait_with_output()));
    match end.recv_timeout(Duration::from_secs(seconds)) {
        Ok(output) => output.unwrap(),
        Err(_) => {
            Command::new("kill").args(["-KILL", &id]).status().unwrap();
            let output = end.recv().unwrap().unwrap();
            panic!("not ended within {seconds} s: {output:?}");
        }
    }
}

impl Node {
    /// Starts it and waits for its RPC.
    pub(crate) async fn start(options: NodeOptions) -> Self {
        let node = Self::spawn(options);
        node.ready().await
    }

    /// Starts it and does not wait.
    pub(crate) fn spawn(options: NodeOptions) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&options.log)
            .unwrap();
        let child = command(&options.args)
            .envs(options.env.iter().cloned())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let rpc = Rpc::new(&format!("http://127.0.0.1:{}", options.port));
        Self {
            options,
            rpc,
            child,
            is_ready: false,
        }
    }

    async fn ready(self) -> Self {
        let log = self.options.log.clone();
        match self.answers().await {
            Ok(node) => node,
            Err(end) => panic!("{end}:\n{}", tail(&log)),
        }
    }

    /// Starts it and waits until it answers or ends.
    pub(crate) async fn try_start(options: NodeOptions) -> Result<Self, String> {
        Self::spawn(options).answers().await
    }

    async fn answers(mut self) -> Result<Self, String> {
        let limit = Instant::now() + Duration::from_secs(30);
        while Instant::now() < limit {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Err(format!("ended with {status}"));
            }
            if self.rpc.try_call("eth_chainId", json!([])).await.is_some() {
                self.is_ready = true;
                return Ok(self);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err("does not answer".to_owned())
    }

    /// Whether it has ended, and how.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, as a crash.
    pub(crate) fn kill(mut self) -> NodeOptions {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.options.clone()
    }

    /// SIGTERM; the node must end well and within 10 s.
    pub(crate) async fn stop(mut self) -> NodeOptions {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        let status = self.ends(10).await;
        assert!(status.success(), "{status}:\n{}", tail(&self.options.log));
        self.options.clone()
    }

    /// Waits for its end.
    pub(crate) async fn ends(&mut self, seconds: u64) -> ExitStatus {
        let child = std::sync::Mutex::new(&mut self.child);
        eventually("the process ends", seconds, || async {
            child.lock().unwrap().try_wait().unwrap()
        })
        .await
    }

    /// Waits until its safe head is at least at block `number`.
    pub(crate) async fn safe_at(&self, number: u64) {
        let what = format!("block {number} is safe");
        eventually(&what, 60, || async {
            (self.rpc.safe().await.0 >= number).then_some(())
        })
        .await;
    }

    /// The same, however long it takes: as long as it comes nearer each minute.
    pub(crate) async fn comes_to(&self, number: u64) {
        let mut safe = 0;
        while safe < number {
            let what = format!("more than {safe} blocks of {number} are safe");
            safe = eventually(&what, 60, || async {
                Some(self.rpc.safe().await.0).filter(|now| *now > safe)
            })
            .await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!(
                "--- {}\n{}",
                self.options.log.display(),
                tail(&self.options.log)
            );
        } else if self.is_ready {
            assert!(self.rpc.held() > 0, "no answer was held against the schema");
        }
    }
}

/// Last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
