//! What the daemon runs by, put together from the files.

use crate::config::Configuration;
use crate::diagnostic::Fault;
use crate::reload::Fresh;
use crate::schedule::Adopted;
use crate::schedule::lanes::Limits;
use crate::web_config::Door;

/// What of a configuration a daemon runs on.
pub fn fresh(configuration: Configuration, door: Door) -> Fresh {
    let mut warnings: Vec<Fault> = configuration.warnings;
    warnings.extend_from_slice(door.warnings());
    for provider in configuration.providers.iter().filter(|provider| provider.transport.insecure) {
        let mut fault = Fault::general(format!(
            "the provider `{}`: tls.insecure is set, any certificate is accepted",
            provider.name
        ));
        fault.severity = crate::diagnostic::Severity::Warning;
        warnings.push(fault);
    }
    Fresh {
        adopted: Adopted {
            providers: configuration.providers,
            bounds: configuration.duration_buckets,
            limits: Limits {
                in_flight: configuration.probes_in_flight,
                per_host: configuration.probes_in_flight_per_host,
            },
        },
        listen_addresses: configuration.listen_addresses,
        door,
        warnings,
    }
}
