//! What a configuration says beside its providers and recipes.

use std::net::SocketAddr;

use super::address::{DEFAULT_ADDRESS, parse_address};
use super::parsed::Parsed;
use crate::diagnostic::Fault;
use crate::plan::{Limits, Plan};

/// Upper bounds of the latency histogram unless the operator says otherwise, in seconds.
pub const DEFAULT_BUCKETS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// A plan without providers yet. Faults are added to `faults`.
pub fn settings(main: &Parsed, faults: &mut Vec<Fault>) -> Plan {
    let file = &main.file;
    let mut listen_addresses: Vec<SocketAddr> = Vec::new();
    for text in &file.web.listen_addresses {
        match parse_address(text.0.get_ref()) {
            Ok(address) if address.port() != 0 && listen_addresses.contains(&address) => {
                faults.push(Fault::error(
                    &main.source,
                    text.0.span(),
                    "this address is there twice",
                ));
            }
            Ok(address) => listen_addresses.push(address),
            Err(message) => {
                faults.push(Fault::error(&main.source, text.0.span(), message));
            }
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
            let fault = Fault::error(
                &main.source,
                buckets.0.span(),
                "the buckets must be 1 to 50 positive numbers of seconds, rising",
            );
            faults.push(fault.hint("the last one, +Inf, is added by itself"));
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
        listen_addresses,
        ..Plan::default()
    }
}
