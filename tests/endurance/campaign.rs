//! The phases: no providers, all providers, the storm, calm, a suspend, no providers again.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use crate::case::Case;
use crate::daemon::{Daemon, Vitals};
use crate::delays::Delays;
use crate::endpoint::Endpoint;
use crate::events::{self, EventRunner};
use crate::exposition::State;
use crate::files::{CHANGING, Files, TEMPORARY};
use crate::observer::{Observer, Sample};
use crate::options::Options;
use crate::reloads::{self, Reloads};
use crate::report::{Report, float, quantiles};
use crate::scale::{INTERVAL, MAX_BACKOFF};
use crate::stop::{Stop, StopOnDrop};
use crate::truth::World;
use crate::{Result, clockstep, counters, pause_until, progress, suspend, wait_for};

/// The longest time until the daemon watches all providers, or none.
const PATIENCE: Duration = Duration::from_secs(90);

/// With more open descriptors than this, probes are waiting for the machine.
const PILED_UP: usize = 150;

/// The threads that the load needs: workers, and threads that read secrets or write a scrape.
const WORKING_THREADS: usize = 40;

/// The time from one progress line of the storm to the next.
const PROGRESS: Duration = Duration::from_secs(60);

/// The time over which resident memory is averaged.
const AVERAGED: Duration = Duration::from_secs(10);

/// How much memory may grow in the second half of the storm: megabytes, or a share. In the first
/// half it grows more: providers fill their history, and new reasons need new counters.
const GROWTH: (f64, f64) = (12.0, 0.10);

/// The threads that stay at the end: they wait for the next scrape or reload.
const KEPT_THREADS: usize = 10;

/// With longer delays of the machine, the daemon's own delays cannot be measured.
const QUIET: Duration = Duration::from_millis(100);

/// The parts of a running campaign.
struct Campaign<'a> {
    options: &'a Options,
    world: &'a World,
    endpoint: &'a Endpoint,
    files: &'a Files,
    daemon: &'a Daemon,
    delays: &'a Delays,
    stop: &'a Stop,
}

/// Runs the whole campaign.
pub fn run(options: &Options) -> Result<Report> {
    let world = Arc::new(World::new(
        options.providers + CHANGING + TEMPORARY,
        options.faults,
        options.seed,
    ));
    let endpoint = Arc::new(Endpoint::start(&world, options.providers.div_ceil(40))?);
    let files = Files::new(&endpoint, options.providers)?;
    let daemon = Daemon::start(&files.main(), &[])?;
    let (delays, stop) = (Delays::default(), Stop::default());
    let campaign = Campaign {
        options,
        world: &world,
        endpoint: &endpoint,
        files: &files,
        daemon: &daemon,
        delays: &delays,
        stop: &stop,
    };
    std::thread::scope(|scope| {
        let _stop = StopOnDrop(&stop);
        scope.spawn(|| delays.run(&world, daemon.id(), &stop));
        campaign.phases()
    })
}

