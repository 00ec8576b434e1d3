//! Times, durations and texts for people.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;
use maud::{Markup, html};
use percent_encoding::utf8_percent_encode;

use crate::links::UNRESERVED;
use crate::outcome::Reason;
use crate::printable::is_deceptive;
use crate::time::human_duration;

/// A duration in at most two units, in whole seconds: smaller units would change at each update.
pub fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round();
    if seconds < 10.0 { format!("{seconds:.0}s") } else { human_duration(seconds) }
}

/// A duration in its largest unit.
pub fn unit(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    let units = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "m")];
    let (length, unit) =
        units.into_iter().find(|(length, _)| seconds >= *length).unwrap_or((1.0, "s"));
    format!("{:.0}{unit}", (seconds / length).floor())
}

/// The duration of a request or of a part of it.
pub fn took(seconds: f64) -> String {
    match seconds {
        seconds if seconds > 0.0 && seconds < 0.000_05 => "<0.1ms".into(),
        seconds if seconds > 0.0 && seconds < 0.009_5 => format!("{:.1}ms", seconds * 1e3),
        seconds => human_duration(seconds),
    }
}

/// A time in the past, `seconds` ago.
pub fn ago(seconds: f64) -> String {
    if seconds < 1.0 { "just now".into() } else { format!("{} ago", span(seconds)) }
}

/// A time in the future, or in the past when `seconds` is negative.
pub fn relative(seconds: f64) -> String {
    if seconds < -0.5 {
        ago(-seconds)
    } else if seconds < 0.5 {
        "now".into()
    } else {
        format!("in {}", span(seconds))
    }
}

/// The whole date and time.
pub fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A time as an element that shows `text`, with the whole date as its tooltip and for programs.
pub fn moment(time: Timestamp, text: &str) -> Markup {
    let datetime = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    html! { time datetime=(datetime) title=(stamp(time)) { (text) } }
}

/// A time that shows its whole date; the script shows the local one beside it.
pub fn clock(time: Timestamp) -> Markup {
    show(time, "full", &stamp(time))
}

/// A time without its seconds, for ends that are far away; the script shows the local one beside
/// it.
pub fn clock_to_minutes(time: Timestamp) -> Markup {
    show(time, "end", &time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// The hours and minutes of a time; the script shows the local ones.
pub fn minute(time: Timestamp) -> Markup {
    show(time, "minute", &time.strftime("%H:%M UTC").to_string())
}

/// The date of a time; the script shows the local one.
pub fn day(time: Timestamp) -> Markup {
    show(time, "date", &time.strftime("%Y-%m-%d").to_string())
}

fn show(time: Timestamp, how: &str, text: &str) -> Markup {
    let datetime = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    html! { time datetime=(datetime) title=(stamp(time)) data-show=(how) { (text) } }
}

/// A number with its noun in singular or plural.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A number with commas between thousands.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A text in which deceptive characters are written as `[U+202E]`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_deceptive(character) {
            let _ = write!(shown, "[U+{:04X}]", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// A text from outside, escaped and isolated, so that right-to-left text does not reorder the text
/// around it.
pub fn untrusted(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// A sentence of credwatch, in which text between backticks becomes code.
pub fn prose(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// The address of a provider's page, relative to `/`.
pub fn provider_path(name: &str) -> String {
    match name {
        // Browsers remove these two names from a path, even when they are escaped.
        "." | ".." => format!("providers?name={name}"),
        _ => format!("providers/{}", utf8_percent_encode(name, UNRESERVED)),
    }
}

/// A name, escaped for a query.
pub fn query_value(name: &str) -> String {
    utf8_percent_encode(name, UNRESERVED).to_string()
}

/// The address that explains a reason, relative to `/`.
pub fn runbook(reason: Reason) -> String {
    format!("reasons#{}", reason.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_whole_seconds_and_at_most_two_units() {
        assert_eq!(
            [span(0.2), span(3.4), span(59.6), span(3_570.0)],
            ["0s", "3s", "1m", "59m 30s"]
        );
        assert_eq!(
            [relative(-90.0), relative(0.1), relative(12.3)],
            ["1m 30s ago", "now", "in 12s"]
        );
        assert_eq!(
            [unit(-1.0), unit(59.9), unit(60.0), unit(7_199.0), unit(1e6)],
            ["0s", "59s", "1m", "1h", "11d"]
        );
        assert_eq!([ago(0.4), ago(61.0)], ["just now", "1m 1s ago"]);
        assert_eq!(
            [took(0.0), took(0.000_01), took(0.000_4), took(0.0623), took(2.0)],
            ["0ms", "<0.1ms", "0.4ms", "62ms", "2.0s"]
        );
        assert_eq!([grouped(7), grouped(1_000), grouped(1_234_567)], ["7", "1,000", "1,234,567"]);
    }

    #[test]
    fn text_from_outside_cannot_become_markup_and_hides_nothing() {
        assert_eq!(
            untrusted("<img src=x onerror=\"a()\">&\u{202e}\0").into_string(),
            "<bdi>&lt;img src=x onerror=&quot;a()&quot;&gt;&amp;[U+202E][U+0000]</bdi>"
        );
        assert_eq!(untrusted("Zürich 東京").into_string(), "<bdi>Zürich 東京</bdi>");
    }

    #[test]
    fn backticks_in_our_own_sentences_become_code() {
        assert_eq!(prose("Run `a <b>` now.").into_string(), "Run <code>a &lt;b&gt;</code> now.");
    }

    #[test]
    fn any_name_can_be_used_in_a_path() {
        for (name, path) in [
            ("billing-api", "providers/billing-api"),
            ("a/b?c#d", "providers/a%2Fb%3Fc%23d"),
            ("it's", "providers/it%27s"),
            ("-x", "providers/-x"),
            ("..", "providers?name=.."),
            ("\u{202e}x", "providers/%E2%80%AEx"),
        ] {
            assert_eq!(provider_path(name), path);
        }
    }
}
