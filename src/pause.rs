//! When a provider is not probed: it is switched off, it waits for a time, or its maintenance
//! window is open. Pure: the time is passed in.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Windows repeat each week, so those that go on for longer go on for ever.
const LONGEST_CHAIN: SignedDuration = SignedDuration::from_hours(8 * 24);

const MINUTES_OF_A_DAY: u16 = 24 * 60;

/// Why a provider is not probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// `enabled = false`.
    Disabled,
    /// `pause_until`.
    Until,
    /// A table of `[[maintenance]]`.
    Maintenance,
}

impl Cause {
    /// The word in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Until => "pause_until",
            Self::Maintenance => "maintenance",
        }
    }
}

/// A pause that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Why.
    pub cause: Cause,
    /// When it ends; `None` when only another configuration ends it.
    pub until: Option<Timestamp>,
}

impl Pause {
    /// How long the pause goes on; `None` when only another configuration ends it.
    #[must_use]
    pub fn left(&self, now: Timestamp) -> Option<Duration> {
        let left = self.until?.duration_since(now);
        Some(Duration::try_from(left).unwrap_or_default())
    }
}

/// All pauses of a provider. Providers with the same windows share them.
#[derive(Default)]
pub struct Pauses {
    /// `enabled = false`.
    pub disabled: bool,
    /// `pause_until`.
    pub until: Option<Timestamp>,
    /// The windows of `[[maintenance]]` that are for this provider.
    pub windows: Vec<Window>,
    /// The last answer, because a page and a scrape ask for thousands of providers.
    known: Mutex<Option<Known>>,
}

/// What holds from one time to another one.
#[derive(Clone, Copy)]
struct Known {
    from: Timestamp,
    to: Timestamp,
    pause: Option<Pause>,
}

impl PartialEq for Pauses {
    fn eq(&self, other: &Self) -> bool {
        (self.disabled, self.until, &self.windows) == (other.disabled, other.until, &other.windows)
    }
}

impl Pauses {
    /// The pauses of these settings.
    #[must_use]
    pub fn new(disabled: bool, until: Option<Timestamp>, windows: Vec<Window>) -> Self {
        Self { disabled, until, windows, known: Mutex::default() }
    }

    /// The pause at this time. Windows without a time between them are one pause.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Option<Pause> {
        if self.disabled {
            return Some(Pause { cause: Cause::Disabled, until: None });
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match *known {
            Some(Known { from, to, pause }) if from <= now && now < to => pause,
            _ => known.insert(self.look(now)).pause,
        }
    }

    /// What holds now, and for how long.
    fn look(&self, now: Timestamp) -> Known {
        let Some((cause, mut end)) = self.end(now) else {
            // Windows open at whole minutes.
            let minute = now.as_second().div_euclid(60) + 1;
            let to = Timestamp::from_second(minute * 60).unwrap_or(Timestamp::MAX);
            return Known { from: now, to, pause: None };
        };
        let start = self.until.map_or(now, |until| until.max(now));
        let limit = start.saturating_add(LONGEST_CHAIN).unwrap_or(Timestamp::MAX);
        while let Some((_, later)) = self.end(end).filter(|_| end < limit) {
            end = later;
        }
        let until = Some(end).filter(|end| *end < limit);
        Known { from: now, to: end, pause: Some(Pause { cause, until }) }
    }

    /// The latest end of what pauses the provider at this time.
    fn end(&self, now: Timestamp) -> Option<(Cause, Timestamp)> {
        let until = self.until.filter(|until| now < *until).map(|until| (Cause::Until, until));
        let windows = self.windows.iter().filter_map(|window| window.end(now));
        let windows = windows.map(|end| (Cause::Maintenance, end));
        until.into_iter().chain(windows).max_by_key(|(_, end)| *end)
    }
}

