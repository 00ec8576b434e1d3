//! The settings of the daemon: everything but providers and recipes.

use std::net::SocketAddr;
use std::sync::Arc;

use super::links::links;
use super::parsed::Parsed;
use crate::diagnostic::Fault;
use crate::plan::{Limits, Plan};

/// The address of the HTTP server when the configuration and the flags name none.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:9797";

/// The default upper bounds of the latency histogram, in seconds.
pub const DEFAULT_BUCKETS: [f64; 12] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Parses `HOST:PORT` with a numeric host, or `:PORT` for all addresses, as in Prometheus
/// exporters.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    let full = match text.strip_prefix(':') {
        Some(port) => format!("[::]:{port}"),
        None => text.replacen("localhost:", "127.0.0.1:", 1),
    };
    full.parse().map_err(|_| {
        "this is not an address to listen on: write \"127.0.0.1:9797\", \"[::1]:9797\" or \
         \":9797\" for all addresses"
    })
}

/// A plan with the settings and without providers. Faults are added to `faults`.
pub fn settings(main: &Parsed, faults: &mut Vec<Fault>) -> Plan {
    let file = &main.file;
    let mut listen_addresses: Vec<SocketAddr> = Vec::new();
    for text in &file.web.listen_addresses {
        match parse_address(text.0.get_ref()) {
            Ok(address) if address.port() != 0 && listen_addresses.contains(&address) => {
                let message = "this address is listed twice";
                faults.push(Fault::error(&main.source, text.0.span(), message));
            }
            Ok(address) => listen_addresses.push(address),
            Err(message) => faults.push(Fault::error(&main.source, text.0.span(), message)),
        }
    }
    if file.web.listen_addresses.is_empty() {
        listen_addresses.extend(DEFAULT_ADDRESS.parse::<SocketAddr>());
    }
    let mut duration_buckets = DEFAULT_BUCKETS.to_vec();
    if let Some(buckets) = &file.metrics.duration_buckets {
        let bounds = buckets.0.get_ref();
        let rising = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        if bounds.is_empty()
            || bounds.len() > 50
            || !rising
            || bounds.iter().any(|bound| !bound.is_finite() || *bound <= 0.0)
        {
            let message = "the buckets must be 1 to 50 positive numbers of seconds, rising";
            let fault = Fault::error(&main.source, buckets.0.span(), message);
            faults.push(fault.hint("credwatch adds the last bucket, +Inf"));
        } else {
            duration_buckets.clone_from(bounds);
        }
    }
    let limits = Limits::default();
    Plan {
        limits: Limits {
            in_flight: file.limits.probes_in_flight.unwrap_or(limits.in_flight),
            per_host: file.limits.probes_in_flight_per_host.unwrap_or(limits.per_host),
        },
        duration_buckets,
        compact_metrics: file.metrics.compact,
        created_metrics: file.metrics.created,
        links: Arc::new(links(main, faults)),
        listen_addresses,
        ..Plan::default()
    }
}
