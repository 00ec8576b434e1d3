//! What is written into the database, and what goes again.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use redb::{ReadableTable, Table, WriteTransaction};

use super::database::{DAYS, HOURS, INCIDENTS, META, NAMES, STATES, Unusable, damaged};
use super::packed::{PROVIDERS, Tallies, pack, unpack};
use crate::state::Unsaved;
use crate::state::long::{self, HOURS_OF_A_DAY};

/// How many incidents of a provider are kept.
const MOST_INCIDENTS: usize = 50;

/// How many providers that are no longer configured keep their history.
const MOST_REMOVED: usize = 10_000;

/// The length of a day, in milliseconds.
const DAY: i64 = 24 * 3_600_000;

/// What is to be written about one provider.
pub struct Row<'a> {
    pub name: &'a str,
    /// 0 for the current credentials, 1 for the next ones.
    pub slot: u8,
    /// As JSON; `None` before the first probe.
    pub state: Option<Vec<u8>>,
    /// `None` for the next credentials, which have no history.
    pub unsaved: Option<&'a Unsaved>,
}

/// Writes rows. `today` is the number of the day since 1970.
///
/// # Errors
/// See [`Unusable`].
pub fn rows<'a>(
    transaction: &WriteTransaction,
    rows: impl Iterator<Item = Row<'a>>,
    today: u32,
) -> Result<(), Unusable> {
    Ok(write_rows(transaction, rows, today)?)
}

fn write_rows<'a>(
    transaction: &WriteTransaction,
    rows: impl Iterator<Item = Row<'a>>,
    today: u32,
) -> Result<(), redb::Error> {
    let mut states = transaction.open_table(STATES)?;
    let mut names = transaction.open_table(NAMES)?;
    let mut meta = transaction.open_table(META)?;
    let mut incidents = transaction.open_table(INCIDENTS)?;
    let mut changed: BTreeMap<(u32, u32), Tallies> = BTreeMap::new();
    for row in rows {
        if let Some(state) = &row.state {
            states.insert((row.name, row.slot), state.as_slice())?;
        }
        let Some(unsaved) = row.unsaved else { continue };
        let number = number(&mut names, &mut meta, row.name, today)?;
        for hour in &unsaved.hours {
            let tallies = changed.entry((number / PROVIDERS, hour.hour)).or_default();
            tallies.insert(place(number), hour.tally());
        }
        for incident in &unsaved.incidents {
            let Some(end) = incident.end else { continue };
            let row = (end, incident.reason.word(), incident.code.as_str());
            incidents.insert((number, incident.begin), row)?;
        }
        if !unsaved.incidents.is_empty() {
            forget_oldest(&mut incidents, number)?;
        }
    }
    let mut hours = transaction.open_table(HOURS)?;
    for (key, changes) in changed {
        let mut tallies = tallies(&hours, key)?;
        join(&mut tallies, &changes);
        hours.insert(key, pack(&tallies).as_slice())?;
    }
    Ok(())
}

/// The number of a provider, which is configured today.
fn number(
    names: &mut Table<'_, &'static str, (u32, u32)>,
    meta: &mut Table<'_, &'static str, u64>,
    name: &str,
    today: u32,
) -> Result<u32, redb::Error> {
    let known = names.get(name)?.map(|row| row.value());
    let number = match known {
        Some((number, day)) if day == today => return Ok(number),
        Some((number, _)) => number,
        None => {
            let next = meta.get("next")?.map_or(0, |row| row.value());
            meta.insert("next", next + 1)?;
            u32::try_from(next).map_err(|_| damaged())?
        }
    };
    names.insert(name, (number, today))?;
    Ok(number)
}

fn place(number: u32) -> u8 {
    u8::try_from(number % PROVIDERS).unwrap_or_default()
}

fn tallies(
    table: &impl ReadableTable<(u32, u32), &'static [u8]>,
    key: (u32, u32),
) -> Result<Tallies, redb::Error> {
    let known = table.get(key)?;
    known.map_or(Ok(Tallies::new()), |row| unpack(row.value()).ok_or_else(damaged))
}

fn join(tallies: &mut Tallies, others: &Tallies) {
    for (place, tally) in others {
        tallies.entry(*place).or_default().add(tally);
    }
}