/// A maintenance window that opens on each of its weekdays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days on which the window opens.
    pub weekdays: Vec<Weekday>,
    /// The minute of the day at which the window opens.
    pub from: u16,
    /// The minute of the day at which the window closes: on the next day unless it is after `from`.
    pub to: u16,
    /// The time zone of days and minutes.
    pub zone: TimeZone,
}

impl Window {
    /// When the window closes that is open at this time.
    fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let today = self.zone.to_datetime(now).date();
        let days = [today.yesterday().ok(), Some(today)].into_iter().flatten();
        days.filter(|day| self.weekdays.contains(&day.weekday()))
            .filter_map(|day| self.span(day))
            .filter(|(opens, closes)| *opens <= now && now < *closes)
            .map(|(_, closes)| closes)
            .max()
    }

    /// When the window of this day opens and closes.
    fn span(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let last = if self.to > self.from { day } else { day.tomorrow().ok()? };
        let (opens, closes) = (self.time(day, self.from)?, self.time(last, self.to)?);
        if opens < closes {
            return Some((opens, closes));
        }
        // The clock left out its beginning, so the window is as long as on other days.
        let minutes = self.to.saturating_sub(self.from);
        Some((opens, opens + SignedDuration::from_mins(minutes.into())))
    }

    /// A minute of a day. A minute that the clock leaves out is as much later.
    fn time(&self, day: Date, minute: u16) -> Option<Timestamp> {
        let (day, minute) = match minute.checked_sub(MINUTES_OF_A_DAY) {
            Some(rest) => (day.tomorrow().ok()?, rest),
            None => (day, minute),
        };
        let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
        let time = Time::new(hour, minute, 0, 0).ok()?;
        Some(self.zone.to_zoned(day.to_datetime(time)).ok()?.timestamp())
    }
}

