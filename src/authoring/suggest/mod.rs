//! What in an answer looks like a token, an expiry, an error code or a sentence for people: as
//! lines ready to be pasted into a recipe. For `probe`, where no rule has read it, and for the
//! first draft of a recipe.
//!
//! Values are looked at and never repeated, but for the numbers of an expiry and the few words that
//! mean success.

mod expiries;
mod kinds;
mod members;
mod units;

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value as Json;

pub use members::words;

use crate::language::answer;
use crate::outcome::{Expiry, Outcome, Reason, TraceLine};
use crate::recipe::TokenResponse;
use crate::secret::{Redactor, looks_random};
use kinds::{code, format, issued, message, token};
use members::Member;

/// A line for a recipe's `[response]`, with what speaks for it.
#[derive(serde::Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The key that it sets: `token`, `expiry`, `code`, `message`, `issued` or `format`.
    pub rule: &'static str,
    /// The line.
    pub line: String,
    /// Why, without any value that could be secret.
    pub why: String,
    /// What whoever writes the recipe has to look at.
    #[serde(skip)]
    pub todo: Vec<String>,
}

/// Something in an answer that one of the rules could read.
struct Candidate {
    rule: &'static str,
    /// The expression that reads it.
    path: String,
    /// What stands behind `=`, when it is more than the path in quotes.
    value: Option<String>,
    why: String,
    score: u32,
    todo: Vec<String>,
    /// Of an expiry: what it says.
    end: Option<expiries::End>,
}

/// The most lines of one kind: who is shown more reads none.
const MOST_OF_A_KIND: usize = 2;

impl Candidate {
    fn new(rule: &'static str, why: String, score: u32) -> Self {
        Self { rule, path: String::new(), value: None, why, score, todo: Vec::new(), end: None }
    }

