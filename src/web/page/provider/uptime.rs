//! The uptime of a provider: shares, one bar for each hour and each day, and the incidents.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::view::View;
use crate::state::long::{DAYS, HOURS_OF_A_DAY, LongHistory, Window};
use crate::state::{Incident, Tally};
use crate::time::unix_seconds;
use crate::web::page::format::{count, moment, runbook, span, stamp, untrusted};
use crate::web::page::parts;

/// How many incidents the page shows.
const MOST_INCIDENTS: usize = 10;

/// The size of one bar, and the height of one without a failure, in units of the picture.
const WIDTH: f64 = 5.0;
const HEIGHT: f64 = 24.0;
const FINE: f64 = 12.0;

/// Shares, bars and incidents; nothing before the first probe.
pub fn section(view: &View, long: &LongHistory) -> Markup {
    if long.hours.is_empty() && long.days.as_ref().is_none_or(BTreeMap::is_empty) {
        return Markup::default();
    }
    let hour = long.this_hour();
    let days = long.days.as_ref().map(|days| Bars {
        now: hour / HOURS_OF_A_DAY,
        count: DAYS,
        hours: HOURS_OF_A_DAY,
        tallies: days,
    });
    html! {
        section.uptime {
            h2 { "Uptime" }
            dl {
                @for (window, words, length) in [
                    (Window::Day, "24 hours", 24.0), (Window::Week, "7 days", 168.0),
                    (Window::Month, "30 days", 720.0),
                ] {
                    div { dt { (words) } dd { (share(long, window, length)) } }
                }
            }
            @if let Some(days) = days { (days.picture("day", "days")) }
            @if !long.incidents.is_empty() { (incidents(view, &long.incidents)) }
        }
    }
}

/// The last day in one line: its bars and its share; nothing before the first probe.
pub fn strip(long: &LongHistory) -> Markup {
    if long.hours.is_empty() {
        return Markup::default();
    }
    let now = long.this_hour();
    let hours = Bars { now, count: HOURS_OF_A_DAY, hours: 1, tallies: &long.hours };
    html! {
        div.strip {
            span { "Last 24 hours" }
            (hours.picture("hour", "hours"))
            span { (share(long, Window::Day, 24.0)) }
        }
    }
}

/// The uptime of a window of so many hours. A value below 100 % is never rounded up to it.
fn share(long: &LongHistory, window: Window, hours: f64) -> Markup {
    let Some(sum) = long.sum(window) else {
        let why = if long.is_whole {
            "kept only with a state directory"
        } else {
            "the state directory cannot be read now"
        };
        return html! { "–" " " small { (why) } };
    };
    let observed = seconds(sum.observed);
    html! {
        @if let Some(share) = sum.uptime() {
            strong { (percent(share)) }
            @if observed < hours * 3_600.0 * 0.95 { " " small { "of " (span(observed)) } }
        } @else { "–" }
    }
}

fn percent(share: f64) -> String {
    // 0.57 is a little less than 57 hundredths.
    let hundredths = share.mul_add(10_000.0, 1e-6).floor().min(9_999.0) / 100.0;
    if share >= 1.0 { "100 %".into() } else { format!("{hundredths:.2} %") }
}

/// The tallies of the last hours or days.
struct Bars<'a> {
    /// The number of the last hour or day since 1970.
    now: u32,
    count: u32,
    /// The hours of one of them.
    hours: u32,
    tallies: &'a BTreeMap<u32, Tally>,
}

