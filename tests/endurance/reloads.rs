//! Reloads during the whole storm. They add, change and remove providers, and some files have
//! errors.

use std::time::Duration;

use crate::daemon::Daemon;
use crate::delays::Delays;
use crate::exposition::Reading;
use crate::files::{CHANGING, Files, TEMPORARY};
use crate::observer::Observer;
use crate::scale::{CONFIRM_AFTER, INTERVAL, TIMEOUT};
use crate::stop::Stop;
use crate::truth::{Served, World, pause};
use crate::{Result, pause_until};

/// The time from one reload to the next.
const EVERY: Duration = Duration::from_secs(3);

/// The longest time until a scrape shows a reload. The daemon reads changed files twice before it
/// loads them, and reads large files less often, so a busy machine needs long.
const SHOWN: Duration = Duration::from_secs(60);

/// The result of all reloads.
#[derive(Default)]
pub struct Outcome {
    pub successful: usize,
    pub refused: usize,
    pub problems: Vec<String>,
    /// The times without temporary providers: start and end of each.
    pub without_temporary: Vec<(Duration, Duration)>,
    /// The pauses: when one was seen, when it was ended, and when its end was seen.
    pub pauses: Vec<[Duration; 3]>,
}

/// Changes the files and reloads the daemon.
pub struct Reloads<'a> {
    pub world: &'a World,
    pub daemon: &'a Daemon,
    pub files: &'a Files,
    pub observer: &'a Observer<'a>,
    pub delays: &'a Delays,
    /// The number of providers that no reload changes.
    pub providers: usize,
}

