//! Providers and probes for the tests of the pages.

use std::sync::Arc;
use std::time::Duration;

use crate::credentials::CredentialSources;
use crate::outcome::{Outcome, Probe};
use crate::provider::{Cadence, CredentialPolicy, Parameters, Provider, Slot, Transport};
use crate::recipe::{Expectations, Repeated, builtin};

/// A provider with this name and these labels, and with defaults for everything else.
pub fn provider(name: &str, labels: &[(&str, &str)]) -> Provider {
    Provider {
        name: name.into(),
        slot: Slot::Current,
        recipe: Arc::new(builtin::recipe("oauth2-client-credentials").expect("built in")),
        parameters: Parameters::default(),
        credentials: Arc::new(CredentialSources::new(Vec::new())),
        labels: labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        pauses: None,
        cadence: Cadence::default(),
        timeout: Duration::from_secs(10),
        expectations: Expectations { required_scopes: Vec::new(), min_lifetime: None },
        verification: None,
        steps: Arc::default(),
        secret_expires: None,
        policy: CredentialPolicy::default(),
        transport: Arc::new(Transport::default()),
        endpoint: None,
        api_host: None,
        facts: Arc::default(),
        repeated: Repeated::default(),
    }
}

/// A probe with this outcome.
pub fn probe(outcome: Outcome) -> Probe {
    Probe { duration: 0.2, ..Probe::new(outcome, "2026-01-01T00:00:00Z".parse().expect("a date")) }
}
