//! Pauses in a configuration: `enabled`, `pause_until`, and the tables of `[[maintenance]]`.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use glob::Pattern;
use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::dates::timestamp;
use super::file;
use super::parsed::{Names, Parsed};
use super::shared::Context;
use crate::diagnostic::{Fault, Sentence, Shown, nearest};
use crate::document::Text;
use crate::pause::{Pauses, Window, minute_of_day};

/// The most tables of `[[maintenance]]`, and the most names in one of them.
const MOST_WINDOWS: usize = 100;
const MOST_NAMES: usize = 1_000;

/// The most patterns of all tables. Each is compared with the name of each provider.
const MOST_PATTERNS: usize = 100;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// The tables of `[[maintenance]]`.
#[derive(Default)]
pub struct Maintenance {
    tables: Vec<Table>,
    /// The pauses of the providers so far that have only windows, by the numbers of the tables.
    known: HashMap<Vec<usize>, Arc<Pauses>>,
}

struct Table {
    window: Window,
    names: HashSet<String>,
    patterns: Vec<Pattern>,
    labels: Vec<(String, String)>,
    span: Range<usize>,
    is_used: bool,
}

impl Table {
    fn is_for(&self, name: &str, labels: &[(String, String)]) -> bool {
        let is_named = || {
            self.names.contains(name) || self.patterns.iter().any(|pattern| pattern.matches(name))
        };
        let has_labels =
            || !self.labels.is_empty() && self.labels.iter().all(|label| labels.contains(label));
        is_named() || has_labels()
    }
}

impl Maintenance {
    /// The tables without faults, and the faults of the others.
    pub fn new(main: &Parsed) -> (Self, Vec<Fault>) {
        let mut context = Context::new(main, 0..0);
        let mut tables = Vec::new();
        for (number, table) in main.file.maintenance.iter().enumerate() {
            if number == MOST_WINDOWS {
                let problem =
                    Sentence::fill("these are more than {} windows", [MOST_WINDOWS.into()]);
                context.error(table.0.span(), problem);
                break;
            }
            context.place = table.0.span();
            tables.extend(read(table.0.get_ref(), &mut context));
        }
        let names = main.file.maintenance.iter().flat_map(|table| &table.0.get_ref().providers);
        if let Some(text) = names.filter(|text| is_pattern(text.0.get_ref())).nth(MOST_PATTERNS) {
            let problem = Sentence::fill("these are more than {} patterns", [MOST_PATTERNS.into()]);
            context.error(text.0.span(), problem).hint = Some("use labels".into());
        }
        (Self { tables, known: HashMap::new() }, context.faults)
    }

    /// The pauses of a provider; `None` when it has none.
    pub fn pauses(
        &mut self,
        name: &str,
        labels: &[(String, String)],
        file: &file::Provider,
        context: &mut Context<'_>,
    ) -> Option<Arc<Pauses>> {
        let until = file.pause_until.as_ref().and_then(|date| pause_until(date, context));
        let mut numbers = Vec::new();
        for (number, table) in self.tables.iter_mut().enumerate() {
            if table.is_for(name, labels) {
                table.is_used = true;
                numbers.push(number);
            }
        }
        let windows = numbers.iter().map(|number| self.tables[*number].window.clone()).collect();
        let pauses = Pauses::new(file.enabled == Some(false), until, windows);
        if pauses == Pauses::default() {
            None
        } else if pauses.disabled || until.is_some() {
            Some(Arc::new(pauses))
        } else {
            Some(Arc::clone(self.known.entry(numbers).or_insert_with(|| Arc::new(pauses))))
        }
    }
}

/// Whether a text in `providers` is a pattern, unless a provider has this very name.
fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// When the pause of `pause_until` ends.
fn pause_until(date: &file::Date, context: &mut Context<'_>) -> Option<Timestamp> {
    let span = date.0.span();
    let written = date.0.get_ref();
    if written.time.is_some() && written.offset.is_none() {
        let hint = "write 2031-01-31T08:00:00Z for UTC, or 2031-01-31T08:00:00+01:00";
        context.error(span, "this time has no offset").hint = Some(hint.into());
        return None;
    }
    let Some(until) = timestamp(written) else {
        let problem = "expected a time such as 2031-01-31T08:00:00Z, or a date, before the year \
                       9999";
        context.error(span, problem);
        return None;
    };
    if until < context.now {
        let problem = "this time is in the past, so it pauses nothing";
        context.warn(span, problem).hint = Some("remove `pause_until`".into());
    }
    Some(until)
}

impl Maintenance {
    /// The faults of names that no provider has, and warnings about windows for no provider.
    pub fn unused(&self, main: &Parsed, names: &Names) -> Vec<Fault> {
        let written = main.file.maintenance.iter().flat_map(|table| &table.0.get_ref().providers);
        let unknown = written.filter(|text| {
            let name = text.0.get_ref();
            let matches = |pattern: Pattern| names.keys().any(|name| pattern.matches(name));
            let is_known = || is_pattern(name) && Pattern::new(name).is_ok_and(matches);
            !names.contains_key(name) && !is_known()
        });
        let mut faults: Vec<Fault> = unknown.map(|text| unknown_name(main, text, names)).collect();
        if faults.is_empty() {
            let unused = self.tables.iter().filter(|table| !table.is_used);
            faults.extend(unused.map(|table| {
                let problem = "no provider has these labels, so this window pauses nothing";
                Fault::warning(&main.source, table.span.clone(), problem)
            }));
        }
        faults
    }
}

