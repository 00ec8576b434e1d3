//! The sentences of a fault. A fault goes to terminals, logs and tickets, so a part of a file
//! becomes part of a sentence only through a rule of [`Shown`].

use std::fmt;
use std::path::Path;

use super::similar::nearest;
use crate::secret::{is_plain_name, is_plain_path};

/// A sentence that is made of constants and of [`Shown`] parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence(String);

/// A part of a sentence that may be shown: a constant, or a text that passed a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

/// Replaces a text that must not be shown. It is the same for all texts, so it shows no length.
pub const BLANK: &str = "***";

impl Sentence {
    /// The template with one part in place of each `{}`.
    #[must_use]
    pub fn fill<const N: usize>(template: &'static str, parts: [Shown; N]) -> Self {
        let mut pieces = template.split("{}");
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for (piece, part) in pieces.zip(parts) {
            text.push_str(&part.0);
            text.push_str(piece);
        }
        Self(text)
    }

    /// `with` with the part in place of `{}`, or `without` when the part must not be shown.
    #[must_use]
    pub fn naming(with: &'static str, part: Option<Shown>, without: &'static str) -> Self {
        part.map_or_else(|| without.into(), |part| Self::fill(with, [part]))
    }

    /// The sentence.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Sentence {
    fn from(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl From<Shown> for Sentence {
    fn from(part: Shown) -> Self {
        Self(part.0)
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Shown {
    /// A name that the operator chose, such as that of a provider; `***` when it does not look like
    /// a name.
    #[must_use]
    pub fn name(text: &str) -> Self {
        Self(if is_plain_name(text) { text } else { BLANK }.to_owned())
    }

    /// A path that stands in a file as `written`; `a file` when nothing has this path and it does
    /// not look like one.
    #[must_use]
    pub fn path(path: &Path, written: &str) -> Self {
        let shown = is_plain_path(written) || path.exists();
        Self(if shown { path.display().to_string() } else { "a file".to_owned() })
    }

    /// The word, when it is one of the known words or nearly one: then it is no secret. The known
    /// words are constants of the format.
    #[must_use]
    pub fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        (word.len() <= 40 && nearest(word, known).is_some()).then(|| Self(word.to_owned()))
    }

    /// As [`Shown::near`], for names that an operator chose: it counts only those that look like
    /// names.
    #[must_use]
    pub fn near_name<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        Self::near(word, known.into_iter().filter(|name| is_plain_name(name)))
    }

    /// The known words that look like names, each in backticks; `None` when there are none.
    #[must_use]
    pub fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let words: Vec<String> = words
            .into_iter()
            .filter(|word| is_plain_name(word))
            .map(|word| format!("`{word}`"))
            .collect();
        (!words.is_empty()).then(|| Self(words.join(", ")))
    }

    /// An argument of the command line, or a text of a library or of the system that does not
    /// quote the file.
    #[must_use]
    pub fn outside_of_files(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl From<&'static str> for Shown {
    fn from(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl From<usize> for Shown {
    fn from(number: usize) -> Self {
        Self(number.to_string())
    }
}

/// ``did you mean `x`?``, or the list of all candidates when none is similar. The candidates are
/// constants of the format.
#[must_use]
pub fn suggestion<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Sentence {
    if let Some(near) = nearest(word, candidates.clone()) {
        return Sentence::fill("did you mean `{}`?", [Shown(near.to_owned())]);
    }
    let all: Vec<String> =
        candidates.into_iter().map(|candidate| format!("`{candidate}`")).collect();
    if all.is_empty() {
        "there is nothing to choose from here".into()
    } else {
        Sentence::fill("expected one of {}", [Shown(all.join(", "))])
    }
}

/// As [`suggestion`], for names that an operator chose: those that do not look like names are left
/// out.
#[must_use]
pub fn suggestion_of_names<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Sentence {
    let names: Vec<&str> = candidates.into_iter().filter(|name| is_plain_name(name)).collect();
    suggestion(word, names.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_only_parts_that_may_be_shown() {
        let told = |name: &str| Sentence::fill("the recipe `{}` is here", [Shown::name(name)]);
        assert_eq!(told("crm-eu").as_str(), "the recipe `crm-eu` is here");
        assert_eq!(told("kX9canaryQ7zT2").as_str(), "the recipe `***` is here");
        assert_eq!(
            Shown::near("intervall", ["interval"]).map(|part| part.0),
            Some("intervall".into())
        );
        assert_eq!(Shown::near("hunter2canary", ["interval"]), None);
        let near_name =
            |word| Shown::near_name(word, ["client_id", "kX9canaryQ7zT2"]).map(|part| part.0);
        assert_eq!(near_name("clientid"), Some("clientid".into()));
        assert_eq!(near_name("kX9canaryQ7zT2"), None);
        assert_eq!(near_name("kX9canaryQ7zT3"), None);
        assert_eq!(suggestion("lables", ["labels"]).as_str(), "did you mean `labels`?");
        assert_eq!(
            suggestion_of_names("x", ["labels", "kX9canaryQ7zT2", "timeout"]).as_str(),
            "expected one of `labels`, `timeout`"
        );
        assert_eq!(
            suggestion_of_names("kX9canaryQ7zT3", ["labels", "kX9canaryQ7zT2"]).as_str(),
            "expected one of `labels`"
        );
    }
}
