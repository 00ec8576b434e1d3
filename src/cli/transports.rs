//! The certificate and key files that providers name.

use std::collections::HashSet;

use crate::config::Configuration;
use crate::diagnostic::Fault;
use crate::probe::Prober;
use crate::provider::Transport;

/// What is wrong with certificate and key files. The plain settings are left for the first probe:
/// nothing in them can be wrong, and loading the system's certificates takes a while.
pub fn transports(configuration: &Configuration, prober: &Prober) -> Vec<Fault> {
    let mut seen = HashSet::new();
    let mut faults = Vec::new();
    for provider in &configuration.providers {
        let transport = &provider.transport;
        if **transport == Transport::default() || !seen.insert(transport) {
            continue;
        }
        if let Err(error) = prober.prepare(transport) {
            faults.push(Fault::general(format!("the provider `{}`: {error}", provider.name)));
        }
    }
    faults
}
