//! A hundred thousand providers, each probed every 100 seconds. Takes more than two minutes.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, Plan};
use crate::endpoint::Endpoint;
use crate::scheduled::{AFTER_SCRAPES, Figures, LATENESS};
use crate::table::{Reach, Row, Samples, float};
use crate::{Result, client, progress};

const PROVIDERS: usize = 100_000;

const INTERVAL: Duration = Duration::from_secs(100);

/// The number of scrapes after which the memory is measured again.
const SCRAPES: usize = 10;

/// Returns the rows of one daemon.
pub fn measure(endpoint: &mut Endpoint, folder: &Path) -> Result<Vec<Row>> {
    let interval_ms = u64::try_from(INTERVAL.as_millis())?;
    let plan = Plan { providers: PROVIDERS, interval_ms, tls: false, as_deployed: false };
    let (configuration, before) = (plan.write(endpoint, folder)?, endpoint.answered()?);
    let daemon = Daemon::start(&configuration)?;
    progress(&format!("{PROVIDERS} providers: waiting for the first probe of each"));
    // The first probes are spread over one interval.
    let start = Instant::now();
    while endpoint.answered()? < before + PROVIDERS as u64 {
        if start.elapsed() > 2 * INTERVAL {
            return Err("timed out waiting for the first probe of each provider".into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let figures = Figures::of(&daemon, endpoint, PROVIDERS)?;
    let mut scrapes = Samples(Vec::new());
    for _ in 0..SCRAPES {
        let scrape = client::time(daemon.address(), "/metrics", false)?;
        scrapes.0.push(scrape.as_secs_f64() * 1e3);
    }
    let after = daemon.process().resident()?;
    if daemon.failures()? > 0 {
        return Err("probes of the daemon failed".into());
    }
    let named = |what: &str| format!("{what}, {PROVIDERS} providers every 100 s");
    // A thousand probes a second.
    let rate = float(PROVIDERS as u64) / INTERVAL.as_secs_f64();
    let share = Samples(figures.cpu.0.iter().map(|cpu| cpu * rate / 10.0).collect());
    let started = Samples::one(daemon.started_in.as_secs_f64() * 1e3);
    let resident = Samples::one(figures.resident);
    Ok(vec![
        Row::new(format!("start to first /livez, {PROVIDERS} providers"), started, "ms")
            .reach(Reach::Value(900.0, 500.0)),
        Row::new(named("CPU time of one core"), share, "%").reach(Reach::Value(50.0, 30.0)),
        Row::new(named("lateness, p99"), figures.lateness, "ms").reach(LATENESS),
        Row::new(named("resident memory after one probe of each"), resident.clone(), "MB")
            .reach(Reach::Value(280.0, 200.0)),
        Row::new(named("resident memory after 10 scrapes"), Samples::one(after), "MB")
            .beside("before", &resident)
            .reach(AFTER_SCRAPES),
        Row::new(format!("scrape of {PROVIDERS} providers"), scrapes, "ms"),
    ])
}
