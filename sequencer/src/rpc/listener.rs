//! Connections as they come in: a bounded number, each of which must make progress.
//!
//! A peer that neither sends nor takes bytes holds memory and a descriptor; it is cut off after a
//! while. WebSocket peers answer pings, so a quiet one is not a stalled one.

use std::future::Future;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

use super::RpcLimits;

/// Time after which a connection that carries nothing is closed.
const IDLE: Duration = Duration::from_secs(120);

/// A listener that keeps to a number of connections.
#[derive(Debug)]
pub struct Guarded {
    inner: TcpListener,
    permits: Arc<Semaphore>,
    write_stall: Duration,
}

impl Guarded {
    /// A listener over `inner` that keeps to the connections and the patience of `limits`.
    #[must_use]
    pub fn new(inner: TcpListener, limits: &RpcLimits) -> Self {
        let most = usize::try_from(limits.connections).unwrap_or(usize::MAX);
        let permits = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self {
            inner,
            permits,
            write_stall: limits.write_stall,
        }
    }
}

impl Listener for Guarded {
    type Io = Progressing;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // Nobody closes the semaphore; without a permit the connection would just not be counted.
        let permit = self.permits.clone().acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.inner).await;
        let _ = stream.set_nodelay(true);
        (Progressing::new(stream, permit, self.write_stall), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection that fails when it stalls.
#[derive(Debug)]
pub struct Progressing {
    stream: TcpStream,
    _permit: Option<OwnedSemaphorePermit>,
    write_stall: Duration,
    /// Set while a write waits.
    writing: Option<Pin<Box<Sleep>>>,
    idle: Pin<Box<Sleep>>,
}

impl Progressing {
    fn new(stream: TcpStream, permit: Option<OwnedSemaphorePermit>, write_stall: Duration) -> Self {
        Self {
            stream,
            _permit: permit,
            write_stall,
            writing: None,
            idle: Box::pin(sleep(IDLE)),
        }
    }

    fn progressed(&mut self) {
        self.writing = None;
        self.idle.as_mut().reset(Instant::now() + IDLE);
    }

    /// Ends the connection in both directions, so that whoever reads from it wakes up too.
    fn cut(&self) {
        if let Ok(descriptor) = self.stream.as_fd().try_clone_to_owned() {
            let _ = std::net::TcpStream::from(descriptor).shutdown(Shutdown::Both);
        }
    }

    /// Turns a write that waits too long into an error.
    fn bound_write<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.progressed();
            return outcome;
        }
        let stall = self.write_stall;
        let timer = self.writing.get_or_insert_with(|| Box::pin(sleep(stall)));
        ready!(timer.as_mut().poll(cx));
        self.cut();
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "peer does not read",
        )))
    }
}

impl AsyncRead for Progressing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if outcome.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE);
            return outcome;
        }
        ready!(self.idle.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "connection is idle",
        )))
    }
}

impl AsyncWrite for Progressing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bound_write(outcome, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.bound_write(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.bound_write(outcome, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.bound_write(outcome, cx)
    }
}
