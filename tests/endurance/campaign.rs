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
use crate::observer::Observer;
use crate::options::Options;
use crate::reloads::{self, Reloads};
use crate::report::{Report, quantiles};
use crate::scale::{INTERVAL, MAX_BACKOFF};
use crate::stop::{Stop, StopOnDrop};
use crate::truth::World;
use crate::{
    Result, clockstep, counters, memory, pause_until, progress, wait_for, wait_for_progress,
};

/// The longest time until the daemon watches all providers, or none.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The time from one progress line of the storm to the next.
const PROGRESS: Duration = Duration::from_secs(60);

/// With longer delays of the machine, the daemon's own delays cannot be measured.
const QUIET: Duration = Duration::from_millis(100);

/// The parts of a running campaign.
pub struct Campaign<'a> {
    pub options: &'a Options,
    pub world: &'a World,
    pub endpoint: &'a Endpoint,
    pub files: &'a Files,
    pub daemon: &'a Daemon,
    pub delays: &'a Delays,
    pub stop: &'a Stop,
}

/// Runs the whole campaign.
pub fn run(options: &Options) -> Result<Report> {
    let world = Arc::new(World::new(
        options.providers + CHANGING + TEMPORARY,
        [options.faults, options.hostile],
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
        self.wait("all providers to be healthy", PATIENCE, observer)?;
        pause_until(self.world, self.world.now() + 2 * INTERVAL, self.stop);
        let from = self.world.now();
        progress(self.world, "the storm begins");
        self.world.set_faulty(true);
        let (events, reloads, clock) = self.storm(observer, from)?;
        progress(self.world, "the storm ends: no more faults");
        self.world.set_faulty(false);
        let ended = self.world.now();
        self.wait("all providers to be healthy again", MAX_BACKOFF, observer)?;
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
            faults: [self.options.faults, self.options.hostile],
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
        memory::rows(&observer.samples(), from, ended, report);
        self.leaks(report)?;
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

    /// Waits while the number of providers that are not healthy becomes smaller.
    fn wait(&self, what: &str, patience: Duration, observer: &Observer) -> Result<()> {
        let count = self.options.providers + CHANGING;
        wait_for_progress(what, patience, || {
            self.daemon.check()?;
            let reading = observer.latest().1;
            let healthy =
                reading.states.values().filter(|(state, _)| *state == State::Healthy).count();
            let left = count.saturating_sub(healthy) + reading.states.len().abs_diff(count);
            Ok((left > 0).then_some(left))
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
