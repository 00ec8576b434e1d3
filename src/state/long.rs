//! The history of one provider: the last days by hour, the last months by day, and incidents. It
//! joins what was saved with what is in memory.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::tally::{HOUR, Hour, Tally};
use super::timeline::{Incident, Timeline};

/// For how many hours the history has the hours: seven days.
pub const HOURS: u32 = 7 * 24;

/// For how many days the history has the days.
pub const DAYS: u32 = 90;

/// The hours of a day.
pub const HOURS_OF_A_DAY: u32 = 24;

/// What is saved about one provider: the numbers of hours and of days since 1970 with their
/// tallies, and the incidents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saved {
    /// The hours. A day has either these or one tally in `days`.
    pub hours: BTreeMap<u32, Tally>,
    /// The days.
    pub days: BTreeMap<u32, Tally>,
    /// The incidents.
    pub incidents: Vec<Incident>,
}

/// The last 24 hours, 7 days or 30 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// This hour and the 23 before it.
    Day,
    /// This hour and the 167 before it.
    Week,
    /// This day and the 29 before it.
    Month,
}

impl Window {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The name in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }
}

/// The history of one provider until now. Hours and days without a probe are absent.
#[derive(Clone, Debug)]
pub struct LongHistory {
    /// The last hours, by their number since 1970.
    pub hours: BTreeMap<u32, Tally>,
    /// The last days in UTC, by their number since 1970; `None` without a state directory.
    pub days: Option<BTreeMap<u32, Tally>>,
    /// The incidents, the oldest first.
    pub incidents: Vec<Incident>,
    /// False when the saved part cannot be read now.
    pub is_whole: bool,
    /// The number of this hour.
    now: u32,
}

impl LongHistory {
    /// Joins what is in memory until now with what is saved.
    #[must_use]
    pub fn of(timeline: &Timeline, saved: Option<Saved>, now: Timestamp) -> Self {
        let is_saved = saved.is_some();
        let Saved { mut hours, mut days, incidents } = saved.unwrap_or_default();
        for hour in timeline.hours() {
            hours.entry(hour.hour).or_default().add(&hour.tally());
        }
        for (hour, tally) in &hours {
            days.entry(hour / HOURS_OF_A_DAY).or_default().add(tally);
        }
        let (time, now) = (now.as_millisecond(), Hour::at(now.as_millisecond()));
        let today = now / HOURS_OF_A_DAY;
        hours.retain(|hour, _| *hour <= now && now - hour < HOURS);
        days.retain(|day, _| *day <= today && today - day < DAYS);
        let mut all: BTreeMap<i64, Incident> =
            incidents.into_iter().map(|incident| (incident.begin, incident)).collect();
        // One in memory is newer than the same one in the database.
        all.extend(timeline.incidents().map(|incident| (incident.begin, incident.clone())));
        // A clock that was ahead for a while has left others.
        all.retain(|begin, incident| *begin <= time + HOUR || incident.end.is_none());
        for incident in all.values_mut() {
            incident.end = incident.end.map(|end| end.min(time.max(incident.begin)));
        }
        let incidents = all.into_values().collect();
        Self { hours, days: is_saved.then_some(days), incidents, is_whole: true, now }
    }

    /// What is in memory, while the saved part cannot be read.
    #[must_use]
    pub fn without_the_saved(timeline: &Timeline, now: Timestamp) -> Self {
        Self { is_whole: false, ..Self::of(timeline, None, now) }
    }

    /// The sum of a window; `None` when so long a time is not kept, or cannot be read now.
    #[must_use]
    pub fn sum(&self, window: Window) -> Option<Tally> {
        if !self.is_whole {
            return None;
        }
        let mut sum = Tally::default();
        let hours = |count: u32| self.hours.range(self.now.saturating_sub(count - 1)..);
        match window {
            Window::Day => hours(HOURS_OF_A_DAY).for_each(|(_, tally)| sum.add(tally)),
            Window::Week => {
                self.days.as_ref()?;
                hours(HOURS).for_each(|(_, tally)| sum.add(tally));
            }
            Window::Month => {
                let first = (self.now / HOURS_OF_A_DAY).saturating_sub(29);
                self.days.as_ref()?.range(first..).for_each(|(_, tally)| sum.add(tally));
            }
        }
        Some(sum)
    }

