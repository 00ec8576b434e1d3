//! The time from the start of the process to its first response.

use std::path::Path;

use crate::daemon::{Daemon, Plan};
use crate::endpoint::Endpoint;
use crate::table::{Reach, Row, Samples};
use crate::{Result, progress};

/// Returns the rows for 5, 1,000 and 10,000 providers.
pub fn measure(rounds: usize, endpoint: &Endpoint, folder: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (providers, reach, aim) in [(5, 10.0, 6.0), (1_000, 25.0, 15.0), (10_000, 100.0, 60.0)] {
        let configuration = Plan { providers, interval_ms: 10_000, tls: false, as_deployed: false }
            .write(endpoint, folder)?;
        let mut samples = Samples(Vec::new());
        for _ in 0..rounds {
            samples.0.push(Daemon::start(&configuration)?.started_in.as_secs_f64() * 1e3);
        }
        progress(&format!(
            "started {rounds} times with {providers} providers: {:.1} ms",
            samples.median()
        ));
        rows.push(
            Row::new(format!("start to first /livez, {providers} providers"), samples, "ms")
                .reach(Reach::Value(reach, aim)),
        );
    }
    Ok(rows)
}
