//! Opens the addresses of the server.

use std::net::{SocketAddr, TcpListener};

/// How many connections may wait until they are accepted. With the 128 of the standard library, a
/// client in a flood waits a second or longer for its second try.
const BACKLOG: i32 = 1_024;

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
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
