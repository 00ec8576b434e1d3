//! What the scheduler needs of the outside.

use std::sync::Arc;

use prometheus::{Histogram, IntGauge};

use crate::outcome::{Code, Failure, Outcome, Probe, Reason};
use crate::probe::Prober;
use crate::provider::Provider;

/// Makes probes. The tests of the scheduler have one that makes no requests.
pub trait Probes: Send + Sync + 'static {
    /// Probes a provider once, and reads its list of credentials if that is due.
    fn probe(
        &self,
        provider: &Arc<Provider>,
        reads_list: bool,
    ) -> impl Future<Output = Probe> + Send;
    /// Fingerprint of the credentials as they can be read now; `None` when they cannot.
    fn credentials(&self, provider: &Arc<Provider>) -> impl Future<Output = Option<u128>> + Send;
}

impl Probes for Prober {
    fn probe(
        &self,
        provider: &Arc<Provider>,
        reads_list: bool,
    ) -> impl Future<Output = Probe> + Send {
        Prober::probe_with(self, provider, reads_list)
    }
    fn credentials(&self, provider: &Arc<Provider>) -> impl Future<Output = Option<u128>> + Send {
        Prober::credentials(self, provider)
    }
}

/// The metrics of the scheduler itself.
#[derive(Clone)]
pub struct Instruments {
    /// How much later than due probes start, in seconds.
    pub lateness: Histogram,
    /// Probes that run now.
    pub in_flight: IntGauge,
}

/// What is recorded for a probe that panicked.
pub fn panicked(started: jiff::Timestamp) -> Probe {
    let failure =
        Failure::new(Reason::Malformed, "credwatch itself failed at this answer; please report it")
            .code(Code::word("internal_error"));
    Probe::new(Outcome::Failed(failure), started)
}
