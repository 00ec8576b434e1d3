//! The exposition, in the Prometheus text format 0.0.4.
//!
//! The families about providers are written straight from the ledger by an encoder of our own: they are what
//! the program exists to expose, and many. The daemon's own go through the `prometheus` crate.

mod daemon;
mod encode;
pub mod families;
mod process;
pub use process::started as process_started;

use std::io::{self, Write};
use std::sync::Arc;

use crate::outcome::{Code, Expiry, Phases, Reason};
use crate::state::{Health, Ledger, Moment, State};
use crate::time::unix_seconds;
pub use daemon::Daemon;
use encode::{Encoder, label};
use families as family;

/// The content type of the exposition.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes everything that `/metrics` answers.
pub struct Exposition {
    ledger: Arc<Ledger>,
    daemon: Daemon,
    /// For each provider the start of every label set: `{provider="NAME"`.
    labels: Vec<Box<str>>,
}

impl Exposition {
    /// One for the providers of this ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, daemon: Daemon) -> Self {
        let labels = ledger.entries().iter().map(|entry| format!("{{{}", label("provider", &entry.provider.name)).into()).collect();
        Self { ledger, daemon, labels }
    }

    /// Writes all families. `now` is the time of the scrape.
    ///
    /// # Errors
    /// When the writer refuses, such as when the scraper has gone.
    pub fn write(&self, out: impl Write, now: Moment) -> io::Result<()> {
        let healths: Vec<Health> = self.ledger.entries().iter().map(|entry| entry.health().clone()).collect();
        let mut encoder = Encoder::new(out);
        self.info(&mut encoder)?;
        self.states(&mut encoder, &healths)?;
        self.failures(&mut encoder, &healths)?;
        self.durations(&mut encoder, &healths)?;
        self.times(&mut encoder, &healths, now)?;
        self.tokens(&mut encoder, &healths, now)?;
        self.endpoints(&mut encoder, &healths)?;
        encoder.raw(&self.daemon.text())?;
        encoder.raw(&process::text())?;
        encoder.finish()
    }

    /// One sample a provider, where it has a value.
    fn each<W: Write>(&self, encoder: &mut Encoder<W>, family: &family::Family, healths: &[Health], value: impl Fn(&Health) -> Option<f64>) -> io::Result<()> {
        encoder.family(family)?;
        for (labels, health) in self.labels.iter().zip(healths) {
            if let Some(value) = value(health) {
                encoder.sample(family.name, labels, "", value)?;
            }
        }
        Ok(())
    }

    fn info<W: Write>(&self, encoder: &mut Encoder<W>) -> io::Result<()> {
        encoder.family(&family::PROVIDER_INFO)?;
        for (labels, entry) in self.labels.iter().zip(self.ledger.entries()) {
            let mut more = format!(",{}", label("recipe", &entry.provider.recipe.name));
            for (name, value) in &entry.provider.labels {
                more.push(',');
                more.push_str(&label(name, value));
            }
            encoder.sample(family::PROVIDER_INFO.name, labels, &more, 1.0)?;
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "counters stay exact in an f64 up to 2^53")]
    fn states<W: Write>(&self, encoder: &mut Encoder<W>, healths: &[Health]) -> io::Result<()> {
        encoder.family(&family::PROVIDER_STATE)?;
        let sets = State::ALL.map(|state| (state, format!(",{}", label("state", state.word()))));
        for (labels, health) in self.labels.iter().zip(healths) {
            for (state, more) in &sets {
                encoder.sample(family::PROVIDER_STATE.name, labels, more, f64::from(u8::from(health.state == *state)))?;
            }
        }
        encoder.family(&family::FAILURE_INFO)?;
        for (labels, health) in self.labels.iter().zip(healths) {
            if let Some(failure) = health.trouble.as_ref().map(|trouble| &trouble.failure) {
                encoder.sample(family::FAILURE_INFO.name, labels, &failure_labels(failure.reason, &failure.code), 1.0)?;
            }
        }
        self.each(encoder, &family::PROBES, healths, |health| Some(health.probes as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "counters stay exact in an f64 up to 2^53")]
    fn failures<W: Write>(&self, encoder: &mut Encoder<W>, healths: &[Health]) -> io::Result<()> {
        encoder.family(&family::PROBE_FAILURES)?;
        let plain = Reason::ALL.map(|reason| failure_labels(reason, &Code::default()));
        for (labels, health) in self.labels.iter().zip(healths) {
            for (more, count) in plain.iter().zip(health.failures) {
                encoder.sample(family::PROBE_FAILURES.name, labels, more, count as f64)?;
            }
            for ((reason, code), count) in &health.coded_failures {
                encoder.sample(family::PROBE_FAILURES.name, labels, &failure_labels(*reason, code), *count as f64)?;
            }
        }
        self.each(encoder, &family::PROBE_SUCCESS, healths, |health| health.last_attempt.map(|_| f64::from(u8::from(health.trouble.is_none()))))
    }

    #[expect(clippy::cast_precision_loss, reason = "counters stay exact in an f64 up to 2^53")]
    fn durations<W: Write>(&self, encoder: &mut Encoder<W>, healths: &[Health]) -> io::Result<()> {
        let family = &family::PROBE_DURATION;
        encoder.family(family)?;
        let bounds: Vec<String> = self.ledger.bounds().iter().map(|bound| format!(",le=\"{bound}\"")).chain([",le=\"+Inf\"".to_owned()]).collect();
        let (bucket, sum, count) = (format!("{}_bucket", family.name), format!("{}_sum", family.name), format!("{}_count", family.name));
        for (labels, health) in self.labels.iter().zip(healths) {
            let mut total = 0;
            for (bound, own) in bounds.iter().zip(&health.durations.counts) {
                total += own;
                encoder.sample(&bucket, labels, bound, total as f64)?;
            }
            encoder.sample(&sum, labels, "", health.durations.sum)?;
            encoder.sample(&count, labels, "", total as f64)?;
        }
        let family = &family::PROBE_PHASE_DURATION;
        encoder.family(family)?;
        let phases = Phases::WORDS.map(|word| format!(",phase=\"{word}\""));
        for (labels, health) in self.labels.iter().zip(healths) {
            if health.last_attempt.is_none() {
                continue;
            }
            for (more, seconds) in phases.iter().zip(health.phases.values()) {
                encoder.sample(family.name, labels, more, seconds)?;
            }
        }
        Ok(())
    }

    fn times<W: Write>(&self, encoder: &mut Encoder<W>, healths: &[Health], now: Moment) -> io::Result<()> {
        self.each(encoder, &family::LAST_ATTEMPT, healths, |health| health.last_attempt.map(unix_seconds))?;
        self.each(encoder, &family::LAST_SUCCESS, healths, |health| health.last_success.map(unix_seconds))?;
        self.each(encoder, &family::NEXT_PROBE, healths, |health| health.next_due.map(|due| millis(now.unix_seconds_at(due))))?;
        self.each(encoder, &family::CONSECUTIVE_FAILURES, healths, |health| Some(f64::from(health.consecutive_failures)))
    }

    #[expect(clippy::cast_precision_loss, reason = "counters stay exact in an f64 up to 2^53")]
    fn tokens<W: Write>(&self, encoder: &mut Encoder<W>, healths: &[Health], now: Moment) -> io::Result<()> {
        let expiry = |health: &Health| match health.token.map(|token| token.expiry) {
            Some(Expiry::At(end)) => Some(unix_seconds(end)),
            _ => None,
        };
        self.each(encoder, &family::TOKEN_EXPIRY, healths, expiry)?;
        let wall = unix_seconds(now.wall);
        self.each(encoder, &family::TIME_TO_EXPIRY, healths, |health| expiry(health).map(|end| millis(end - wall)))?;
        self.each(encoder, &family::NEVER_EXPIRES, healths, |health| {
            Some(f64::from(u8::from(health.token.is_some_and(|token| token.expiry == Expiry::Never))))
        })?;
        self.each(encoder, &family::TOKEN_LIFETIME, healths, |health| health.token.and_then(|token| token.lifetime).map(millis))?;
        self.each(encoder, &family::TOKEN_CHANGES, healths, |health| Some(health.token_changes as f64))?;
        self.each(encoder, &family::MISSING_SCOPES, healths, |health| Some(health.missing_scopes as f64))
    }

    fn endpoints<W: Write>(&self, encoder: &mut Encoder<W>, healths: &[Health]) -> io::Result<()> {
        self.each(encoder, &family::CLOCK_SKEW, healths, |health| health.clock_skew.map(millis))?;
        self.each(encoder, &family::CERTIFICATE_EXPIRY, healths, |health| health.certificate_expiry.map(unix_seconds))?;
        encoder.family(&family::CREDENTIAL_EXPIRY)?;
        for (labels, entry) in self.labels.iter().zip(self.ledger.entries()) {
            if let Some(expires) = entry.provider.secret_expires {
                encoder.sample(family::CREDENTIAL_EXPIRY.name, labels, "", unix_seconds(expires))?;
            }
        }
        encoder.family(&family::TLS_INSECURE)?;
        for (labels, entry) in self.labels.iter().zip(self.ledger.entries()) {
            if entry.provider.transport.insecure {
                encoder.sample(family::TLS_INSECURE.name, labels, "", 1.0)?;
            }
        }
        Ok(())
    }
}

/// The labels of a failure, to go on from an open label set.
fn failure_labels(reason: Reason, code: &Code) -> String {
    format!(",class=\"{}\",reason=\"{}\",{}", reason.class().word(), reason.word(), label("code", code.as_str()))
}

/// To the millisecond: more digits of a difference between two clocks are noise.
fn millis(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