fn unknown_name(main: &Parsed, text: &Text, names: &Names) -> Fault {
    let name = text.0.get_ref();
    let problem = Sentence::fill("there is no provider `{}`", [Shown::name(name)]);
    let fault = Fault::error(&main.source, text.0.span(), problem);
    match nearest(name, names.keys().map(String::as_str)) {
        Some(near) => fault.hint(Sentence::fill("did you mean `{}`?", [Shown::name(near)])),
        None => fault.hint("write the name of a provider, or a pattern such as `billing-*`"),
    }
}

fn read(table: &file::Maintenance, context: &mut Context<'_>) -> Option<Table> {
    let before = context.faults.len();
    let place = context.place.clone();
    if table.providers.is_empty() && table.labels.0.is_empty() {
        context.error(place.clone(), "this window is for no provider").hint =
            Some("add `providers = [\"NAME\"]` or `labels = { team = \"NAME\" }`".into());
    }
    if let Some(first) = table.providers.get(MOST_NAMES) {
        let problem = Sentence::fill("these are more than {} names", [MOST_NAMES.into()]);
        context.error(first.0.span(), problem).hint =
            Some("use a pattern such as `billing-*`, or labels".into());
    }
    let mut weekdays: Vec<Weekday> =
        table.weekdays.iter().filter_map(|text| weekday(text, context)).collect();
    if table.weekdays.is_empty() {
        weekdays.extend(WEEKDAYS.map(|(_, day)| day));
    }
    let from = minute(table.from.as_ref(), "from", context);
    let to = minute(table.to.as_ref(), "to", context);
    let zone = table.time_zone.as_ref().map_or(Some(TimeZone::UTC), |text| zone(text, context));
    if context.faults.len() > before {
        return None;
    }
    let written = table.providers.iter().map(|text| text.0.get_ref());
    let labels = table.labels.0.iter();
    Some(Table {
        window: Window { weekdays, from: from?, to: to?, zone: zone? },
        names: written.clone().cloned().collect(),
        patterns: written
            .filter(|name| is_pattern(name))
            .filter_map(|name| Pattern::new(name).ok())
            .collect(),
        span: place,
        is_used: false,
        labels: labels
            .map(|(name, value)| (name.get_ref().clone(), value.0.get_ref().clone()))
            .collect(),
    })
}

fn weekday(text: &Text, context: &mut Context<'_>) -> Option<Weekday> {
    let word = text.0.get_ref().to_ascii_lowercase();
    let is_it = |name: &str| name == word || name[..3] == word;
    let found = WEEKDAYS.iter().find(|(name, _)| is_it(name)).map(|(_, day)| *day);
    if found.is_none() {
        context.error(text.0.span(), "this is no weekday").hint =
            Some("write mon, tue, wed, thu, fri, sat or sun".into());
    }
    found
}

fn minute(text: Option<&Text>, key: &'static str, context: &mut Context<'_>) -> Option<u16> {
    let Some(text) = text else {
        let problem = Sentence::fill("the window has no `{}`", [key.into()]);
        context.error(context.place.clone(), problem).hint =
            Some("write the time of the day, such as \"22:30\"".into());
        return None;
    };
    let minute = minute_of_day(text.0.get_ref());
    if minute.is_none() {
        context.error(text.0.span(), "this is no time of the day").hint =
            Some("write hours and minutes with two digits each, such as \"22:30\"".into());
    }
    minute
}

fn zone(text: &Text, context: &mut Context<'_>) -> Option<TimeZone> {
    let name = text.0.get_ref();
    // This one needs no file.
    let zone = if name == "UTC" { Some(TimeZone::UTC) } else { TimeZone::get(name).ok() };
    if zone.is_none() {
        let is_empty = jiff::tz::db().available().next().is_none();
        let (problem, hint) = unknown_zone(name, is_empty);
        context.error(text.0.span(), problem).hint = Some(hint.into());
    }
    zone
}

/// What is wrong with a time zone that this host does not know, and what to do. `is_empty` tells
/// that it knows none.
fn unknown_zone(name: &str, is_empty: bool) -> (Sentence, &'static str) {
    if is_empty {
        let problem = "this host has no files of time zones (/usr/share/zoneinfo)";
        return (problem.into(), "install the package `tzdata`, or leave out `time_zone` for UTC");
    }
    let problem = Sentence::fill("this host knows no time zone `{}`", [Shown::name(name)]);
    let hint = "write a name such as \"Europe/Berlin\"; `timedatectl list-timezones` lists them, \
                and the package `tzdata` has them";
    (problem, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_time_zones_is_told_what_to_install() {
        let (problem, hint) = unknown_zone("Europe/Berlin", true);
        let problem = problem.to_string();
        assert!(
            problem.contains("/usr/share/zoneinfo") && !problem.contains("Berlin"),
            "{problem}"
        );
        assert!(hint.starts_with("install the package `tzdata`"), "{hint}");
        let (_, hint) = unknown_zone("Europe/Berlim", false);
        assert!(hint.starts_with("write a name such as"), "{hint}");
    }
}
