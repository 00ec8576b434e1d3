//! The hours, days and incidents of a provider, as JSON.

use serde_json::{Map, Value, json};

use crate::outcome::Class;
use crate::state::long::{HOURS_OF_A_DAY, LongHistory, Window};
use crate::state::{Incident, Tally};
use crate::time::date;

/// Adds hours, days and uptime to the member `history`.
pub fn add_periods(long: &LongHistory, members: &mut Map<String, Value>) {
    let uptime = Window::ALL.iter().map(|window| {
        let sum = long.sum(*window);
        let share = sum.and_then(|sum| sum.uptime()).map(|share| (share * 1e6).round() / 1e6);
        let observed = sum.map(|sum| seconds(sum.observed));
        (window.word().to_owned(), json!({ "ratio": share, "observed_seconds": observed }))
    });
    members.insert("uptime".into(), Value::Object(uptime.collect()));
    let hours = long.hours.iter().map(|(hour, tally)| period(*hour, tally));
    members.insert("hours".into(), hours.collect());
    let days = long.days.iter().flatten();
    let days = days.map(|(day, tally)| period(day.saturating_mul(HOURS_OF_A_DAY), tally));
    members.insert("days".into(), days.collect());
}

/// One hour or day that begins with this hour since 1970.
pub fn period(hour: u32, tally: &Tally) -> Value {
    let failures = Class::ALL.iter().zip(tally.failures);
    let failures: Map<String, Value> =
        failures.map(|(class, count)| (class.word().to_owned(), count.into())).collect();
    json!({
        "begin": date(LongHistory::begin(hour)),
        "probes": tally.probes,
        "failures": failures,
        "duration_seconds": {
            "count": tally.timed,
            "sum": seconds(tally.duration_sum),
            "max": seconds(tally.duration_max),
        },
        "observed_seconds": seconds(tally.observed),
        "broken_seconds": seconds(tally.broken),
    })
}

/// One incident.
pub fn incident(incident: &Incident) -> Value {
    json!({
        "begin": date(incident.begin()),
        "end": incident.end().map(date),
        "class": incident.reason.class().word(),
        "reason": incident.reason.word(),
        "code": incident.code.as_str(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of three months are exact")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1e3
}
