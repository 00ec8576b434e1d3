//! What happened to one provider lately: its probes by hour, and its incidents. It is pure: times
//! come from the probes.

use std::time::Duration;

use jiff::Timestamp;

use super::health::State;
use super::tally::{HOUR, Hour};
use crate::outcome::{Code, Outcome, Probe, Reason};

/// How many hours are kept in memory.
pub const MOST_HOURS: usize = 24;

/// How many incidents that are over are kept in memory.
const MOST_INCIDENTS: usize = 10;

/// A time in which a provider was broken, from the first of its failures in a row to the first
/// success. Times are in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// When the first of the failures in a row began.
    pub begin: i64,
    /// When the first success began; `None` while the incident lasts.
    pub end: Option<i64>,
    /// The reason of the failure that made the provider broken.
    pub reason: Reason,
    /// Its code.
    pub code: Code,
}

impl Incident {
    /// When the first of the failures in a row began.
    #[must_use]
    pub fn begin(&self) -> Timestamp {
        Timestamp::from_millisecond(self.begin).unwrap_or_default()
    }

    /// When the first success began; `None` while the incident lasts.
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.end?).ok()
    }
}

/// What of a timeline is not in the database yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unsaved {
    /// The hours, the oldest first.
    pub hours: Vec<Hour>,
    /// The incidents that are over.
    pub incidents: Vec<Incident>,
}

/// The last hours and incidents of a provider. With a database, only what is not saved yet.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// The oldest first.
    hours: Vec<Hour>,
    /// Those that are over, the oldest first.
    incidents: Vec<Incident>,
    /// The one that lasts.
    open: Option<Box<Incident>>,
    /// When the last probe began.
    last: Option<i64>,
    /// Since when the probes follow each other without a gap.
    watched_since: i64,
    /// Whether a probe has failed, or an incident is over, since the last save.
    is_urgent: bool,
}

impl Timeline {
    /// Records a probe, after which the provider has this state. `failing_since` is when its
    /// failures in a row began. A pause since the last probe that is longer than `longest` was not
    /// observed.
    pub(super) fn record(
        &mut self,
        probe: &Probe,
        state: State,
        failing_since: Option<Timestamp>,
        longest: Duration,
    ) {
        let started = probe.started.as_millisecond();
        if self.last.is_some_and(|last| started < last) {
            self.set_back(started);
        }
        self.pass(started, longest);
        self.change(started, |hour| hour.count(probe));
        self.is_urgent |= !probe.outcome.is_success() || self.open.is_some();
        match &probe.outcome {
            Outcome::Failed(failure) if state == State::Broken && self.open.is_none() => {
                let begin = failing_since.map_or(started, Timestamp::as_millisecond).min(started);
                // The time from the first failure to its confirmation was counted as fine.
                self.spread(begin.max(self.watched_since), started, Hour::fail);
                self.open = Some(Box::new(Incident {
                    begin,
                    end: None,
                    reason: failure.reason,
                    code: failure.code.clone(),
                }));
            }
            Outcome::Failed(_) => {}
            Outcome::Issued(_) | Outcome::Accepted => {
                if let Some(open) = self.open.take() {
                    self.close(Incident { end: Some(started), ..*open });
                }
            }
        }
        self.last = Some(started);
    }

    /// The same timeline, with the time from the last probe until now.
    #[must_use]
    pub fn until(&self, now: Timestamp, longest: Duration) -> Self {
        let mut timeline = self.clone();
        timeline.pass(now.as_millisecond(), longest);
        timeline
    }

    /// The hours, the oldest first.
    #[must_use]
    pub fn hours(&self) -> &[Hour] {
        &self.hours
    }

