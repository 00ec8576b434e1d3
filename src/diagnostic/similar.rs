//! Finds the word that an operator most likely meant.

/// A longer word is similar to nothing, in bytes.
const LONGEST_WORD: usize = 100;

/// The candidate that is most similar to `word`; `None` when no candidate is similar enough.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The comparison takes time and memory for each pair of characters.
    if word.len() > LONGEST_WORD {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            *distance <= (candidate.chars().count().min(word.chars().count()) / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_suggested_only_when_it_is_similar() {
        assert_eq!(nearest("lables", ["labels", "timeout"]), Some("labels"));
        assert_eq!(nearest("zzz", ["labels", "timeout"]), None);
    }
}
