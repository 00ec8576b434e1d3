//! The daemon on its schedule: one probe of each provider every ten seconds.

use std::path::Path;
use std::time::Duration;

use crate::daemon::{Daemon, Plan};
use crate::endpoint::Endpoint;
use crate::table::{Reach, Row, Samples, float};
use crate::{Result, progress, scrape, wait_for};

/// The number of measurements.
const ROUNDS: usize = 3;

/// The length of each measurement: one interval, so that each provider has one probe.
const WINDOW: Duration = Duration::from_secs(10);

/// The limits of the lateness, in milliseconds. They include the 10 ms to which the scheduler
/// rounds its wake-ups.
pub const LATENESS: Reach = Reach::Value(15.0, 12.0);

/// The limits of the memory after the scrapes, divided by that before.
pub const AFTER_SCRAPES: Reach = Reach::Ratio(1.3, 1.1);

/// Returns the rows for 1,000 and 10,000 providers, and those for scrapes of 10,000 providers.
/// `exporter` is the cost of the peer in this run.
pub fn measure(
    endpoint: &mut Endpoint,
    folder: &Path,
    exporter: Option<&Samples>,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let sizes = [
        (1_000, Reach::Nothing, Reach::Value(15.0, 10.0)),
        (10_000, Reach::Ratio(0.2, 0.14), Reach::Value(40.0, 30.0)),
    ];
    for (providers, of_exporter, resident) in sizes {
        let configuration = Plan { providers, interval_ms: 10_000, tls: false, as_deployed: false }
            .write(endpoint, folder)?;
        let before = endpoint.answered()?;
        let daemon = Daemon::start(&configuration)?;
        daemon.wait_until_ready()?;
        // The first probes are early. The second ones are at the times of the schedule.
        wait_for("the schedule to be steady", || {
            Ok((endpoint.answered()? >= before + 2 * providers as u64).then_some(()))
        })?;
        let figures = Figures::of(&daemon, endpoint, providers)?;
        let scraped =
            if providers == 10_000 { scrape::measure(&daemon, folder)? } else { Vec::new() };
        let after = daemon.process().resident()?;
        if daemon.failures()? > 0 {
            return Err("probes of the daemon failed".into());
        }
        let named = |what: &str| format!("{what}, {providers} providers every 10 s");
        let cpu = Row::new(named("CPU a probe, HTTP"), figures.cpu, "ms");
        rows.push(match exporter {
            Some(theirs) => cpu.beside("blackbox_exporter at full load", theirs).reach(of_exporter),
            None => cpu.without("not measured: blackbox_exporter"),
        });
        rows.push(Row::new(named("lateness, p99"), figures.lateness, "ms").reach(LATENESS));
        let before = Samples::one(figures.resident);
        rows.push(
            Row::new(named("resident memory before any scrape"), before.clone(), "MB")
                .reach(resident),
        );
        let after = Row::new(named("resident memory after scrapes"), Samples::one(after), "MB");
        rows.push(after.beside("before any scrape", &before).reach(AFTER_SCRAPES));
        rows.extend(scraped);
    }
    Ok(rows)
}

/// Returns only the rows for scrapes, of a daemon that has probed 10,000 providers once.
pub fn scrapes(endpoint: &mut Endpoint, folder: &Path) -> Result<Vec<Row>> {
    let providers = 10_000;
    let configuration = Plan { providers, interval_ms: 10_000, tls: false, as_deployed: false }
        .write(endpoint, folder)?;
    let before = endpoint.answered()?;
    let daemon = Daemon::start(&configuration)?;
    wait_for("every provider to be probed", || {
        Ok((endpoint.answered()? >= before + providers as u64).then_some(()))
    })?;
    scrape::measure(&daemon, folder)
}

pub struct Figures {
    /// Resident memory before any scrape, in megabytes.
    pub resident: f64,
    /// CPU time per probe, in milliseconds.
    pub cpu: Samples,
    /// The 99th percentile of the lateness, in milliseconds.
    pub lateness: Samples,
}

impl Figures {
    /// Measures a daemon on its schedule.
    pub fn of(daemon: &Daemon, endpoint: &mut Endpoint, providers: usize) -> Result<Self> {
        let resident = daemon.process().resident()?;
        let (mut cpu, mut lateness) = (Samples(Vec::new()), Samples(Vec::new()));
        for round in 1..=ROUNDS {
            let before = Buckets::of(&daemon.metrics()?);
            // The scrapes are outside the window: other rows measure them.
            let (answered, spent) = (endpoint.answered()?, daemon.process().cpu()?);
            std::thread::sleep(WINDOW);
            let (answered, spent) =
                (endpoint.answered()? - answered, daemon.process().cpu()? - spent);
            let late = Buckets::of(&daemon.metrics()?).since(&before).quantile(0.99);
            progress(&format!(
                "scheduled, {providers} providers, round {round} of {ROUNDS}: {answered} probes, \
                 {:.3} ms a probe, lateness p99 {:.1} ms",
                spent * 1e3 / float(answered),
                late * 1e3
            ));
            cpu.0.push(spent * 1e3 / float(answered));
            lateness.0.push(late * 1e3);
        }
        Ok(Self { resident, cpu, lateness })
    }
}

/// The buckets of the lateness histogram: upper bounds and cumulative counts.
struct Buckets(Vec<(f64, f64)>);

impl Buckets {
    fn of(metrics: &str) -> Self {
        let bucket = |line: &str| {
            let (bound, count) = line
                .strip_prefix("credwatch_scheduler_lateness_seconds_bucket{le=\"")?
                .split_once("\"} ")?;
            Some((bound.parse().ok()?, count.parse().ok()?))
        };
        Self(metrics.lines().filter_map(bucket).collect())
    }

    fn since(&self, before: &Self) -> Self {
        Self(
            self.0
                .iter()
                .zip(&before.0)
                .map(|((bound, now), (_, then))| (*bound, now - then))
                .collect(),
        )
    }

    /// The quantile, computed as `histogram_quantile` of Prometheus does.
    fn quantile(&self, quantile: f64) -> f64 {
        let rank = quantile * self.0.last().map_or(f64::NAN, |(_, count)| *count);
        let (mut low, mut below) = (0.0, 0.0);
        for (bound, count) in &self.0 {
            if *count >= rank {
                return if bound.is_finite() {
                    low + (bound - low) * (rank - below) / (count - below)
                } else {
                    low
                };
            }
            (low, below) = (*bound, *count);
        }
        f64::NAN
    }
}
