//! The end of a campaign: a suspend, a short stop, the search for secrets, no providers again.

use std::time::Duration;

use crate::campaign::{Campaign, PATIENCE};
use crate::daemon::Vitals;
use crate::observer::Observer;
use crate::report::{Report, quantiles};
use crate::scale::INTERVAL;
use crate::truth::leak;
use crate::{Result, pause_until, progress, suspend, wait_for};

/// The threads that the load needs: workers, and threads that read secrets or write a scrape.
const WORKING_THREADS: usize = 40;

/// The threads that stay at the end: they wait for the next scrape or reload.
const KEPT_THREADS: usize = 10;

impl Campaign<'_> {
    /// Searches pages, API, log and saved state for secrets and tokens. The observer searches the
    /// metrics.
    pub fn leaks(&self, report: &mut Report) -> Result<()> {
        let mut found = Vec::new();
        let mut look = |place: &str, text: &str| {
            found.extend(leak(text).map(|part| format!("{place} shows `{part}`")));
        };
        for path in [
            "/", "/?state=failing", "/providers/p00000", "/providers/p00001", "/api/v1/providers",
            "/api/v1/providers/p00000", "/metrics",
        ] {
            look(path, &self.daemon.get(path)?);
        }
        // A provider that really fails makes it 503.
        look("/healthz", &self.daemon.get_with("/healthz", &[200, 503])?);
        look("the log", &self.daemon.log());
        let mut state = None;
        for entry in std::fs::read_dir(self.files.state())? {
            let path = entry?.path();
            if !path.is_file() {
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            look(&path.display().to_string(), &text);
            if path.ends_with("state.redb") {
                state = Some(text);
            }
        }
        report.none("outputs that show a secret or a token", &found);
        let saved = state.is_some_and(|state| state.contains("{\"name\":\"p"));
        report.judge("saved states that were searched", usize::from(saved), 1, saved);
        Ok(())
    }

    pub fn suspend(&self, observer: &Observer, report: &mut Report) -> Result<()> {
        let outcome =
            suspend::run(self.world, self.daemon, observer, self.options.providers, self.stop)?;
        let most = outcome.before * 2;
        let seen = format!("{} requests in the fullest second", outcome.after);
        report.judge(
            "after a suspend of three intervals",
            seen,
            format!("{most}, twice as many as before"),
            outcome.after <= most,
        );
        let calm = self.delays.is_calm(outcome.from, self.world.now());
        report.judge(
            "providers without a request after the suspend",
            outcome.forgotten,
            0,
            outcome.forgotten == 0 || !calm,
        );
        // Probes that were in flight at the stop end late, but their next slot does not move.
        let few = self.options.providers / 100;
        report.judge(
            "providers with two requests within half an interval after it",
            outcome.twice,
            few,
            outcome.twice <= few,
        );
        report.judge(
            "first request after it",
            quantiles(&[outcome.resumed]),
            "1 s",
            outcome.resumed < Duration::from_secs(1) || !calm,
        );
        Ok(())
    }

    /// After a short stop the daemon needs more threads for a moment. They must end under load.
    pub fn short_stop(
        &self,
        idle: &Vitals,
        observer: &Observer,
        report: &mut Report,
    ) -> Result<()> {
        let most = suspend::stop_shortly(self.world, self.daemon, observer, self.stop)?;
        let bound = idle.threads + WORKING_THREADS;
        let gone = wait_for("threads to end", Duration::from_secs(30), || {
            Ok((self.daemon.vitals()?.threads <= bound).then_some(()))
        })
        .is_ok();
        let threads = self.daemon.vitals()?.threads;
        report.judge(
            "threads some time after a short stop",
            format!("{threads}, {most} just after it"),
            bound,
            gone,
        );
        Ok(())
    }

    /// Removes all providers. The daemon must release what the load needed.
    pub fn unload(&self, idle: &Vitals, observer: &Observer, report: &mut Report) -> Result<()> {
        progress(self.world, "the daemon watches no provider any more");
        self.files.watch_none()?;
        self.daemon.signal("HUP")?;
        let in_flight = || {
            Ok(self
                .daemon
                .get("/metrics")?
                .lines()
                .any(|line| line == "credwatch_probes_in_flight 0")
                .then_some(()))
        };
        let ended = wait_for("no probe to be in flight", PATIENCE, in_flight).is_ok();
        report.judge(
            "probes in flight at the end",
            if ended { "none" } else { "some" },
            "none",
            ended,
        );
        // Threads for blocking calls end by themselves ten seconds after their last call.
        let released = || {
            let vitals = self.daemon.vitals()?;
            Ok((vitals.descriptors <= idle.descriptors
                && vitals.threads <= idle.threads + KEPT_THREADS)
                .then_some(vitals))
        };
        let after = wait_for(
            "the daemon to release descriptors and threads",
            Duration::from_secs(20),
            released,
        )
        .or_else(|_| self.daemon.vitals())?;
        report.judge(
            "open descriptors at the end",
            after.descriptors,
            format!("{}, as before", idle.descriptors),
            after.descriptors <= idle.descriptors,
        );
        let most = idle.threads + KEPT_THREADS;
        report.judge(
            "threads at the end",
            after.threads,
            format!("{most}, {} before", idle.threads),
            after.threads <= most,
        );
        let requests = self.world.requests();
        pause_until(self.world, self.world.now() + INTERVAL / 2, self.stop);
        let late = self.world.requests() - requests;
        report.judge("requests after the last provider was removed", late, 0, late == 0);
        let most =
            observer.samples().iter().map(|(_, vitals)| vitals.threads).max().unwrap_or_default();
        report.figure("largest number of threads", most);
        report.figure(
            "resident memory before and after the load",
            format!("{:.1} MB and {:.1} MB", idle.resident, after.resident),
        );
        Ok(())
    }
}
