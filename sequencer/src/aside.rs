//! Long computations that nobody waits for, beside a node that must answer.

use rustix::process::{getpriority_process, setpriority_process};
use tokio::sync::oneshot;

/// Niceness of such a thread: where the node is busy it gets a tenth of a core, elsewhere all of one.
const NICENESS: i32 = 10;

/// Runs `work` on a thread of its own that gives way to every other.
///
/// # Errors
/// When the thread cannot be started; the receiver, when `work` panicked.
pub(crate) fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<oneshot::Receiver<T>> {
    let (done, outcome) = oneshot::channel();
    std::thread::Builder::new()
        .name("aside".into())
        .spawn(move || {
            // On Linux niceness belongs to a thread, and `None` is the one that asks.
            let nicer = getpriority_process(None)
                .and_then(|own| setpriority_process(None, own.max(NICENESS)));
            if let Err(error) = nicer {
                tracing::debug!(%error, "a long computation keeps its priority");
            }
            let _ = done.send(work());
        })?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_aside_is_nicer_than_who_asked_for_it() {
        let own = || getpriority_process(None).unwrap();
        let before = own();
        assert_eq!(aside(own).unwrap().await.unwrap(), before.max(NICENESS));
        assert_eq!(own(), before);
    }
}
