//! Addresses to listen on.

use std::net::SocketAddr;

/// Where metrics are served unless the operator says otherwise.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:9797";

/// `HOST:PORT` with a numeric host, or `:PORT` for all addresses, as Prometheus exporters take it.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let full = match text.strip_prefix(':') {
        Some(port) => format!("[::]:{port}"),
        None => text.replacen("localhost:", "127.0.0.1:", 1),
    };
    full.parse().map_err(|_| format!("{text:?} is not an address to listen on: write \"127.0.0.1:9797\", \"[::1]:9797\" or \":9797\" for all addresses"))
}