/// A provider that breaks again and again keeps its last incidents.
fn forget_oldest(
    table: &mut Table<'_, (u32, i64), (i64, &'static str, &'static str)>,
    number: u32,
) -> Result<(), redb::Error> {
    let all = (number, i64::MIN)..=(number, i64::MAX);
    let mut begins = Vec::new();
    for row in table.range(all)? {
        begins.push(row?.0.value());
    }
    for begin in begins.iter().rev().skip(MOST_INCIDENTS) {
        table.remove(*begin)?;
    }
    Ok(())
}

/// Removes the states of entries that are no longer configured.
///
/// # Errors
/// See [`Unusable`].
pub fn forget_states(
    transaction: &WriteTransaction,
    is_configured: impl Fn(&str, u8) -> bool,
) -> Result<(), Unusable> {
    let write = || {
        let mut states = transaction.open_table(STATES)?;
        Ok::<_, redb::Error>(states.retain(|(name, slot), _| is_configured(name, slot))?)
    };
    Ok(write()?)
}

/// Sums hours of the time before the last seven days to days, and removes what is older than 90
/// days or in the future. `this_hour` is the number of the hour since 1970, which is believed.
///
/// # Errors
/// See [`Unusable`].
pub fn forget_old(
    transaction: &WriteTransaction,
    is_configured: impl Fn(&str) -> bool,
    this_hour: u32,
) -> Result<(), Unusable> {
    Ok(prune(transaction, is_configured, this_hour)?)
}

fn prune(
    transaction: &WriteTransaction,
    is_configured: impl Fn(&str) -> bool,
    this_hour: u32,
) -> Result<(), redb::Error> {
    let today = this_hour / HOURS_OF_A_DAY;
    let first_day = (today + 1).saturating_sub(long::DAYS);
    let numbers = forget_names(transaction, is_configured, first_day)?;
    let chunks: HashSet<u32> = numbers.iter().map(|number| number / PROVIDERS).collect();
    // A clock that was ahead for a while has left rows of the future.
    let last_day = today + 1;
    let is_kept = |chunk: u32, day: u32| chunks.contains(&chunk) && day <= last_day;

    // A day that has begun within the last seven days still has its hours.
    let first_hour = (this_hour - this_hour % HOURS_OF_A_DAY).saturating_sub(long::HOURS);
    let mut sums: BTreeMap<(u32, u32), Tallies> = BTreeMap::new();
    let mut is_damaged = false;
    transaction.open_table(HOURS)?.retain(|(chunk, hour), bytes| {
        let day = hour / HOURS_OF_A_DAY;
        if hour < first_hour && day >= first_day && is_kept(chunk, day) {
            match unpack(bytes) {
                Some(tallies) => join(sums.entry((chunk, day)).or_default(), &tallies),
                None => is_damaged = true,
            }
        }
        hour >= first_hour && is_kept(chunk, day)
    })?;
    if is_damaged {
        return Err(damaged());
    }
    let mut days = transaction.open_table(DAYS)?;
    for (key, sums) in sums {
        let mut known = tallies(&days, key)?;
        join(&mut known, &sums);
        days.insert(key, pack(&known).as_slice())?;
    }
    days.retain(|(chunk, day), _| day >= first_day && is_kept(chunk, day))?;
    let kept_times = i64::from(first_day) * DAY..i64::from(last_day + 1) * DAY;
    let mut incidents = transaction.open_table(INCIDENTS)?;
    incidents.retain(|(number, begin), (end, ..)| {
        // An end in the future says nothing.
        let last = if end < kept_times.end { end } else { begin };
        kept_times.contains(&last) && numbers.contains(&number)
    })?;
    Ok(())
}

/// Removes the names of providers that are no longer configured, after 90 days or when there are
/// too many, and returns the numbers of the others.
fn forget_names(
    transaction: &WriteTransaction,
    is_configured: impl Fn(&str) -> bool,
    first_day: u32,
) -> Result<HashSet<u32>, redb::Error> {
    let mut names = transaction.open_table(NAMES)?;
    let (mut numbers, mut removed) = (HashSet::new(), BTreeSet::new());
    for row in names.iter()? {
        let (name, row) = row?;
        let (number, day) = row.value();
        if is_configured(name.value()) {
            numbers.insert(number);
        } else if day >= first_day {
            removed.insert((day, number));
        }
    }
    numbers.extend(removed.iter().rev().take(MOST_REMOVED).map(|(_, number)| *number));
    names.retain(|_, (number, _)| numbers.contains(&number))?;
    Ok(numbers)
}
