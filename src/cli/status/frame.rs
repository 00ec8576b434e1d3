//! What the terminal shows of a daemon.

use jiff::Timestamp;
use serde_json::Value;

use super::super::print::Style::{Bad, Dim, Good, Head};
use super::super::print::counted;
use super::asked::Overview;
use super::row::Row;
use crate::printable::printable;
use crate::state::State;

/// The most characters of a name.
const LONGEST_NAME: usize = 40;

/// The size of a terminal, in characters and lines.
pub struct Window {
    pub width: usize,
    pub height: usize,
}

/// The lines for this state. A problem stands above them, when the last request had one.
pub fn frame(
    url: &str,
    time: &str,
    overview: Option<&Overview>,
    rows: &[Row],
    problem: Option<&str>,
    window: &Window,
) -> Vec<String> {
    let mut lines = vec![Dim.paint(&cut(&format!("{url}  {time}"), window.width))];
    if let Some(problem) = problem {
        lines.push(Bad.paint(&cut(&format!("no answer: {problem}"), window.width)));
    }
    let Some(overview) = overview else { return lines };
    lines.push(counts(overview));
    if overview.stalled {
        lines.push(Bad.paint("the scheduler makes no progress: nothing below is current"));
    }
    lines.extend(paused(overview).map(|text| Dim.paint(&cut(&text, window.width))));
    if rows.is_empty() {
        return lines;
    }
    lines.push(String::new());
    let names = rows.iter().map(|row| printable(&row.name).chars().count());
    let reasons = rows.iter().map(|row| row.reason.trim_end().chars().count());
    let name = names.max().unwrap_or_default().clamp(8, LONGEST_NAME);
    let reason = reasons.max().unwrap_or_default().clamp(6, LONGEST_NAME);
    let head = format!(
        "{:<7}  {:<name$}  {:<reason$}  {:>7}  {:<14}  MESSAGE",
        "STATE", "PROVIDER", "REASON", "SINCE", "RUNWAY"
    );
    lines.push(Head.paint(&cut(&head, window.width)));
    // One line stays for the rest, and one for the cursor.
    let room = window.height.saturating_sub(lines.len() + 2).max(1);
    for row in rows.iter().take(room) {
        let text = format!(
            "{:<7}  {:<name$}  {:<reason$}  {:>7}  {:<14}  {}",
            printable(&row.state),
            cut(&printable(&row.name), name),
            cut(&printable(row.reason.trim_end()), reason),
            row.since,
            row.runway,
            printable(&row.message)
        );
        let text = cut(&text, window.width);
        // The word of the state has the colour.
        let style = if row.state == "broken" { Bad } else { Head };
        let parts = text.split_at_checked(row.state.len());
        let (state, rest) = parts.unwrap_or((&text, ""));
        lines.push(format!("{}{rest}", style.paint(state)));
    }
    let all = overview.count(State::Broken) + overview.count(State::Failing);
    let hidden = all.saturating_sub(rows.len().min(room) as u64);
    if hidden > 0 {
        lines.push(Dim.paint(&format!("… and {hidden} more")));
    }
    lines
}

/// `2 broken, 1 failing, 25 healthy, 2 paused of 30 providers`
fn counts(overview: &Overview) -> String {
    let of = |state: State| (overview.count(state), state.word());
    let order = [State::Broken, State::Failing, State::Unknown, State::Healthy];
    let mut parts: Vec<String> = order
        .into_iter()
        .filter(|state| overview.count(*state) > 0)
        .map(|state| {
            let (count, word) = of(state);
            let text = format!("{count} {word}");
            match state {
                State::Broken => Bad.paint(&text),
                State::Healthy => Good.paint(&text),
                _ => Head.paint(&text),
            }
        })
        .collect();
    if overview.paused > 0 {
        parts.push(Dim.paint(&format!("{} paused", overview.paused)));
    }
    let all = overview.counts.iter().map(|(_, count)| count).sum::<u64>() + overview.paused;
    let all = counted(usize::try_from(all).unwrap_or(usize::MAX), "provider");
    if parts.is_empty() { all } else { format!("{} of {all}", parts.join(", ")) }
}

/// `paused: crm until 2026-12-01 08:00 UTC, erp without an end`
fn paused(overview: &Overview) -> Option<String> {
    let told: Vec<String> = overview
        .paused_providers
        .iter()
        .map(|provider| {
            let text = |path: &str| provider.pointer(path).and_then(Value::as_str);
            let name = cut(&printable(text("/name").unwrap_or_default()), LONGEST_NAME);
            let until = text("/paused/until").and_then(|text| text.parse::<Timestamp>().ok());
            match until {
                Some(until) => format!("{name} until {}", until.strftime("%Y-%m-%d %H:%M UTC")),
                None => format!("{name} without an end"),
            }
        })
        .collect();
    let rest = overview.paused.saturating_sub(told.len() as u64);
    let rest = if rest > 0 { format!(", and {rest} more") } else { String::new() };
    (!told.is_empty()).then(|| format!("paused: {}{rest}", told.join(", ")))
}

/// The first characters of a text.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_broken_ones_come_first_and_each_line_fits_the_window() {
        let provider = |name: &str, state: &str| {
            json!({
                "name": name, "state": state, "kind": "issued", "token": null,
                "failure": {
                    "class": "credential", "reason": "rejected", "code": "1003",
                    "message": "long \u{1b}[2J ".repeat(30), "since": "2026-01-01T00:00:00Z",
                },
            })
        };
        let counts = vec![(State::Broken, 9), (State::Failing, 1), (State::Healthy, 3)];
        let providers = vec![provider("a", "failing"), provider("b", "broken")];
        let paused_providers = vec![
            json!({ "name": "c", "paused": { "until": "2026-01-01T08:00:00Z" } }),
            json!({ "name": "d", "paused": { "until": null } }),
        ];
        let overview = Overview { counts, paused: 3, paused_providers, stalled: false, providers };
        let wide = Window { width: 200, height: 24 };
        let line = frame("http://x/", "now", Some(&overview), &[], None, &wide)[2].clone();
        let told = "paused: c until 2026-01-01 08:00 UTC, d without an end, and 1 more";
        assert!(line.contains(told), "{line}");
        let overview = Overview { paused_providers: Vec::new(), paused: 2, ..overview };
        let rows = overview.rows(1_767_225_660.0);
        let window = Window { width: 80, height: 24 };
        let lines = frame("http://x/", "now", Some(&overview), &rows, None, &window);
        assert!(lines[1].contains("9 broken") && lines[1].contains("2 paused"), "{}", lines[1]);
        assert!(lines[1].ends_with("of 15 providers"), "{}", lines[1]);
        assert!(lines[4].contains("broken") && lines[4].contains("rejected 1003"), "{}", lines[4]);
        assert!(lines[5].contains("failing") && lines[6].contains("8 more"), "{lines:?}");
        for line in &lines {
            // A style adds two characters that are not printed.
            let printed = line.chars().filter(|c| !c.is_control()).count();
            assert!(printed <= 80 && !line.contains('\u{1b}'), "{line:?}");
        }
        let low = Window { width: 80, height: 6 };
        let lines = frame("http://x/", "now", Some(&overview), &rows, Some("gone"), &low);
        assert!(lines[1].contains("no answer: gone"));
        assert_eq!(lines.len(), 7, "one row at least: {lines:?}");
    }
}
