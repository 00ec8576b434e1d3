//! Compares an outcome with the expected one.

use std::time::Duration;

use http::HeaderValue;
use jiff::Timestamp;

use super::{ByCredential, Prepared, RecordedRequest};
use crate::outcome::{CredentialEnd, Expiry, Outcome};
use crate::recipe::request::Headers;

const UNKNOWN: &str = "unknown";

impl Prepared {
    /// Adds the differences between the expected ends of credentials and these.
    pub fn compare_ends(&self, ends: &[CredentialEnd], differences: &mut Vec<String>) {
        let expected = &self.exchange.outcome;
        let known = ends.iter().filter(|end| end.expiry != Expiry::Unknown);
        let found = known.map(|end| (&*end.credential, words(end.expiry)));
        let wanted = expected.credential_expires.as_ref();
        compare_each("credential_expires", wanted, found.collect(), differences);
        // Most exchanges are not about the age.
        if let Some(wanted) = &expected.credential_created {
            let found = ends.iter().filter_map(|end| {
                end.created.map(|created| (&*end.credential, created.to_string()))
            });
            compare_each("credential_created", Some(wanted), found.collect(), differences);
        }
    }

    /// Adds the differences between the expected outcome and this one.
    pub fn compare_outcome(&self, outcome: &Outcome, differences: &mut Vec<String>) {
        let expected = &self.exchange.outcome;
        let outcomes = [expected.expires.is_some(), expected.reason.is_some(), expected.accepted];
        if outcomes.into_iter().filter(|given| *given).count() != 1 {
            differences.push(
                "  [outcome] needs one of `expires` (a time such as 2023-11-14T23:13:20Z, \
                 \"never\" or \"unknown\"), `accepted = true` and `reason` (such as \"rejected\")"
                    .into(),
            );
            return;
        }
        let number = |name: &str, number: Option<f64>| {
            number.map_or_else(|| format!("no `{name}`"), |number| format!("{name} = {number:.3}"))
        };
        let mut compare =
            |what: &str, expected: &str, actual: &str| compare(what, expected, actual, differences);
        let success = if expected.accepted { "accepted" } else { "a token" };
        match outcome {
            Outcome::Accepted => {
                let wanted = expected.reason.as_ref().map_or(success, |_| "a failure");
                compare("outcome", wanted, "accepted");
            }
            Outcome::Issued(issued) => {
                let wanted = expected.reason.as_ref().map_or(success, |_| "a failure");
                let wanted = expected.expires.as_deref().map_or(wanted.into(), written);
                compare("outcome", &wanted, &words(issued.expiry));
                let [wanted, lifetime] = [expected.lifetime_seconds, issued.lifetime]
                    .map(|seconds| number("lifetime_seconds", seconds));
                compare("lifetime", &wanted, &lifetime);
            }
            Outcome::Failed(failure) => {
                let (reason, message) = (failure.reason.word(), failure.message.as_str());
                if expected.reason.as_deref() != Some(reason) {
                    let wanted = expected.reason.as_deref().unwrap_or(success);
                    compare("outcome", wanted, &format!("{reason}: {message}"));
                }
                let code = expected.code.as_deref().unwrap_or_default();
                compare("code", code, failure.code.as_str());
                compare("message", expected.message.as_deref().unwrap_or(message), message);
                let wait = failure.retry_after.as_ref().map(Duration::as_secs_f64);
                let [wanted, wait] = [expected.retry_after_seconds, wait]
                    .map(|seconds| number("retry_after_seconds", seconds));
                compare("retry_after", &wanted, &wait);
                let missing = expected.missing_scopes.unwrap_or_default().to_string();
                compare("missing_scopes", &missing, &failure.missing_scopes.to_string());
            }
        }
    }
}

/// Compares what the answers say about each credential.
fn compare_each(
    what: &str,
    expected: Option<&ByCredential>,
    mut found: Vec<(&str, String)>,
    differences: &mut Vec<String>,
) {
    let named = |list: &[(&str, String)]| {
        let each: Vec<String> = list.iter().map(|(name, text)| format!("{name}: {text}")).collect();
        if each.is_empty() { UNKNOWN.into() } else { each.join(", ") }
    };
    match (expected, found.as_slice()) {
        (Some(ByCredential::Each(each)), _) => {
            let each = each.0.iter().map(|(name, text)| (name.get_ref().as_str(), written(text)));
            let mut each: Vec<_> = each.collect();
            each.sort();
            found.sort();
            compare(what, &named(&each), &named(&found), differences);
        }
        (Some(ByCredential::One(text)), [(_, found)]) => {
            compare(what, &written(text), found, differences);
        }
        (Some(ByCredential::One(text)), _) => {
            compare(what, &written(text), &named(&found), differences);
        }
        (None, _) => compare(what, UNKNOWN, &named(&found), differences),
    }
}

/// A time as this program writes it: two texts with different offsets can be the same moment.
pub fn written(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(|_| text.to_owned(), |time| time.to_string())
}

pub fn words(expiry: Expiry) -> String {
    match expiry {
        Expiry::At(end) => end.to_string(),
        Expiry::Never => "never".into(),
        Expiry::Unknown => UNKNOWN.into(),
    }
}

/// The expected headers, sorted.
#[must_use]
pub fn expected_headers(request: &RecordedRequest) -> String {
    let headers = request.headers.0.iter();
    sorted(headers.map(|(name, value)| format!("{}: {value}", name.get_ref().to_lowercase())))
}

pub fn actual_headers(headers: &Headers) -> String {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    sorted(headers.pairs().map(|(name, value)| format!("{name}: {}", text(value))))
}

fn sorted(lines: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines.join(" | ")
}

pub fn compare(what: &str, expected: &str, actual: &str, differences: &mut Vec<String>) {
    if expected != actual {
        differences.push(format!("  {what}\n    expected {expected}\n    got      {actual}"));
    }
}
