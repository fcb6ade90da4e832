//! A line to an endpoint that can be cut and mended: while it is cut, connections are refused and open ones break.

use std::io;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// A line to a port of the loopback interface; dropped, it is cut.
#[derive(Debug)]
pub struct Cable {
    port: u16,
    upstream: u16,
    line: Option<JoinHandle<()>>,
}

impl Cable {
    /// A whole line to `upstream`, with a port of its own.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn new(upstream: u16) -> io::Result<Self> {
        let mut cable = Self {
            port: 0,
            upstream,
            line: None,
        };
        cable.mend().await?;
        Ok(cable)
    }

    /// URL of the line's end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Breaks every connection and refuses further ones; done when this returns.
    pub async fn cut(&mut self) {
        if let Some(line) = self.line.take() {
            line.abort();
            // An error says that it was aborted, which is what was asked for.
            let _ = line.await;
        }
    }

    /// Takes connections again, on the same port; nothing where it is whole.
    ///
    /// # Errors
    /// When somebody else has taken the port meanwhile.
    pub async fn mend(&mut self) -> io::Result<()> {
        if self.line.is_some() {
            return Ok(());
        }
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await?;
        self.port = listener.local_addr()?.port();
        self.line = Some(tokio::spawn(carry(listener, self.upstream)));
        Ok(())
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.abort();
        }
    }
}

/// Carries bytes until it is dropped, and all connections with it.
async fn carry(listener: TcpListener, upstream: u16) {
    let mut connections = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        connections.spawn(async move {
            if let Ok(mut far) = TcpStream::connect(("127.0.0.1", upstream)).await {
                // However a connection ends, both of its ends see it.
                let _ = copy_bidirectional(&mut near, &mut far).await;
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
