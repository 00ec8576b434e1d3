//! The table of several probes.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::super::print::Style::{Bad, Good, Head};
use crate::outcome::{Expiry, Outcome, Probe};
use crate::printable::printable;
use crate::provider::Provider;
use crate::time::{human_duration, unix_seconds};

/// The most characters of a name and of a message in the table.
const LONGEST_NAME: usize = 40;
const LONGEST_MESSAGE: usize = 100;

/// The table with styles: provider, outcome, reason and code, duration, and the end or the message.
pub fn table(probed: &[(&Provider, &Probe)], now: Timestamp) -> String {
    let rows: Vec<[String; 5]> =
        probed.iter().map(|(provider, probe)| row(provider, probe, now)).collect();
    let titles = ["PROVIDER", "OUTCOME", "REASON", "TOOK", "END OR MESSAGE"];
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([titles[column].len()]).max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |cells: &[String; 5]| {
        let [name, outcome, reason, took, end] = cells;
        let padded = format!("{outcome:<0$}", widths[1]);
        let style = if outcome == FAILED { Bad } else { Good };
        format!(
            "{name:<0$}  {1}  {reason:<2$}  {took:>3$}  {end}",
            widths[0],
            style.paint(&padded),
            widths[2],
            widths[3]
        )
    };
    let mut text = Head.paint(&format!(
        "{:<4$}  {:<5$}  {:<6$}  {:>7$}  END OR MESSAGE",
        titles[0], titles[1], titles[2], titles[3], widths[0], widths[1], widths[2], widths[3]
    ));
    for row in &rows {
        let _ = write!(text, "\n{}", line(row));
    }
    text
}

const FAILED: &str = "FAILED";

fn row(provider: &Provider, probe: &Probe, now: Timestamp) -> [String; 5] {
    let name = short(&provider.name, LONGEST_NAME);
    let took = if probe.duration > 0.0 { human_duration(probe.duration) } else { "–".to_owned() };
    let (outcome, reason, end) = match &probe.outcome {
        Outcome::Issued(issued) => ("issued", String::new(), end(issued.expiry, now)),
        Outcome::Accepted => {
            let known = probe.known_ends().map(|end| end.with_max_age(provider.policy.max_age));
            let listed = probe.list.as_deref().into_iter().filter_map(|list| list.as_ref().ok());
            let listed = listed.flat_map(|list| list.rows.iter());
            let listed = listed.map(|row| row.with_max_age(provider.policy.max_age));
            let known: Vec<Expiry> = known.chain(listed).collect();
            let first = known.iter().filter_map(|end| end.time()).min().map(Expiry::At);
            let first = first.or(known.first().copied()).unwrap_or(Expiry::Unknown);
            ("accepted", String::new(), end(first, now))
        }
        Outcome::Failed(failure) => {
            let reason = format!("{} {}", failure.reason.word(), failure.code.as_str());
            let message = short(failure.message.as_str(), LONGEST_MESSAGE);
            (FAILED, reason.trim_end().to_owned(), message)
        }
    };
    [name, outcome.to_owned(), reason, took, end]
}

fn end(expiry: Expiry, now: Timestamp) -> String {
    match expiry {
        Expiry::At(time) => {
            let left = unix_seconds(time) - unix_seconds(now);
            if left > 0.0 {
                format!("ends in {}", human_duration(left))
            } else {
                format!("ended {} ago", human_duration(-left))
            }
        }
        Expiry::Never => "no end".to_owned(),
        Expiry::Unknown => "end not told".to_owned(),
    }
}

/// A text in one line of at most so many characters.
fn short(text: &str, most: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= most {
        return text.into_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
