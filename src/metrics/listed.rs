//! Writes the samples of families about the credentials in the list of a provider.

use super::encode::label;
use super::family::{Subject, Writer};
use crate::outcome::{Expiry, ListedCredential};
use crate::state::{Listed, is_over};
use crate::time::unix_seconds;

/// A value of the list; `None` for a provider without one.
pub fn of_the_list(subject: &Subject<'_>, value: fn(&Listed) -> Option<f64>) -> Option<f64> {
    subject.health.listed(&subject.entry.provider).and_then(value)
}

/// The end of each credential in the list.
pub fn expiries(subject: &Subject<'_>, writer: &mut Writer<'_>) {
    each(subject, writer, |_, expiry| expiry.time().map(unix_seconds));
}

/// 1 for each credential without an end. The others have no sample.
pub fn endless(subject: &Subject<'_>, writer: &mut Writer<'_>) {
    each(subject, writer, |_, expiry| (expiry == Expiry::Never).then_some(1.0));
}

/// 1 for each credential that has ended while another of its name has not. The others have no
/// sample.
pub fn replaced(subject: &Subject<'_>, writer: &mut Writer<'_>) {
    let (provider, now) = (&subject.entry.provider, subject.now.wall);
    let Some(listed) = subject.health.listed(provider) else { return };
    let live = listed.live(provider, now);
    each(subject, writer, |row, expiry| {
        (is_over(expiry, now) && live.contains(&*row.title)).then_some(1.0)
    });
}

fn each(
    subject: &Subject<'_>,
    writer: &mut Writer<'_>,
    value: impl Fn(&ListedCredential, Expiry) -> Option<f64>,
) {
    let provider = &subject.entry.provider;
    let Some(listed) = subject.health.listed(provider) else { return };
    for (row, expiry) in listed.ends(provider) {
        if let Some(value) = value(row, expiry) {
            writer.sample(&label("name", &row.name), value);
        }
    }
}
