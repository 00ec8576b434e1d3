//! Reloads throughout the storm: providers come, change and go, and files are broken in every way
//! that files are.

use std::time::Duration;

use crate::control::Control;
use crate::daemon::Daemon;
use crate::exposition::Reading;
use crate::files::{CHANGING, Files, GUESTS};
use crate::observer::Observer;
use crate::scale::{CONFIRM_AFTER, INTERVAL, TIMEOUT};
use crate::stop::Stop;
use crate::truth::{Served, World, pause};
use crate::{Result, pause_until};

/// From one reload to the next.
const EVERY: Duration = Duration::from_secs(3);

/// How long a reload may take until a scrape shows it. Files are looked at twice before a change is
/// taken for one, and the less often the longer reading them takes: on a busy machine that is not
/// soon.
const SHOWN: Duration = Duration::from_secs(60);

/// What came of it.
#[derive(Default)]
pub struct Outcome {
    pub taken: usize,
    pub refused: usize,
    pub problems: Vec<String>,
    /// When the guests were gone, each time.
    pub guests_gone: Vec<(Duration, Duration)>,
}

/// Who reloads.
pub struct Reloads<'a> {
    pub world: &'a World,
    pub daemon: &'a Daemon,
    pub files: &'a Files,
    pub observer: &'a Observer<'a>,
    pub control: &'a Control,
    /// How many providers no reload touches.
    pub providers: usize,
}

impl Reloads<'_> {
    /// Goes round until a time; ends with everything as it was at the start.
    pub fn run(&self, until: Duration, stop: &Stop) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let all = self.providers + CHANGING;
        let mut round = 0;
        let mut next = self.world.now();
        while next < until {
            round += 1;
            // Added, told by a signal.
            self.files.write_guests()?;
            self.step(
                &mut outcome,
                "guests added",
                true,
                &|reading| reading.states.len() == all + GUESTS,
                stop,
            )?;
            // A file that is no TOML, and one that names what is not there.
            self.files.write_more("[providers.half-a-name")?;
            self.step(
                &mut outcome,
                "a file with a fault",
                false,
                &|reading| !reading.reload_worked && reading.states.len() == all + GUESTS,
                stop,
            )?;
            self.files.write_more("[providers.stranger]\nrecipe = \"no-such-recipe\"\n")?;
            self.step(
                &mut outcome,
                "an unknown recipe",
                false,
                &|reading| !reading.reload_worked && reading.states.len() == all + GUESTS,
                stop,
            )?;
            self.files.remove("conf.d/zz-more.toml")?;
            self.step(
                &mut outcome,
                "the fault taken away",
                true,
                &|reading| reading.reload_worked,
                stop,
            )?;
            self.files.write_changing(&round.to_string())?;
            self.step(
                &mut outcome,
                "settings changed",
                true,
                &|reading| reading.reload_worked && reading.states.len() == all + GUESTS,
                stop,
            )?;
            // A file that the main one names must be there.
            self.files.remove("changing.toml")?;
            self.step(
                &mut outcome,
                "a named file gone",
                false,
                &|reading| !reading.reload_worked && reading.states.len() == all + GUESTS,
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
            self.files.write_main_by_half()?;
            self.step(
                &mut outcome,
                "half a main file",
                false,
                &|reading| !reading.reload_worked && reading.states.len() == all + GUESTS,
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
            // A file that only a pattern names may go, and its providers with it. Without a signal:
            // the daemon looks.
            self.files.remove("conf.d/zz-guests.toml")?;
            self.wait(
                &mut outcome,
                "guests removed",
                &|reading| reading.reload_worked && reading.states.len() == all,
                stop,
            );
            let gone = self.world.now();
            next = gone + EVERY;
            pause_until(self.world, next, stop);
            outcome.guests_gone.push((gone, self.world.now()));
        }
        self.judge_guests(&mut outcome);
        Ok(outcome)
    }

    /// Sends a signal, and waits for what it should lead to.
    fn step(
        &self,
        outcome: &mut Outcome,
        what: &str,
        taken: bool,
        holds: &dyn Fn(&Reading) -> bool,
        stop: &Stop,
    ) -> Result<()> {
        let before = self.observer.latest().1.reloaded_at;
        self.daemon.signal("HUP")?;
        if taken {
            outcome.taken += 1;
            // A reload that changes nothing that a scrape shows still shows when it was.
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

    /// Nobody who is gone may be asked, once what was on the way has ended.
    fn judge_guests(&self, outcome: &mut Outcome) {
        for provider in self.files.guests() {
            let served = self.world.served(provider);
            for (from, to) in &outcome.guests_gone {
                if let Some(late) = served.iter().find(|one| {
                    one.at() > *from + TIMEOUT + self.control.allowance(*from, *to)
                        && one.at() < *to
                }) {
                    outcome.problems.push(format!(
                        "provider {provider} was gone at {:.1} s and asked at {:.1} s",
                        from.as_secs_f64(),
                        late.at().as_secs_f64()
                    ));
                }
            }
        }
        for provider in self.files.changing() {
            let gaps = self.world.served(provider);
            // A change asks at once, whatever was asked before; changes are further apart than
            // that.
            let early = gaps.windows(3).find(|three| {
                pause(three) < CONFIRM_AFTER && self.control.is_calm(three[0].at(), three[2].at())
            });
            if early.is_some() {
                outcome.problems.push(format!(
                    "provider {provider}, which reloads change, was \
                                               asked three times within {CONFIRM_AFTER:?}"
                ));
            }
            let is_late = |two: &[Served]| {
                !two[0].answer.is_transient() && pause(two) > INTERVAL.mul_f64(1.5) + TIMEOUT
            };
            let late = gaps
                .windows(2)
                .find(|two| is_late(two) && self.control.is_calm(two[0].at(), two[1].at()));
            if let Some(two) = late {
                outcome.problems.push(format!(
                    "provider {provider}, which reloads change, was not asked after {:.1} s",
                    two[0].at().as_secs_f64()
                ));
            }
        }
    }
}
