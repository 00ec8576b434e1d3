//! The exposition, in the Prometheus text format 0.0.4.
//!
//! The families about providers are written straight from the ledger by an encoder of our own: they
//! are what the program exists to expose, and many. The daemon's own go through the `prometheus`
//! crate.

mod daemon;
mod encode;
pub mod families;
mod process;
pub use process::started as process_started;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::outcome::{Code, Expiry, Phases, Reason};
use crate::state::{Entry, Health, Ledger, Moment, Roster, State, StepHealth};
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
    /// The labels of the roster that was written last.
    labels: Mutex<Arc<Labels>>,
}

/// For each provider the start of every label set: `{provider="NAME"`.
struct Labels {
    roster: Arc<Roster>,
    of_entries: Vec<Box<str>>,
}

impl Labels {
    fn new(roster: Arc<Roster>) -> Self {
        let of_entries = roster.entries().iter().map(|entry| open_labels(entry)).collect();
        Self { roster, of_entries }
    }
}

fn open_labels(entry: &Entry) -> Box<str> {
    format!("{{{}", label("provider", &entry.provider.name)).into()
}

/// One scrape: what is written, as of one moment.
struct Scrape {
    labels: Arc<Labels>,
    healths: Vec<Health>,
    now: Moment,
}

impl Exposition {
    /// One for the providers of this ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, daemon: Daemon) -> Self {
        let labels = Mutex::new(Arc::new(Labels::new(ledger.roster())));
        Self { ledger, daemon, labels }
    }

    /// The labels of the roster as it is now; made once for each roster.
    fn labels(&self) -> Arc<Labels> {
        let roster = self.ledger.roster();
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&labels.roster, &roster) {
            *labels = Arc::new(Labels::new(roster));
        }
        Arc::clone(&labels)
    }

    /// Writes all families. `now` is the time of the scrape.
    ///
    /// # Errors
    /// When the writer refuses, such as when the scraper has gone.
    pub fn write(&self, out: impl Write, now: Moment) -> io::Result<()> {
        let mut encoder = Encoder::new(out);
        Scrape::new(self.labels(), now).write(&mut encoder)?;
        encoder.raw(&self.daemon.text())?;
        encoder.raw(&process::text())?;
        encoder.finish()
    }
}

/// Writes the families of one provider alone, and whether a probe of it is `pending`: asked for and
/// not ended yet.
///
/// # Errors
/// When the writer refuses.
pub fn write_one(out: impl Write, roster: Roster, pending: bool, now: Moment) -> io::Result<()> {
    let mut encoder = Encoder::new(out);
    let scrape = Scrape::new(Arc::new(Labels::new(Arc::new(roster))), now);
    scrape.write(&mut encoder)?;
    scrape.each(&mut encoder, &family::PROBE_PENDING, |_| Some(f64::from(u8::from(pending))))?;
    encoder.finish()
}

impl Scrape {
    fn new(labels: Arc<Labels>, now: Moment) -> Self {
        let healths = labels.roster.entries().iter().map(|entry| entry.health().clone()).collect();
        Self { labels, healths, now }
    }

    fn write<W: Write>(&self, encoder: &mut Encoder<W>) -> io::Result<()> {
        self.info(encoder)?;
        self.states(encoder)?;
        self.failures(encoder)?;
        self.durations(encoder)?;
        self.steps(encoder)?;
        self.times(encoder)?;
        self.tokens(encoder)?;
        self.endpoints(encoder)?;
        self.next(encoder)
    }

    /// Each provider with the start of its labels and its health.
    fn each_entry(&self) -> impl Iterator<Item = (&str, &Entry, &Health)> {
        let entries = self.labels.roster.entries().iter().map(AsRef::as_ref);
        self.labels
            .of_entries
            .iter()
            .map(AsRef::as_ref)
            .zip(entries)
            .zip(&self.healths)
            .map(|((labels, entry), health)| (labels, entry, health))
    }