    /// The incidents, the oldest first.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.iter().chain(self.open.as_deref())
    }

    /// The time from the last probe to the next one is not observed.
    pub(super) fn pause(&mut self) {
        self.last = None;
    }

    /// The incident that lasts.
    #[must_use]
    pub fn open(&self) -> Option<&Incident> {
        self.open.as_deref()
    }

    /// Sets the incident that lasted before a restart.
    pub(super) fn restore(&mut self, open: Option<Incident>) {
        self.open = open.map(Box::new);
    }

    /// Whether the next save must not leave the provider out.
    pub(super) fn is_urgent(&self) -> bool {
        self.is_urgent
    }

    /// What a save has to write. When it fails, the next save writes everything.
    pub(super) fn unsaved(&mut self) -> Unsaved {
        self.is_urgent = false;
        Unsaved { hours: self.hours.clone(), incidents: self.incidents.clone() }
    }

    /// Forgets what is saved.
    pub(super) fn saved(&mut self, saved: &Unsaved) {
        for part in &saved.hours {
            let mut known = self.hours.iter_mut();
            known.find(|hour| hour.hour == part.hour).into_iter().for_each(|hour| hour.take(part));
        }
        self.hours.retain(|hour| !hour.is_empty());
        self.incidents.retain(|incident| !saved.incidents.contains(incident));
    }

    /// The clock was set back to this time. What is later has not happened yet.
    fn set_back(&mut self, now: i64) {
        self.hours.retain(|hour| hour.hour <= Hour::at(now + HOUR));
        self.incidents.retain(|incident| incident.begin <= now + HOUR);
        if let Some(open) = &mut self.open {
            open.begin = open.begin.min(now);
        }
    }

    /// The time since the last probe was observed, unless it is longer than `longest`, or somebody
    /// set the clock back.
    fn pass(&mut self, now: i64, longest: Duration) {
        let longest = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
        match self.last.filter(|last| (0..=longest).contains(&(now - last))) {
            Some(last) => {
                let is_broken = self.open.is_some();
                self.spread(last, now, |hour, time| hour.observe(time, is_broken));
            }
            None => self.watched_since = now,
        }
    }

    /// Divides the time between `begin` and `end` among its hours, at most those of a day.
    fn spread(&mut self, begin: i64, end: i64, add: impl Fn(&mut Hour, u32)) {
        const DAY: i64 = 24 * HOUR;
        let mut begin = begin.max(end - DAY);
        while begin < end {
            let next = ((begin.div_euclid(HOUR) + 1) * HOUR).min(end);
            let length = u32::try_from(next - begin).unwrap_or(0);
            self.change(begin, |hour| add(hour, length));
            begin = next;
        }
    }

    /// Changes the hour of this time. The oldest hour goes when there are too many.
    fn change(&mut self, time: i64, change: impl FnOnce(&mut Hour)) {
        let hour = Hour::at(time);
        let mut place = self.hours.partition_point(|known| known.hour < hour);
        if self.hours.get(place).is_none_or(|known| known.hour != hour) {
            if self.hours.len() == MOST_HOURS {
                if place == 0 {
                    return;
                }
                self.hours.remove(0);
                place -= 1;
            }
            if self.hours.len() == self.hours.capacity() {
                let more = self.hours.len().clamp(1, MOST_HOURS - self.hours.len());
                self.hours.reserve_exact(more);
            }
            self.hours.insert(place, Hour::new(hour));
        }
        change(&mut self.hours[place]);
    }

    pub(super) fn close(&mut self, incident: Incident) {
        if self.incidents.len() == MOST_INCIDENTS {
            self.incidents.remove(0);
        }
        self.incidents.push(incident);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Failure;

    const LONGEST: Duration = Duration::from_secs(3_600);

    /// 2026-01-01T00:00:00Z is the hour 490,896 since 1970.
    fn at(text: &str) -> Timestamp {
        format!("2026-01-01T{text}Z").parse().expect("a time")
    }

    fn fine(started: &str) -> Probe {
        Probe { duration: 0.25, ..Probe::new(Outcome::Accepted, at(started)) }
    }

    fn refused(started: &str) -> Probe {
        let failure = Failure::new(Reason::Rejected, "a sentence").code(Code::word("1003"));
        Probe { duration: 0.75, ..Probe::new(Outcome::Failed(failure), at(started)) }
    }

    /// Minutes observed and broken of each hour.
    fn minutes(timeline: &Timeline) -> Vec<(u32, u64, u64)> {
        let minutes = |time: u64| time / 60_000;
        let hours = timeline.hours().iter().map(|hour| (hour.hour - 490_896, hour.tally()));
        hours.map(|(hour, tally)| (hour, minutes(tally.observed), minutes(tally.broken))).collect()
    }

    #[test]
    fn probes_are_counted_by_hour_and_class_with_their_durations() {
        let mut timeline = Timeline::default();
        for (probe, state) in [
            (fine("00:10:00"), State::Healthy),
            (fine("00:40:00"), State::Healthy),
            (refused("01:10:00"), State::Failing),
        ] {
            timeline.record(&probe, state, None, LONGEST);
        }
        let [first, second] = timeline.hours() else { panic!("two hours") };
        assert_eq!((first.hour, second.hour), (490_896, 490_897));
        let (first, second) = (first.tally(), second.tally());
        assert_eq!((first.probes, first.failures), (2, [0, 0, 0, 0]));
        assert_eq!((first.timed, first.duration_sum, first.duration_max), (2, 500, 250));
        assert_eq!((second.probes, second.failures), (1, [0, 0, 1, 0]));
        assert_eq!((second.duration_sum, second.duration_max), (750, 750));
        assert_eq!(minutes(&timeline), [(0, 50, 0), (1, 10, 0)]);
    }

    #[test]
    fn an_incident_lasts_from_the_first_failure_to_the_first_success() {
        let mut timeline = Timeline::default();
        let since = Some(at("00:50:00"));
        timeline.record(&fine("00:30:00"), State::Healthy, None, LONGEST);
        timeline.record(&refused("00:50:00"), State::Failing, since, LONGEST);
        assert_eq!(timeline.incidents().count(), 0, "one refusal is no incident");
        timeline.record(&refused("01:05:00"), State::Broken, since, LONGEST);
        timeline.record(&refused("01:30:00"), State::Broken, since, LONGEST);
        let open: Vec<_> = timeline.incidents().cloned().collect();
        assert_eq!(
            open,
            [Incident {
                begin: at("00:50:00").as_millisecond(),
                end: None,
                reason: Reason::Rejected,
                code: Code::word("1003"),
            }]
        );
        assert_eq!(
            minutes(&timeline.until(at("01:40:00"), LONGEST)),
            [(0, 30, 10), (1, 40, 40)],
            "it lasts until now"
        );
        timeline.record(&fine("02:00:00"), State::Healthy, None, LONGEST);
        let over: Vec<_> = timeline.incidents().map(|incident| incident.end).collect();
        assert_eq!(over, [Some(at("02:00:00").as_millisecond())]);
        assert_eq!(minutes(&timeline), [(0, 30, 10), (1, 60, 60), (2, 0, 0)]);
    }

    #[test]
    fn the_time_in_which_nothing_was_probed_was_not_observed() {
        let mut timeline = Timeline::default();
        for started in ["00:00:00", "00:30:00", "09:00:00", "09:15:00", "08:00:00", "08:01:00"] {
            timeline.record(&fine(started), State::Healthy, None, LONGEST);
        }
        assert_eq!(minutes(&timeline), [(0, 30, 0), (8, 1, 0), (9, 15, 0)]);
        let later = timeline.until(at("20:00:00"), LONGEST);
        assert_eq!(minutes(&later), minutes(&timeline));
        timeline.pause();
        timeline.record(&fine("08:10:00"), State::Healthy, None, LONGEST);
        assert_eq!(minutes(&timeline), minutes(&later), "a pause is not observed");
    }

    #[test]
    fn what_a_clock_that_was_ahead_has_told_ends_when_it_is_set_back() {
        let mut timeline = Timeline::default();
        let ahead = |text: &str| {
            let started: Timestamp = format!("2036-01-01T{text}Z").parse().expect("a time");
            (Probe { started, ..refused("00:00:00") }, Some(started))
        };
        timeline.record(&fine("00:30:00"), State::Healthy, None, LONGEST);
        for hour in 0..24 {
            let (probe, since) = ahead(&format!("{hour:02}:10:00"));
            timeline.record(&probe, State::Broken, since, LONGEST);
            timeline.record(
                &Probe { outcome: Outcome::Accepted, ..probe },
                State::Healthy,
                None,
                LONGEST,
            );
        }
        let (probe, since) = ahead("23:30:00");
        timeline.record(&probe, State::Broken, since, LONGEST);
        timeline.record(&refused("02:00:00"), State::Broken, since, LONGEST);
        let begins: Vec<_> = timeline.incidents().map(Incident::begin).collect();
        assert_eq!(begins, [at("02:00:00")], "the incident that lasts");
        timeline.record(&fine("02:15:00"), State::Healthy, None, LONGEST);
        assert_eq!(minutes(&timeline), [(2, 15, 15)]);
        let ends: Vec<_> = timeline.incidents().filter_map(Incident::end).collect();
        assert_eq!(ends, [at("02:15:00")]);
    }

    #[test]
    fn an_outage_that_began_before_the_start_is_broken_from_the_start_on() {
        let mut timeline = Timeline::default();
        let since = Some(at("00:10:00"));
        timeline.record(&refused("05:00:00"), State::Broken, since, LONGEST);
        timeline.record(&refused("05:20:00"), State::Broken, since, LONGEST);
        assert_eq!(minutes(&timeline), [(5, 20, 20)]);
        let begins: Vec<_> = timeline.incidents().map(|incident| incident.begin).collect();
        assert_eq!(begins, [at("00:10:00").as_millisecond()]);
    }

    #[test]
    fn what_is_saved_is_forgotten_and_what_came_meanwhile_stays() {
        let mut timeline = Timeline::default();
        let since = Some(at("00:10:00"));
        timeline.record(&refused("00:10:00"), State::Broken, since, LONGEST);
        assert!(timeline.is_urgent());
        timeline.record(&fine("00:30:00"), State::Healthy, None, LONGEST);
        let unsaved = timeline.unsaved();
        assert_eq!((unsaved.hours.len(), unsaved.incidents.len()), (1, 1));
        assert!(!timeline.is_urgent());
        timeline.record(&fine("00:50:00"), State::Healthy, None, LONGEST);
        timeline.saved(&unsaved);
        assert_eq!(timeline.incidents().count(), 0);
        assert_eq!(minutes(&timeline), [(0, 20, 0)]);
        assert_eq!(timeline.hours()[0].tally().probes, 1);
        let rest = timeline.unsaved();
        timeline.saved(&rest);
        assert!(timeline.hours().is_empty());
    }

    #[test]
    fn a_day_and_ten_incidents_are_kept_in_less_than_a_kilobyte() {
        let mut timeline = Timeline::default();
        let start = at("00:00:00");
        for minute in 0..3 * 24 * 60 {
            let started = start + Duration::from_secs(60 * minute);
            let broken = minute % 60 == 30;
            let probe = if broken { refused("00:00:00") } else { fine("00:00:00") };
            let state = if broken { State::Broken } else { State::Healthy };
            timeline.record(&Probe { started, ..probe }, state, Some(started), LONGEST);
        }
        let hours: Vec<u32> = timeline.hours().iter().map(|hour| hour.hour - 490_896).collect();
        assert_eq!(hours, (48..72).collect::<Vec<_>>());
        assert_eq!(timeline.incidents().count(), MOST_INCIDENTS);
        assert!(timeline.hours().iter().all(|hour| {
            let tally = hour.tally();
            (tally.probes, tally.failures, tally.broken) == (60, [0, 0, 1, 0], 60_000)
        }));
        assert_eq!(timeline.hours.capacity(), MOST_HOURS);
        let size = size_of::<Timeline>() + MOST_HOURS * size_of::<Hour>();
        assert!(size < 1_000, "{size} bytes");
    }
}
