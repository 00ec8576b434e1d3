//! Whether the clock can be believed before something is removed. A clock can be years ahead or
//! behind for a while, and what is removed does not come back.

use redb::{ReadableTable, Table, WriteTransaction};

use super::database::{META, Unusable};

/// How far the clock can go between two saves, in hours, and be believed at once.
const NEAR: u32 = 48;

/// For how many hours a clock that has gone further must go on from there to be believed.
const LONG: u32 = 7 * 24;

/// What is known about the clock. Times are the numbers of hours since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The last time that is believed.
    pub hour: u32,
    /// Since when and until when the clock told another time; `None` while it is believed.
    doubt: Option<(u32, u32)>,
}

impl Clock {
    /// Whether the time of the clock is believed.
    pub fn is_believed(self) -> bool {
        self.doubt.is_none()
    }

    /// What is known after the clock has told this hour. `before` is what was known before it.
    fn told(before: Option<Self>, now: u32) -> Self {
        let believed = Self { hour: now, doubt: None };
        let is_near = |hour: u32| now.abs_diff(hour) <= NEAR;
        let Some(before) = before.filter(|before| !is_near(before.hour)) else { return believed };
        match before.doubt.filter(|(_, until)| is_near(*until)) {
            Some((since, _)) if now.saturating_sub(since) >= LONG => believed,
            Some((since, _)) => Self { doubt: Some((since, now)), ..before },
            None => Self { doubt: Some((now, now)), ..before },
        }
    }
}

/// Notes that the clock tells this hour, and returns what is known about it now.
///
/// # Errors
/// See [`Unusable`].
pub fn note(transaction: &WriteTransaction, now: u32) -> Result<Clock, Unusable> {
    Ok(noted(transaction, now)?)
}

fn noted(transaction: &WriteTransaction, now: u32) -> Result<Clock, redb::Error> {
    let mut meta = transaction.open_table(META)?;
    let known = read(&meta)?;
    let clock = Clock::told(known, now);
    if known != Some(clock) {
        meta.insert("hour", u64::from(clock.hour))?;
        if let Some((since, until)) = clock.doubt {
            meta.insert("doubt_since", u64::from(since))?;
            meta.insert("doubt_until", u64::from(until))?;
        } else {
            meta.remove("doubt_since")?;
            meta.remove("doubt_until")?;
        }
    }
    Ok(clock)
}

fn read(meta: &Table<'_, &'static str, u64>) -> Result<Option<Clock>, redb::Error> {
    let number = |key: &str| {
        let row = meta.get(key)?;
        Ok::<_, redb::Error>(row.and_then(|row| u32::try_from(row.value()).ok()))
    };
    let doubt = number("doubt_since")?.zip(number("doubt_until")?);
    Ok(number("hour")?.map(|hour| Clock { hour, doubt }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each of these hours is believed, one after the other.
    fn believed(hours: impl IntoIterator<Item = u32>) -> Vec<bool> {
        let mut known = None;
        let told = hours.into_iter().map(|hour| {
            let clock = Clock::told(known, hour);
            known = Some(clock);
            clock.is_believed()
        });
        told.collect()
    }

    #[test]
    fn a_clock_that_jumps_far_is_believed_after_a_week_that_goes_on_from_there() {
        assert_eq!(believed([1_000, 1_001, 1_049, 1_001]), [true; 4]);
        assert_eq!(
            believed([1_000, 90_000, 90_001, 1_000, 1_001]),
            [true, false, false, true, true]
        );
        // A day later each time.
        for start in [90_000, 1_049, 0] {
            let days = (0..8).map(|day| start + 24 * day);
            let mut expected = [false; 9];
            (expected[0], expected[8]) = (true, true);
            assert_eq!(believed(std::iter::once(1_000).chain(days)), expected, "from {start}");
        }
    }

    #[test]
    fn each_further_jump_begins_the_doubt_anew() {
        let hours = [1_000, 90_000, 90_040, 50_000, 50_048, 50_096, 90_050, 90_098, 90_146, 90_194];
        let mut expected = [false; 10];
        expected[0] = true;
        assert_eq!(believed(hours), expected);
        assert_eq!(believed(hours.into_iter().chain([90_218])).last(), Some(&true));
    }
}
