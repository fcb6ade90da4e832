//! Ports of a dev chain: taken as given, or any free one for 0.

use std::net::{Ipv4Addr, TcpListener};

use eyre::eyre;

/// `port` if it is free on loopback, or some free port if it is 0.
///
/// # Errors
/// When it is taken; `flag` is what chooses another.
pub(super) fn free(port: u16, flag: &str) -> eyre::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|_| {
        eyre!("port {port} is in use: stop what listens there, or choose another port with {flag}")
    })?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_port_is_named_with_its_flag() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = free(port, "--port").unwrap_err().to_string();
        assert!(
            error.contains(&port.to_string()) && error.contains("--port"),
            "{error}"
        );
    }

    #[test]
    fn port_zero_gives_some_port() {
        assert_ne!(free(0, "--port").unwrap(), 0);
    }
}
