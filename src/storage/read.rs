//! What is read from the database.

use std::collections::BTreeMap;

use redb::{ReadTransaction, ReadableTable};

use super::database::{DAYS, HOURS, INCIDENTS, NAMES, STATES, Unusable, damaged};
use super::packed::{PROVIDERS, unpack};
use crate::outcome::{Code, Reason};
use crate::state::Incident;
use crate::state::long::Saved;

/// Passes on the saved state of each provider.
///
/// # Errors
/// See [`Unusable`].
pub fn states(moment: &ReadTransaction, mut each: impl FnMut(&[u8])) -> Result<(), Unusable> {
    let read = || {
        for row in moment.open_table(STATES)?.iter()? {
            each(row?.1.value());
        }
        Ok::<_, redb::Error>(())
    };
    let mut read = read;
    Ok(read()?)
}

/// The number of a provider; `None` when nothing is saved about it.
///
/// # Errors
/// See [`Unusable`].
pub fn number(moment: &ReadTransaction, name: &str) -> Result<Option<u32>, Unusable> {
    let read =
        || Ok::<_, redb::Error>(moment.open_table(NAMES)?.get(name)?.map(|row| row.value().0));
    Ok(read()?)
}

/// What is saved about these providers, which have their tallies in the same values.
///
/// # Errors
/// See [`Unusable`].
pub fn saved(moment: &ReadTransaction, numbers: &[u32]) -> Result<BTreeMap<u32, Saved>, Unusable> {
    Ok(read_saved(moment, numbers)?)
}

fn read_saved(
    moment: &ReadTransaction,
    numbers: &[u32],
) -> Result<BTreeMap<u32, Saved>, redb::Error> {
    let mut all: BTreeMap<u32, Saved> =
        numbers.iter().map(|number| (*number, Saved::default())).collect();
    let Some(chunk) = numbers.first().map(|number| number / PROVIDERS) else { return Ok(all) };
    for (table, is_hours) in [(HOURS, true), (DAYS, false)] {
        for row in moment.open_table(table)?.range((chunk, 0)..=(chunk, u32::MAX))? {
            let (key, bytes) = row?;
            for (place, tally) in unpack(bytes.value()).ok_or_else(damaged)? {
                if let Some(saved) = all.get_mut(&(chunk * PROVIDERS + u32::from(place))) {
                    let periods = if is_hours { &mut saved.hours } else { &mut saved.days };
                    periods.insert(key.value().1, tally);
                }
            }
        }
    }
    let table = moment.open_table(INCIDENTS)?;
    for (number, saved) in &mut all {
        for row in table.range((*number, i64::MIN)..=(*number, i64::MAX))? {
            let (key, row) = row?;
            let (end, reason, code) = row.value();
            // Another version can have other reasons.
            let Some(reason) = Reason::from_word(reason) else { continue };
            let code = Code::clean(code).unwrap_or_default();
            saved.incidents.push(Incident { begin: key.value().1, end: Some(end), reason, code });
        }
    }
    Ok(all)
}
