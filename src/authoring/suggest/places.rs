//! The places of a code and a message in several refusals.

use super::candidate::{Candidate, Suggestion, quoted};
use super::kinds::ONLY_FAILURE;

/// The most places of a code or a message in a rule.
const MOST_PLACES: usize = 3;

/// The rules for code and message, each with its likeliest places first.
pub fn places(samples: &[&Vec<Candidate>]) -> Vec<Suggestion> {
    let mut suggestions = Vec::new();
    for rule in ["code", "message"] {
        let mut several: Vec<(u32, &Candidate)> = Vec::new();
        for candidate in samples.iter().flat_map(|sample| sample.iter()) {
            let is_new = !several.iter().any(|(_, known)| known.path == candidate.path);
            if candidate.rule == rule && is_new {
                several.push((score(candidate, samples), candidate));
            }
        }
        several.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        if rule == "code" {
            drop_useless(&mut several);
        }
        several.truncate(MOST_PLACES);
        let Some((_, first)) = several.first() else { continue };
        let paths: Vec<String> =
            several.iter().map(|(_, candidate)| quoted(&candidate.path)).collect();
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
            or: None,
        });
    }
    suggestions
}

/// Drops codes that say only that the request failed, where there are others, and whole texts of
/// which another place reads the code at their beginning.
fn drop_useless(several: &mut Vec<(u32, &Candidate)>) {
    if several.first().is_some_and(|(best, _)| *best > ONLY_FAILURE) {
        several.retain(|(score, _)| *score > ONLY_FAILURE);
    }
    let parts: Vec<String> = several
        .iter()
        .filter_map(|(_, one)| Some(one.path.split_once(" | ")?.0.to_owned()))
        .collect();
    several.retain(|(_, one)| !parts.contains(&one.path));
}

/// The lowest score in all samples. A code that differs between refusals tells more.
fn score(candidate: &Candidate, samples: &[&Vec<Candidate>]) -> u32 {
    const FOR_EACH: u32 = 30;
    let mut values: Vec<&str> = Vec::new();
    let mut lowest = candidate.score;
    for other in samples.iter().flat_map(|sample| sample.iter()) {
        if (other.rule, &other.path) == (candidate.rule, &candidate.path) {
            lowest = lowest.min(other.score);
            if !values.contains(&other.sample.as_str()) {
                values.push(&other.sample);
            }
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "as many as samples")]
    let distinct = values.len().saturating_sub(1) as u32;
    if lowest <= FOR_EACH { lowest } else { lowest + FOR_EACH * distinct }
}
