//! Writes `/metrics` from the ledger.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::daemon::Daemon;
use super::encode::{Encoder, Sink};
use super::families::{FAMILIES, PROBE_PENDING};
use super::family::{Family, Samples, Starts};
use super::format::Format;
use super::histogram::Layout;
use super::names::Names;
use super::process;
use super::snapshot::{self, Column};
use crate::state::{Entry, Ledger, Moment, Roster};
use crate::time::unix_seconds;

/// Writes the answers of `/metrics`.
pub struct Exposition {
    ledger: Arc<Ledger>,
    daemon: Daemon,
    /// The names of the last roster that was written.
    names: Mutex<Arc<Names>>,
    /// The columns of the last scrape, for the next one.
    spare: Mutex<Vec<Column>>,
}

impl Exposition {
    /// An exposition of the providers in this ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, daemon: Daemon) -> Self {
        let names = Mutex::new(Arc::new(Names::new(ledger.roster())));
        Self { ledger, daemon, names, spare: Mutex::default() }
    }

    /// The names of the current roster; computed once for each roster.
    fn names(&self) -> Arc<Names> {
        let roster = self.ledger.roster();
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(names.roster(), &roster) {
            *names = Arc::new(Names::new(roster));
            self.spare.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        Arc::clone(&names)
    }

    /// Writes all families. `now` is the time of the scrape.
    ///
    /// # Errors
    /// When nobody reads the answer, for example because the scraper has closed the connection.
    pub fn write(&self, sink: &mut dyn Sink, now: Moment) -> io::Result<()> {
        self.write_as(Format::Text, sink, now)
    }

    /// The same in this format.
    ///
    /// # Errors
    /// As [`Exposition::write`].
    pub fn write_as(&self, format: Format, sink: &mut dyn Sink, now: Moment) -> io::Result<()> {
        let mut encoder = Encoder::new(sink, format);
        let names = self.names();
        let spare = std::mem::take(&mut *self.spare.lock().unwrap_or_else(PoisonError::into_inner));
        let columns = write_families(FAMILIES.iter(), &names, false, now, spare, &mut encoder)?;
        *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = columns;
        let created = process::start().filter(|_| names.roster().has_created());
        encoder.raw(&format.of_text(&self.daemon.text(), created))?;
        encoder.raw(&format.of_text(&process::text(), created))?;
        encoder.raw(format.end())?;
        encoder.finish()
    }
}

/// Writes the families of one provider in this format. `pending` means that the requested probe has
/// not ended yet.
///
/// # Errors
/// When nobody reads the answer.
pub fn write_one(
    format: Format,
    sink: &mut dyn Sink,
    roster: Roster,
    pending: bool,
    now: Moment,
) -> io::Result<()> {
    let mut encoder = Encoder::new(sink, format);
    let names = Names::new(Arc::new(roster));
    let families = FAMILIES.iter().chain([&PROBE_PENDING]);
    write_families(families, &names, pending, now, Vec::new(), &mut encoder)?;
    encoder.raw(format.end())?;
    encoder.finish()
}

/// Writes the samples of all providers in these families. Returns their columns.
fn write_families<'f>(
    families: impl Iterator<Item = &'f Family>,
    names: &Names,
    pending: bool,
    now: Moment,
    spare: Vec<Column>,
    encoder: &mut Encoder<'_>,
) -> io::Result<Vec<Column>> {
    let has_created = encoder.format().has_created() && names.roster().has_created();
    let (configured, measured): (Vec<&Family>, Vec<&Family>) =
        families.partition(|family| matches!(family.samples, Samples::Configured(_)));
    // These need no measurement, so the scraper gets its first bytes at once.
    for family in configured {
        encoder.family(family.name, family.kind, family.help);
        write_configured(family, names, encoder)?;
    }
    let columns = snapshot::read(&measured, names, pending, now, has_created, spare);
    for (family, column) in measured.into_iter().zip(&columns) {
        encoder.family(family.name, family.kind, family.help);
        write_column(family, column, names, has_created, encoder)?;
        encoder.raw(&column.text)?;
    }
    Ok(columns)
}

/// Writes a family that depends only on the configuration.
fn write_configured(family: &Family, names: &Names, encoder: &mut Encoder<'_>) -> io::Result<()> {
    let Samples::Configured(samples) = family.samples else { return Ok(()) };
    let starts = family.starts(false);
    for (entry, provider) in names.of(family.slot) {
        samples(&entry.provider, &mut starts.writer(encoder.buffer(), provider, entry.created()));
        encoder.complete()?;
    }
    Ok(())
}

/// Writes the values of a family.
fn write_column(
    family: &Family,
    column: &Column,
    names: &Names,
    has_created: bool,
    encoder: &mut Encoder<'_>,
) -> io::Result<()> {
    let providers = names.of(family.slot);
    let starts = family.starts(has_created);
    match family.samples {
        Samples::Value(_) => write_rows(&starts, &["\"} "], column, providers, encoder),
        Samples::Each(rests, _) => write_rows(&starts, rests, column, providers, encoder),
        Samples::Histogram(_) => {
            let bounds = names.roster().bounds();
            let layout = Layout::new(family.name, bounds);
            let all = providers.zip(column.values.chunks(Layout::width(bounds)));
            for ((entry, provider), values) in all {
                let created = has_created.then(|| snapshot::created(entry, bounds));
                layout.write(provider, values, created, encoder);
                encoder.complete()?;
            }
            Ok(())
        }
        Samples::Labelled(_) | Samples::Configured(_) => Ok(()),
    }
}

/// Writes a sample for each provider and each rest of a label set.
fn write_rows<'n>(
    starts: &Starts,
    rests: &[impl AsRef<str>],
    column: &Column,
    providers: impl Iterator<Item = (&'n Arc<Entry>, &'n str)>,
    encoder: &mut Encoder<'_>,
) -> io::Result<()> {
    let rests: Vec<&str> = rests.iter().map(AsRef::as_ref).collect();
    // Most values are zero.
    let zeros: Vec<String> = rests.iter().map(|rest| format!("{rest}0\n")).collect();
    for ((entry, provider), values) in providers.zip(column.values.chunks(rests.len())) {
        let created = starts.created.as_ref();
        let created = created.map(|open| (open, unix_seconds(entry.created())));
        for ((rest, zero), value) in rests.iter().zip(&zeros).zip(values) {
            if *value == 0.0 {
                encoder.line(&starts.value, provider, zero);
            } else if !value.is_nan() {
                encoder.sample(&starts.value, provider, rest, *value);
            }
            if let Some((open, created)) = created.filter(|_| !value.is_nan()) {
                encoder.sample(open, provider, rest, created);
            }
        }
        encoder.complete()?;
    }
    Ok(())
}
