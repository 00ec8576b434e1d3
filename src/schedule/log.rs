//! The log lines about probes: one for each change, none for a healthy probe, and a limit on all.

use std::time::Duration;

use crate::outcome::{Class, Expiry, Outcome, Probe};
use crate::provider::{Provider, Slot};
use crate::state::{Health, Recorded, State, Transition};
use crate::time::{human_duration, unix_seconds};

/// The window in which lines are counted.
const WINDOW: Duration = Duration::from_secs(600);

/// Lines that one provider may have in a window. One that flaps needs attention once, not every
/// minute.
const MOST_LINES: u32 = 10;

/// Lines that all providers may have in a minute: when a network goes down, ten thousand providers
/// say the same.
const MOST_LINES_A_MINUTE: u32 = 300;

/// How often the log is reminded of a provider that stays broken.
const REMINDER: Duration = Duration::from_secs(3600);

/// How many lines about one provider were written, and how many were held back.
#[derive(Default)]
pub struct ProviderLog {
    window: Duration,
    lines: u32,
    held_back: u32,
    last: Duration,
}

/// Writes the lines, and counts those about all providers.
#[derive(Default)]
pub struct EventLog {
    minute: Duration,
    lines: u32,
    held_back: u32,
}

/// What a line is about.
#[derive(Clone, Copy)]
enum News {
    /// The state is another.
    State(Transition),
    /// The state is the same, the reason or code is another.
    Reason,
    /// Nothing has changed, for long.
    Still,
}

impl EventLog {
    /// Writes a line about a probe that was just recorded, if the probe changed anything.
    pub fn write(
        &mut self,
        provider: &Provider,
        probe: &Probe,
        recorded: Recorded,
        health: &Health,
        log: &mut ProviderLog,
        now: Duration,
    ) {
        let news = match recorded.transition {
            Some(transition) => News::State(transition),
            None if recorded.new_failure => News::Reason,
            None if health.state() == State::Broken && log.reminds(now) => News::Still,
            None => {
                debug(provider, probe);
                return;
            }
        };
        // A counter does not show what is held back here, so the next line that is written does.
        if !self.allows(now) || !log.allows(now) {
            debug(provider, probe);
            return;
        }
        let held_back = std::mem::take(&mut log.held_back);
        line(provider, probe, news, health, held_back);
    }

    fn allows(&mut self, now: Duration) -> bool {
        if self.lines >= MOST_LINES_A_MINUTE {
            self.held_back += 1;
            return false;
        }
        if self.lines == 0 {
            self.minute = now;
        }
        self.lines += 1;
        true
    }

    /// Ends a minute, and says how much was held back in it. Called at each turn of the scheduler.
    pub fn sum_up(&mut self, now: Duration) {
        if self.lines > 0 && now.saturating_sub(self.minute) >= Duration::from_secs(60) {
            if self.held_back > 0 {
                tracing::warn!(
                    lines = self.held_back,
                    "more changes than are logged in a minute; /metrics has all of them"
                );
            }
            *self = Self::default();
        }
    }
}

impl ProviderLog {
    /// Whether it is time to say again that something is broken: after an hour, or as soon as there
    /// is room for what was held back.
    fn reminds(&self, now: Duration) -> bool {
        now.saturating_sub(self.last) >= REMINDER
            || (self.held_back > 0 && now.saturating_sub(self.window) >= WINDOW)
    }

    fn allows(&mut self, now: Duration) -> bool {
        if self.lines == 0 || now.saturating_sub(self.window) >= WINDOW {
            self.window = now;
            self.lines = 0;
        }
        if self.lines >= MOST_LINES {
            self.held_back += 1;
            return false;
        }
        self.lines += 1;
        self.last = now;
        true
    }
}

fn debug(provider: &Provider, probe: &Probe) {
    if let Outcome::Failed(failure) = &probe.outcome {
        let (provider, reason, code) = (&provider.name, failure.reason.word(), &failure.code);
        tracing::debug!(%provider, reason, %code, "probe failed");
    } else {
        let message = succeeded(&probe.outcome);
        tracing::debug!(provider = %provider.name, seconds = probe.duration, "{message}");
    }
}

/// What a success is called.
fn succeeded(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted => "key accepted",
        Outcome::Issued(_) | Outcome::Failed(_) => "token issued",
    }
}

fn line(provider: &Provider, probe: &Probe, news: News, health: &Health, held_back: u32) {
    let credentials = match provider.slot {
        Slot::Current => None,
        Slot::Next => Some("next"),
    };
    let held_back = (held_back > 0).then_some(held_back);
    let from = match news {
        News::State(transition) => Some(transition.from.word()),
        News::Reason | News::Still => None,
    };
    let (name, state) = (&provider.name, health.state().word());
    match &probe.outcome {
        Outcome::Issued(issued) => {
            let lifetime = match (issued.expiry, issued.lifetime) {
                (_, Some(seconds)) => human_duration(seconds),
                (Expiry::Never, None) => "unlimited".to_owned(),
                _ => "not known".to_owned(),
            };
            tracing::info!(
                provider = %name, credentials, from, state, lifetime = %lifetime, held_back,
                "token issued"
            );
        }
        Outcome::Accepted => {
            tracing::info!(provider = %name, credentials, from, state, held_back, "key accepted");
        }
        Outcome::Failed(failure) => {
            let facts = failure.reason.facts();
            let (class, reason, code, detail) =
                (facts.class.word(), facts.word, &failure.code, failure.message.as_str());
            let runway = runway(provider, health, probe);
            let since = health
                .current_failure()
                .map(|current| current.since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            let what = if facts.class == Class::Credential { "credential" } else { "provider" };
            if health.state() != State::Broken {
                tracing::warn!(
                    provider = %name, credentials, from, state, class, reason, code = %code,
                    runway, detail, held_back, "probe failed"
                );
            } else if matches!(news, News::Still) {
                tracing::error!(
                    provider = %name, credentials, state, class, reason, code = %code,
                    runway, since, detail, held_back, "{what} still broken"
                );
            } else {
                tracing::error!(
                    provider = %name, credentials, from, state, class, reason, code = %code,
                    runway, detail, held_back, "{what} broken"
                );
            }
        }
    }
}

/// How long the last good token still lives, for people; `None` where no token is issued.
fn runway(provider: &Provider, health: &Health, probe: &Probe) -> Option<String> {
    provider.recipe.issues_tokens().then(|| match health.token().map(|token| token.expiry) {
        Some(Expiry::At(end)) => human_duration(unix_seconds(end) - unix_seconds(probe.started)),
        Some(Expiry::Never) => "unlimited".into(),
        Some(Expiry::Unknown) => "not known".into(),
        None => "none".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_flaps_is_logged_ten_times_in_ten_minutes() {
        let mut log = ProviderLog::default();
        let written = (0..600).filter(|second| log.allows(Duration::from_secs(*second))).count();
        assert_eq!((written, log.held_back), (10, 590));
        assert!(log.allows(Duration::from_secs(600)), "a new window");
    }

    #[test]
    fn of_ten_thousand_changes_at_once_three_hundred_are_logged() {
        let mut log = EventLog::default();
        let written = (0..10_000).filter(|_| log.allows(Duration::from_secs(5))).count();
        assert_eq!((written, log.held_back), (300, 9_700));
        log.sum_up(Duration::from_secs(64));
        assert!(!log.allows(Duration::from_secs(64)));
        log.sum_up(Duration::from_secs(65));
        assert!(log.allows(Duration::from_secs(65)));
    }
}