impl Reloads<'_> {
    /// Repeats all kinds of reload until a time. Each round ends with the files of the start.
    pub fn run(&self, until: Duration, stop: &Stop) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let all = self.providers + CHANGING;
        let mut round = 0;
        let mut next = self.world.now();
        while next < until {
            round += 1;
            // Providers are added; a signal starts the reload.
            self.files.write_temporary()?;
            self.step(
                &mut outcome,
                "providers added",
                true,
                &|reading| reading.states.len() == all + TEMPORARY,
                stop,
            )?;
            // A file that is not TOML, and a file with an unknown recipe.
            self.files.write_more("[providers.half-a-name")?;
            self.step(
                &mut outcome,
                "a file with a fault",
                false,
                &|reading| !reading.reload_worked && reading.states.len() == all + TEMPORARY,
                stop,
            )?;
            self.files.write_more("[providers.other]\nrecipe = \"no-such-recipe\"\n")?;
            self.step(
                &mut outcome,
                "an unknown recipe",
                false,
                &|reading| !reading.reload_worked && reading.states.len() == all + TEMPORARY,
                stop,
            )?;
            self.files.remove("conf.d/zz-more.toml")?;
            self.step(
                &mut outcome,
                "the fault removed",
                true,
                &|reading| reading.reload_worked,
                stop,
            )?;
            self.files.write_changing(&round.to_string())?;
            self.step(
                &mut outcome,
                "settings changed",
                true,
                &|reading| reading.reload_worked && reading.states.len() == all + TEMPORARY,
                stop,
            )?;
            self.pause(&mut outcome, &round.to_string(), stop)?;
            // A file that the main file names by its full name must exist.
            self.files.remove("changing.toml")?;
            self.step(
                &mut outcome,
                "a named file missing",
                false,
                &|reading| !reading.reload_worked && reading.states.len() == all + TEMPORARY,
                stop,
            )?;
            self.files.write_changing(&round.to_string())?;
            self.step(
                &mut outcome,
                "the named file back",
                true,
                &|reading| reading.reload_worked,
                stop,
            )?;
            self.files.write_half_main()?;
            self.step(
                &mut outcome,
                "half a main file",
                false,
                &|reading| !reading.reload_worked && reading.states.len() == all + TEMPORARY,
                stop,
            )?;
            self.files.write_main()?;
            self.step(
                &mut outcome,
                "the main file again",
                true,
                &|reading| reading.reload_worked,
                stop,
            )?;
            // A file that only a pattern matches may disappear, and its providers with it. There is
            // no signal: the daemon notices it by itself.
            self.files.remove("conf.d/zz-temporary.toml")?;
            self.wait(
                &mut outcome,
                "providers removed",
                &|reading| reading.reload_worked && reading.states.len() == all,
                stop,
            );
            let gone = self.world.now();
            next = gone + EVERY;
            pause_until(self.world, next, stop);
            outcome.without_temporary.push((gone, self.world.now()));
        }
        self.judge_requests(&mut outcome);
        Ok(outcome)
    }

    /// Pauses some of the changing providers for longer than an interval.
    fn pause(&self, outcome: &mut Outcome, round: &str, stop: &Stop) -> Result<()> {
        let count = self.files.pausing().len();
        self.files.write_pausing(round)?;
        self.step(outcome, "a pause", true, &|reading| reading.paused == count, stop)?;
        let begun = self.world.now();
        pause_until(self.world, begun + INTERVAL + INTERVAL / 2, stop);
        let ended = self.world.now();
        self.files.write_changing(round)?;
        self.step(outcome, "the end of a pause", true, &|reading| reading.paused == 0, stop)?;
        outcome.pauses.push([begun, ended, self.world.now()]);
        Ok(())
    }

    /// Sends a signal, and waits for its expected effect.
    fn step(
        &self,
        outcome: &mut Outcome,
        what: &str,
        is_successful: bool,
        holds: &dyn Fn(&Reading) -> bool,
        stop: &Stop,
    ) -> Result<()> {
        let before = self.observer.latest().1.reloaded_at;
        self.daemon.signal("HUP")?;
        if is_successful {
            outcome.successful += 1;
            // The time of the reload is in the scrape, even if nothing else changes.
            self.wait(
                outcome,
                what,
                &|reading| holds(reading) && reading.reloaded_at > before,
                stop,
            );
        } else {
            outcome.refused += 1;
            self.wait(outcome, what, holds, stop);
        }
        pause_until(self.world, self.world.now() + EVERY / 10, stop);
        Ok(())
    }

    fn wait(
        &self,
        outcome: &mut Outcome,
        what: &str,
        holds: &dyn Fn(&Reading) -> bool,
        stop: &Stop,
    ) {
        let began = self.world.now();
        loop {
            let (at, reading) = self.observer.latest();
            if at > began && holds(&reading) {
                return;
            }
            let now = self.world.now();
            if now > began + SHOWN {
                let shown = format!(
                    "{} providers, reload worked: {}",
                    reading.states.len(),
                    reading.reload_worked
                );
                outcome.problems.push(format!(
                    "reload at {:.1} s, {what}: not seen within {SHOWN:?}; {shown}",
                    began.as_secs_f64()
                ));
                return;
            }
            if !pause_until(self.world, now + EVERY / 30, stop) {
                return;
            }
        }
    }

    /// A removed provider must get no request once its last probe has ended. A changed provider
    /// must get neither too many nor too few, and a paused one none.
    fn judge_requests(&self, outcome: &mut Outcome) {
        for provider in self.files.temporary() {
            let served = self.world.served(provider);
            for (from, to) in &outcome.without_temporary {
                if let Some(late) = served.iter().find(|one| {
                    one.at() > *from + TIMEOUT + self.delays.allowance(*from, *to) && one.at() < *to
                }) {
                    outcome.problems.push(format!(
                        "provider {provider} was removed at {:.1} s and got a request at {:.1} s",
                        from.as_secs_f64(),
                        late.at().as_secs_f64()
                    ));
                }
            }
        }
        for provider in self.files.changing() {
            let gaps = self.world.served(provider);
            // A changed provider is probed at once, so two requests may be close together, but
            // never three.
            let early = gaps.windows(3).find(|three| {
                pause(three) < CONFIRM_AFTER && self.delays.is_calm(three[0].at(), three[2].at())
            });
            if early.is_some() {
                outcome.problems.push(format!(
                    "provider {provider}, which reloads change, got three requests within \
                     {CONFIRM_AFTER:?}"
                ));
            }
            let pauses: &[_] =
                if self.files.pausing().contains(&provider) { &outcome.pauses } else { &[] };
            for [begun, ended, _] in pauses {
                let begun = *begun + self.delays.allowance(*begun, *begun);
                if let Some(one) = gaps.iter().find(|one| (begun..*ended).contains(&one.at())) {
                    outcome.problems.push(format!(
                        "provider {provider} was paused at {:.1} s and got a request at {:.1} s",
                        begun.as_secs_f64(),
                        one.at().as_secs_f64()
                    ));
                }
            }
            // The time of a pause does not count.
            let is_late = |two: &[Served]| {
                let (from, to) = (two[0].at(), two[1].at());
                let across = pauses.iter().find(|[begun, ended, _]| from < *ended && to > *begun);
                let from = across.map_or(from, |[.., over]| *over);
                !two[0].answer.is_transient()
                    && to.saturating_sub(from) > INTERVAL.mul_f64(1.5) + TIMEOUT
            };
            let late = gaps
                .windows(2)
                .find(|two| is_late(two) && self.delays.is_calm(two[0].at(), two[1].at()));
            if let Some(two) = late {
                outcome.problems.push(format!(
                    "provider {provider}, which reloads change, got its next request too late \
                     after {:.1} s",
                    two[0].at().as_secs_f64()
                ));
            }
        }
    }
}
