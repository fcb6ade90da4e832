//! The wish to stop: SIGTERM or Ctrl-C.
//!
//! Long-running roles await [`requested`], drain and return; a second signal ends the process at
//! once.

use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// Completes at the first SIGTERM or SIGINT, and from then on lets a second one end the process
/// with status 1.
///
/// # Errors
/// When the system refuses a signal handler.
pub(crate) async fn requested() -> eyre::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    info!(signal = name, "stopping");
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        warn!("second signal: leaving without draining");
        std::process::exit(1);
    });
    Ok(())
}
