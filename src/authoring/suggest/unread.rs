//! Suggestions for the parts of a response that no rule reads.

use super::candidate::{Candidate, Suggestion};
use super::find::candidates;
use crate::outcome::{Code, Expiry, Outcome, Reason};
use crate::recipe::{Found, ObservedAnswer, Trace};

/// The most suggestions for one rule, so that people read them.
const MOST_OF_A_KIND: usize = 2;

/// Suggestions for what the outcome lacks; empty when it lacks nothing.
#[must_use]
pub fn unread(answer: &ObservedAnswer<'_>, outcome: &Outcome) -> Vec<Suggestion> {
    let (response, trace) = (answer.response, answer.trace);
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
        // A code that repeats the status says no more than it.
        Outcome::Failed(failure)
            if failure.code == Code::http(response.status)
                || failure.code.as_str() == response.status.to_string() =>
        {
            &["code", "message"]
        }
        Outcome::Issued(_) | Outcome::Accepted | Outcome::Failed(_) => &[],
    };
    // An unreadable or past expiry probably has the wrong unit, so it is suggested again.
    let is_past = matches!(outcome, Outcome::Failed(failure) if failure.reason == Reason::Expired);
    let again = is_past || unreadable;
    let succeeded = (200..300).contains(&response.status);
    let candidates = candidates(
        Some(response.status),
        &response.headers,
        &response.body,
        response.received,
        Some(answer.redactor),
    );
    let mut suggestions: Vec<Suggestion> = Vec::new();
    for candidate in candidates {
        let known = if again {
            reads_with(trace, &candidate)
        } else {
            let reads = |expression| reads(expression, &candidate.path);
            // After a rule that found something, the next ones for the same purpose are not tried.
            let noted = trace.notes().iter().map(|note| note.expression);
            let mut known = noted.chain(answer.alternatives.iter().copied());
            !candidate.path.is_empty() && known.any(reads)
        };
        let many =
            suggestions.iter().filter(|suggestion| suggestion.rule == candidate.rule).count()
                >= MOST_OF_A_KIND;
        let repeats = candidate.rule == "code" && candidate.sample == response.status.to_string();
        let fits = succeeded || matches!(candidate.rule, "code" | "message");
        if wanted.contains(&candidate.rule) && !known && !many && !repeats && fits {
            suggestions.push(candidate.suggestion());
        }
    }
    suggestions
}

/// Whether a rule read this expiry with the same unit.
fn reads_with(trace: &Trace<'_>, candidate: &Candidate) -> bool {
    trace.notes().iter().any(|note| {
        let unit = match &note.found {
            Found::End { unit, .. } | Found::NoEnd(unit, _) => Some(*unit),
            _ => None,
        };
        unit.is_some() && unit == candidate.unit && reads(note.expression, &candidate.path)
    })
}

/// Whether an expression names this path and not only a longer one.
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
    fn an_expression_with_a_longer_path_does_not_read_the_shorter_one() {
        assert!(reads("json.token | trim", "json.token") && reads("json[\"a-b\"]", "json['a-b']"));
        assert!(!reads("json.token_type", "json.token") && !reads("json.a", "json.b"));
    }
}