impl Campaign<'_> {
    fn phases(&self) -> Result<Report> {
        let mut report = Report::default();
        let idle = wait_for("the daemon to be alive", PATIENCE, || {
            Ok(self.daemon.get("/livez").is_ok().then(|| self.daemon.vitals()))
        })??;
        progress(self.world, "the daemon watches all providers from now on");
        self.files.watch_all()?;
        self.daemon.signal("HUP")?;
        let observer = Observer::new(self.world, self.daemon);
        let observing = Stop::default();
        std::thread::scope(|scope| {
            let _stop = StopOnDrop(&observing);
            scope.spawn(|| observer.scrape(&observing));
            scope.spawn(|| observer.poll(&observing));
            self.load(&idle, &observer, &mut report)
        })?;
        self.unload(&idle, &observer, &mut report)?;
        let log = self.daemon.log();
        let own: Vec<String> = log
            .lines()
            .filter(|line| line.contains("panicked") || line.contains("internal_error"))
            .map(str::to_owned)
            .collect();
        report.none("panics in the daemon's log", &own);
        Ok(report)
    }

    /// From the first probe to the end of the suspend.
    fn load(&self, idle: &Vitals, observer: &Observer, report: &mut Report) -> Result<()> {
        let count = self.options.providers + CHANGING;
        let all_healthy = || {
            let reading = observer.latest().1;
            reading.states.len() == count
                && reading.states.values().all(|(state, _)| *state == State::Healthy)
        };
        self.wait("all providers to be healthy", PATIENCE, all_healthy)?;
        pause_until(self.world, self.world.now() + 2 * INTERVAL, self.stop);
        let from = self.world.now();
        progress(self.world, "the storm begins");
        self.world.set_faulty(true);
        let (events, reloads, clock) = self.storm(observer, from)?;
        progress(self.world, "the storm ends: no more faults");
        self.world.set_faulty(false);
        let ended = self.world.now();
        self.wait("all providers to be healthy again", MAX_BACKOFF, all_healthy)?;
        pause_until(self.world, self.world.now() + INTERVAL, self.stop);
        let to = self.world.now();
        let worst = self.delays.worst(from, to);
        report.figure("longest delay of the machine itself", quantiles(&[worst]));
        let late = counters::judge(
            self.world,
            self.daemon,
            self.options.providers,
            &events,
            worst < QUIET,
            report,
        )?;
        let case = Case {
            world: self.world,
            observer,
            delays: self.delays,
            events: &events,
            providers: self.options.providers,
            late: &late,
            faults: self.options.faults,
            from,
            ended,
            to,
        };
        case.judge(report);
        report.figure(
            "reloads",
            format!("{} successful, {} refused", reloads.successful, reloads.refused),
        );
        report.none("reloads without their expected effect", &reloads.problems);
        clock_rows(clock, report);
        progress(self.world, "the daemon is stopped and continued");
        self.suspend(observer, report)?;
        self.short_stop(idle, observer, report)?;
        report.none("responses that are malformed or contradict each other", &observer.problems());
        report.figure(
            "scrapes",
            format!(
                "{}, {} series each, {}",
                observer.scrapes().len(),
                observer.latest().1.series,
                quantiles(&observer.scrapes())
            ),
        );
        memory_rows(&observer.samples(), from, ended, report);
        Ok(())
    }

    /// Runs faults, events, reloads and steps of the clock, all at the same time.
    fn storm(
        &self,
        observer: &Observer,
        from: Duration,
    ) -> Result<(Vec<events::Event>, reloads::Outcome, Option<clockstep::Outcome>)> {
        let until = from + self.options.storm;
        let drawn = events::draw(
            self.options.seed,
            self.options.providers,
            self.endpoint.own(),
            from,
            until,
        );
        let runner =
            EventRunner { world: self.world, endpoint: self.endpoint, files: self.files, observer };
        let reloads = Reloads {
            world: self.world,
            daemon: self.daemon,
            files: self.files,
            observer,
            delays: self.delays,
            providers: self.options.providers,
        };
        std::thread::scope(|scope| {
            let stepping = clockstep::library().map(|library| self.step_clock(scope, library));
            let reloading =
                scope.spawn(move || reloads.run(until.saturating_sub(2 * INTERVAL), self.stop));
            let running = scope.spawn(move || runner.run(drawn, self.stop));
            let mut next = from + PROGRESS;
            while self.world.now() < until {
                // If the daemon has ended, the campaign stops at once.
                self.daemon.check().inspect_err(|_| self.stop.request())?;
                if self.world.now() >= next {
                    next += PROGRESS;
                    let vitals = self.daemon.vitals()?;
                    let text = format!(
                        "{:.1} MB, {} descriptors, {} threads",
                        vitals.resident, vitals.descriptors, vitals.threads
                    );
                    progress(self.world, &text);
                }
                pause_until(self.world, self.world.now() + Duration::from_secs(1), self.stop);
            }
            let clock = stepping.map(joined).transpose()?;
            Ok((joined(running)?, joined(reloading)?, clock))
        })
    }

    fn step_clock<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        library: PathBuf,
    ) -> ScopedJoinHandle<'scope, Result<clockstep::Outcome>> {
        scope.spawn(move || clockstep::run(&library, self.stop))
    }

    fn suspend(&self, observer: &Observer, report: &mut Report) -> Result<()> {
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
    fn short_stop(&self, idle: &Vitals, observer: &Observer, report: &mut Report) -> Result<()> {
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
    fn unload(&self, idle: &Vitals, observer: &Observer, report: &mut Report) -> Result<()> {
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

    fn wait(&self, what: &str, patience: Duration, holds: impl Fn() -> bool) -> Result<()> {
        wait_for(what, patience, || {
            self.daemon.check()?;
            Ok(holds().then_some(()))
        })
    }
}

/// Waits for a thread. Returns its result.
fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().map_err(|_| "a thread of the campaign panicked")?
}

fn clock_rows(clock: Option<clockstep::Outcome>, report: &mut Report) {
    let Some(clock) = clock else {
        report.figure("steps of the wall clock", "none: libfaketime is not installed");
        return;
    };
    report.figure(
        "steps of the wall clock by an hour",
        format!("{}, with {} requests", clock.steps, clock.requests),
    );
    report.figure("largest deviation from the interval meanwhile", quantiles(&[clock.worst_pause]));
    report.none("wrong effects of the steps", &clock.problems);
}

fn memory_rows(samples: &[Sample], from: Duration, to: Duration, report: &mut Report) {
    let average = |from: Duration, to: Duration| {
        let within: Vec<f64> = samples
            .iter()
            .filter(|(at, _)| *at >= from && *at < to)
            .map(|(_, vitals)| vitals.resident)
            .collect();
        within.iter().sum::<f64>() / float(within.len().max(1))
    };
    let half = from + to.saturating_sub(from) / 2;
    let (before, first, last) = (
        average(from, from + AVERAGED),
        average(half, half + AVERAGED),
        average(to.saturating_sub(AVERAGED), to),
    );
    let growth = GROWTH.0.max(first * GROWTH.1);
    report.figure("resident memory at the start of the storm", format!("{before:.1} MB"));
    let seen =
        format!("{first:.1} MB, then {last:.1} MB ({:+.1} %)", (last - first) / first * 100.0);
    // On a busy machine probes pile up, and each needs its buffers.
    let most = samples
        .iter()
        .filter(|(at, _)| *at >= half && *at < to)
        .map(|(_, vitals)| vitals.descriptors)
        .max()
        .unwrap_or_default();
    let piled_up = most > PILED_UP;
    let bound = format!(
        "{growth:.1} MB more{}",
        if piled_up { ", not judged: probes piled up" } else { "" }
    );
    report.judge(
        "resident memory in the middle and at the end of the storm",
        seen,
        bound,
        last - first <= growth || piled_up,
    );
    report.figure("largest number of open descriptors", most);
}