impl Bars<'_> {
    fn picture(&self, one: &str, many: &str) -> Markup {
        let all = (self.now + 1).saturating_sub(self.count)..=self.now;
        let known = || all.clone().filter_map(|number| self.tallies.get(&number));
        let broken = known().filter(|tally| tally.broken > 0);
        let sum: u64 = broken.clone().map(|tally| tally.broken).sum();
        let observed = known().count();
        let words = format!(
            "The last {} {many}: {} observed, the provider was broken in {} of them, {} in all",
            self.count,
            count(observed, one, many),
            broken.count(),
            span(seconds(sum)),
        );
        html! {
            svg viewBox={ "0 0 " (f64::from(self.count) * WIDTH) " " (HEIGHT) }
                preserveAspectRatio="none" role="img" aria-label=(words) {
                @for (place, number) in all.enumerate() {
                    (self.bar(place, number, self.tallies.get(&number)))
                }
            }
        }
    }

    /// A bar with a tooltip. One with a broken time is higher than one without.
    fn bar(&self, place: usize, number: u32, tally: Option<&Tally>) -> Markup {
        let begin = stamp(LongHistory::begin(number.saturating_mul(self.hours)));
        let (class, height, words) = match tally {
            None => ("none", 1.0, "not observed".to_owned()),
            Some(tally) if tally.broken == 0 => {
                let probes = usize::try_from(tally.probes).unwrap_or(usize::MAX);
                ("good", FINE, format!("fine, {}", count(probes, "probe", "probes")))
            }
            Some(tally) => {
                let broken = 1.0 - tally.uptime().unwrap_or(1.0);
                let height = FINE + 4.0 + (HEIGHT - FINE - 4.0) * broken;
                ("bad", height, format!("broken for {}", span(seconds(tally.broken))))
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "at most 90")]
        let left = place as f64 * WIDTH;
        html! {
            rect class=(class) x=(left) y=(format!("{:.1}", HEIGHT - height))
                width=(WIDTH - 1.0) height=(format!("{height:.1}")) {
                title { (begin) ": " (words) }
            }
        }
    }
}

fn incidents(view: &View, incidents: &[Incident]) -> Markup {
    let older = incidents.len().saturating_sub(MOST_INCIDENTS);
    html! {
        h2 { "Incidents" }
        table role="table" {
            thead role="rowgroup" {
                tr role="row" { (parts::column_titles(&["Began", "Lasted", "Reason"])) }
            }
            tbody role="rowgroup" {
                @for incident in incidents.iter().rev().take(MOST_INCIDENTS) {
                    (row(view, incident))
                }
            }
        }
        @if older > 0 {
            p { small {
                (count(older, "older one is", "older ones are")) " in "
                code { "/api/v1/providers/NAME" } "."
            } }
        }
    }
}

fn row(view: &View, incident: &Incident) -> Markup {
    let end = incident.end();
    let until = end.map_or(view.wall, unix_seconds);
    html! {
        tr role="row" {
            td role="cell" { (view.past(incident.begin())) }
            td role="cell" data-label="Lasted" {
                (span(until - unix_seconds(incident.begin())))
                @if let Some(end) = end {
                    " " small { "until " (moment(end, &stamp(end))) }
                } @else { " " strong { "until now" } }
            }
            td role="cell" {
                a href={ (view.root) (runbook(incident.reason)) } { (incident.reason.word()) }
                @if !incident.code.is_empty() { " " code { (untrusted(incident.code.as_str())) } }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of three months are exact")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_provider_that_was_never_broken_has_an_uptime_of_100_percent() {
        assert_eq!(
            [1.0, 0.999_999, 0.998_76, 0.57, 0.5, 0.0].map(percent),
            ["100 %", "99.99 %", "99.87 %", "57.00 %", "50.00 %", "0.00 %"]
        );
    }

    #[test]
    fn the_bars_have_a_description_and_broken_ones_another_height() {
        let tally = |broken| Tally { probes: 60, observed: 3_600_000, broken, ..Tally::default() };
        let tallies = BTreeMap::from([(98, tally(720_000)), (99, tally(0)), (100, tally(0))]);
        let bars = Bars { now: 100, count: 24, hours: 1, tallies: &tallies };
        let picture = bars.picture("hour", "hours").into_string();
        for part in [
            "aria-label=\"The last 24 hours: 3 hours observed, the provider was broken in 1 of \
             them, 12m in all\"",
            "<rect class=\"bad\" x=\"105\" y=\"6.4\" width=\"4\" height=\"17.6\"><title>1970-01-05 \
             02:00:00 UTC: broken for 12m</title></rect>",
            "height=\"12.0\"><title>1970-01-05 03:00:00 UTC: fine, 60 probes</title>",
            "UTC: not observed</title>",
        ] {
            assert!(picture.contains(part), "{part} is not in {picture}");
        }
    }
}