/// The minute of the day of a text such as `22:30`; `24:00` is the end of the day.
#[must_use]
pub fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_OF_A_DAY).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";
    const EVERY_DAY: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    fn window(weekdays: &[Weekday], from: &str, to: &str, zone: TimeZone) -> Window {
        let minute = |text| minute_of_day(text).expect(text);
        Window { weekdays: weekdays.to_vec(), from: minute(from), to: minute(to), zone }
    }

    fn until(pauses: &Pauses, now: &str) -> Option<String> {
        let pause = pauses.at(now.parse().expect(now))?;
        Some(pause.until.expect("an end").to_string())
    }

    fn of(windows: Vec<Window>) -> Pauses {
        Pauses::new(false, None, windows)
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
        // 2027-01-01 is a Friday.
        let pauses = of(vec![window(&[Weekday::Friday], "22:00", "02:00", TimeZone::UTC)]);
        let end = Some("2027-01-02T02:00:00Z".to_owned());
        assert_eq!(until(&pauses, "2027-01-01T21:59:59Z"), None);
        assert_eq!(until(&pauses, "2027-01-01T22:00:00Z"), end);
        assert_eq!(until(&pauses, "2027-01-02T01:59:59Z"), end);
        assert_eq!(until(&pauses, "2027-01-02T02:00:00Z"), None);
        assert_eq!(until(&pauses, "2027-01-01T01:00:00Z"), None, "of Thursday");
        assert_eq!(until(&pauses, "2027-01-02T23:00:00Z"), None, "of Saturday");
    }

    #[test]
    fn a_window_follows_the_clock_of_its_zone_over_a_change_of_the_clock() {
        let zone = TimeZone::posix(NEW_YORK).expect("a zone");
        let pauses = of(vec![window(&EVERY_DAY, "02:30", "04:00", zone)]);
        // Winter time is UTC-5, summer time is UTC-4 from 2027-03-14 02:00 on.
        assert_eq!(until(&pauses, "2027-03-13T07:30:00Z").as_deref(), Some("2027-03-13T09:00:00Z"));
        // The clock leaves out 02:30 on this day, so the window opens at 03:30.
        assert_eq!(until(&pauses, "2027-03-14T07:29:00Z"), None);
        assert_eq!(until(&pauses, "2027-03-14T07:30:00Z").as_deref(), Some("2027-03-14T08:00:00Z"));
        assert_eq!(until(&pauses, "2027-03-15T06:30:00Z").as_deref(), Some("2027-03-15T08:00:00Z"));
    }

    #[test]
    fn a_window_whose_beginning_the_clock_leaves_out_is_as_long_as_on_other_days() {
        let zone = TimeZone::posix(NEW_YORK).expect("a zone");
        let pauses = of(vec![window(&EVERY_DAY, "02:30", "03:00", zone)]);
        assert_eq!(until(&pauses, "2027-03-14T07:45:00Z").as_deref(), Some("2027-03-14T08:00:00Z"));
        assert_eq!(until(&pauses, "2027-03-15T06:45:00Z").as_deref(), Some("2027-03-15T07:00:00Z"));
    }

    #[test]
    fn an_answer_is_not_kept_for_another_time() {
        let pauses = of(vec![window(&EVERY_DAY, "22:00", "22:30", TimeZone::UTC)]);
        let times = ["21:59:59", "22:00:00", "22:29:59", "22:30:00", "22:10:00", "20:00:00"];
        let is_paused = times.map(|time| until(&pauses, &format!("2027-01-01T{time}Z")).is_some());
        assert_eq!(is_paused, [false, true, true, false, true, false]);
    }

    #[test]
    fn windows_without_a_time_between_them_are_one_pause() {
        let pauses = of(vec![
            window(&[Weekday::Friday], "20:00", "24:00", TimeZone::UTC),
            window(&[Weekday::Saturday], "00:00", "06:00", TimeZone::UTC),
        ]);
        let end = Some("2027-01-02T06:00:00Z".to_owned());
        assert_eq!(until(&pauses, "2027-01-01T21:00:00Z"), end);
        let always = of(vec![window(&EVERY_DAY, "00:00", "00:00", TimeZone::UTC)]);
        let pause = always.at("2027-01-01T12:00:00Z".parse().expect("a time"));
        assert_eq!(pause, Some(Pause { cause: Cause::Maintenance, until: None }));
    }

    #[test]
    fn a_provider_waits_for_the_later_of_its_time_and_its_window() {
        let until_eleven = Some("2027-01-01T23:00:00Z".parse().expect("a time"));
        let windows = vec![window(&[Weekday::Friday], "22:00", "22:30", TimeZone::UTC)];
        let pauses = Pauses::new(false, until_eleven, windows);
        assert_eq!(until(&pauses, "2027-01-01T22:10:00Z").as_deref(), Some("2027-01-01T23:00:00Z"));
        assert_eq!(until(&pauses, "2027-01-01T23:00:00Z"), None);
        let disabled = Pauses::new(true, until_eleven, Vec::new());
        let pause = disabled.at("2030-01-01T00:00:00Z".parse().expect("a time"));
        assert_eq!(pause, Some(Pause { cause: Cause::Disabled, until: None }));
    }

    /// The rule of Europe/Berlin: UTC+1, and UTC+2 from 2027-03-28 02:00 to 2027-10-31 03:00.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone")
    }

    #[test]
    fn a_window_over_midnight_and_a_change_of_the_clock_ends_at_its_time_of_the_day() {
        // Each time is asked of pauses that have no answer yet.
        let ask = |time: &str| {
            until(&of(vec![window(&[Weekday::Saturday], "22:00", "04:00", berlin())]), time)
        };
        // Five hours in spring, seven in autumn, six on other days.
        for (opens, closes) in [
            ("2027-03-27T21:00:00Z", "2027-03-28T02:00:00Z"),
            ("2027-10-30T20:00:00Z", "2027-10-31T03:00:00Z"),
            ("2027-01-02T21:00:00Z", "2027-01-03T03:00:00Z"),
            ("2027-07-03T20:00:00Z", "2027-07-04T02:00:00Z"),
        ] {
            let second = |text: &str, seconds| {
                let time: Timestamp = text.parse().expect("a time");
                (time + SignedDuration::from_secs(seconds)).to_string()
            };
            assert_eq!(ask(&second(opens, -1)), None, "{opens}");
            assert_eq!(ask(opens).as_deref(), Some(closes));
            assert_eq!(ask(&second(closes, -1)).as_deref(), Some(closes));
            assert_eq!(ask(closes), None, "{closes}");
        }
    }

    #[test]
    fn a_window_in_the_hour_that_comes_twice_opens_once() {
        let pauses = of(vec![window(&EVERY_DAY, "02:15", "02:45", berlin())]);
        // 02:15 is 00:15Z in summer time, and again 01:15Z in winter time.
        let end = Some("2027-10-31T00:45:00Z".to_owned());
        assert_eq!(until(&pauses, "2027-10-31T00:14:59Z"), None);
        assert_eq!(until(&pauses, "2027-10-31T00:15:00Z"), end);
        assert_eq!(until(&pauses, "2027-10-31T00:45:00Z"), None);
        assert_eq!(until(&pauses, "2027-10-31T01:30:00Z"), None);
        // From before this hour to after it, both times belong to it.
        let long = of(vec![window(&EVERY_DAY, "01:00", "03:30", berlin())]);
        assert_eq!(until(&long, "2027-10-30T23:00:00Z").as_deref(), Some("2027-10-31T02:30:00Z"));
    }

    #[test]
    fn a_window_whose_end_the_clock_leaves_out_is_as_long_as_on_other_days() {
        let pauses = of(vec![window(&EVERY_DAY, "01:30", "02:30", berlin())]);
        assert_eq!(until(&pauses, "2027-03-28T00:30:00Z").as_deref(), Some("2027-03-28T01:30:00Z"));
        let to_the_gap = of(vec![window(&EVERY_DAY, "01:00", "02:00", berlin())]);
        let end = until(&to_the_gap, "2027-03-28T00:00:00Z");
        assert_eq!(end.as_deref(), Some("2027-03-28T01:00:00Z"));
    }

    #[test]
    fn windows_that_overlap_in_other_zones_are_one_pause() {
        // 23:00 to 01:00 in UTC is 00:00 to 02:00 in winter there.
        let windows = [
            window(&[Weekday::Friday], "22:00", "23:30", TimeZone::UTC),
            window(&[Weekday::Saturday], "00:00", "02:00", berlin()),
            window(&[Weekday::Friday], "22:30", "22:45", TimeZone::UTC),
        ];
        let ask = |time: &str| until(&of(windows.to_vec()), time);
        let end = Some("2027-01-02T01:00:00Z".to_owned());
        for time in ["22:00:00", "22:30:00", "22:45:00", "23:00:00", "23:30:00"] {
            assert_eq!(ask(&format!("2027-01-01T{time}Z")), end, "{time}");
        }
        assert_eq!(ask("2027-01-02T01:00:00Z"), None);
    }

    #[test]
    fn a_time_in_the_past_pauses_nothing() {
        let past = Some("2020-01-01T00:00:00Z".parse().expect("a time"));
        let windows = vec![window(&[Weekday::Friday], "22:00", "22:30", TimeZone::UTC)];
        let pauses = Pauses::new(false, past, windows);
        assert_eq!(until(&pauses, "2027-01-01T21:00:00Z"), None);
        assert_eq!(until(&pauses, "2027-01-01T22:00:00Z").as_deref(), Some("2027-01-01T22:30:00Z"));
    }

    #[test]
    fn only_times_of_a_day_are_minutes() {
        assert_eq!(
            ["00:00", "09:05", "24:00"].map(minute_of_day),
            [Some(0), Some(545), Some(1440)]
        );
        for text in ["24:01", "25:00", "9:00", "09:60", "0900", "", ":", "09:5", "+9:00", "９9:00"]
        {
            assert_eq!(minute_of_day(text), None, "{text}");
        }
    }
}
