//! Opens the addresses of the server.

use std::net::{SocketAddr, TcpListener};

/// Binds an address, before anything else runs, so that an address in use is an error at the start.
///
/// # Errors
/// The error of the system.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let bound = TcpListener::bind(address).or_else(|error| {
        // `:PORT` means all addresses, also on a host without IPv6.
        let any = address.is_ipv6() && address.ip().is_unspecified();
        if any && error.kind() != std::io::ErrorKind::AddrInUse {
            TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], address.port())))
        } else {
            Err(error)
        }
    });
    let listener = bound?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