    /// One sample a provider, where it has a value.
    fn each<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        family: &family::Family,
        value: impl Fn(&Health) -> Option<f64>,
    ) -> io::Result<()> {
        encoder.family(family)?;
        for (labels, _, health) in self.each_entry() {
            if let Some(value) = value(health) {
                encoder.sample(family.name, labels, "", value)?;
            }
        }
        Ok(())
    }

    fn info<W: Write>(&self, encoder: &mut Encoder<W>) -> io::Result<()> {
        encoder.family(&family::PROVIDER_INFO)?;
        for (labels, entry, _) in self.each_entry() {
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
    fn states<W: Write>(&self, encoder: &mut Encoder<W>) -> io::Result<()> {
        encoder.family(&family::PROVIDER_STATE)?;
        let sets = State::ALL.map(|state| (state, format!(",{}", label("state", state.word()))));
        for (labels, _, health) in self.each_entry() {
            for (state, more) in &sets {
                encoder.sample(
                    family::PROVIDER_STATE.name,
                    labels,
                    more,
                    f64::from(u8::from(health.state == *state)),
                )?;
            }
        }
        encoder.family(&family::FAILURE_INFO)?;
        for (labels, _, health) in self.each_entry() {
            if let Some(failure) = health.trouble.as_ref().map(|trouble| &trouble.failure) {
                encoder.sample(
                    family::FAILURE_INFO.name,
                    labels,
                    &failure_labels(failure.reason, &failure.code),
                    1.0,
                )?;
            }
        }
        self.each(encoder, &family::PROBES, |health| Some(health.probes as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "counters stay exact in an f64 up to 2^53")]
    fn failures<W: Write>(&self, encoder: &mut Encoder<W>) -> io::Result<()> {
        encoder.family(&family::PROBE_FAILURES)?;
        let plain = Reason::ALL.map(|reason| failure_labels(reason, &Code::default()));
        for (labels, _, health) in self.each_entry() {
            for (more, count) in plain.iter().zip(health.failures) {
                encoder.sample(family::PROBE_FAILURES.name, labels, more, count as f64)?;
            }
            for ((reason, code), count) in &health.coded_failures {
                encoder.sample(
                    family::PROBE_FAILURES.name,
                    labels,
                    &failure_labels(*reason, code),
                    *count as f64,
                )?;
            }
        }
        self.each(encoder, &family::PROBE_SUCCESS, |health| {
            health.last_attempt.map(|_| f64::from(u8::from(health.trouble.is_none())))
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "counters stay exact in an f64 up to 2^53")]
    fn durations<W: Write>(&self, encoder: &mut Encoder<W>) -> io::Result<()> {
        let family = &family::PROBE_DURATION;
        encoder.family(family)?;
        let mut written = Bounds::of(self.labels.roster.bounds());
        let (bucket, sum, count) = (
            format!("{}_bucket", family.name),
            format!("{}_sum", family.name),
            format!("{}_count", family.name),
        );
        for (labels, _, health) in self.each_entry() {
            // A reload may be changing them at this very moment.
            if !Arc::ptr_eq(&written.bounds, &health.durations.bounds) {
                written = Bounds::of(&health.durations.bounds);
            }
            let mut total = 0;
            for (bound, own) in written.labels.iter().zip(&health.durations.counts) {
                total += own;
                encoder.sample(&bucket, labels, bound, total as f64)?;
            }
            encoder.sample(&sum, labels, "", health.durations.sum)?;
            encoder.sample(&count, labels, "", total as f64)?;
        }
        let family = &family::PROBE_PHASE_DURATION;
        encoder.family(family)?;
        let phases = Phases::WORDS.map(|word| format!(",phase=\"{word}\""));
        for (labels, _, health) in self.each_entry() {
            if health.last_attempt.is_none() {
                continue;
            }
            for (more, seconds) in phases.iter().zip(health.phases.values()) {
                encoder.sample(family.name, labels, more, seconds)?;
            }
        }
        Ok(())
    }

    /// The calls of probes that make several; each is there at zero from the start.
    #[expect(clippy::cast_precision_loss, reason = "counters stay exact in an f64 up to 2^53")]
    fn steps<W: Write>(&self, encoder: &mut Encoder<W>) -> io::Result<()> {
        let mut rows = Vec::new();
        for (labels, entry, health) in self.each_entry() {
            let step = |name: &Arc<str>| {
                (
                    labels,
                    format!(",{}", label("step", name)),
                    health.steps.get(name).copied().unwrap_or_default(),
                )
            };
            rows.extend(entry.provider.steps.iter().map(step));
        }
        let values: [(&family::Family, StepValue); 3] = [
            (&family::PROBE_STEPS, |step| Some(step.made as f64)),
            (&family::PROBE_STEP_FAILURES, |step| Some(step.failed as f64)),
            (&family::PROBE_STEP_DURATION, |step| (step.made > 0).then_some(step.duration)),
        ];
        for (family, value) in values {
            encoder.family(family)?;
            for (labels, more, step) in &rows {
                if let Some(value) = value(step) {
                    encoder.sample(family.name, labels, more, value)?;
                }
            }
        }
        Ok(())
    }

    fn times<W: Write>(&self, encoder: &mut Encoder<W>) -> io::Result<()> {
        self.each(encoder, &family::LAST_ATTEMPT, |health| health.last_attempt.map(unix_seconds))?;
        self.each(encoder, &family::LAST_SUCCESS, |health| health.last_success.map(unix_seconds))?;
        self.each(encoder, &family::NEXT_PROBE, |health| {
            health.next_due.map(|due| millis(self.now.unix_seconds_at(due)))
        })?;
        self.each(encoder, &family::CONSECUTIVE_FAILURES, |health| {
            Some(f64::from(health.consecutive_failures))
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "counters stay exact in an f64 up to 2^53")]
    fn tokens<W: Write>(&self, encoder: &mut Encoder<W>) -> io::Result<()> {
        let expiry = |health: &Health| match health.token.map(|token| token.expiry) {
            Some(Expiry::At(end)) => Some(unix_seconds(end)),
            _ => None,
        };
        self.each(encoder, &family::TOKEN_EXPIRY, expiry)?;
        let wall = unix_seconds(self.now.wall);
        self.each(encoder, &family::TIME_TO_EXPIRY, |health| {
            expiry(health).map(|end| millis(end - wall))
        })?;
        self.each(encoder, &family::NEVER_EXPIRES, |health| {
            Some(f64::from(u8::from(
                health.token.is_some_and(|token| token.expiry == Expiry::Never),
            )))
        })?;
        self.each(encoder, &family::TOKEN_LIFETIME, |health| {
            health.token.and_then(|token| token.lifetime).map(millis)
        })?;
        self.each(encoder, &family::TOKEN_CHANGES, |health| Some(health.token_changes as f64))?;
        self.each(encoder, &family::MISSING_SCOPES, |health| Some(health.missing_scopes as f64))
    }

    fn endpoints<W: Write>(&self, encoder: &mut Encoder<W>) -> io::Result<()> {
        self.each(encoder, &family::CLOCK_SKEW, |health| health.clock_skew.map(millis))?;
        self.each(encoder, &family::CERTIFICATE_EXPIRY, |health| {
            health.certificate_expiry.map(unix_seconds)
        })?;
        encoder.family(&family::CREDENTIAL_EXPIRY)?;
        for (labels, entry, _) in self.each_entry() {
            if let Some(expires) = entry.provider.secret_expires {
                encoder.sample(
                    family::CREDENTIAL_EXPIRY.name,
                    labels,
                    "",
                    unix_seconds(expires),
                )?;
            }
        }
        encoder.family(&family::TLS_INSECURE)?;
        for (labels, entry, _) in self.each_entry() {
            if entry.provider.transport.insecure {
                encoder.sample(family::TLS_INSECURE.name, labels, "", 1.0)?;
            }
        }
        Ok(())
    }

    /// Credentials that are to follow. Families of their own: whoever sums over the others must not
    /// count them.
    #[expect(clippy::cast_precision_loss, reason = "counters stay exact in an f64 up to 2^53")]
    fn next<W: Write>(&self, encoder: &mut Encoder<W>) -> io::Result<()> {
        let next: Vec<(Box<str>, Health)> = self
            .labels
            .roster
            .next()
            .iter()
            .map(|entry| (open_labels(entry), entry.health().clone()))
            .collect();
        encoder.family(&family::NEXT_STATE)?;
        for (labels, health) in &next {
            for state in State::ALL {
                let more = format!(",{}", label("state", state.word()));
                encoder.sample(
                    family::NEXT_STATE.name,
                    labels,
                    &more,
                    f64::from(u8::from(health.state == state)),
                )?;
            }
        }
        encoder.family(&family::NEXT_FAILURE_INFO)?;
        for (labels, health) in &next {
            if let Some(failure) = health.trouble.as_ref().map(|trouble| &trouble.failure) {
                encoder.sample(
                    family::NEXT_FAILURE_INFO.name,
                    labels,
                    &failure_labels(failure.reason, &failure.code),
                    1.0,
                )?;
            }
        }
        encoder.family(&family::NEXT_PROBES)?;
        for (labels, health) in &next {
            encoder.sample(family::NEXT_PROBES.name, labels, "", health.probes as f64)?;
        }
        encoder.family(&family::NEXT_PROBE_SUCCESS)?;
        for (labels, health) in next.iter().filter(|(_, health)| health.last_attempt.is_some()) {
            encoder.sample(
                family::NEXT_PROBE_SUCCESS.name,
                labels,
                "",
                f64::from(u8::from(health.trouble.is_none())),
            )?;
        }
        encoder.family(&family::NEXT_LAST_SUCCESS)?;
        for (labels, health) in &next {
            if let Some(at) = health.last_success {
                encoder.sample(family::NEXT_LAST_SUCCESS.name, labels, "", unix_seconds(at))?;
            }
        }
        Ok(())
    }
}

/// The sample of a step in one of the families about them.
type StepValue = fn(&StepHealth) -> Option<f64>;

/// The labels of the buckets of a histogram.
struct Bounds {
    bounds: Arc<[f64]>,
    labels: Vec<String>,
}

impl Bounds {
    fn of(bounds: &Arc<[f64]>) -> Self {
        let labels = bounds
            .iter()
            .map(|bound| format!(",le=\"{bound}\""))
            .chain([",le=\"+Inf\"".to_owned()])
            .collect();
        Self { bounds: Arc::clone(bounds), labels }
    }
}

/// The labels of a failure, to go on from an open label set.
fn failure_labels(reason: Reason, code: &Code) -> String {
    format!(
        ",class=\"{}\",reason=\"{}\",{}",
        reason.class().word(),
        reason.word(),
        label("code", code.as_str())
    )
}

/// To the millisecond: more digits of a difference between two clocks are noise.
fn millis(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
