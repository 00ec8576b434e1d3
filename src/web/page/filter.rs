//! Compares providers with the words, labels and causes of a selection.

use super::choice::Cause;
use super::selection::{MAX_TERMS, Selection};
use super::shape::Kind;
use crate::outcome::Failure;
use crate::provider::Provider;

/// What a provider must match, prepared so that many providers can be compared with it.
pub struct Filter<'a> {
    words: Vec<String>,
    selection: &'a Selection,
}

impl<'a> Filter<'a> {
    /// The filter of a selection, apart from its group.
    pub fn of(selection: &'a Selection) -> Self {
        let words =
            selection.text.split_whitespace().take(MAX_TERMS).map(str::to_lowercase).collect();
        Self { words, selection }
    }

    /// Whether a provider has all labels, all words, and the kind and cause of failure. `kind` is
    /// `None` for a provider that is not broken, `failure` also for a paused one.
    pub fn matches(
        &self,
        provider: &Provider,
        failure: Option<&Failure>,
        kind: Option<Kind>,
    ) -> bool {
        let chosen = self.selection;
        self.fits(provider)
            && chosen.kind.is_none_or(|chosen| kind == Some(chosen))
            && chosen.failure.as_ref().is_none_or(|cause| failure.is_some_and(|it| is(it, cause)))
            && self.words.iter().all(|word| contains(word, provider, failure))
    }

    /// Whether a provider has all labels, the vendor, the host and the owner.
    pub fn fits(&self, provider: &Provider) -> bool {
        let chosen = self.selection;
        let is = |wanted: &Option<String>, known: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| known == Some(wanted))
        };
        chosen.labels.iter().all(|label| provider.labels.contains(label))
            && is(&chosen.vendor, provider.recipe.vendor())
            && is(&chosen.host, provider.shown_host())
            && is(&chosen.owner, provider.facts.owner.as_deref())
    }

    /// The words that nothing of a provider has, in lower case.
    pub fn words_not_in(&self, provider: &Provider) -> Vec<&str> {
        let words = self.words.iter().filter(|word| !contains(word, provider, None));
        words.map(String::as_str).collect()
    }
}

fn is(failure: &Failure, cause: &Cause) -> bool {
    failure.reason == cause.reason
        && cause.code.as_deref().is_none_or(|code| failure.code.as_str() == code)
}

fn contains(word: &str, provider: &Provider, failure: Option<&Failure>) -> bool {
    let in_text = |text: &str| text.to_lowercase().contains(word);
    let recipe = &provider.recipe;
    in_text(&provider.name)
        || in_text(&recipe.name)
        || provider.labels.iter().any(|(name, value)| in_text(&format!("{name}={value}")))
        || [
            recipe.vendor(),
            recipe.title.as_deref(),
            provider.endpoint.as_deref(),
            provider.api_host.as_deref(),
            provider.facts.owner.as_deref(),
        ]
        .into_iter()
        .flatten()
        .any(in_text)
        || recipe.aliases().iter().any(|alias| in_text(alias))
        || failure.is_some_and(|failure| {
            in_text(failure.reason.word())
                || in_text(failure.code.as_str())
                || in_text(failure.message.as_str())
        })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::outcome::{Code, Reason};
    use crate::provider::Facts;
    use crate::web::page::samples::provider;

    #[test]
    fn a_provider_must_match_every_word_and_every_label() {
        let mut provider = provider("Billing-API", &[("team", "billing"), ("env", "prod")]);
        provider.facts =
            Arc::new(Facts { owner: Some("Payments on call".into()), ..Facts::default() });
        let failure = Failure::new(Reason::Rejected, "The secret has expired")
            .code(Code::word("invalid_client"));
        let matches = |query: &str, failure: Option<&Failure>| {
            let selection = Selection::parse(query).expect(query);
            let kind = failure.map(|failure| Kind::of(failure.reason.class()));
            Filter::of(&selection).matches(&provider, failure, kind)
        };
        for query in [
            "",
            "q=billing",
            "q=API+bill",
            "q=team%3Dbill",
            "q=oauth2",
            "q=KEYcloak",
            "label=team%3Dbilling&label=env%3Dprod",
            "owner=Payments+on+call",
            "q=payments",
        ] {
            assert!(matches(query, None), "{query}");
        }
        for query in [
            "q=rejected",
            "q=INVALID_client",
            "q=secret+expired+billing",
            "kind=refused",
            "failure=rejected",
            "failure=rejected/invalid_client",
        ] {
            assert!(matches(query, Some(&failure)) && !matches(query, None), "{query}");
        }
        for query in [
            "q=other",
            "q=billing+other",
            "label=team%3Dbill",
            "label=team%3Dbilling&label=env%3Dtest",
            "kind=untried",
            "failure=rejected/",
            "failure=rejected/invalid",
            "failure=secret",
            "vendor=Acme",
            "host=api.example",
            "owner=Payments",
        ] {
            assert!(!matches(query, Some(&failure)), "{query}");
        }
    }
}
