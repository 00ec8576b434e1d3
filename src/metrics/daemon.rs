//! The metrics of the daemon itself, kept and encoded by the `prometheus` crate.

use jiff::Timestamp;
use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::schedule::Instruments;
use crate::time::unix_seconds;

/// The metrics of the daemon itself.
#[derive(Clone)]
pub struct Daemon {
    registry: Registry,
    lateness: Histogram,
    in_flight: IntGauge,
    reload_successful: IntGauge,
    reload_time: Gauge,
    saved: IntGauge,
}

impl Default for Daemon {
    fn default() -> Self {
        Self::new()
    }
}

impl Daemon {
    /// Registers everything.
    ///
    /// # Panics
    /// When a name were taken twice, which a test would show.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let buckets = vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0];
        let lateness = Histogram::with_opts(
            HistogramOpts::new(
                "credwatch_scheduler_lateness_seconds",
                "How much later than due probes started.",
            )
            .buckets(buckets),
        )
        .expect("valid");
        let gauge = |name: &str, help: &str| IntGauge::new(name, help).expect("valid");
        let in_flight = gauge("credwatch_probes_in_flight", "Probes that run now.");
        let reload_successful = gauge(
            "credwatch_config_last_reload_successful",
            "Whether the configuration was read without faults the last time. If not, the one before is in force.",
        );
        let reload_time = Gauge::new(
            "credwatch_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was read.",
        )
        .expect("valid");
        let saved = gauge(
            "credwatch_state_last_save_successful",
            "Whether the state could be written to its directory the last time. 1 as well when none is configured.",
        );
        saved.set(1);
        let build = IntGaugeVec::new(
            Opts::new("credwatch_build_info", "Version of the program. Always 1."),
            &["version"],
        )
        .expect("valid");
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(lateness.clone())).expect("registered once");
        registry.register(Box::new(in_flight.clone())).expect("registered once");
        registry.register(Box::new(reload_successful.clone())).expect("registered once");
        registry.register(Box::new(reload_time.clone())).expect("registered once");
        registry.register(Box::new(saved.clone())).expect("registered once");
        registry.register(Box::new(build)).expect("registered once");
        Self { registry, lateness, in_flight, reload_successful, reload_time, saved }
    }

    /// What the scheduler writes to.
    #[must_use]
    pub fn instruments(&self) -> Instruments {
        Instruments { lateness: self.lateness.clone(), in_flight: self.in_flight.clone() }
    }

    /// The configuration was taken in at this time.
    pub fn configured(&self, at: Timestamp) {
        self.reload_successful.set(1);
        self.reload_time.set(unix_seconds(at));
    }

    /// A new configuration was refused; the one before stays in force.
    pub fn refused(&self) {
        self.reload_successful.set(0);
    }

    /// Whether the state could be saved.
    pub fn saved(&self, worked: bool) {
        self.saved.set(i64::from(worked));
    }

    /// Everything as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = Vec::new();
        // Writing to memory cannot fail, and families without samples are pruned by `gather`.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}