    /// The number of this hour since 1970.
    #[must_use]
    pub fn this_hour(&self) -> u32 {
        self.now
    }

    /// The begin of an hour.
    #[must_use]
    pub fn begin(hour: u32) -> Timestamp {
        Timestamp::from_millisecond(i64::from(hour) * HOUR).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Code, Reason};

    fn tally(probes: u64, broken: u64) -> Tally {
        Tally { probes, observed: 1_000, broken, ..Tally::default() }
    }

    #[test]
    fn hours_are_summed_to_days_and_old_ones_are_left_out() {
        let now: Timestamp = "2026-01-31T23:30:00Z".parse().expect("a time");
        // The day 20,484 since 1970 is 2026-01-31.
        let (today, hour) = (20_484, 20_484 * 24 + 23);
        let saved = Saved {
            hours: BTreeMap::from([
                (hour - 200, tally(1, 0)),
                (hour - 168, tally(2, 0)),
                (hour - 167, tally(4, 500)),
                (hour - 23, tally(8, 250)),
                (hour, tally(16, 0)),
                (hour + 1, tally(32, 0)),
            ]),
            days: BTreeMap::from([
                (today - 90, tally(64, 0)),
                (today - 89, tally(128, 0)),
                (today - 29, tally(256, 1_000)),
            ]),
            incidents: Vec::new(),
        };
        let long = LongHistory::of(&Timeline::default(), Some(saved), now);
        let probes = |tallies: &BTreeMap<u32, Tally>, now: u32| -> Vec<(u32, u64)> {
            tallies.iter().map(|(number, tally)| (now - number, tally.probes)).collect()
        };
        assert_eq!(probes(&long.hours, hour), [(167, 4), (23, 8), (0, 16)]);
        let days = long.days.as_ref().expect("they are kept");
        assert_eq!(probes(days, today), [(89, 128), (29, 256), (8, 1), (7, 2), (6, 4), (0, 24)]);
        let uptimes = Window::ALL.map(|window| long.sum(window).and_then(|sum| sum.uptime()));
        // 250 of 2,000; 750 of 3,000; 1,750 of 6,000.
        assert_eq!(uptimes, [Some(0.875), Some(0.75), Some(4_250.0 / 6_000.0)]);
    }

    #[test]
    fn without_a_state_directory_only_the_last_day_has_an_uptime() {
        let long = LongHistory::of(&Timeline::default(), None, Timestamp::UNIX_EPOCH);
        assert!(long.days.is_none());
        assert_eq!(Window::ALL.map(|window| long.sum(window).is_some()), [true, false, false]);
        assert_eq!(long.sum(Window::Day).and_then(|sum| sum.uptime()), None);
    }

    #[test]
    fn what_is_in_memory_alone_is_no_uptime_while_the_rest_cannot_be_read() {
        let long = LongHistory::without_the_saved(&Timeline::default(), Timestamp::UNIX_EPOCH);
        assert!(Window::ALL.iter().all(|window| long.sum(*window).is_none()));
    }

    #[test]
    fn an_incident_that_was_saved_while_it_lasted_stands_there_once() {
        let incident =
            |begin, end| Incident { begin, end, reason: Reason::Timeout, code: Code::default() };
        let mut timeline = Timeline::default();
        timeline.close(incident(5, Some(9)));
        let saved =
            Saved { incidents: vec![incident(1, Some(2)), incident(5, None)], ..Saved::default() };
        let now = Timestamp::from_millisecond(10).expect("a time");
        let long = LongHistory::of(&timeline, Some(saved), now);
        assert_eq!(long.incidents, [incident(1, Some(2)), incident(5, Some(9))]);
    }
}
