//! What no rule of a recipe has read.

use super::candidate::{Candidate, Suggestion};
use super::find::candidates;
use crate::outcome::{Code, Expiry, Outcome, Reason};
use crate::recipe::{Found, TokenResponse, Trace};
use crate::secret::Redactor;

/// The most lines of one kind: who is shown more reads none.
const MOST_OF_A_KIND: usize = 2;

/// What no rule of the recipe has read and what its outcome lacks; nothing when nothing is lacking.
#[must_use]
pub fn unread(
    response: &TokenResponse,
    trace: &Trace<'_>,
    outcome: &Outcome,
    redactor: &Redactor,
) -> Vec<Suggestion> {
    let unreadable = trace.notes().iter().any(|note| matches!(note.found, Found::NoEnd(..)));
    let wanted: &[&str] = match outcome {
        Outcome::Issued(issued) if issued.expiry == Expiry::Unknown => &["expiry"],
        Outcome::Failed(failure) if failure.reason == Reason::Malformed => {
            if unreadable {
                &["expiry"]
            } else {
                &["format", "token", "expiry", "code", "message"]
            }
        }
        Outcome::Failed(failure) if failure.reason == Reason::Expired => &["expiry"],
        Outcome::Failed(failure) if failure.code == Code::http(response.status) => {
            &["code", "message"]
        }
        Outcome::Issued(_) | Outcome::Failed(_) => &[],
    };
    // One that cannot be read with its unit, or says that the token is past, has been read: with
    // the wrong unit.
    let is_past = matches!(outcome, Outcome::Failed(failure) if failure.reason == Reason::Expired);
    let again = is_past || unreadable;
    let succeeded = (200..300).contains(&response.status);
    let candidates =
        candidates(&response.body, &response.headers, response.received, Some(redactor));
    let mut suggestions: Vec<Suggestion> = Vec::new();
    for candidate in candidates {
        let known = if again {
            reads_with(trace, &candidate)
        } else {
            let reads = |expression| reads(expression, &candidate.path);
            !candidate.path.is_empty() && trace.notes().iter().any(|note| reads(note.expression))
        };
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
fn reads_with(trace: &Trace<'_>, candidate: &Candidate) -> bool {
    trace.notes().iter().any(|note| {
        let unit = match &note.found {
            Found::End { unit, .. } | Found::NoEnd(unit, _) => Some(*unit),
            _ => None,
        };
        unit.is_some() && unit == candidate.unit && reads(note.expression, &candidate.path)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_only_begins_like_another_is_not_read() {
        assert!(reads("json.token | trim", "json.token") && reads("json[\"a-b\"]", "json['a-b']"));
        assert!(!reads("json.token_type", "json.token") && !reads("json.a", "json.b"));
    }
}
