//! The metrics of the daemon itself, in a registry of the `prometheus` crate.

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
    /// Registers all metrics.
    ///
    /// # Panics
    /// When two metrics have the same name, which the tests would show.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let buckets =
            vec![0.001, 0.0025, 0.005, 0.01, 0.011, 0.012, 0.015, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0];
        let lateness = Histogram::with_opts(
            HistogramOpts::new(
                "credwatch_scheduler_lateness_seconds",
                "Delay between the planned and the real start of a probe.",
            )
            .buckets(buckets),
        )
        .expect("valid");
        let gauge = |name: &str, help: &str| IntGauge::new(name, help).expect("valid");
        let in_flight = gauge("credwatch_probes_in_flight", "Probes that run now.");
        let reload_successful = gauge(
            "credwatch_config_last_reload_successful",
            "1 when the last reload loaded the configuration, 0 when credwatch goes on with the \
             previous one.",
        );
        let reload_time = Gauge::new(
            "credwatch_config_last_reload_success_timestamp_seconds",
            "When credwatch loaded the current configuration.",
        )
        .expect("valid");
        let saved = gauge(
            "credwatch_state_last_save_successful",
            "1 when credwatch saved its state the last time, or saves no state; else 0.",
        );
        saved.set(1);
        let build = IntGaugeVec::new(
            Opts::new(
                "credwatch_build_info",
                "Version of credwatch, the revision of its sources and its compiler. Always 1.",
            ),
            &["version", "revision", "compiler"],
        )
        .expect("valid");
        let version = env!("CARGO_PKG_VERSION");
        let (revision, compiler) = (env!("CREDWATCH_REVISION"), env!("CREDWATCH_COMPILER"));
        build.with_label_values(&[version, revision, compiler]).set(1);
        registry.register(Box::new(lateness.clone())).expect("registered once");
        registry.register(Box::new(in_flight.clone())).expect("registered once");
        registry.register(Box::new(reload_successful.clone())).expect("registered once");
        registry.register(Box::new(reload_time.clone())).expect("registered once");
        registry.register(Box::new(saved.clone())).expect("registered once");
        registry.register(Box::new(build)).expect("registered once");
        Self { registry, lateness, in_flight, reload_successful, reload_time, saved }
    }

    /// The metrics that the scheduler updates.
    #[must_use]
    pub fn instruments(&self) -> Instruments {
        Instruments { lateness: self.lateness.clone(), in_flight: self.in_flight.clone() }
    }

    /// Publishes the URL at which browsers reach the server. Alerts make links of it.
    ///
    /// # Panics
    /// When it is called twice.
    pub fn reached_at(&self, url: &str) {
        let info = IntGaugeVec::new(
            Opts::new(
                "credwatch_external_url_info",
                "The URL at which browsers reach credwatch (--web.external-url). Always 1; absent \
                 without the flag.",
            ),
            &["url"],
        )
        .expect("valid");
        info.with_label_values(&[&format!("{}/", url.trim_end_matches('/'))]).set(1);
        self.registry.register(Box::new(info)).expect("registered once");
    }

    /// Records that the daemon loaded a configuration at this time.
    pub fn configured(&self, at: Timestamp) {
        self.reload_successful.set(1);
        self.reload_time.set(unix_seconds(at));
    }

    /// Records that a reload failed and the previous configuration stays in use.
    pub fn refused(&self) {
        self.reload_successful.set(0);
    }

    /// Records whether the state could be saved.
    pub fn saved(&self, worked: bool) {
        self.saved.set(i64::from(worked));
    }

    /// All metrics in the text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = Vec::new();
        // Writing to memory cannot fail, and families without samples are pruned by `gather`.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}