    fn suggestion(self) -> Suggestion {
        let value = self.value.unwrap_or_else(|| quoted(&self.path));
        Suggestion {
            rule: self.rule,
            line: format!("{} = {value}", self.rule),
            why: self.why,
            todo: self.todo,
        }
    }
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The body in every form that it can be read as; the first is the likeliest.
fn trees(body: &[u8]) -> Vec<(&'static str, Json)> {
    let all =
        [("json", answer::json(body)), ("form", answer::form(body)), ("xml", answer::xml(body))];
    all.into_iter().find_map(|(name, tree)| Some(vec![(name, tree?)])).unwrap_or_default()
}

/// The structure of a body, for people: of JSON, XML that is no page, and a form. What could be a
/// token with `=` behind it is no form, as names are shown.
#[must_use]
pub fn structure(body: &[u8]) -> Option<Json> {
    let (name, tree) = trees(body).pop()?;
    let plain = |name: &str, value: &Json| {
        let word = name.len() <= 40
            && name.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-.".contains(&byte));
        word && value.as_str().is_some_and(|value| !value.is_empty() && !value.starts_with('='))
    };
    let shown = match (name, tree.as_object()) {
        ("form", Some(members)) => members.iter().all(|(name, value)| plain(name, value)),
        ("xml", Some(members)) => !members.keys().any(|root| root.eq_ignore_ascii_case("html")),
        _ => true,
    };
    shown.then_some(tree)
}

/// What no rule of the recipe has read and what its outcome lacks; nothing when nothing is lacking.
#[must_use]
pub fn unread(
    response: &TokenResponse,
    reading: &[TraceLine],
    outcome: &Outcome,
    redactor: &Redactor,
) -> Vec<Suggestion> {
    let own_word = |words: &[&str], code: &str| words.contains(&code);
    let wanted: &[&str] = match outcome {
        Outcome::Issued(issued) if issued.expiry == Expiry::Unknown => &["expiry"],
        Outcome::Failed(failure) if failure.reason == Reason::Malformed => {
            if own_word(&["expiry_unreadable"], failure.code.as_str()) {
                &["expiry"]
            } else {
                &["format", "token", "expiry", "code", "message"]
            }
        }
        Outcome::Failed(failure) if failure.reason == Reason::Expired => &["expiry"],
        Outcome::Failed(failure)
            if failure.code.as_str() == format!("http_{}", response.status) =>
        {
            &["code", "message"]
        }
        Outcome::Issued(_) | Outcome::Failed(_) => &[],
    };
    // One that cannot be read with its unit, or says that the token is past, has been read: with
    // the wrong unit.
    let again = matches!(outcome, Outcome::Failed(failure) if failure.reason == Reason::Expired || failure.code.as_str() == "expiry_unreadable");
    let succeeded = (200..300).contains(&response.status);
    let candidates =
        candidates(&response.body, &response.headers, response.received, Some(redactor));
    let mut suggestions: Vec<Suggestion> = Vec::new();
    for candidate in candidates {
        let known = again && reads_with(reading, &candidate)
            || !again
                && !candidate.path.is_empty()
                && reading.iter().any(|line| reads(&line.expression, &candidate.path));
        let many =
            suggestions.iter().filter(|suggestion| suggestion.rule == candidate.rule).count()
                >= MOST_OF_A_KIND;
        let fits = succeeded || matches!(candidate.rule, "code" | "message");
        if wanted.contains(&candidate.rule) && !known && !many && fits {
            suggestions.push(candidate.suggestion());
        }
    }
    suggestions
}

/// Whether a rule has read this expiry with this very unit already.
fn reads_with(reading: &[TraceLine], candidate: &Candidate) -> bool {
    let unit =
        candidate.value.as_deref().and_then(|value| value.rsplit('"').nth(1)).unwrap_or_default();
    let marks = [format!("({unit},"), format!("({unit})")];
    reading.iter().any(|line| {
        reads(&line.expression, &candidate.path)
            && marks.iter().any(|mark| line.result.contains(mark.as_str()))
    })
}

/// Whether an expression reads this path: it names it, and nothing that only begins like it.
fn reads(expression: &str, path: &str) -> bool {
    let expression = expression.replace('"', "'");
    expression.match_indices(path).any(|(place, _)| {
        !expression[place + path.len()..]
            .starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// The rules that a sample of an answer suggests, the best of each kind; several samples, such as
/// one of a success and one of a failure, add up.
#[must_use]
pub fn of_samples(samples: &[(HeaderMap, Vec<u8>)], now: Timestamp) -> Vec<Suggestion> {
    let mut all: Vec<Candidate> =
        samples.iter().flat_map(|(headers, body)| candidates(body, headers, now, None)).collect();
    all.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    let mut suggestions: Vec<Suggestion> = Vec::new();
    for rule in ["format", "issued", "token", "expiry"] {
        let place = if rule == "expiry" {
            expiries::choose(&mut all)
        } else {
            all.iter().position(|candidate| candidate.rule == rule)
        };
        if let Some(place) = place {
            suggestions.push(all.remove(place).suggestion());
        }
    }
    for rule in ["code", "message"] {
        let mut several: Vec<&Candidate> = Vec::new();
        for candidate in all.iter().filter(|candidate| candidate.rule == rule) {
            if several.len() < 3 && !several.iter().any(|known| known.path == candidate.path) {
                several.push(candidate);
            }
        }
        if let Some(first) = several.first() {
            let paths: Vec<String> =
                several.iter().map(|candidate| quoted(&candidate.path)).collect();
            let value = if let [only] = paths.as_slice() {
                only.clone()
            } else {
                format!("[{}]", paths.join(", "))
            };
            suggestions.push(Suggestion {
                rule,
                line: format!("{rule} = {value}"),
                why: first.why.clone(),
                todo: Vec::new(),
            });
        }
    }
    suggestions
}

/// Everything in an answer that a rule could read, the likeliest of each kind first.
fn candidates(
    body: &[u8],
    headers: &HeaderMap,
    now: Timestamp,
    redactor: Option<&Redactor>,
) -> Vec<Candidate> {
    let trees = trees(body);
    let members = members::all(&trees, headers);
    // What the credentials went into is no token, and a name that holds a secret is not repeated.
    let hides = |text: &str| redactor.is_some_and(|redactor| redactor.is_secret(text));
    let shows =
        |path: &str| path.chars().all(|c| c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric());
    let members: Vec<&Member> = members
        .iter()
        .filter(|member| shows(&member.path) && !hides(&member.path) && !looks_random(&member.name))
        .collect();
    let mut found: Vec<Candidate> = members.iter().filter_map(|member| token(member)).collect();
    if found.is_empty() && trees.is_empty() && answer::is_word(body) && body.len() >= 8 {
        let why = "the body is one word and nothing else".to_owned();
        found.push(Candidate { path: "body".into(), ..Candidate::new("token", why, 60) });
    }
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    let format = found.first().and_then(|best| format(best, &trees));
    let best =
        found.first().and_then(|best| members.iter().find(|member| member.path == best.path));
    let expiries = expiries::all(&members, best.map(|best| &**best), now);
    // A token that is found in the wrong form of body is not found.
    found.splice(0..0, format);
    found.extend(expiries);
    let mut told: Vec<Candidate> = members
        .iter()
        .flat_map(|member| [code(member, redactor), message(member), issued(member)])
        .flatten()
        .collect();
    told.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    found.extend(told);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDM2MDB9.c2lnbmF0dXJl";
    const RANDOM: &str = "a81bc81b04e54d0e9e6b2d4f5c3a1b77";

    fn now() -> Timestamp {
        "2023-11-14T22:13:20Z".parse().expect("a date")
    }

    fn lines(bodies: &[&str]) -> Vec<String> {
        let samples: Vec<_> =
            bodies.iter().map(|body| (HeaderMap::new(), body.as_bytes().to_vec())).collect();
        of_samples(&samples, now()).into_iter().map(|suggestion| suggestion.line).collect()
    }

    #[test]
    fn samples_become_rules() {
        for (bodies, expected) in [
            (
                vec![
                    r#"{"token_type":"Bearer","expires_in":3600,"refresh_token":"r","access_token":"a","refresh_expires_in":60}"#,
                ],
                vec![
                    r#"token = "json.access_token""#,
                    r#"expiry = [{ value = "json.expires_in", unit = "seconds" }]"#,
                ],
            ),
            (
                vec![r#"{"code":0,"msg":"ok","expire":7200,"tenant_access_token":"t-xyz"}"#],
                vec![
                    r#"issued = "json.code == 0""#,
                    r#"token = "json.tenant_access_token""#,
                    r#"expiry = [{ value = "json.expire", unit = "seconds" }]"#,
                    r#"code = "json.code""#,
                    r#"message = "json.msg""#,
                ],
            ),
            (
                vec![
                    r#"{"data":{"jwt":"x","valid-until":"2023-11-14T23:13:20Z"},"expires":1}"#,
                    r#"{"error":{"code":"E7","message":"no such key"}}"#,
                ],
                vec![
                    r#"token = "json.data.jwt""#,
                    r#"expiry = [{ value = "json.data['valid-until']", unit = "rfc3339" }]"#,
                    r#"code = "json.error.code""#,
                    r#"message = "json.error.message""#,
                ],
            ),
            (
                vec!["access_token=abc&expires_in=60"],
                vec![
                    r#"format = "form""#,
                    r#"token = "form.access_token""#,
                    r#"expiry = [{ value = "form.expires_in", unit = "seconds" }]"#,
                ],
            ),
            (
                vec!["<r><Token>abc</Token><Ttl>3600</Ttl></r>"],
                vec![
                    r#"format = "xml""#,
                    r#"token = "xml.r.Token""#,
                    r#"expiry = [{ value = "xml.r.Ttl", unit = "seconds" }]"#,
                ],
            ),
            (vec![RANDOM], vec![r#"format = "text""#, r#"token = "body""#]),
        ] {
            assert_eq!(lines(&bodies), expected, "{bodies:?}");
        }
    }

    #[test]
    fn a_token_that_says_itself_when_it_ends_needs_no_other_member() {
        assert_eq!(
            lines(&[&format!(r#"{{"value":"{JWT}"}}"#)]),
            [r#"token = "json.value""#, r#"expiry = [{ value = "token", unit = "jwt" }]"#]
        );
    }

    #[test]
    fn a_token_in_a_header_is_found_and_other_headers_are_none() {
        let headers = HeaderMap::from_iter([
            (http::HeaderName::from_static("x-request-id"), RANDOM.parse().expect("a value")),
            (http::HeaderName::from_static("x-subject-token"), RANDOM.parse().expect("a value")),
        ]);
        let lines: Vec<String> = of_samples(
            &[(headers, br#"{"token":{"expires_at":"2023-11-14T23:13:20Z"}}"#.to_vec())],
            now(),
        )
        .into_iter()
        .map(|suggestion| suggestion.line)
        .collect();
        assert_eq!(
            lines,
            [
                r#"token = "http.headers['x-subject-token']""#,
                r#"expiry = [{ value = "json.token.expires_at", unit = "rfc3339" }]"#
            ]
        );
    }

    #[test]
    fn what_is_no_token_is_not_taken_for_one() {
        for body in [
            r#"{"token_type":"Bearer","refresh_token":"abcdef","token_url":"https://x.example/t","request_id":"a81bc81b04e54d0e9e6b2d4f5c3a1b77","expires":"2023-11-14T23:13:20.000000Z","name":"two words"}"#,
            "two words",
            "<html><body>Bad gateway</body></html>",
        ] {
            assert!(
                !lines(&[body]).iter().any(|line| line.starts_with("token")),
                "{body}: {:?}",
                lines(&[body])
            );
        }
    }

    #[test]
    fn the_structure_of_a_token_by_itself_and_of_a_page_is_not_shown() {
        for body in [
            "YWJjZGVmZ2hpamtsbW5vcA==",
            "abcdefghijklmnop=",
            "abc123def=x",
            "<html><body>x</body></html>",
            "abc",
        ] {
            assert_eq!(structure(body.as_bytes()), None, "{body}");
        }
        for body in ["{}", "<r><t>x</t></r>", "access_token=abc&expires_in=60"] {
            assert!(structure(body.as_bytes()).is_some(), "{body}");
        }
    }

    #[test]
    fn a_name_that_only_begins_like_another_is_not_read() {
        assert!(reads("json.token | trim", "json.token") && reads("json[\"a-b\"]", "json['a-b']"));
        assert!(!reads("json.token_type", "json.token") && !reads("json.a", "json.b"));
    }

    #[test]
    fn no_line_repeats_a_value() {
        for body in [
            format!(
                r#"{{"token":"{RANDOM}","{RANDOM}":"{JWT}","error":"{RANDOM}","message":"{RANDOM}"}}"#
            ),
            RANDOM.into(),
            format!("token={RANDOM}&x={JWT}"),
        ] {
            let samples = [(HeaderMap::new(), body.clone().into_bytes())];
            let shown = format!("{:?}", of_samples(&samples, now()));
            assert!(
                shown.contains("token") && !shown.contains(RANDOM) && !shown.contains("eyJ"),
                "{shown}"
            );
        }
    }
}
